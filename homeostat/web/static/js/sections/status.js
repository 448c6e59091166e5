// One sentence that says what is going on, and one that says why or what next.
import { h, setText } from "../dom.js";
import { at, day, dayAndTime, percent, span } from "../format.js";

export function mountStatus(root) {
  const headline = h("p", { class: "headline-main" }, "Reading the loop…");
  const detail = h("p", { class: "headline-detail" });
  root.append(headline, detail);
  return (state) => {
    setText(headline, headlineOf(state));
    setText(detail, detailOf(state));
  };
}

function headlineOf({ overview, loop, connection }) {
  if (!overview) return connection.ok && !loop ? "No loop runs here yet." : "Reading the loop…";
  const { champion, canary, share } = overview.route ?? {};
  if (!champion) return "No version serves yet.";
  if (canary) return `${canary} is on trial with ${percent(share)} of the traffic, beside ${champion}.`;
  if (overview.replay?.done) return `The replay is done. ${champion} serves all traffic.`;
  return `${champion} serves all traffic.`;
}

function detailOf({ overview }) {
  if (!overview) return "";
  return problemOf(overview) ?? activityOf(overview) ?? waitingOf(overview) ?? askedOf(overview.rollout) ?? proposedOf(overview.proposal) ?? holdOf(overview.rollout) ?? lastOf(overview.last_decision) ?? phaseOf(overview);
}

export function activityOf({ activity, now }) {
  if (!activity) return null;
  const seconds = activity.since && now ? (at(now) - at(activity.since)) / 1000 : 0;
  const running = seconds > 60 ? `, for ${span(seconds)} of event time` : "";
  return `${capital(activity.kind)}${activity.version ? ` ${activity.version}` : ""}: ${activity.step}${running}.`;
}

function problemOf({ problems }) {
  return problems?.length ? `Cannot be served: ${problems.join("; ")}.` : null;
}

function waitingOf({ waiting }) {
  if (!waiting) return null;
  const next = waiting.next_try ? ` It is tried again from ${dayAndTime(at(waiting.next_try))} on.` : "";
  return `${/^v\d/.test(waiting.text) ? waiting.text : capital(waiting.text)}.${next}`;
}

function askedOf(rollout) {
  return rollout?.state === "asking" ? `A person is asked: may ${rollout.asked.may}? The rollout below has the evidence.` : null;
}

function proposedOf(asked) {
  return asked && !asked.answer ? `A person is asked: may ${asked.may}? The evidence is below.` : null;
}

function holdOf(rollout) {
  if (!rollout?.hold_until) return null;
  return `It holds there at least until ${dayAndTime(at(rollout.hold_until))}, judged on the same rows as ${rollout.champion}.`;
}

function lastOf(decision) {
  if (!decision) return null;
  const reason = decision.reasons?.[0] ? `: ${decision.reasons[0]}` : "";
  return `Last decision, ${day(at(decision.at))}: ${decision.title}${reason}.`;
}

function phaseOf({ replay, route }) {
  if (replay?.phase) return `${capital(replay.phase)}.`;
  return route?.champion ? "Watching." : "Waiting for events and for their outcomes.";
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
