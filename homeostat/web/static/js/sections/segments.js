// The card of segments: the loss by declared slice with its bounds, what grew worse first, beside all rows.
import { h, svg } from "../dom.js";
import { count, fixed, known, percent } from "../format.js";
import { linear } from "../charts/scale.js";
import { card, cell, emptyCard, table } from "../pages/parts.js";

const SHOWN = 15;
const WIDTH = 240;
const HEIGHT = 20;
const words = (name) => name.replaceAll("_", " ");

export function mountSegments(root) {
  const draw = card(root, "segments-title", "Segments", "Loss by declared slice over the last 14 days with labels, what grew worse first. The line is all rows; bounds are 95 %, for one look.");
  return (told) => draw(...content(told));
}

// The loss by which the loop is judged, and the figures that say most beside it.
const lossOf = (one) => one.figures[one.loss ?? "log_loss"];
const nameOf = (one) => ((one.loss ?? "log_loss") === "log_loss" ? "Log-loss" : "Loss");
const share = (value) => percent(value, 1);
const SKILL = { name: "skill", label: "Skill", told: fixed };
const ACCURACY = { name: "accuracy", label: "Accuracy", told: share };

function columnsOf({ figures }) {
  if ("mae" in figures) return [SKILL, { name: "mae", label: "MAE", told: fixed }, { name: "bias", label: "Bias", told: fixed }];
  return [SKILL, ACCURACY, "base_rate" in figures ? { name: "base_rate", label: "Base rate", told: share } : { name: "brier", label: "Brier", told: fixed }];
}

function content(told) {
  if (!told?.declared.length) return [emptyCard("No slices", "The loop's file declares no slices: slices=[...].")];
  if (!told.whole) return [emptyCard("Nothing to tell apart yet", "Days keep slices once their labels are in, from when slices are declared.")];
  const shown = [told.whole, ...told.slices.slice(0, SHOWN)];
  const drawn = shown.map(lossOf).flatMap(({ value, low, high }) => [value, low, high]).filter(known);
  const x = linear([Math.min(...drawn) - 0.01, Math.max(...drawn) + 0.01], [6, WIDTH - 6]);
  const columns = [["Segment"], [nameOf(told.whole)], ["", "n"], ["Rows", "n"], ...columnsOf(told.whole).map(({ label }) => [label, "n"]), ["Since six weeks before"]];
  const more = told.slices.length - SHOWN;
  return [said(told), table("segments-title", columns, shown.map((one) => row(one, told.whole, x))),
    more > 0 && h("p", { class: "card-note more" }, `And ${more} more: homeostat slices --json tells all.`)];
}

function said({ compared, slices, not_measured: lacking }) {
  const worse = slices.filter((one) => one.worse);
  const found = compared.unknown ? `Which segments grew worse is unknown: ${words(compared.unknown)}.`
    : worse.length ? `${worse.length} of ${compared.looked_at} segments compared grew worse than the rest.`
    : `None of ${compared.looked_at} segments compared grew worse than the rest.`;
  const rest = lacking.map((of) => ` ${of.join(" & ")} is not measured.`).join("");
  return h("p", { class: "segments-said" }, found + rest);
}

function row(one, whole, x) {
  const loss = lossOf(one);
  const others = columnsOf(whole).map(({ name, told }) => cell(told(one.figures[name]?.value), "n"));
  const shown = known(loss.value) ? dot(one, lossOf(whole).value, x) : h("span", { class: "soft" }, words(loss.unknown));
  const worse = one.worse && h("span", { class: "pill", "data-tone": "bad" }, `worse: ${fixed(one.worse.before.value)} before, all others ${fixed(one.worse.rest.value)}`);
  return h("tr", null, h("th", { scope: "row" }, one.name === "all" ? "All rows" : one.name), h("td", null, shown), cell(fixed(loss.value), "n"),
    cell(`${count(one.rows)} (${percent(one.share)})`, "n"), ...others, h("td", null, worse || ""));
}

function dot(one, whole, x) {
  const { value, low, high } = lossOf(one);
  const middle = HEIGHT / 2;
  const bounds = known(low) ? `, between ${fixed(low)} and ${fixed(high)}` : "";
  return svg("svg", { class: "chart interval", width: WIDTH, height: HEIGHT, style: { "min-width": `${WIDTH}px` }, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${one.name}: ${nameOf(one)} ${fixed(value)}${bounds}; all rows ${fixed(whole)}` },
    svg("g", { class: "zero" }, svg("line", { x1: x(whole), x2: x(whole), y1: 0, y2: HEIGHT })),
    known(low) && svg("line", { class: `whisker tone-${one.worse ? "bad" : "plain"}`, x1: x(low), x2: x(high), y1: middle, y2: middle }),
    svg("circle", { class: `whisker-dot tone-${one.worse ? "bad" : "plain"}`, cx: x(value), cy: middle, r: 4.5 }));
}
