// The stretch of event time that all charts show, and the day they point at together.
import { DAY } from "./format.js";
import { nowOf } from "./state.js";

export const RANGES = [
  { key: "all", label: "All" },
  { key: "90", label: "90 days", days: 90 },
  { key: "30", label: "30 days", days: 30 },
];

export function createTimeline() {
  const listeners = new Set();
  const tell = (what) => listeners.forEach((listener) => listener(what));
  return {
    range: "all",
    day: null, // start of the day pointed at, in ms
    on: (listener) => listeners.add(listener),
    setRange(key) {
      this.range = key;
      tell("range");
    },
    point(day) {
      if (day === this.day) return;
      this.day = day;
      tell("point");
    },
  };
}

// [start, end] in ms: the whole of a replay, or as long as there is something to show.
export function domain(state, range) {
  const now = nowOf(state);
  const replay = state.overview?.replay;
  const first = Math.min(...[state.days[0]?.t, state.decisions[0]?.t, now].filter(Number.isFinite));
  const days = RANGES.find(({ key }) => key === range)?.days;
  if (days && now) return [now - days * DAY, now + DAY];
  if (replay) {
    const start = state.days.length ? first : Date.parse(replay.start);
    return [start, Math.max(Date.parse(replay.until), start + DAY)];
  }
  if (!Number.isFinite(first)) return null;
  return [first, Math.max(now + DAY, first + 14 * DAY)];
}
