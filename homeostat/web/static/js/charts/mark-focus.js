// Marks answer to the pointer and to the keyboard: one tab stop, arrows walk through time, Enter opens the decision.
import { h } from "../dom.js";
import { dateAndTime } from "../format.js";
import { kindOf } from "../kinds.js";
import { tipTitle } from "../tooltip.js";

const MOST_TOLD = 4;

export function markFocus(lanes, { tooltip, showDecision }) {
  let marks = [];
  let active = null; // seq of the decision whose mark is the tab stop

  const has = (mark, seq) => mark.cluster.members.some((member) => member.seq === seq);

  function tell(mark) {
    const { left, top, width } = mark.node.getBoundingClientRect();
    tooltip.show(lanes, left + width / 2, top + 12, ...markTip(mark.cluster));
    highlight(mark, true);
  }

  function quiet(mark) {
    tooltip.hide(lanes);
    highlight(mark, false);
  }

  function highlight(mark, on) {
    for (const { seq } of mark.cluster.members) {
      lanes.ownerSVGElement.querySelector(`[data-stem="${seq}"]`)?.classList.toggle("on", on);
    }
  }

  function move(mark, event) {
    const index = marks.indexOf(mark);
    const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: marks.length - 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return showDecision(mark.cluster.chief.seq);
    }
    if (to === undefined || !marks[to]) return;
    event.preventDefault();
    active = marks[to].cluster.chief.seq;
    settle();
    marks[to].node.focus();
  }

  function settle() {
    const stop = marks.find((mark) => has(mark, active)) ?? marks.at(-1);
    for (const mark of marks) mark.node.setAttribute("tabindex", mark === stop ? 0 : -1);
    return stop;
  }

  function wire(mark) {
    const { node, cluster } = mark;
    node.addEventListener("pointerenter", () => tell(mark));
    node.addEventListener("pointerleave", () => quiet(mark));
    node.addEventListener("focus", () => tell(mark));
    node.addEventListener("blur", () => quiet(mark));
    node.addEventListener("click", () => showDecision(cluster.chief.seq));
    node.addEventListener("keydown", (event) => move(mark, event));
  }

  return {
    // `draw` replaces the marks and returns the new ones; focus goes to the one that took the focused one's place.
    redraw(draw) {
      const keep = marks.find(({ node }) => node === document.activeElement);
      if (keep) active = keep.cluster.chief.seq;
      marks = [...draw()].sort((a, b) => a.cluster.x - b.cluster.x || a.cluster.lane - b.cluster.lane);
      marks.forEach(wire);
      const stop = settle();
      if (keep && stop) stop.node.focus({ preventScroll: true });
    },
  };
}

function markTip({ members }) {
  const told = [...members].sort((a, b) => kindOf(b).weight - kindOf(a).weight || b.seq - a.seq).slice(0, MOST_TOLD).sort((a, b) => a.seq - b.seq);
  return [
    ...told.map((decision) => h("div", { class: "tip-decision" },
      tipTitle(decision.title, dateAndTime(decision.t)),
      h("ul", null, (decision.reasons ?? []).slice(0, 3).map((reason) => h("li", null, reason))))),
    members.length > told.length && h("p", { class: "tip-more" }, `and ${members.length - told.length} more`),
    h("p", { class: "tip-more" }, "Select to read the evidence"),
  ].filter(Boolean);
}
