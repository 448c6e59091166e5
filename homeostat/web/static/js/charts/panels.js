// What a day chart can show in a panel: bars, a line against a mark, a fan of quantiles, shares of categories.
import { svg } from "../dom.js";
import { DAY, known } from "../format.js";
import { bandPath, linePath } from "./lines.js";
import { linear, ticks } from "./scale.js";

const MIDDLE = DAY / 2;

function scaleOf([low, high], box) {
  return linear([low, high === low ? low + 1 : high], [box.bottom, box.top]);
}

function grid(y, box, format, about = 3) {
  const [low, high] = y.domain;
  return ticks(low, high, about).map((value) => svg("g", { transform: `translate(0 ${y(value).toFixed(1)})` },
    svg("line", { class: "grid", x1: box.left, x2: box.right }),
    svg("text", { class: "axis", x: box.left - 8, y: 4, "text-anchor": "end" }, format(value))));
}

// A horizontal mark, such as an objective, from one instant to another.
function mark(value, y, x, box, [from, to] = x.domain) {
  if (!known(value) || value > y.domain[1]) return null;
  return svg("line", { class: "limit", x1: Math.max(box.left, x(from)), x2: Math.min(box.right, x(to)), y1: y(value), y2: y(value) });
}

// Bars by day; `tone(point)` names a class, so that what is out of bounds stands out.
export function bars(points, key, { name, height = 56, format, tone = () => "", limit = null, top = 0 }) {
  return { name, height, paint(x, box) {
    const values = points.map((point) => point[key]).filter(known);
    const y = scaleOf([0, Math.max(top, known(limit) ? limit * 1.15 : 0, ...values)], box);
    const wide = Math.max(1, x(DAY) - x(0) - (x(DAY) - x(0) > 4 ? 1 : 0));
    const shapes = new Map();
    for (const point of points) {
      if (!known(point[key]) || point.t < x.domain[0] || point.t >= x.domain[1]) continue;
      const from = y(point[key]);
      const kind = tone(point);
      shapes.set(kind, `${shapes.get(kind) ?? ""}M${x(point.t).toFixed(1)} ${box.bottom}V${from.toFixed(1)}h${wide.toFixed(1)}V${box.bottom}z`);
    }
    return [grid(y, box, format, height > 90 ? 4 : height > 30 ? 2 : 1), [...shapes].map(([kind, d]) => svg("path", { class: `bars ${kind}`, d })), mark(limit, y, x, box)];
  } };
}

// A line by day against what the reference had, each stretch of one reference with its own mark.
export function share(points, key, { name, height = 44, format, marks = [] }) {
  return { name, height, paint(x, box) {
    const values = [...points.map((point) => point[key]), ...marks.map(({ value }) => value)].filter(known);
    const y = scaleOf([0, Math.max(0.01, ...values) * 1.08], box);
    const line = points.map((point) => ({ t: point.t + MIDDLE, value: point[key] }));
    return [grid(y, box, format, 2), marks.map(({ value, from, to }) => mark(value, y, x, box, [from, to])),
      svg("path", { class: "line live", d: linePath(line, x, y, "value") })];
  } };
}

// Quantiles by day over those of the reference. points: {t, quantiles: [10, 25, 50, 75, 90 %]}.
export function fan(points, stretches, { name, height = 220, format }) {
  return { name, height, paint(x, box) {
    const y = scaleOf(extent(points, stretches), box);
    const rows = points.map(({ t, quantiles: q }) => ({ t: t + MIDDLE, p10: q?.[0], p25: q?.[1], p50: q?.[2], p75: q?.[3], p90: q?.[4] }));
    const between = (low, high) => bandPath(rows.map((row) => ({ t: row.t, low: row[low], high: row[high] })), x, y);
    return [grid(y, box, format, 5), stretches.map((each) => reference(each, x, y, box)),
      svg("path", { class: "fan wide", d: between("p10", "p90") }), svg("path", { class: "fan", d: between("p25", "p75") }),
      svg("path", { class: "line live", d: linePath(rows, x, y, "p50") })];
  } };
}

function reference({ quantiles: q, from, to }, x, y, box) {
  if (!q) return null;
  const [left, right] = [Math.max(box.left, x(from)), Math.min(box.right, x(to))];
  const band = (low, high) => svg("rect", { class: "ref-band", x: left, width: Math.max(0, right - left), y: y(high), height: Math.max(1, y(low) - y(high)) });
  return [band(q[0], q[4]), band(q[1], q[3]), svg("line", { class: "ref-line", x1: left, x2: right, y1: y(q[2]), y2: y(q[2]) })];
}

function extent(points, stretches) {
  const all = [...points, ...stretches].flatMap(({ quantiles }) => quantiles ?? []).filter(known);
  const [low, high] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - room, high + room];
}

const SHADES = 8;
export const ROW = 18;

// Shares of categories by day, the reference's in the first column. rows: [{name, ref, of(point)}].
export function categories(points, rows, { name }) {
  return { name, height: rows.length * ROW, paint(x, box) {
    const wide = Math.max(1, x(DAY) - x(0));
    const shapes = new Map();
    const cell = (value, left, size, row) => {
      if (!known(value)) return;
      const shade = Math.min(SHADES, Math.ceil(Math.sqrt(value) * SHADES));
      const path = `M${left.toFixed(1)} ${box.top + row * ROW}h${size.toFixed(1)}v${ROW - 2}h${(-size).toFixed(1)}z`;
      shapes.set(shade, (shapes.get(shade) ?? "") + path);
    };
    rows.forEach((each, row) => points.forEach((point) => {
      if (point.t >= x.domain[0] && point.t < x.domain[1]) cell(each.of(point), x(point.t), wide, row);
    }));
    const labels = rows.map((each, row) => svg("text", { class: "axis", x: box.left - 8, y: box.top + row * ROW + 12, "text-anchor": "end" }, each.name));
    return [[...shapes].map(([shade, d]) => svg("path", { class: `shade shade-${shade}`, d })), labels];
  } };
}
