// Drift as a map: a row per feature, a column per day (or per few days, where days would be thinner than a line).
import { h, onWidth, svg } from "../dom.js";
import { fixed } from "../format.js";
import { isDark, onTheme } from "../theme.js";
import { timeAxis } from "./axes.js";
import { classOf, colours } from "./heat-colours.js";
import { gridOf, ROW, valueOf } from "./heat-grid.js";
import { heatPointer } from "./heat-pointer.js";
import { margins } from "./performance.js";
import { linear } from "./scale.js";

export function createHeatmap(root, page) {
  const names = h("ol", { class: "heat-names" });
  const canvas = h("canvas", { class: "heat-canvas", tabindex: 0, role: "application", "aria-label": "Drift by feature and day: arrow keys move, the value is read out" });
  const latest = h("ol", { class: "heat-latest", "aria-hidden": "true" });
  const axis = svg("svg", { class: "chart heat-axis", height: 20, "aria-hidden": "true" });
  const cursor = h("div", { class: "heat-cursor", hidden: true });
  const middle = h("div", { class: "heat-middle" }, canvas, cursor);
  root.append(h("div", { class: "heat" }, names, middle, latest), axis);
  let width = 0;
  let model = null;
  const pointer = heatPointer({ canvas, cursor, names }, page);

  function draw() {
    if (!width || !model) return;
    const sides = margins(width);
    const plot = Math.max(40, sides.right - (sides.wide ? sides.left : 112));
    const left = sides.wide ? sides.left : 112;
    root.style.setProperty("--heat-names", `${left}px`);
    root.style.setProperty("--heat-plot", `${plot}px`);
    const grid = gridOf(model, plot);
    paint(canvas, grid, model, plot);
    names.replaceChildren(...model.features.map(({ name }) => h("li", { title: name }, h("span", null, name))));
    latest.replaceChildren(...model.features.map(({ now }) => h("li", null, fixed(now, 1))));
    axis.setAttribute("viewBox", `0 0 ${width} 20`);
    const x = linear(model.domain, [left, left + plot]);
    const head = svg("text", { class: "axis", x: left + plot + 8, y: 15 }, "latest");
    axis.replaceChildren(head, ...timeAxis(x, { left, right: left + plot, top: 0, bottom: 6, label: 15 }));
    pointer.set(model, grid);
  }

  onTheme(draw);
  onWidth(root, (now) => ((width = now), draw()));
  return (next) => ((model = next), draw());
}

function paint(canvas, { columns }, { features }, plot) {
  const ratio = devicePixelRatio || 1;
  const height = features.length * ROW;
  canvas.width = Math.round(plot * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.setProperty("height", `${height}px`);
  Object.assign(canvas.dataset, { rows: features.length, columns: columns.length });
  const context = canvas.getContext("2d");
  const ramp = colours(isDark());
  const unknown = hatch(context, ratio);
  features.forEach((feature, row) => {
    const top = Math.round(row * ROW * ratio);
    const tall = Math.round((row + 1) * ROW * ratio) - top - Math.max(1, Math.round(ratio));
    for (const column of columns) {
      const from = Math.round(column.from * ratio);
      const value = valueOf(column, feature);
      context.fillStyle = value === null ? unknown : ramp[classOf(value)];
      context.fillRect(from, top, Math.round(column.to * ratio) - from, tall);
    }
  });
}

function hatch(context, ratio) {
  const size = Math.round(6 * ratio);
  const tile = new OffscreenCanvas(size, size);
  const pen = tile.getContext("2d");
  pen.strokeStyle = isDark() ? "#3a3a44" : "#cfcfd6";
  pen.lineWidth = ratio;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}
