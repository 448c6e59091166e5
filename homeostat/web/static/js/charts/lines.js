// Path data for lines, bands and the area by which one line leads another. Unknown values break a line.
import { known } from "../format.js";

const point = (x, y) => `${x.toFixed(1)},${y.toFixed(1)}`;

function runs(points, complete) {
  const found = [];
  let run = [];
  for (const each of points) {
    if (complete(each)) run.push(each);
    else if (run.length) found.push(run), (run = []);
  }
  if (run.length) found.push(run);
  return found;
}

export function linePath(points, x, y, key) {
  return runs(points, (p) => known(p[key]))
    .map((run) => `M${run.map((p) => point(x(p.t), y(p[key]))).join("L")}${run.length === 1 ? "h0.1" : ""}`)
    .join("");
}

export function bandPath(points, x, y) {
  return runs(points, (p) => known(p.low) && known(p.high))
    .map((run) => {
      const over = run.map((p) => point(x(p.t), y(p.high)));
      const under = run.map((p) => point(x(p.t), y(p.low))).reverse();
      return `M${over.concat(under).join("L")}Z`;
    })
    .join("");
}

// The area between live and frozen where `better` * (live - frozen) > 0, cut exactly where the lines cross.
export function leadPath(points, x, y, better) {
  const pieces = [];
  for (const run of runs(points, (p) => known(p.live) && known(p.frozen))) {
    for (let i = 1; i < run.length; i += 1) pieces.push(quad(run[i - 1], run[i], x, y, better));
  }
  return pieces.join("");
}

function quad(a, b, x, y, better) {
  const [before, after] = [a, b].map((p) => (p.live - p.frozen) * better);
  if (before <= 0 && after <= 0) return "";
  const cross = before / (before - after);
  const meet = { t: a.t + (b.t - a.t) * cross, live: a.live + (b.live - a.live) * cross };
  const from = before > 0 ? [point(x(a.t), y(a.frozen)), point(x(a.t), y(a.live))] : [point(x(meet.t), y(meet.live))];
  const to = after > 0 ? [point(x(b.t), y(b.live)), point(x(b.t), y(b.frozen))] : [point(x(meet.t), y(meet.live))];
  return `M${[...from, ...to].join("L")}Z`;
}
