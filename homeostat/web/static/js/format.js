// How numbers, days and spans of time are written: one place, UTC, a true minus sign.

export const DAY = 86_400_000;
const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const dateFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const longFormat = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const clockFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const secondsFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "UTC" });
const monthFormat = new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export const NONE = "–";

export const at = (iso) => (iso ? Date.parse(iso) : null);
export const known = (value) => typeof value === "number" && Number.isFinite(value);
export const day = (ms) => dayFormat.format(ms);
export const date = (ms) => dateFormat.format(ms);
export const longDate = (ms) => longFormat.format(ms);
export const month = (ms) => monthFormat.format(ms);
export const clock = (ms) => `${secondsFormat.format(ms)} UTC`;
export const dayAndTime = (ms) => `${dayFormat.format(ms)}, ${clockFormat.format(ms)}`;
export const dateAndTime = (ms) => `${dateFormat.format(ms)}, ${clockFormat.format(ms)}`;

export function count(value) {
  return known(value) ? whole.format(value) : NONE;
}

// Whether a value is written as zero.
export const level = (value, digits = 3) => Math.abs(value) < 0.5 * 10 ** -digits;

export function fixed(value, digits = 3) {
  if (!known(value)) return NONE;
  return level(value, digits) ? (0).toFixed(digits) : value.toFixed(digits).replace("-", "−");
}

export function signed(value, digits = 3) {
  return value > 0 && !level(value, digits) ? `+${value.toFixed(digits)}` : fixed(value, digits);
}

export function percent(value, digits = 0) {
  return known(value) ? `${(value * 100).toFixed(digits)} %` : NONE;
}

// A share that may be far below one percent, and is not written as 0 then.
export function tinyPercent(value) {
  if (!known(value) || value === 0) return percent(value);
  return percent(value, value >= 0.1 ? 0 : value >= 0.001 ? 1 : 2);
}

export function perSecond(value) {
  return known(value) && value > 0 && value < 10 ? value.toFixed(value < 0.1 ? 2 : 1) : count(value);
}

export function ms(value) {
  if (!known(value)) return NONE;
  if (value >= 10_000) return `${(value / 1000).toFixed(0)} s`;
  return `${value.toFixed(value >= 100 || value === 0 ? 0 : value >= 10 ? 1 : 2)} ms`;
}

export function range(low, high, digits = 3) {
  return known(low) && known(high) ? `${fixed(low, digits)} to ${fixed(high, digits)}` : NONE;
}

export function span(seconds) {
  if (!known(seconds)) return NONE;
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

export function bytes(value) {
  if (!known(value)) return NONE;
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${(value / 1000 ** power).toFixed(power ? 1 : 0)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

export function short(hash) {
  return hash ? String(hash).replace(/^sha256:/, "").slice(0, 8) : NONE;
}
