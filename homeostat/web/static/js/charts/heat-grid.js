// The cells of the drift map: which days a column holds and what a cell's value is.
import { DAY, known } from "../format.js";
import { linear } from "./scale.js";

export const ROW = 18; // px
const THINNEST = 2.4; // px

// Columns as {from, to, days}: each holds whole days; `x` in CSS pixels.
export function gridOf({ days, domain }, plot) {
  const x = linear(domain, [0, plot]);
  const size = Math.max(1, Math.ceil(THINNEST / Math.max(0.01, x(DAY) - x(0))));
  const columns = new Map();
  for (const window of days) {
    if (window.t + DAY <= domain[0] || window.t >= domain[1]) continue;
    const first = Math.floor(window.t / DAY / size) * size * DAY;
    if (!columns.has(first)) columns.set(first, { from: Math.max(0, x(first)), to: Math.min(plot, x(first + size * DAY)), days: [] });
    columns.get(first).days.push(window);
  }
  return { x, size, columns: [...columns.values()] };
}

// The worst of a column's days, so that merging days hides nothing.
export function valueOf(column, feature) {
  let worst = null;
  for (const window of column.days) {
    const times = feature.read(window);
    if (known(times) && (worst === null || times > worst)) worst = times;
  }
  return worst;
}
