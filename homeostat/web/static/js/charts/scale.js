// From values to pixels, and round values to label them with.
import { DAY } from "../format.js";

export function linear([from, to], [start, end]) {
  const slope = (end - start) / (to - from || 1);
  const scale = (value) => start + (value - from) * slope;
  scale.invert = (pixel) => from + (pixel - start) / (slope || 1);
  scale.domain = [from, to];
  return scale;
}

export function ticks(low, high, about) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

// The fewest decimals that write every value exactly.
export function digitsOf(values) {
  const exact = (digits) => values.every((value) => Math.abs(value - Number(value.toFixed(digits))) < 1e-9);
  return [0, 1, 2, 3, 4].find(exact) ?? 4;
}

// Starts of months (or of weeks, in a short span) as {t, label: "month" | "day"}.
export function timeTicks([start, end], width) {
  if (end - start > 70 * DAY) return thin(months(start, end), width / 44).map((t) => ({ t, unit: "month" }));
  const step = Math.max(1, Math.ceil((end - start) / DAY / (width / 72))) * DAY;
  const first = Math.ceil(start / DAY) * DAY;
  return Array.from({ length: Math.floor((end - first) / step) + 1 }, (_, index) => ({ t: first + index * step, unit: "day" }));
}

function months(start, end) {
  const found = [];
  const date = new Date(start);
  let month = Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  while (month <= end) {
    if (month >= start) found.push(month);
    const next = new Date(month);
    month = Date.UTC(next.getUTCFullYear(), next.getUTCMonth() + 1);
  }
  return found;
}

function thin(values, most) {
  const every = Math.ceil(values.length / Math.max(1, most));
  return values.filter((_, index) => index % every === 0);
}
