// Before the first version serves: where the loop is on its way there.
import { h } from "../dom.js";

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

function place({ overview, versions }) {
  if (versions.length > 0 || overview.activity?.step === "gate") return 2;
  return overview.activity ? 1 : 0;
}

function doing({ activity, replay }) {
  if (activity) return `Now: ${activity.step}${activity.version ? ` of ${activity.version}` : ""}.`;
  return replay?.phase ? `Now: ${replay.phase}.` : null;
}
