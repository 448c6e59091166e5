// How far the inputs are from what the champion was trained on.
import { BORDERS, colours } from "../charts/heat-colours.js";
import { createHeatmap } from "../charts/heatmap.js";
import { h, svg, whenChanged } from "../dom.js";
import { DAY, known } from "../format.js";
import { isDark, onTheme } from "../theme.js";
import { domain } from "../timeline.js";

const RECENT = 14; // days
const RESORT = 7; // days of event time: rows that jump every day cannot be read
const PREDICTION = { name: "prediction", read: (window) => window.prediction_psi, ks: () => null };

export function mountDrift(root, page) {
  const area = h("div", { class: "chart-area" });
  const empty = h("div", { class: "empty" });
  const key = h("div", { class: "heat-key" });
  root.append(
    h("div", { class: "card-head" },
      h("div", null, h("h2", { id: "drift-title" }, "Input drift"),
        h("p", { class: "card-note" }, "PSI of each day against the champion's training data, most drifted first. "
          + "Drift alone does not trigger a retrain: inputs follow the season, and only outcomes say whether the model suffers.")),
      key),
    h("div", { class: "chart-frame" }, area, empty));
  const drawKey = () => key.replaceChildren(...legend());
  drawKey();
  onTheme(drawKey);
  const heatmap = createHeatmap(area, page);
  let state = null;
  const order = keepOrder();

  const changed = whenChanged(() => {
    const shown = domain(state, page.timeline.range);
    const names = order(state.days);
    const some = names.length > 0;
    empty.replaceChildren(...(some ? [] : [h("strong", null, "No drift to show yet"),
      h("span", null, "Each day's inputs are compared with a version's training data as soon as one serves.")]));
    root.classList.toggle("is-empty", !some);
    if (some && shown) heatmap({ domain: shown, days: state.days, features: [...names.map((name) => feature(name, state.days)), prediction(state.days)] });
  });
  const draw = () => changed([state.changes.windows, page.timeline.range, state.overview?.replay?.until], state);
  page.timeline.on((what) => what === "range" && state && draw());
  return (next) => {
    state = next;
    if (state.overview) draw();
  };
}

function feature(name, days) {
  const read = (window) => window.drift?.[name];
  return { name, read, ks: (window) => window.ks?.[name], now: latest(days, read) };
}

const prediction = (days) => ({ ...PREDICTION, now: latest(days, PREDICTION.read) });

function latest(days, read) {
  const last = days.findLast((window) => known(read(window)));
  return last ? read(last) : null;
}

// Features by recent drift, sorted again once a week of event time or when the features change.
function keepOrder() {
  let held = [];
  let stamp = "";
  return (days) => {
    const names = [...new Set(days.slice(-RECENT).flatMap((window) => Object.keys(window.drift ?? {})))];
    const now = `${Math.floor((days.at(-1)?.t ?? 0) / DAY / RESORT)} ${[...names].sort().join(" ")}`;
    if (now === stamp) return held;
    stamp = now;
    const weight = new Map(names.map((name) => [name, mean(days.slice(-RECENT).map((window) => window.drift?.[name]).filter(known))]));
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
    class: `axis ${border === 0.1 || border === 0.2 ? "strong" : ""}`, x: (index + 1) * wide, y: tall + 14, "text-anchor": "middle" }, String(border)));
  return [
    h("span", { class: "heat-key-word" }, "PSI"),
    svg("svg", { class: "chart", width: wide * ramp.length, height: tall + 18, role: "img", "aria-label": `Classes of PSI with borders at ${BORDERS.join(", ")}` }, cells, labels),
    h("span", { class: "heat-key-word" }, h("i", { class: "swatch hatched" }), "not known"),
  ];
}
