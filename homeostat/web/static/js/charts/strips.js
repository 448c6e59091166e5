// The thin strips under the curve: which version served, and how often the outcome was positive.
import { svg } from "../dom.js";
import { DAY, known, percent } from "../format.js";
import { linear } from "./scale.js";

export function reignStrip(reigns, { x, left, right, top, height, now }) {
  return reigns.map(({ version, start, end }, index) => {
    const from = Math.max(left, x(start));
    const to = Math.min(right, x(end ?? now));
    if (to - from < 1) return null;
    const width = to - from - 1;
    return svg("g", { class: `reign ${index % 2 ? "odd" : "even"} ${end ? "" : "current"}` },
      svg("rect", { x: from, y: top, width: Math.max(1, width), height, rx: 3 }),
      width > 4 + 6.5 * version.length && svg("text", { x: from + width / 2, y: top + height / 2 + 4, "text-anchor": "middle" }, version));
  }).filter(Boolean);
}

export function rateStrip(days, { x, left, right, top, height }) {
  const shown = days.filter(({ t, base_rate: rate }) => known(rate) && x(t + DAY) > left && x(t) < right);
  if (shown.length === 0) return [];
  const most = Math.max(...shown.map(({ base_rate: rate }) => rate));
  const y = linear([0, most], [0, height - 2]);
  const wide = x(DAY) - x(0);
  const bars = shown.map(({ t, base_rate: rate }) => {
    const from = Math.max(left, x(t));
    const tall = y(rate);
    return `M${from.toFixed(1)},${(top + height).toFixed(1)}v${(-tall).toFixed(1)}h${Math.max(0.6, wide - (wide > 4 ? 1 : 0.3)).toFixed(1)}v${tall.toFixed(1)}z`;
  });
  return [
    svg("path", { class: "rate", d: bars.join("") }),
    svg("text", { class: "axis", x: right + 8, y: top + 9 }, percent(most)),
  ];
}
