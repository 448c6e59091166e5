// Which cell of the drift map the pointer or the arrow keys are on, and what it says.
import { h } from "../dom.js";
import { count, date, fixed, known, longDate } from "../format.js";
import { tipRows, tipTitle } from "../tooltip.js";
import { ROW, valueOf } from "./heat-grid.js";

const MEASURES = { psi: "PSI", ks: "KS", rank_shift: "Rank shift", rank_spread: "Rank spread", share_swing: "Share swing", missing_change: "Missing, change" };
const KINDS = { earned: "earned on training's own days", reached: "reached in training", customary: "customary" };

export function heatPointer({ canvas, cursor, names }, { timeline, tooltip }) {
  const spoken = h("div", { class: "unseen", "aria-live": "polite" });
  canvas.after(spoken);
  let model = null;
  let grid = null;
  let cell = null; // {row, column}

  function go(row, column, speak = false) {
    cell = { row: clamp(row, model.features.length), column: clamp(column, grid.columns.length) };
    const here = grid.columns[cell.column];
    const feature = model.features[cell.row];
    if (!here || !feature) return leave();
    timeline.point(here.days.at(-1).t);
    mark(here, cell.row);
    const { left, top } = canvas.getBoundingClientRect();
    tooltip.show(canvas, left + here.to, top + (cell.row + 0.5) * ROW, ...cellTip(here, feature));
    if (speak) spoken.textContent = `${feature.name}, ${spanOf(here)}: ${known(valueOf(here, feature)) ? saidOf(toldOf(here, feature)) : "not known"}`;
  }

  function mark(column, row) {
    names.querySelector(".on")?.classList.remove("on");
    cursor.hidden = false;
    cursor.classList.toggle("column", row === null);
    const place = { left: column.from, width: Math.max(2, column.to - column.from), top: row === null ? 0 : row * ROW - 1, height: (row === null ? model.features.length * ROW : ROW) + 1 };
    for (const [name, value] of Object.entries(place)) cursor.style.setProperty(name, `${value}px`);
    if (row !== null) names.children[row]?.classList.add("on");
  }

  function leave() {
    cell = null;
    cursor.hidden = true;
    names.querySelector(".on")?.classList.remove("on");
    timeline.point(null);
    tooltip.hide(canvas);
  }

  canvas.addEventListener("pointermove", (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    const column = grid.columns.findIndex(({ from, to }) => event.clientX - left >= from && event.clientX - left < to);
    if (column < 0) return leave();
    go(Math.floor((event.clientY - top) / ROW), column);
  });
  canvas.addEventListener("pointerleave", leave);
  canvas.addEventListener("blur", leave);
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!step || !grid?.columns.length) return;
    event.preventDefault();
    const from = cell ?? { row: 0, column: grid.columns.length - 1 };
    go(from.row + (cell ? step[0] : 0), from.column + (cell ? step[1] : 0), true);
  });
  // Another chart points at a day: show it here too.
  timeline.on((what) => {
    if (what !== "point" || cell || !grid) return;
    const column = grid.columns.find(({ days }) => days.some(({ t }) => t === timeline.day));
    if (column) mark(column, null);
    else cursor.hidden = true;
  });

  return {
    set(nextModel, nextGrid) {
      [model, grid] = [nextModel, nextGrid];
    },
  };
}

const clamp = (value, length) => Math.max(0, Math.min(length - 1, value));

function spanOf({ days }) {
  return days.length === 1 ? longDate(days[0].t) : `${date(days[0].t)} to ${date(days.at(-1).t)}`;
}

// What the worst of a column's days told.
function toldOf(column, feature) {
  const worst = valueOf(column, feature);
  const window = column.days.find((each) => feature.read(each) === worst) ?? column.days[0];
  return { window, ...feature.told(window) };
}

const saidOf = ({ measure, value, limit, kind }) => `${MEASURES[measure]} ${fixed(value)}, ${kind} limit ${fixed(limit)}`;

function cellTip(column, feature) {
  const { window, times, measure, value, limit, kind } = toldOf(column, feature);
  const name = MEASURES[measure];
  return [
    tipTitle(feature.name, spanOf(column)),
    tipRows([
      [name && column.days.length > 1 ? `${name}, furthest` : name ?? "Drift", known(value) ? fixed(value) : "not known", known(times) ? judged(times) : null],
      known(limit) && ["Limit", fixed(limit), KINDS[kind]],
      window.reference && ["Against the training of", window.reference],
      ["Rows", count(window.rows)],
    ].filter(Boolean)),
  ];
}

const judged = (times) => (times > 1 ? `${fixed(times, 1)} times the limit` : "within its limit");
