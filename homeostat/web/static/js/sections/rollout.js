// The rollout that is open, step by step, and how the last ones ended.
import { createIntervalChart } from "../charts/interval.js";
import { h, setText, whenChanged } from "../dom.js";
import { at, count, day, dayAndTime, fixed, known, NONE, percent, plural, signed } from "../format.js";
import { icon } from "../icons.js";
import { rollouts } from "../state.js";
import { proposal, question, release } from "./asking.js";
import { activityOf } from "./status.js";
import { retrainButton, training } from "./training.js";

const SHOWN = 5;
const OUTCOMES = { promote: ["good", "Promoted"], rollback: ["bad", "Rolled back"] };
const DEFAULT_STEPS = [0.05, 0.25, 0.5, 1];

export function mountRollout(root, page) {
  const aside = h("span", { class: "aside" });
  const open = h("div", { class: "rollout-open" });
  const difference = h("div", { class: "difference" });
  const figures = h("div", { class: "difference-figures" });
  const area = h("div", { class: "chart-area" });
  const past = h("ol", { class: "past" });
  difference.append(h("h3", null, "Paired difference of loss, same rows"), figures, area);
  root.append(
    h("div", { class: "card-head" }, h("h2", { id: "rollout-title" }, "Rollout"), aside),
    h("div", { class: "rollout-body" },
      h("div", null, open, difference),
      h("div", { class: "rollout-past" }, h("h3", null, "Last rollouts"), past)));
  const interval = createIntervalChart(area);
  const drawOpen = whenChanged((overview, loop) => {
    setText(aside, overview.rollout ? `${overview.rollout.candidate} against ${overview.rollout.champion}` : "");
    open.replaceChildren(...(overview.rollout ? stepper(overview, loop, page) : closed(overview, loop, page)).filter(Boolean));
    const pair = overview.rollout?.paired_difference;
    difference.hidden = !overview.rollout;
    area.hidden = !pair;
    figures.replaceChildren(...(pair ? words(pair) : [h("span", null, "No outcome of this rollout is known yet.")]));
    if (pair) interval({ ...pair, margin: overview.rollout.margin });
  });
  const drawPast = whenChanged((state) => past.replaceChildren(...pastRollouts(state, page)));
  return (state) => {
    if (!state.overview) return;
    const { rollout, proposal: proposed, release: held, activity, route, now } = state.overview;
    drawOpen([rollout, proposed, held, activity, route?.champion, rollout && now], state.overview, state.loop);
    drawPast(state.changes.decisions, state);
  };
}

function stepper({ rollout, now }, loop, page) {
  const list = h("ol", { class: "steps" }, rollout.steps.map((share, index) => {
    const where = index < rollout.step ? "done" : index === rollout.step ? "now" : "next";
    return h("li", { class: where, "aria-current": where === "now" && "step" },
      h("span", { class: "step-dot" }, where === "done" ? icon("promote", 14) : null),
      h("strong", null, percent(share)),
      h("small", null, stepWords(where, rollout)),
      where === "now" && holdBar(rollout, now));
  }));
  return [list, h("p", { class: "reason" }, h("span", { class: "pill", "data-tone": "busy" }, rollout.state), seenWords(rollout)),
    question(rollout, loop, page)];
}

function stepWords(where, { hold_until: until }) {
  if (where === "done") return "passed";
  if (where === "next") return "to come";
  return until ? `until ${dayAndTime(at(until))} or later` : "now";
}

function seenWords({ entered_at: entered, requests, faults, looks, max_looks: most }) {
  const since = entered && `since ${dayAndTime(at(entered))}`;
  const judged = known(looks) && (looks > most ? `judged ${plural(looks, "time")}` : `judged ${looks} of at most ${plural(most, "time")}`);
  const seen = requests > 0 && `${plural(requests, "request")} answered by the candidate, ${faults ? count(faults) : "none"} failed`;
  return [since, judged, seen].filter(Boolean).join("; ");
}

function holdBar({ entered_at: entered, hold_until: until }, now) {
  const [from, to, here] = [entered, until, now].map(at);
  if (![from, to, here].every(known)) return null;
  const share = Math.min(1, Math.max(0, (here - from) / (to - from || 1)));
  return h("div", { class: "progress", role: "progressbar", "aria-label": "Hold", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(share * 100) },
    h("div", { class: "progress-fill", style: { width: `${(share * 100).toFixed(1)}%` } }));
}

function words(pair) {
  return [
    h("strong", null, signed(pair.value, 4)),
    h("span", null, `interval ${fixed(pair.low, 4)} to ${fixed(pair.high, 4)}`),
    h("span", null, `${plural(pair.blocks, "block")} of time, ${plural(pair.rows, "row")}`),
  ];
}

function closed(overview, loop, page) {
  const progress = training(overview.activity);
  const doing = progress ? null : activityOf(overview);
  const rest = overview.route?.champion
    ? "The next retrain that passes the gate is rolled out here in steps, each held until outcomes judge it."
    : "Once a first version serves, every later one proves itself here before it takes over.";
  return [
    h("ol", { class: "steps idle", "aria-hidden": "true" }, DEFAULT_STEPS.map((share) =>
      h("li", { class: "next" }, h("span", { class: "step-dot" }), h("strong", null, percent(share))))),
    h("p", { class: "quiet" }, h("strong", null, doing ?? "No rollout is open. "), doing ? " " : null, rest),
    progress,
    retrainButton(overview, loop, page),
    proposal(overview.proposal, loop, page),
    release(overview.release, loop, page),
  ];
}

function pastRollouts(state, page) {
  const ended = rollouts(state).filter(({ outcome }) => outcome).slice(-SHOWN).reverse();
  if (ended.length === 0) return [h("li", { class: "quiet" }, "None so far.")];
  return ended.map(({ version, start, end, outcome, last }) => {
    const [tone, word] = OUTCOMES[outcome];
    const days = Math.max(1, Math.round((end - start) / 86_400_000));
    return h("li", null, h("button", { type: "button", class: "past-row", on: { click: () => page.showDecision(last.seq) } },
      h("span", { class: `badge tone-${tone}` }, icon(outcome, 14)),
      h("strong", null, version ?? NONE),
      h("span", null, word),
      h("small", null, `${day(start)} – ${day(end)} · ${plural(days, "day")}`)));
  });
}
