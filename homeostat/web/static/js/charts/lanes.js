// The decisions above the curve: one lane each for retraining, rolling out and stopping.
// Decisions that would overlap share one mark, which wears the weightiest one's icon and names them all.
import { svg } from "../dom.js";
import { longDate } from "../format.js";
import { PATHS } from "../icons.js";
import { kindOf, LANES } from "../kinds.js";

export const LANE_HEIGHT = 24;
const APART = 17;

function clusters(decisions, x) {
  const found = [];
  const open = LANES.map(() => null);
  for (const decision of decisions) {
    const { lane } = kindOf(decision);
    const here = x(decision.t);
    if (open[lane] && here - open[lane].x < APART) {
      open[lane].members.push(decision);
    } else {
      open[lane] = { lane, x: here, members: [decision] };
      found.push(open[lane]);
    }
    const chief = weightiest(open[lane].members);
    Object.assign(open[lane], { chief, x: Math.max(open[lane].x, x(chief.t)) });
  }
  return found;
}

function weightiest(members) {
  return members.reduce((best, each) => (kindOf(each).weight >= kindOf(best).weight ? each : best));
}

export function drawLanes(group, { decisions, rollouts, x, left, right, labelled }) {
  const lines = LANES.map((label, lane) => {
    const y = centre(lane);
    return svg("g", null,
      svg("line", { class: "lane", x1: left, x2: right, y1: y, y2: y }),
      labelled && svg("text", { class: "gutter", x: left - 12, y: y + 4, "text-anchor": "end" }, label));
  });
  const bars = rollouts.filter(({ end, start }) => x(end ?? start) >= left && x(start) <= right).map((rollout) => bar(rollout, x, left, right));
  const marks = clusters(decisions.filter(({ t }) => x(t) >= left - 1 && x(t) <= right + 1), x).map(mark);
  group.replaceChildren(...lines, ...bars, ...marks.map(({ node }) => node));
  return marks;
}

const centre = (lane) => lane * LANE_HEIGHT + LANE_HEIGHT / 2;

function bar({ start, until, outcome }, x, left, right) {
  const from = Math.max(left, x(start));
  const to = Math.min(right, x(until));
  const tone = { promote: "good", rollback: "bad" }[outcome] ?? "open";
  return svg("rect", { class: `rollout-bar tone-${tone}`, x: from, y: centre(1) - 4, width: Math.max(4, to - from), height: 8, rx: 4 });
}

function mark(cluster) {
  const { chief, members, lane, x } = cluster;
  const { tone } = kindOf(chief);
  const small = kindOf(chief).weight < 5;
  const names = members.map((each) => `${longDate(each.t)}: ${each.title}`).join("; ");
  const node = svg("g", {
    class: `mark tone-${tone} ${small ? "small" : ""}`, role: "button", tabindex: -1, "aria-label": names,
    transform: `translate(${x.toFixed(1)} ${centre(lane)})`, data: { seqs: members.map(({ seq }) => seq).join(" ") },
  },
  svg("circle", { class: "hit", r: 12 }),
  svg("circle", { class: "disc", r: small ? 4 : 8 }),
  !small && svg("path", { d: PATHS[chief.kind] ?? PATHS.gate, transform: "translate(-6 -6) scale(.75)" }));
  return { node, cluster };
}
