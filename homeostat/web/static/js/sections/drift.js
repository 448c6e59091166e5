// How far the inputs are from what the champion was trained on.
import { BORDERS, colours } from "../charts/heat-colours.js";
import { createHeatmap } from "../charts/heatmap.js";
import { h, svg, whenChanged } from "../dom.js";
import { DAY, known } from "../format.js";
import { isDark, onTheme } from "../theme.js";
import { domain } from "../timeline.js";

const RECENT = 14; // days
const RESORT = 7; // days of event time: rows that jump every day cannot be read
const CUSTOMARY = 0.2; // PSI, for days that were measured before limits were kept

export function mountDrift(root, page) {
  const spans = h("div", { class: "filters", role: "group", "aria-label": "Length of the windows" });
  let span = "1";
  const area = h("div", { class: "chart-area" });
  const empty = h("div", { class: "empty" });
  const key = h("div", { class: "heat-key" });
  root.append(
    h("div", { class: "card-head" },
      h("div", null, h("h2", { id: "drift-title" }, "Input drift"),
        h("p", { class: "card-note" }, "How far inputs are from the champion's training, in units of what is normal for each: from 1 on a limit is exceeded. "
          + "Drift alone does not trigger a retrain: inputs follow the season, and only outcomes say whether the model suffers.")),
      h("div", { class: "heat-side" }, spans, key)),
    h("div", { class: "chart-frame" }, area, empty));
  const drawKey = () => key.replaceChildren(...legend());
  drawKey();
  onTheme(drawKey);
  const heatmap = createHeatmap(area, page);
  let state = null;
  const order = keepOrder();

  const changed = whenChanged(() => {
    const shown = domain(state, page.timeline.range);
    drawSpans();
    const names = order(state.days, span);
    const some = names.length > 0;
    empty.replaceChildren(...(some ? [] : [h("strong", null, "No drift to show yet"),
      h("span", null, "Each day's inputs are compared with a version's training data as soon as one serves.")]));
    root.classList.toggle("is-empty", !some);
    if (some && shown) heatmap({ domain: shown, days: state.days, features: [...names, "prediction"].map((name) => feature(name, state.days, span)) });
  });
  function drawSpans() {
    const known = [...new Set(state.days.slice(-RECENT).flatMap((window) => Object.keys(window.apart ?? {})))];
    if (!known.includes(span)) span = "1";
    spans.replaceChildren(...(known.length > 1 ? known : []).map((days) => h("button", {
      type: "button", class: "chip", "aria-pressed": days === span, on: { click: () => ((span = days), draw()) },
    }, chipWord(days))));
  }
  const draw = () => changed([span, state.changes.windows, page.timeline.range, state.overview?.replay?.until], state);
  page.timeline.on((what) => what === "range" && state && draw());
  return (next) => {
    state = next;
    if (state.overview) draw();
  };
}

function feature(name, days, span) {
  const told = (window) => toldOf(window, name, span);
  const read = (window) => told(window)?.times;
  return { name, read, told, now: latest(days, read) };
}

// "28 season" is 28 days beside the same weeks a year before.
function chipWord(days) {
  const [many, season] = days.split(" ");
  const length = many === "1" ? "1 day" : `${many} days`;
  return season ? `${length}, a year on` : length;
}

// The measure that is furthest above its limit, of a day or of the days that end with it.
function toldOf(window, name, span) {
  if (window.apart) {
    const [times, value, limit, measure, kind] = window.apart[span]?.[name] ?? [];
    return known(times) ? { times, value, limit, measure, kind } : null;
  }
  const psi = name === "prediction" ? window.prediction_psi : window.drift?.[name];
  return span === "1" && known(psi) ? { times: psi / CUSTOMARY, measure: "psi", value: psi, limit: CUSTOMARY, kind: "customary" } : null;
}

function latest(days, read) {
  const last = days.findLast((window) => known(read(window)));
  return last ? read(last) : null;
}

// Features by recent drift, sorted again once a week of event time or when the features change.
function keepOrder() {
  let held = [];
  let stamp = "";
  return (days, span) => {
    const names = [...new Set(days.slice(-RECENT).flatMap((window) => Object.keys(window.drift ?? {})))];
    const now = `${span} ${Math.floor((days.at(-1)?.t ?? 0) / DAY / RESORT)} ${[...names].sort().join(" ")}`;
    if (now === stamp) return held;
    stamp = now;
    const weight = new Map(names.map((name) => [name, mean(days.slice(-RECENT).map((window) => toldOf(window, name, span)?.times).filter(known))]));
    held = names.sort((a, b) => weight.get(b) - weight.get(a) || a.localeCompare(b));
    return held;
  };
}

const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : -1);

function legend() {
  const [wide, tall] = [34, 10];
  const ramp = colours(isDark());
  const cells = ramp.map((fill, index) => svg("rect", { x: index * wide, y: 0, width: wide - 1, height: tall, fill }));
  const labels = BORDERS.map((border, index) => svg("text", {
    class: `axis ${border === 1 ? "strong" : ""}`, x: (index + 1) * wide, y: tall + 14, "text-anchor": "middle" }, String(border)));
  return [
    h("span", { class: "heat-key-word" }, "times the limit"),
    svg("svg", { class: "chart", width: wide * ramp.length, height: tall + 18, role: "img", "aria-label": `Classes of how many times the limit, with borders at ${BORDERS.join(", ")}` }, cells, labels),
    h("span", { class: "heat-key-word" }, h("i", { class: "swatch hatched" }), "not known"),
  ];
}
