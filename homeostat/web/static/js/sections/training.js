// A training that is under way, step by step with what it says; and the button that asks for one.
import { api } from "../api.js";
import { h } from "../dom.js";
import { askReason } from "../reason-dialog.js";

const OVER = ["done", "kept", "failed"];

export function training(activity) {
  if (activity?.kind !== "training") return null;
  const { version, steps = [], log = [] } = activity;
  const over = steps.filter(({ state }) => OVER.includes(state)).length;
  const now = steps.find(({ state }) => state === "running");
  const far = now?.of ? ` ${now.done} of ${now.of}` : "";
  const share = steps.length ? over / steps.length : 0;
  const words = now ? `${now.name}${far}` : over ? "between two steps" : "starting";
  return h("div", { class: "training", role: "group", "aria-label": `Training ${version}` },
    h("p", null, h("strong", null, `Training ${version}`), ` ${words}${steps.length ? `, step ${Math.min(over + 1, steps.length)} of ${steps.length}` : ""}`),
    h("div", { class: "progress", role: "progressbar", "aria-label": "Steps that are over", "aria-valuemin": 0, "aria-valuemax": steps.length || 1, "aria-valuenow": over },
      h("div", { class: "progress-fill", style: { width: `${(share * 100).toFixed(1)}%` } })),
    log.length > 0 && h("pre", { class: "training-log", tabindex: 0, "aria-label": "What it says" }, log.join("\n")));
}

// Only where nothing else is under way: a loop looks at one candidate at a time.
export function retrainButton({ activity, rollout, proposal, release, route }, loop, page) {
  if (activity || rollout || proposal || release) return null;
  const after = `${route?.champion ? `It follows ${route.champion} if it passes` : "It serves if it passes"} the gate, and comes in step by step. Cool-down, quiet hours and the month's budget do not hold it back, but it counts in the budget.`;
  const ask = () => askReason({
    name: "retrain", title: "Train a new version now?", verb: "Train", failed: "No training was asked for.", done: page.refresh,
    after, act: (reason) => api.retrain(loop, reason),
  });
  return h("p", null, h("button", { type: "button", class: "button", on: { click: ask } }, "Train now…"));
}
