// All that the page knows, merged from the replies. Sections read it; only this module writes it.
import { DAY } from "./format.js";

export function createState(loop) {
  return {
    loop,
    loops: [],
    overview: null,
    serving: null, // what the doors counted over the last minutes
    byDay: new Map(), // "2013-02-01" -> window, with its start as `t`
    days: [], // the windows in order of time
    decisions: [], // oldest first
    versions: [],
    cursor: 0,
    seq: 0,
    looked: false, // whether everything was read once
    connection: { ok: true, problem: "", since: 0 },
    changes: { windows: 0, decisions: 0, versions: 0 },
  };
}

export function mergeWindows(state, reply) {
  state.cursor = reply.cursor;
  let changed = false;
  for (const window of reply.windows) {
    const held = state.byDay.get(window.day);
    if (held && (window.revision ?? 0) < (held.revision ?? 0)) continue;
    state.byDay.set(window.day, { ...window, t: Date.parse(`${window.day}T00:00:00Z`) });
    changed = true;
  }
  if (changed) {
    state.days = [...state.byDay.values()].sort((a, b) => a.t - b.t);
    state.changes.windows += 1;
  }
  return changed;
}

export function mergeDecisions(state, decisions) {
  const fresh = decisions.filter((decision) => decision.seq > state.seq).sort((a, b) => a.seq - b.seq);
  if (fresh.length === 0) return false;
  state.decisions = state.decisions.concat(fresh.map((decision) => ({ ...decision, t: Date.parse(decision.at) })));
  state.seq = fresh.at(-1).seq;
  state.changes.decisions += 1;
  return true;
}

export function mergeOverview(state, overview) {
  // Fewer decisions than we hold: the loop was started afresh, and what we hold belongs to the past one.
  if ((overview.last_decision?.seq ?? 0) < state.seq) forget(state);
  const changed = JSON.stringify(overview) !== JSON.stringify(state.overview);
  state.overview = overview;
  return changed;
}

export function mergeServing(state, serving) {
  const changed = JSON.stringify(serving) !== JSON.stringify(state.serving);
  state.serving = serving;
  return changed;
}

export function mergeVersions(state, versions) {
  if (JSON.stringify(versions) === JSON.stringify(state.versions)) return false;
  state.versions = versions;
  state.changes.versions += 1;
  return true;
}

function forget(state) {
  state.byDay.clear();
  Object.assign(state, { days: [], decisions: [], versions: [], cursor: 0, seq: 0 });
  for (const part of Object.keys(state.changes)) state.changes[part] += 1;
}

export const nowOf = (state) => Date.parse(state.overview?.now ?? "") || state.days.at(-1)?.t + DAY || null;

// The versions that served everything else but a canary's share, each from when until when.
export function reigns(state) {
  const spans = [];
  for (const decision of state.decisions) {
    const next = championAfter(decision);
    if (!next || next === spans.at(-1)?.version) continue;
    if (spans.length) spans.at(-1).end = decision.t;
    spans.push({ version: next, start: decision.t, end: null });
  }
  return spans;
}

function championAfter({ kind, version, evidence }) {
  if (kind !== "promote" && kind !== "rollback") return null;
  return evidence?.champion ?? (kind === "promote" ? version : null);
}

// Every rollout with how it ended; the one still open has no end.
export function rollouts(state) {
  const found = [];
  for (const decision of state.decisions) {
    const open = found.at(-1)?.outcome === null ? found.at(-1) : null;
    if (decision.kind === "canary") {
      found.push({ version: decision.version, start: decision.t, end: null, outcome: null, steps: 1, last: decision });
    } else if (open && decision.kind === "advance") {
      Object.assign(open, { steps: open.steps + 1, last: decision });
    } else if (open && ["promote", "rollback"].includes(decision.kind)) {
      Object.assign(open, { end: decision.t, outcome: decision.kind, last: decision });
    }
  }
  return found;
}
