// The day under the pointer, or under the arrow keys, with its figures.
import { svg } from "../dom.js";
import { count, DAY, fixed, known, level, longDate, percent, plural, range, signed } from "../format.js";
import { tipRows, tipTitle } from "../tooltip.js";
import { lead, METRICS } from "./series.js";

export function crosshair(canvas, { timeline, tooltip }) {
  const line = svg("line", { class: "cross" });
  const live = svg("circle", { class: "cross-dot live", r: 4 });
  const frozen = svg("circle", { class: "cross-dot frozen", r: 3.5 });
  const group = svg("g", { class: "cross-group" }, line, frozen, live);
  const pad = svg("rect", { class: "pad", tabindex: 0, role: "slider", "aria-label": "Day of the performance chart", "aria-orientation": "horizontal" });
  canvas.append(group, pad);
  let now = null; // {model, x, y, box}

  const pointAt = (day) => now?.model.points.find(({ window }) => window.t === day);

  function drawLine() {
    const point = pointAt(timeline.day);
    group.toggleAttribute("hidden", !point);
    group.style.setProperty("display", point ? "" : "none");
    if (!point) return;
    const x = now.x(point.t);
    for (const [name, value] of [["x1", x], ["x2", x], ["y1", now.box.top], ["y2", now.box.axis - 14]]) line.setAttribute(name, value);
    put(live, x, point.live);
    put(frozen, x, point.frozen);
  }

  function put(dot, x, value) {
    dot.style.setProperty("display", known(value) ? "" : "none");
    if (known(value)) dot.setAttribute("cx", x), dot.setAttribute("cy", now.y(value));
  }

  function tell(point) {
    const { left, top } = canvas.getBoundingClientRect();
    const at = point.live ?? point.estimate.value;
    const y = known(at) ? now.y(at) : (now.box.top + now.box.bottom) / 2;
    tooltip.show(canvas, left + now.x(point.t), top + y, ...dayTip(point, now.model));
  }

  function pointAtDay(day) {
    const point = pointAt(day);
    timeline.point(point ? day : null);
    if (point) tell(point);
    else tooltip.hide(canvas);
  }

  function leave() {
    timeline.point(null);
    tooltip.hide(canvas);
  }

  pad.addEventListener("pointermove", (event) => {
    const inside = event.clientX - canvas.getBoundingClientRect().left;
    pointAtDay(Math.floor(now.x.invert(inside) / DAY) * DAY);
  });
  pad.addEventListener("pointerleave", leave);
  pad.addEventListener("blur", leave);
  pad.addEventListener("keydown", (event) => {
    const { points, domain } = now.model;
    const shown = points.filter(({ window }) => window.t >= domain[0] && window.t <= domain[1]);
    const index = shown.findIndex(({ window }) => window.t === timeline.day);
    const to = { ArrowRight: index < 0 ? shown.length - 1 : index + 1, ArrowLeft: index < 0 ? shown.length - 1 : index - 1,
      PageUp: index + 7, PageDown: index - 7, Home: 0, End: shown.length - 1 }[event.key];
    if (to === undefined || shown.length === 0) return;
    event.preventDefault();
    const at = Math.min(shown.length - 1, Math.max(0, to));
    pad.setAttribute("aria-valuenow", at);
    pad.setAttribute("aria-valuetext", dayWords(shown[at], now.model));
    pointAtDay(shown[at].window.t);
  });
  timeline.on((what) => what === "point" && drawLine());

  return {
    set(model, x, y, box) {
      now = { model, x, y, box };
      const last = Math.max(0, model.points.length - 1);
      const size = { x: box.left, y: box.top, width: Math.max(0, box.right - box.left), height: box.axis - 14 - box.top };
      for (const [name, value] of Object.entries(size)) pad.setAttribute(name, value);
      pad.setAttribute("aria-valuemin", 0);
      pad.setAttribute("aria-valuemax", last);
      if (!pad.hasAttribute("aria-valuenow")) pad.setAttribute("aria-valuenow", last);
      if (model.points[last]) pad.setAttribute("aria-valuetext", dayWords(model.points[last], model));
      drawLine();
    },
  };
}

function dayTip(point, { metric, reigns }) {
  const { window } = point;
  const served = reigns.findLast(({ start }) => start <= point.t)?.version;
  const days = window.trail?.days;
  const ahead = lead(point, metric);
  return [
    tipTitle(longDate(window.t), served),
    known(point.live) ? tipRows([
      [`Live ${METRICS[metric].label}`, fixed(point.live), known(point.low) ? range(point.low, point.high) : null, "live"],
      ["Frozen first version", fixed(point.frozen), null, "frozen"],
      ["Lead", signed(ahead), level(ahead) ? null : ahead > 0 ? "live is better" : "frozen is better"],
    ]) : tipRows([["Outcomes", "still maturing"], ...expected(point, metric)]),
    tipRows([
      ["Rows", count(window.rows), known(window.labelled) ? `${count(window.labelled)} labelled` : null],
      known(window.base_rate) && ["Base rate", percent(window.base_rate, 1)],
      window.violations > 0 && ["Contract breaks", count(window.violations)],
      days && ["Figures cover", plural(days, "day")],
    ].filter(Boolean)),
  ];
}

// What labels are expected to show, with bounds; made from scores, not from outcomes.
function expected({ estimate, window }, metric) {
  if (!known(estimate.value)) return [];
  const of = plural(window.estimated.unlabelled, "day");
  return [[`Estimated ${METRICS[metric].label}`, fixed(estimate.value), `${range(estimate.low, estimate.high)}, ${of} without labels in it`, "estimate"]];
}

function dayWords(point, { metric }) {
  const name = METRICS[metric].label;
  if (!known(point.live) && known(point.estimate.value)) return `${longDate(point.window.t)}: outcomes still maturing, ${name} estimated at ${fixed(point.estimate.value)}`;
  if (!known(point.live)) return `${longDate(point.window.t)}: outcomes still maturing`;
  return `${longDate(point.window.t)}: live ${name} ${fixed(point.live)}, frozen ${fixed(point.frozen)}`;
}
