// Several panels over one axis of days, with one pointer through all of them: by mouse, touch or arrow keys.
import { onWidth, svg } from "../dom.js";
import { DAY } from "../format.js";
import { onTheme } from "../theme.js";
import { timeAxis } from "./axes.js";
import { linear } from "./scale.js";

const HEAD = 24; // px over each panel, for its name
const GAP = 10;

// model: {gutter, domain, points: [{t}], panels: [{name, height, paint(x, box)}], tip(point), words(point)}; `t` begins a day; `gutter` px are kept for labels.
export function createDayChart(root, { tooltip, label }) {
  const canvas = svg("svg", { class: "chart day-chart", role: "group", "aria-label": label });
  const ground = svg("g");
  const cross = svg("line", { class: "cross", visibility: "hidden" });
  const pad = svg("rect", { class: "pad", tabindex: 0, role: "slider", "aria-label": `${label}: day`, "aria-orientation": "horizontal" });
  canvas.append(ground, cross, pad);
  root.append(canvas);
  let width = 0;
  let now = null; // {model, x, box}
  let model = null;
  let index = -1;

  function draw() {
    if (!width || !model) return;
    const box = { left: Math.max(model.gutter ?? 0, width < 560 ? 46 : 62), right: width - 14 };
    const x = linear(model.domain, [box.left, box.right]);
    let top = 0;
    const nodes = model.panels.map((panel) => {
      const inside = { ...box, top: top + HEAD, bottom: top + HEAD + panel.height };
      top = inside.bottom + GAP;
      return svg("g", { class: "panel", data: { panel: panel.name } },
        svg("text", { class: "panel-name", x: 0, y: inside.top - 10 }, panel.name), panel.paint(x, inside));
    });
    const height = top + 14;
    canvas.setAttribute("viewBox", `0 0 ${width} ${height}`);
    canvas.setAttribute("height", height);
    ground.replaceChildren(...timeAxis(x, { ...box, top: HEAD, bottom: top - GAP, label: top + 6 }), ...nodes);
    now = { model, x, box: { ...box, top: HEAD, bottom: top - GAP } };
    for (const [name, value] of [["x", box.left], ["y", HEAD], ["width", box.right - box.left], ["height", top - GAP - HEAD]]) pad.setAttribute(name, value);
    pad.setAttribute("aria-valuemin", 0);
    pad.setAttribute("aria-valuemax", Math.max(0, model.points.length - 1));
    const last = model.points.at(-1);
    pad.setAttribute("aria-valuenow", Math.max(0, model.points.length - 1));
    if (last) pad.setAttribute("aria-valuetext", model.words(last));
    leave();
  }

  function go(to, speak) {
    index = Math.min(model.points.length - 1, Math.max(0, to));
    const point = model.points[index];
    if (!point) return leave();
    const x = now.x(point.t + DAY / 2);
    for (const [name, value] of [["x1", x], ["x2", x], ["y1", now.box.top], ["y2", now.box.bottom], ["visibility", "visible"]]) cross.setAttribute(name, value);
    const { left, top } = canvas.getBoundingClientRect();
    tooltip.show(canvas, left + x, top + (now.box.top + now.box.bottom) / 3, ...model.tip(point));
    if (!speak) return;
    pad.setAttribute("aria-valuenow", index);
    pad.setAttribute("aria-valuetext", model.words(point));
  }

  function leave() {
    index = -1;
    cross.setAttribute("visibility", "hidden");
    tooltip.hide(canvas);
  }

  pad.addEventListener("pointermove", (event) => {
    const inside = event.clientX - canvas.getBoundingClientRect().left;
    const day = Math.floor(now.x.invert(inside) / DAY) * DAY;
    const found = model.points.findIndex(({ t }) => t === day);
    if (found < 0) leave();
    else go(found, false);
  });
  pad.addEventListener("pointerleave", leave);
  pad.addEventListener("blur", leave);
  pad.addEventListener("keydown", (event) => {
    const last = (model?.points.length ?? 0) - 1;
    const from = index < 0 ? last + (event.key === "ArrowLeft" ? 1 : 0) : index;
    const to = { ArrowRight: index < 0 ? last : from + 1, ArrowLeft: from - 1, PageUp: from + 7, PageDown: from - 7, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    go(to, true);
  });
  onTheme(draw);
  onWidth(root, (size) => ((width = size), draw()));
  return (next) => ((model = next), draw());
}
