// Small charts of the last minutes that share one pointer: by mouse, touch or arrow keys, and read out.
import { onWidth, svg } from "../dom.js";
import { known } from "../format.js";
import { linePath } from "./lines.js";
import { linear, ticks } from "./scale.js";

const HEIGHT = 92;
const BOX = { top: 8, bottom: 70, label: 86 };

// The group's charts point at the same moment; `add` makes one and gives what draws it.
// model: {points: [{t}], domain, lines: [{key, kind}], top, format, tip(point), words(point)}; unknown values break a line.
export function createMinuteCharts({ tooltip }) {
  const charts = [];
  return (root, label) => {
    const chart = createChart(root, label, tooltip, (t) => charts.forEach((one) => one.point(t)));
    charts.push(chart);
    return chart.draw;
  };
}

function createChart(root, label, tooltip, pointAll) {
  const canvas = svg("svg", { class: "chart minutes", role: "group", "aria-label": label, height: HEIGHT });
  const ground = svg("g");
  const cross = svg("line", { class: "cross", y1: BOX.top, y2: BOX.bottom, visibility: "hidden" });
  const pad = svg("rect", { class: "moment", tabindex: 0, role: "slider", "aria-label": `${label}: moment`, "aria-orientation": "horizontal", y: BOX.top, height: BOX.bottom - BOX.top });
  canvas.append(ground, cross, pad);
  root.append(canvas);
  let width = 0;
  let model = null;
  let x = null;
  let told = null; // the moment that this chart's own tooltip tells of

  function draw() {
    if (!width || !model) return;
    const values = model.points.flatMap((one) => model.lines.map(({ key }) => one[key])).filter(known);
    const high = Math.max(model.top, ...values) * 1.08;
    const box = { left: 46, right: width - 8 };
    const y = linear([0, high], [BOX.bottom, BOX.top]);
    x = linear(model.domain, [box.left, box.right]);
    canvas.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    pad.setAttribute("x", box.left);
    pad.setAttribute("width", box.right - box.left);
    ground.replaceChildren(...grid(y, box, model.format), ...ends(box), ...model.lines.flatMap((line) => curve(line, model.points, x, y)));
    speak(model.points.at(-1), model.points.length - 1);
    if (told !== null) tell(model.points.find(({ t }) => t === told));
  }

  function speak(one, index) {
    pad.setAttribute("aria-valuemin", 0);
    pad.setAttribute("aria-valuemax", Math.max(0, model.points.length - 1));
    pad.setAttribute("aria-valuenow", Math.max(0, index));
    pad.setAttribute("aria-valuetext", one ? model.words(one) : "nothing is known yet");
  }

  function tell(one) {
    told = one?.t ?? null;
    pointAll(told);
    if (!one) return tooltip.hide(canvas);
    const { left, top } = canvas.getBoundingClientRect();
    tooltip.show(canvas, left + x(one.t), top + BOX.bottom / 2, ...model.tip(one));
  }

  pad.addEventListener("pointermove", (event) => {
    const t = x.invert(event.clientX - canvas.getBoundingClientRect().left);
    tell(nearest(model.points, t));
  });
  pad.addEventListener("pointerleave", () => tell(null));
  pad.addEventListener("blur", () => tell(null));
  pad.addEventListener("keydown", (event) => {
    const last = (model?.points.length ?? 0) - 1;
    const index = told === null ? -1 : model.points.findIndex(({ t }) => t === told);
    const to = { ArrowRight: index < 0 ? last : index + 1, ArrowLeft: index < 0 ? last : index - 1, PageUp: index + 12, PageDown: index - 12, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    const at = Math.min(last, Math.max(0, to));
    speak(model.points[at], at);
    tell(model.points[at]);
  });
  onWidth(root, (size) => ((width = size), draw()));

  return {
    draw: (next) => ((model = next), draw()),
    point(t) {
      cross.setAttribute("visibility", t === null || !x ? "hidden" : "visible");
      if (t !== null && x) for (const name of ["x1", "x2"]) cross.setAttribute(name, x(t));
    },
  };
}

function nearest(points, t) {
  return points.reduce((best, one) => (!best || Math.abs(one.t - t) < Math.abs(best.t - t) ? one : best), null);
}

function curve({ key, kind }, points, x, y) {
  const line = linePath(points, x, y, key);
  if (!line) return [];
  return [
    svg("path", { class: `fill ${kind}`, d: areas(points, x, y, key) }),
    svg("path", { class: `stroke ${kind}`, d: line }),
  ];
}

// What lies under a line, stretch by stretch of what is known.
function areas(points, x, y, key) {
  return linePath(points, x, y, key).split("M").filter(Boolean).map((run) => {
    const path = run.replace("h0.1", "");
    const [first, last] = [path.split(",")[0], path.split("L").at(-1).split(",")[0]];
    return `M${first},${y(0)}L${path}L${last},${y(0)}Z`;
  }).join("");
}

function grid(y, { left, right }, format) {
  const marks = ticks(0, y.domain[1], 2);
  return marks.map((value) => svg("g", { transform: `translate(0 ${y(value).toFixed(1)})` },
    svg("line", { class: "grid", x1: left, x2: right }),
    svg("text", { class: "axis", x: left - 8, y: 4, "text-anchor": "end" }, format(value))));
}

function ends({ left, right }) {
  return [["start", left, "5 min ago"], ["end", right, "now"]].map(([anchor, x, words]) =>
    svg("text", { class: "axis", x, y: BOX.label, "text-anchor": anchor }, words));
}

// The course of some values without axes, the newest at the right; of `slots` at most, and unknown ones break it.
export function spark(values, kind, label, { width = 96, height = 22, slots = 60 } = {}) {
  const points = values.map((value, index) => ({ t: slots - values.length + index, value }));
  const y = linear([0, Math.max(1e-9, ...values.filter(known)) * 1.1], [height - 2, 2]);
  const x = linear([0, slots - 1], [1, width - 1]);
  return svg("svg", { class: "chart minutes spark", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    ...curve({ key: "value", kind }, points, x, y));
}
