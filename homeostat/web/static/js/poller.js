// Keeps the state fresh: every second while things change, slower when nothing does or nobody looks.
import { api, ApiError } from "./api.js";
import { mergeDecisions, mergeOverview, mergeServing, mergeVersions, mergeWindows } from "./state.js";

const LIVELY_MS = 1000;
const IDLE_MS = 5000;
const HIDDEN_MS = 30_000;
const IDLE_AFTER_MS = 20_000;
const FAILURES_BEFORE_BANNER = 2; // one lost reply is not an outage

export function startPolling(state, onChange, read = readOverviewPage) {
  let timer = null;
  let failures = 0;
  let changedAt = performance.now();
  let running = null;

  async function tick() {
    clearTimeout(timer);
    running ??= refresh().finally(() => (running = null));
    await running;
    clearTimeout(timer);
    timer = setTimeout(tick, pause());
  }

  async function refresh() {
    try {
      const changed = await read(state, onChange);
      const recovered = !state.connection.ok;
      state.looked = true;
      failures = 0;
      state.connection = { ok: true, problem: "", since: 0 };
      if (changed) changedAt = performance.now();
      if (changed || recovered) onChange();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failures += 1;
      if (failures < FAILURES_BEFORE_BANNER) return;
      state.connection = { ok: false, problem: error.problem, since: state.connection.since || Date.now() };
      onChange();
    }
  }

  function pause() {
    if (document.hidden) return HIDDEN_MS;
    if (failures > 0) return Math.min(LIVELY_MS * failures, IDLE_MS);
    return performance.now() - changedAt > IDLE_AFTER_MS ? IDLE_MS : LIVELY_MS;
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) tick();
  });
  tick();
  return tick;
}

// The loop and its overview, which every page shows. First the overview: it may say that the loop was started
// afresh, which moves the cursors back. Gives whether anything changed.
export async function readLoop(state) {
  if (!state.loop) {
    state.loops = await api.loops();
    state.loop = state.loops[0]?.name ?? null;
    if (!state.loop) return true;
  }
  if (state.loops.length === 0) state.loops = await api.loops();
  return mergeOverview(state, await api.overview(state.loop));
}

// What serving counts changes all the time: it is drawn, and does not make the page look more often.
async function readOverviewPage(state, draw) {
  const changed = [await readLoop(state)];
  if (!state.loop) return true;
  const [windows, decisions, serving] = await Promise.all([
    api.windows(state.loop, state.cursor), api.decisions(state.loop, state.seq), api.serving(state.loop),
  ]);
  if (mergeServing(state, serving)) draw();
  changed.push(mergeWindows(state, windows), mergeDecisions(state, decisions));
  if (changed[2] || state.versions.length === 0) changed.push(mergeVersions(state, await api.versions(state.loop)));
  return changed.includes(true);
}
