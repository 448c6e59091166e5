// Curves and dots over a number: skill by age, cost by interval. A rule stands upright, a span is its bounds.
import { onWidth, svg } from "../dom.js";
import { fixed } from "../format.js";
import { valueAxis } from "./axes.js";
import { linePath } from "./lines.js";
import { digitsOf, linear, ticks } from "./scale.js";

const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [232, 52, 12, 22, 196];

// The model: {domain, range, lines: [{kind, points: [{t, value}]}], dots: [{t, value}], rules: [{t, words, kind}], span: [from, to] | null, unit, says}.
export function createCurves(root) {
  const canvas = svg("svg", { class: "chart curves", height: HEIGHT, role: "img" });
  root.append(canvas);
  let width = 0;
  let model = null;

  function draw() {
    if (!width || !model) return;
    const frame = { left: LEFT, right: width - RIGHT, top: TOP, bottom: BOTTOM };
    const [x, y] = [linear(model.domain, [frame.left, frame.right]), linear(model.range, [BOTTOM, TOP])];
    canvas.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    canvas.setAttribute("aria-label", model.says);
    canvas.replaceChildren(...valueAxis(y, frame), ...numberAxis(x, model.unit, frame), ...spanOf(model.span, x),
      ...model.lines.map(({ kind, points }) => svg("path", { class: `line ${kind}`, d: linePath(points, x, y, "value") })),
      ...model.dots.map(({ t, value }) => svg("circle", { class: "dot-seen", cx: x(t), cy: y(value), r: 3.5 })),
      ...model.rules.map((rule) => ruleOf(rule, x, frame)));
  }

  onWidth(root, (now) => ((width = now), draw()));
  return (next) => ((model = next), draw());
}

function numberAxis(x, unit, { left, right }) {
  const values = ticks(...x.domain, Math.max(3, Math.round((right - left) / 70)));
  const digits = digitsOf(values);
  return [
    ...values.map((value) => svg("text", { class: "axis", x: x(value), y: BOTTOM + 18, "text-anchor": "middle" }, fixed(value, digits))),
    svg("text", { class: "axis", x: right, y: HEIGHT - 2, "text-anchor": "end" }, unit),
  ];
}

function spanOf(span, x) {
  if (!span) return [];
  const [from, to] = span.map((value) => Math.min(Math.max(value, x.domain[0]), x.domain[1]));
  return [svg("rect", { class: "band", x: x(from), y: TOP, width: Math.max(1, x(to) - x(from)), height: BOTTOM - TOP })];
}

function ruleOf({ t, words, kind, line = 0 }, x, { left, right }) {
  const end = x(t) > (left + right) / 2;
  return svg("g", { class: `rule-at ${kind}` },
    svg("line", { x1: x(t), x2: x(t), y1: TOP, y2: BOTTOM }),
    svg("text", { x: x(t) + (end ? -6 : 6), y: TOP - 8 + line * 14, "text-anchor": end ? "end" : "start" }, words));
}
