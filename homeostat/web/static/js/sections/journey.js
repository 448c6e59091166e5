// Before the first version serves: where the loop is on its way there.
import { h } from "../dom.js";
import { known } from "../format.js";

const STEPS = [
  ["Take in history", "Events come in through the doors and are checked against their contracts."],
  ["Train the first version", "On every prediction whose outcome is known by then."],
  ["Pass the gate", "It must beat the base rate, or it does not serve."],
  ["Serve and watch", "Outcomes mature; drift and performance are measured day by day."],
];

export function journey(state) {
  const here = place(state);
  return h("ol", { class: "journey" }, STEPS.map(([title, text], index) =>
    h("li", { class: index < here ? "done" : index === here ? "now" : "next", "aria-current": index === here && "step" },
      h("strong", null, title),
      h("span", null, index === here ? (doing(state.overview) ?? text) : text))));
}

// A version has rows once it is registered: what follows is the gate.
function place({ overview, versions }) {
  const registered = versions.some(({ rows }) => known(rows));
  if (overview.activity) return registered ? 2 : 1;
  return versions.length > 0 ? 2 : 0;
}

function doing({ activity, replay, verdict }) {
  if (activity) return `Now, for ${activity.version}: ${activity.step}.`;
  if (verdict && !replay) return `Not yet: ${verdict.reasons.join("; ")}.`;
  return replay?.phase ? `Now: ${replay.phase}.` : null;
}
