// The performance chart: decisions in lanes, live against frozen below, then who served and how often outcomes were positive.
import { onWidth, svg } from "../dom.js";
import { DAY, fixed, known } from "../format.js";
import { stretch, timeAxis, valueAxis } from "./axes.js";
import { crosshair } from "./crosshair.js";
import { drawLanes, LANE_HEIGHT } from "./lanes.js";
import { bandPath, leadPath, linePath } from "./lines.js";
import { markFocus } from "./mark-focus.js";
import { linear } from "./scale.js";
import { ahead, extent, METRICS } from "./series.js";
import { rateStrip, reignStrip } from "./strips.js";

export function createPerformanceChart(root, page) {
  const back = svg("g");
  const plot = svg("g");
  const strips = svg("g");
  const lanes = svg("g", { role: "group", "aria-label": "Decisions" });
  const canvas = svg("svg", { class: "chart", role: "group", "aria-label": "Performance over event time" }, back, plot, strips);
  const cross = crosshair(canvas, page);
  canvas.append(lanes);
  const focus = markFocus(lanes, page);
  root.append(canvas);
  let width = 0;
  let model = null;

  function draw() {
    if (!width || !model) return;
    const box = layout(width);
    const x = linear(model.domain, [box.left, box.right]);
    const y = linear(extent(model.points) ?? [0.5, 1], [box.bottom, box.top]);
    canvas.setAttribute("viewBox", `0 0 ${width} ${box.height}`);
    canvas.setAttribute("height", box.height);
    back.replaceChildren(...backdrop(model, x, y, box));
    plot.replaceChildren(...lines(model, x, y, box));
    strips.replaceChildren(...below(model, x, box));
    focus.redraw(() => drawLanes(lanes, { ...model, x, left: box.left, right: box.right, labelled: box.wide }));
    cross.set(model, x, y, box);
  }

  onWidth(root, (now) => ((width = now), draw()));
  return (next) => ((model = next), draw());
}

// The margins are shared with the drift map, so that a day stands at the same place in both.
export function margins(width) {
  return width >= 760 ? { wide: true, left: 156, right: width - 64 } : { wide: false, left: 40, right: width - 46 };
}

function layout(width) {
  const sides = margins(width);
  const top = 3 * LANE_HEIGHT + 14;
  const bottom = top + (sides.wide ? 264 : 200);
  return { ...sides, top, bottom, reign: bottom + 12, rate: bottom + 40, axis: bottom + 88, height: bottom + 98 };
}

function backdrop(model, x, y, box) {
  const labelled = model.points.findLast(({ live }) => known(live));
  const all = { ...box, top: 0, bottom: box.axis - 14 };
  const unlabelled = labelled && model.now > labelled.t + DAY / 2;
  return [
    stretch("future", labelled ? "still to come" : "", x, model.now ?? model.domain[0], model.domain[1], { ...all, top: box.top }),
    unlabelled && stretch("maturing", "maturing", x, labelled.t + DAY / 2, model.now, { ...box }),
    ...timeAxis(x, { ...all, label: box.axis }),
    ...(extent(model.points) ? valueAxis(y, box) : []),
  ].filter(Boolean);
}

function lines(model, x, y, box) {
  const { better } = METRICS[model.metric];
  const clip = svg("clipPath", { id: "plot-clip" },
    svg("rect", { x: box.left, y: box.top, width: Math.max(0, box.right - box.left), height: box.bottom - box.top }));
  const path = (name, d) => svg("path", { class: name, d, "clip-path": "url(#plot-clip)" });
  return [
    clip,
    path("lead", leadPath(model.points, x, y, better)),
    path("band", bandPath(model.points, x, y)),
    path("promise", promiseSteps(model.promises, x, y)),
    path("line frozen", linePath(model.points, x, y, "frozen")),
    path("line live", linePath(model.points, x, y, "live")),
    path("reach", bandPath(ahead(model.points), x, y)),
    path("line estimate", linePath(ahead(model.points), x, y, "value")),
    svg("g", { "clip-path": "url(#plot-clip)" }, stems(model, x, y, box)),
    ...endLabels(model, x, y, box),
  ];
}

function promiseSteps(promises, x, y) {
  return promises.map(({ start, end, value }) => `M${x(start).toFixed(1)},${y(value).toFixed(1)}H${x(end).toFixed(1)}`).join("");
}

// What changed the course goes down to the curve.
function stems({ decisions, points }, x, y, box) {
  const heavy = { promote: "good", rollback: "bad", reject: "warn", retrain: "accent" };
  return decisions.filter(({ kind }) => heavy[kind]).map(({ kind, t, seq }) => {
    const near = nearest(points, t);
    const end = near ? y(near.live) : box.bottom;
    return svg("g", { class: `stem tone-${heavy[kind]} stem-${kind}`, data: { stem: seq } },
      svg("line", { x1: x(t), x2: x(t), y1: box.top, y2: end }),
      near && svg("circle", { cx: x(t), cy: end, r: 3 }));
  });
}

function nearest(points, t) {
  const index = points.findIndex((point) => point.t + DAY / 2 > t);
  const point = points[index];
  return known(point?.live) ? point : null;
}

function endLabels({ points }, x, y, box) {
  const last = points.findLast(({ live }) => known(live));
  if (!last || x(last.t) > box.right + 1 || x(last.t) < box.left) return [];
  const live = y(last.live);
  const frozen = known(last.frozen) ? y(last.frozen) : null;
  const apart = frozen === null ? 0 : Math.max(0, (15 - Math.abs(live - frozen)) / 2);
  const above = frozen === null || live <= frozen ? -1 : 1;
  const at = x(last.t) + 8;
  const clear = ahead(points).length ? 13 : 0; // the estimate goes on where the label would be
  return [
    svg("circle", { class: "end live", cx: x(last.t), cy: live, r: 3.5 }),
    svg("text", { class: "end-label live", x: at, y: live + 4 + above * (apart + clear) }, fixed(last.live)),
    frozen !== null && svg("circle", { class: "end frozen", cx: x(last.t), cy: frozen, r: 3 }),
    frozen !== null && svg("text", { class: "end-label frozen", x: at, y: frozen + 4 - above * apart }, fixed(last.frozen)),
  ].filter(Boolean);
}

function below(model, x, box) {
  const words = (text, y) => box.wide && svg("text", { class: "gutter", x: box.left - 12, y, "text-anchor": "end" }, text);
  return [
    words("Champion", box.reign + 13),
    ...reignStrip(model.reigns, { x, ...box, top: box.reign, height: 18, now: model.now }),
    model.points.some(({ window }) => known(window.base_rate)) && words("Base rate", box.rate + 22),
    ...rateStrip(model.days, { x, ...box, top: box.rate, height: 30 }),
  ].filter(Boolean);
}
