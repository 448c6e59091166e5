// Line icons on a 16 by 16 grid.
import { svg } from "./dom.js";

export const PATHS = {
  bootstrap: "M8 13.2V7.4M8 9.2c0-3 1.8-4.8 4.8-4.8 0 3-1.8 4.8-4.8 4.8M8 7.4C8 5 6.4 3.4 4 3.4c0 2.4 1.6 4 4 4",
  retrain: "M12.8 8a4.8 4.8 0 1 1-1.5-3.5M12.9 2.6v2.7h-2.7",
  gate: "M4 13V7a4 4 0 0 1 8 0v6M4 9.5h8",
  canary: "M2.8 8h3.7l4.2-4M6.5 8l4.2 4M8.8 3.7h2.2v2.2M8.8 12.3h2.2v-2.2",
  advance: "M3 12.2h3.3V8.6h3.4V5H13",
  ask: "M5.6 6.2a2.4 2.4 0 1 1 3.4 2.2c-.7.3-1 .8-1 1.6M8 12.4v.1",
  approve: "M4 8.5l2.7 2.7L12 5.7",
  refuse: "M5 5l6 6M11 5l-6 6",
  promote: "M4 8.5l2.7 2.7L12 5.7",
  rollback: "M6 3.8 3.2 6.6 6 9.4M3.6 6.6h5.6a3.2 3.2 0 0 1 0 6.4H6.8",
  reject: "M5 5l6 6M11 5l-6 6",
  fail: "M8 4v5M8 11.9v.1",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9",
  moon: "M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z",
  chevron: "M6 4l4 4-4 4",
};

export function icon(name, size = 16) {
  return svg("svg", { viewBox: "0 0 16 16", width: size, height: size, class: `icon icon-${name}`, "aria-hidden": "true" },
    svg("path", { d: PATHS[name] ?? PATHS.gate }));
}

export function brandMark() {
  return svg("svg", { viewBox: "0 0 32 32", width: 26, height: 26, class: "brand-mark", "aria-hidden": "true" },
    svg("rect", { width: 32, height: 32, rx: 8 }),
    svg("path", { class: "ring", d: "M6.5 16a9.5 9.5 0 0 1 16.4-6.5M25.5 16a9.5 9.5 0 0 1-16.4 6.5" }),
    svg("path", { class: "beat", d: "M6.5 16h4.3l2.7-5 4.6 10 2.7-5h4.7" }));
}
