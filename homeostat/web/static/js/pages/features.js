// Features: each one by day against what its version was trained on, and what is missing.
import { api } from "../api.js";
import { createDayChart } from "../charts/day-chart.js";
import { bars, categories, fan, share } from "../charts/panels.js";
import { h, setText, whenChanged } from "../dom.js";
import { count, DAY, fixed, known, longDate, NONE, percent, plural } from "../format.js";
import { addressWith, at, followLinks, query, startPage, tooltip } from "../page.js";
import { tipRows, tipTitle } from "../tooltip.js";
import { card, cell, emptyCard, table } from "./parts.js";

const MOST = 12; // categories shown by name

const times = ({ psi, limit }) => (known(psi) ? psi / limit : -1);
const byDrift = (features) => [...features].sort((a, b) => times(b) - times(a));

async function read(state) {
  if (!state.loop) return { features: [], detail: null };
  const features = byDrift(await api.features(state.loop));
  const name = features.find(({ feature }) => feature === query().get("feature"))?.feature ?? features[0]?.feature;
  return { features, detail: name ? await api.feature(state.loop, name) : null };
}

function headline({ features }) {
  const measured = features.filter(({ psi }) => known(psi));
  if (!measured.length) return ["No feature is measured yet.", "Each day that ends is compared with the training data of the version that serves."];
  const shifted = measured.filter((one) => times(one) > 1);
  const gaps = features.filter(({ missing, reference_missing: before }) => known(missing) && known(before) && missing > before + 0.05);
  const skewed = features.filter(({ skew }) => skew.rate > 0);
  if (skewed.length) return [`Serving and training disagree on ${skewed.map(({ feature }) => feature).slice(0, 5).join(", ")}.`, `Recomputed rows differ from what was served: ${skewed[0].skew.cause?.replaceAll("_", " ") ?? "no cause found"}.`];
  const main = shifted.length ? `PSI is above its limit for ${shifted.length} of ${plural(features.length, "feature")}.` : "PSI is within its limit for every feature.";
  if (!gaps.length) return [main, "Nothing is missing that was there in training."];
  const named = `${gaps.slice(0, 5).map(({ feature }) => feature).join(", ")}${gaps.length > 5 ? ` and ${gaps.length - 5} more` : ""}`;
  if (shifted.length) return [main, `More is missing than in training: ${named}.`];
  return [`${plural(gaps.length, "feature is", "features are")} missing more often than in training.`, `Of the last seven days: ${named}. ${main}`];
}

const drawStatus = (() => {
  const [main, more] = [h("p", { class: "headline-main" }), h("p", { class: "headline-detail" })];
  at("status").append(main, more);
  return (shown) => headline(shown).forEach((text, index) => setText([main, more][index], text));
})();

const drawDetail = card(at("detail"), "detail-title", "Distribution", "");
const chartArea = h("div");
const chart = createDayChart(chartArea, { tooltip, label: "Distribution by day" });

const detailed = whenChanged(({ detail }) => {
  if (!detail) return drawDetail(emptyCard("No feature yet", "A loop's file declares its features."));
  at("detail-title").textContent = detail.feature;
  const points = detail.days.map((day) => ({ ...day, t: Date.parse(`${day.day}T00:00:00Z`) }));
  const about = h("p", { class: "card-note subhead" }, detail.definition, detail.table && ` on ${detail.table}`);
  if (!points.length) return drawDetail(about, emptyCard("No day is measured yet", "A day is measured when it has ended."));
  const counted = points.filter(({ counts }) => counts);
  const text = detail.kind === "text";
  const stretches = stretchesOf(points, detail.references);
  const panels = [];
  if (counted.length) panels.push(text ? categoryPanel(points, detail) : fan(points, stretches, { name: "Values by day", format: short }));
  panels.push(bars(points, "psi", { name: "PSI against training; its limit dotted", format: (value) => String(Number(value.toFixed(2))), limit: detail.limit, tone: (point) => (times(point) > 1 ? "warn" : "calm") }));
  if (counted.length) panels.push(share(points, "missing", { name: "Missing; in training dotted", format: shareText, marks: stretches.map(({ missing, from, to }) => ({ value: missing, from, to })) }));
  if (points.some(({ defaulted }) => known(defaulted))) panels.push(share(points, "defaulted", { name: "Declared default used", format: shareText }));
  if (points.some(({ skew }) => known(skew?.rate))) panels.push(skewPanel(points));
  drawDetail(about, detail.skew.cause && skewNote(detail.skew), counted.length && !text ? legend() : null, chartArea,
    !counted.length && h("p", { class: "card-note" }, "Its distribution is kept from the next day on: these days were measured before it was kept."));
  chart({ gutter: text ? 104 : 0, domain: [points[0].t, Math.max(points.at(-1).t + DAY, points[0].t + 14 * DAY)], points, panels, tip: (point) => tip(point, detail), words: (point) => words(point, detail) });
});

// Neighbouring days that were compared with the same version.
function stretchesOf(points, references) {
  const found = [];
  for (const { t, reference } of points) {
    if (!reference || !references[reference]) continue;
    const last = found.at(-1);
    if (last?.version === reference && last.to === t) last.to = t + DAY;
    else found.push({ version: reference, from: t, to: t + DAY, ...references[reference] });
  }
  return found;
}

function categoryPanel(points, { references }) {
  const weights = new Map();
  for (const { categories: names, counts } of Object.values(references)) names.forEach((name, index) => weights.set(name, (weights.get(name) ?? 0) + counts[index]));
  const names = [...weights.keys()].sort((a, b) => weights.get(b) - weights.get(a)).slice(0, MOST);
  const latest = references[points.findLast(({ counts }) => counts).reference];
  const rows = names.map((name) => ({ name: `${clip(name)}  ${percent(trained(latest, name))}`, of: (point) => shareOf(point, references, name) }));
  return categories(points, [...rows, { name: "others", of: (point) => restOf(point, references, names) }], { name: "Share by category; in training beside its name" });
}

function trained({ categories: names, counts }, name) {
  const place = names.indexOf(name);
  return place < 0 ? null : counts[place] / (counts.reduce((sum, each) => sum + each, 0) || 1);
}

function shareOf({ counts, reference }, references, name) {
  const place = counts ? references[reference].categories.indexOf(name) : -1;
  const total = counts?.reduce((sum, each) => sum + each, 0);
  return place < 0 || !total ? null : counts[place] / total;
}

function restOf(point, references, names) {
  if (!point.counts) return null;
  return Math.max(0, 1 - names.reduce((sum, name) => sum + (shareOf(point, references, name) ?? 0), 0));
}

const shareText = (value) => percent(value, value < 0.095 && value > 0 ? 1 : 0);

function skewPanel(points) {
  const [rows, differing] = ["rows", "differing"].map((name) => points.reduce((sum, { skew }) => sum + (skew?.[name] ?? 0), 0));
  const name = differing ? "Skew: recomputed rows that differ from what was served" : `Skew: none of ${plural(rows, "recomputed row")} differs`;
  return bars(points.map((point) => ({ ...point, rate: point.skew?.rate })), "rate", { name, height: differing ? 44 : 18, format: shareText, top: 0.01, tone: ({ rate }) => (rate > 0 ? "bad" : "calm") });
}

function skewNote({ rate, low, high, cause, evidence }) {
  return h("p", { class: "problem" }, h("strong", null, `${percent(rate, 1)} of recomputed rows differ from what was served (${percent(low, 1)} to ${percent(high, 1)}): ${cause.replaceAll("_", " ")}.`), " ", h("span", null, evidence));
}

const clip = (name) => (name.length > 8 ? `${name.slice(0, 7)}…` : name);
const short = (value) => (Math.abs(value) >= 1000 ? count(value) : String(Number(value.toPrecision(3))).replace("-", "−"));

function legend() {
  const item = (kind, text) => h("li", null, h("i", { class: `swatch ${kind}` }), text);
  return h("ul", { class: "legend" }, item("live", "median of the day"), item("fan", "middle half"), item("fan-wide", "middle four fifths"), item("ref", "the same in training"));
}

function tip(point, { references, kind }) {
  const then = references[point.reference];
  const rows = [["Rows", count(point.rows)]];
  const quantiles = point.quantiles && [["Median", short(point.quantiles[2]), then?.quantiles ? `${short(then.quantiles[2])} in training` : null],
    ["Middle half", `${short(point.quantiles[1])} to ${short(point.quantiles[3])}`]];
  const top = kind === "text" && point.counts ? topOf(point, then) : null;
  if (known(point.psi)) rows.push(["PSI", fixed(point.psi), `limit ${fixed(point.limit)}`]);
  if (known(point.ks)) rows.push(["KS", fixed(point.ks)]);
  if (known(point.missing)) rows.push(["Missing", percent(point.missing, 1), known(then?.missing) ? `${percent(then.missing, 1)} in training` : null]);
  if (known(point.defaulted)) rows.push(["Default used", percent(point.defaulted, 1)]);
  if (known(point.skew?.rate)) rows.push(["Skew", percent(point.skew.rate, 1), `${count(point.skew.rows)} rows recomputed`]);
  return [tipTitle(longDate(point.t), point.reference && `against ${point.reference}`), quantiles && tipRows(quantiles), top && tipRows(top), tipRows(rows)].filter(Boolean);
}

function topOf({ counts }, { categories: names }) {
  const total = counts.reduce((sum, each) => sum + each, 0) || 1;
  return names.map((name, index) => [name, counts[index]]).sort((a, b) => b[1] - a[1]).slice(0, 4).map(([name, rows]) => [name, percent(rows / total, 1)]);
}

function words(point) {
  const median = point.quantiles ? `, median ${short(point.quantiles[2])}` : "";
  return `${longDate(point.t)}: ${plural(point.rows, "row")}${median}, PSI ${known(point.psi) ? fixed(point.psi) : "not known"}, missing ${known(point.missing) ? percent(point.missing, 1) : "not known"}`;
}

const drawList = card(at("list"), "list-title", "Features", "Furthest above its limit first, on the last measured day. One day is compared with all of training; drift alone does not trigger a retrain. Missing, default and skew are over the last seven days; skew is the share of recomputed rows whose value differs from what was served.");
const listed = whenChanged(({ features, detail }) => {
  if (!features.length) return drawList(emptyCard("No feature yet", "A loop's file declares its features."));
  const columns = [["Feature"], ["PSI", "n"], ["Limit", "n"], ["KS", "n"], ["Missing", "n"], ["In training", "n"], ["Default", "n"], ["Skew", "n"], ["Made by"], ["Against"]];
  drawList(table("list-title", columns, features.map((one) => row(one, one.feature === detail?.feature)), "tall"));
});

function row(one, isChosen) {
  return h("tr", { class: isChosen ? "chosen" : null },
    h("th", { scope: "row" }, h("a", { href: addressWith({ feature: one.feature }), "data-within": true, "data-top": true, "aria-current": isChosen ? "true" : null }, one.feature)),
    h("td", { class: "n" }, times(one) > 1 ? h("span", { class: "pill", "data-tone": "warn" }, fixed(one.psi, 2)) : fixed(one.psi, 2)),
    cell(fixed(one.limit, 2), "n soft"), cell(fixed(one.ks, 2), "n"), cell(percent(one.missing, 1), "n"), cell(percent(one.reference_missing, 1), "n soft"), cell(percent(one.defaulted, 1), "n"), skewCell(one.skew),
    cell(one.definition, "soft"), cell(one.reference ?? NONE, "soft"));
}

function skewCell({ rate, low, high, rows }) {
  const title = known(rate) ? `${percent(low, 1)} to ${percent(high, 1)}, ${plural(rows, "row")} recomputed` : "no row was recomputed";
  return h("td", { class: "n", title }, rate > 0 ? h("span", { class: "pill", "data-tone": "bad" }, percent(rate, 1)) : percent(rate, 1));
}

function draw({ shown }) {
  drawStatus(shown);
  detailed([shown.detail], shown);
  listed([shown.features, shown.detail?.feature], shown);
}

const page = startPage({ read, draw });
followLinks(async () => {
  await page.refresh();
  at("detail").scrollIntoView({ block: "nearest" });
});
