// The paired difference of a rollout: its interval against zero and the margin.
import { onWidth, svg } from "../dom.js";
import { fixed, known, signed } from "../format.js";
import { linear } from "./scale.js";

const HEIGHT = 84;
const MIDDLE = 36;

export function createIntervalChart(root) {
  const canvas = svg("svg", { class: "chart interval", height: HEIGHT, role: "img" });
  root.append(canvas);
  let width = 0;
  let model = null;

  function draw() {
    if (!width || !model) return;
    const { value, low, high, margin } = model;
    const reach = Math.max(...[value, low, high, margin].filter(known).map(Math.abs), 1e-4) * 1.25;
    const x = linear([-reach, reach], [8, width - 8]);
    canvas.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    canvas.setAttribute("aria-label", `Paired difference of loss ${signed(value, 4)}, interval ${fixed(low, 4)} to ${fixed(high, 4)}`);
    canvas.replaceChildren(...sides(x, width), ...(known(margin) ? [rule(x(margin), "margin", `margin ${signed(margin)}`, margin > 0 ? "start" : "end")] : []),
      rule(x(0), "zero", "0", margin > 0 ? "end" : "start"), ...whisker(x, model));
  }

  onWidth(root, (now) => ((width = now), draw()));
  return (next) => ((model = next), draw());
}

function sides(x, width) {
  const y = HEIGHT - 4;
  return [
    svg("rect", { class: "better", x: 8, y: MIDDLE - 20, width: Math.max(0, x(0) - 8), height: 40, rx: 6 }),
    svg("text", { class: "axis", x: 8, y }, "← candidate better"),
    svg("text", { class: "axis", x: width - 8, y, "text-anchor": "end" }, "champion better →"),
  ];
}

function rule(x, name, words, anchor) {
  return svg("g", { class: name },
    svg("line", { x1: x, x2: x, y1: MIDDLE - 22, y2: MIDDLE + 22 }),
    svg("text", { class: "axis", x: anchor === "start" ? x - 3 : x + 3, y: 10, "text-anchor": anchor }, words));
}

function whisker(x, { value, low, high }) {
  if (!known(value)) return [];
  const tone = known(high) && high < 0 ? "good" : known(low) && low > 0 ? "bad" : "plain";
  return [
    known(low) && known(high) && svg("line", { class: `whisker tone-${tone}`, x1: x(low), x2: x(high), y1: MIDDLE, y2: MIDDLE }),
    svg("circle", { class: `whisker-dot tone-${tone}`, cx: x(value), cy: MIDDLE, r: 5.5 }),
  ].filter(Boolean);
}
