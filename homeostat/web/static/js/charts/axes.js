// Grid, axes and the stretches of time that have no outcome yet.
import { svg } from "../dom.js";
import { day, fixed, month } from "../format.js";
import { digitsOf, ticks, timeTicks } from "./scale.js";

export function valueAxis(y, { left, right, top, bottom }) {
  const values = ticks(...[y.domain[0], y.domain[1]], Math.max(3, Math.round((bottom - top) / 56)));
  const digits = digitsOf(values);
  return values.map((value) => svg("g", { transform: `translate(0 ${y(value).toFixed(1)})` },
    svg("line", { class: "grid", x1: left, x2: right }),
    svg("text", { class: "axis", x: left - 12, y: 4, "text-anchor": "end" }, fixed(value, digits))));
}

export function timeAxis(x, { left, right, top, bottom, label }) {
  return timeTicks(x.domain, right - left).filter(({ t }) => x(t) <= right).map(({ t, unit }) => svg("g", { transform: `translate(${x(t).toFixed(1)} 0)` },
    svg("line", { class: "grid upright", y1: top, y2: bottom }),
    x(t) < right - 22 && svg("text", { class: "axis", x: 4, y: label }, unit === "month" ? month(t) : day(t))));
}

// A stretch from `from` to `to` (ms) with words at its top, when it is wide enough for them.
export function stretch(kind, words, x, from, to, { left, right, top, bottom }) {
  const start = Math.max(left, x(from));
  const end = Math.min(right, x(to));
  if (end - start < 2) return null;
  return svg("g", { class: `stretch ${kind}` },
    svg("rect", { x: start, y: top, width: end - start, height: bottom - top }),
    words && end - start > words.length * 6.2 + 16 && svg("text", { x: (start + end) / 2, y: top + 18, "text-anchor": "middle" }, words));
}
