// Tables: whether what should come in comes in, how much of it, and what was kept apart.
import { api, ApiError } from "../api.js";
import { createDayChart } from "../charts/day-chart.js";
import { bars } from "../charts/panels.js";
import { h, setText, whenChanged } from "../dom.js";
import { at as ms, bytes, count, date, DAY, dateAndTime, fixed, known, longDate, NONE, plural, span } from "../format.js";
import { addressWith, at, followLinks, query, startPage, tooltip } from "../page.js";
import { tipRows, tipTitle } from "../tooltip.js";
import { card, cell, emptyCard, table } from "./parts.js";

const MONTHS = 366; // days shown

const chosen = (tables) => tables.find(({ table: name }) => name === query().get("table")) ?? tables[0];

async function read() {
  const tables = await api.tables();
  const name = chosen(tables)?.table;
  if (!name) return { tables, detail: null, apart: [] };
  const [detail, apart] = await Promise.all([api.table(name), api.quarantine(name).catch(unlessAway)]);
  return { tables, detail, apart };
}

// The recorder keeps these rows; while it is away everything else can still be shown.
function unlessAway(error) {
  if (error instanceof ApiError && error.status) return null;
  throw error;
}


function headline({ tables }) {
  if (!tables.length) return ["No table is declared.", "A loop's file declares its tables."];
  if (tables.every((one) => !one.known)) return ["What has come in is not known now.", "The recorder, which counts it, is away and is started again by itself; its log says why if it stays away."];
  const late = tables.filter(({ ok }) => ok === false);
  const silent = tables.filter(({ newest }) => !newest);
  const apart = tables.reduce((sum, one) => sum + one.kept, 0);
  const detail = apart ? `${plural(apart, "row")} kept apart.` : "No row is kept apart.";
  if (late.length) return [late.map((one) => `${one.table} is late: ${span(one.age_seconds)} old, limit ${span(one.objective_seconds)}.`).join(" "), detail];
  if (silent.length === tables.length) return ["Nothing has come in yet.", "Send events to the doors; each table is listed with its first row."];
  const judged = tables.filter(({ objective_seconds: objective }) => known(objective));
  if (judged.some(({ ok }) => ok === null)) return ["How fresh the tables are is not known now.", "The present is not known: the replay has not said yet where it is."];
  return [judged.length ? "Every table with an objective meets it." : "No table declares how fresh it has to be.", detail];
}

const drawStatus = (() => {
  const [main, more] = [h("p", { class: "headline-main" }), h("p", { class: "headline-detail" })];
  at("status").append(main, more);
  return (shown) => headline(shown).forEach((text, index) => setText([main, more][index], text));
})();

const drawList = card(at("list"), "list-title", "Tables", "Event time is when it happened; the age is the present less the newest event.");
const listed = whenChanged(({ tables, detail }) => {
  if (!tables.length) return drawList(emptyCard("No table yet", "A loop's file declares its tables."));
  drawList(table("list-title", [["Table"], ["Freshness"], ["Newest event"], ["Age", "n"], ["Objective", "n"], ["Rows", "n"], ["Kept apart", "n"]], tables.map((one) =>
    h("tr", { class: one.table === detail?.table ? "chosen" : null },
      h("th", { scope: "row" }, h("a", { href: addressWith({ table: one.table }), "data-within": true, "aria-current": one.table === detail?.table ? "true" : null }, one.table)),
      h("td", null, freshness(one)),
      cell(one.newest ? dateAndTime(ms(one.newest)) : NONE), cell(span(one.age_seconds), "n"), cell(span(one.objective_seconds), "n"), cell(count(one.rows), "n"), cell(count(one.kept), "n")))));
});

function freshness({ known: told, ok, newest, objective_seconds: objective }) {
  const [tone, word] = !told ? ["plain", "Not known"] : !newest ? ["plain", "No rows yet"] : !known(objective) ? ["plain", "No objective"] : ok === null ? ["plain", "Not known"] : ok ? ["good", "Fresh"] : ["warn", "Late"];
  return h("span", { class: "pill", "data-tone": tone }, word);
}

const drawDetail = card(at("detail"), "detail-title", "Volume and freshness", "");
const chartArea = h("div");
const chart = createDayChart(chartArea, { tooltip, label: "Rows and silence by day" });
const detailed = whenChanged(({ detail }) => {
  if (!detail) return drawDetail(emptyCard("Nothing to show yet", "It appears with the first table."));
  at("detail-title").textContent = `${detail.table}: volume and freshness`;
  const points = pointsOf(detail);
  if (!points.length) return drawDetail(emptyCard("No rows yet", `Send events to ${detail.table}; each event day is counted here.`));
  drawDetail(readout(detail), chartArea);
  const objective = detail.objective_seconds;
  const hours = (value) => (value ? span(value) : "0");
  const panels = [bars(points, "rows", { name: "Rows by event day", height: 120, format: count })];
  if (points.some(({ seconds }) => known(seconds))) {
    panels.push(bars(points, "seconds", { name: known(objective) ? `Silence at the day's end; objective ${span(objective)} dotted` : "Silence at the day's end", height: 60, format: hours, limit: objective, tone: ({ ok }) => (ok === false ? "warn" : "calm") }));
  }
  if (points.some(({ apart }) => apart > 0)) panels.push(bars(points, "apart", { name: "Rows kept apart, by day of the loop", height: 44, format: count, tone: () => "bad" }));
  chart({ domain: [points[0].t, Math.max(points.at(-1).t + DAY, points[0].t + 14 * DAY)], points, panels, tip: (point) => tip(point, detail), words });
});

function readout({ known: told, rows, imported, disk, age_seconds: age, objective_seconds: objective, ok }) {
  const item = (name, value, note, kind) => h("div", { class: kind }, h("dt", null, name), h("dd", null, value, h("small", null, note)));
  return h("dl", { class: "readout" },
    item("Rows", count(rows), !told ? "not known now" : imported ? `${count(imported)} came as history` : "all as they happened"),
    item("Age", span(age), known(objective) ? `objective ${span(objective)}` : "no objective", ok === false ? "warn" : ok ? "good" : null),
    disk && item("On disk", bytes(disk.bytes), `${plural(disk.files, "file")}, ${plural(disk.versions, "version")}`),
    disk?.compacted_at && item("Compacted", date(ms(disk.compacted_at)), "by itself, by the machine's clock"));
}

function pointsOf({ volume, silence, kept_apart: apart }) {
  const byDay = new Map();
  const put = (day, values) => byDay.set(day, { t: Date.parse(`${day}T00:00:00Z`), ...byDay.get(day), ...values });
  for (const { day, rows } of volume) put(day, { rows });
  for (const { day, seconds, ok } of silence) put(day, { seconds, ok });
  for (const { day, rows } of apart) put(day, { apart: rows });
  const all = [...byDay.values()].sort((a, b) => a.t - b.t);
  return all.filter(({ t }) => t > (all.at(-1)?.t ?? 0) - MONTHS * DAY);
}

function tip(point, { objective_seconds: objective }) {
  return [tipTitle(longDate(point.t)), tipRows([
    ["Rows", count(point.rows ?? 0)],
    known(point.seconds) && ["Silent for", span(point.seconds), known(objective) ? (point.ok ? "within its objective" : `objective ${span(objective)}`) : null],
    point.apart > 0 && ["Kept apart", count(point.apart)],
  ].filter(Boolean))];
}

const words = (point) => `${longDate(point.t)}: ${plural(point.rows ?? 0, "row")}${known(point.seconds) ? `, silent for ${span(point.seconds)}` : ""}${point.apart ? `, ${point.apart} kept apart` : ""}`;

const drawApart = card(at("apart"), "apart-title", "Kept apart", "Rows that broke the contract: kept with the reason, outside the table. Newest first.");
const apartDrawn = whenChanged(({ detail, apart }) => {
  if (!detail) return drawApart();
  at("apart-title").textContent = `${detail.table}: kept apart`;
  const reasons = Object.entries(detail.quarantined ?? {}).sort((a, b) => b[1] - a[1]);
  if (apart === null) return drawApart(emptyCard("Not known now", "The recorder is away; it keeps these rows and is started again by itself."));
  if (!reasons.length) return drawApart(emptyCard("Nothing kept apart", `Every row of ${detail.table} kept its contract.`));
  const chip = (words, rows) => h("li", { class: "chip" }, h("strong", null, words), h("span", null, count(rows)));
  const chips = h("ul", { class: "chips subhead", "aria-label": "Rows that broke the contract since the beginning, by reason" }, reasons.map(([reason, rows]) => chip(reason.replaceAll("_", " "), rows)), detail.readmitted > 0 && chip("taken in since", detail.readmitted));
  if (!apart.length) return drawApart(chips, emptyCard("Nothing kept apart now", "What had been was taken in after all."));
  drawApart(
    chips,
    table("apart-title", [["Known"], ["Column"], ["Problem and mend"], ["Row"]], apart.map((row) => h("tr", null,
      cell(dateAndTime(ms(row.known_at))), h("td", { class: "mono" }, row.field ?? row.column ?? NONE),
      h("td", { class: "wide" }, row.problem, " ", h("span", { class: "quiet" }, row.mend)),
      h("td", { class: "wide mono" }, textOf(row.content ?? row.row))))));
});

const textOf = (content) => (typeof content === "string" ? content : JSON.stringify(content ?? null)).slice(0, 300);

const drawContract = card(at("contract"), "contract-title", "Contract", "");
const contracted = whenChanged(({ detail }) => {
  if (!detail) return drawContract();
  at("contract-title").textContent = `${detail.table}: contract and uses`;
  const uses = detail.uses.map((use) => h("li", { class: "chip" }, h("strong", null, use.loop), h("span", null, use.as)));
  drawContract(
    h("ul", { class: "chips subhead", "aria-label": "Used by" }, uses.length ? uses : h("li", { class: "chip" }, "used by no loop")),
    table("contract-title", [["Column"], ["Kind"], ["Null"], ["Allowed"]], detail.columns.map((one) => h("tr", null,
      h("th", { scope: "row" }, one.column, one.role && h("small", { class: "quiet" }, ` ${one.role}`)), cell(one.kind), cell(one.nullable ? "allowed" : "refused"), cell(allowed(one), "soft")))));
});

function allowed({ low, high, categories }) {
  if (categories) return categories.length > 8 ? `${categories.slice(0, 8).join(", ")} and ${categories.length - 8} more` : categories.join(", ");
  const number = (value) => fixed(value, Number.isInteger(value) ? 0 : 2);
  if (known(low) && known(high)) return `${number(low)} to ${number(high)}`;
  return known(low) ? `at least ${number(low)}` : known(high) ? `at most ${number(high)}` : "any";
}

function draw({ shown }) {
  drawStatus(shown);
  listed([shown.tables, shown.detail?.table], shown);
  detailed([shown.detail], shown);
  apartDrawn([shown.detail?.table, shown.detail?.quarantined, shown.detail?.readmitted, shown.apart], shown);
  contracted([shown.detail?.table, shown.detail?.columns, shown.detail?.uses], shown);
}

const page = startPage({ read, draw });
followLinks(page.refresh);
