// The control API, as this page uses it. Every failure is an ApiError with a problem and, where known, a mend.

const TIMEOUT_MS = 8000;
const SLOW_MS = 60_000; // what control has to look into first

export class ApiError extends Error {
  constructor(problem, { mend = "", status = 0 } = {}) {
    super(problem);
    Object.assign(this, { problem, mend, status });
  }
}

async function call(path, options = {}) {
  let reply;
  try {
    reply = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
  } catch {
    throw new ApiError("Control does not answer.");
  }
  const body = await reply.json().catch(() => null);
  if (!reply.ok) {
    const error = body?.error ?? {};
    throw new ApiError(error.problem ?? `Control answered ${reply.status}.`, { mend: error.mend, status: reply.status });
  }
  if (body === null) throw new ApiError("Control answered something that is not JSON.");
  return body;
}

const of = (loop, part) => `api/loops/${encodeURIComponent(loop)}/${part}`;

const post = (body) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

export const api = {
  loops: async () => (await call("api/loops")).loops,
  overview: (loop) => call(of(loop, "overview")),
  serving: (loop) => call(of(loop, "serving")),
  windows: (loop, after) => call(of(loop, `windows?after=${after}`)),
  decisions: async (loop, after) => (await call(of(loop, `decisions?after=${after}`))).decisions,
  versions: async (loop) => (await call(of(loop, "versions"))).versions,
  diagnosis: (loop, day) => call(of(loop, `diagnosis${day ? `?at=${encodeURIComponent(day)}` : ""}`), { signal: AbortSignal.timeout(SLOW_MS) }),
  slices: (loop) => call(of(loop, "slices")),
  performance: (loop) => call(of(loop, "performance")),
  alerts: (loop) => call(of(loop, "alerts?all=true")),
  acknowledge: (alert, reason) => call(`api/alerts/${encodeURIComponent(alert)}/ack`, post({ reason })),
  resolve: (alert, answer) => call(`api/alerts/${encodeURIComponent(alert)}/resolve`, post(answer)),
  silence: (loop, asked) => call(of(loop, "silences"), post(asked)),
  endSilence: (silence) => call(`api/silences/${encodeURIComponent(silence)}/end`, post({})),
  economics: (loop) => call(of(loop, "economics")),
  backtest: (loop) => call(of(loop, "backtest")),
  features: async (loop) => (await call(of(loop, "features"))).features,
  feature: (loop, name) => call(of(loop, `features/${encodeURIComponent(name)}`)),
  predictions: async (loop, key) =>
    (await call(of(loop, `predictions?limit=50${key ? `&key=${encodeURIComponent(key)}` : ""}`))).predictions,
  prediction: (loop, id, { feature, rows = 20 } = {}) =>
    call(of(loop, `predictions/${encodeURIComponent(id)}?rows=${rows}${feature ? `&feature=${encodeURIComponent(feature)}` : ""}`)),
  why: (loop, id) => call(`api/predictions/${encodeURIComponent(id)}/why?loop=${encodeURIComponent(loop)}`, { signal: AbortSignal.timeout(SLOW_MS) }),
  lineage: (loop, version) => call(of(loop, `lineage${version ? `?version=${encodeURIComponent(version)}` : ""}`), { signal: AbortSignal.timeout(SLOW_MS) }),
  tables: async () => (await call("api/tables")).tables,
  table: (name) => call(`api/tables/${encodeURIComponent(name)}`),
  quarantine: async (name) => (await call(`api/tables/${encodeURIComponent(name)}/quarantine?limit=20`)).rows,
  retrain: (loop, reason) => call(of(loop, "retrain"), post({ reason })),
  rollback: (loop, reason) => call(of(loop, "rollback"), post({ reason })),
  answer: (loop, what, approved, answer) => call(of(loop, `${what}/${approved ? "approve" : "refuse"}`), post(answer)),
};
