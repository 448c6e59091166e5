// The performance section: what to draw, the choice of metric and span, and the latest figures in words.
import { createPerformanceChart } from "../charts/performance.js";
import { lead, METRICS, seriesOf } from "../charts/series.js";
import { h, setText, whenChanged } from "../dom.js";
import { fixed, known, level, plural, range, signed } from "../format.js";
import { nowOf, reigns, rollouts } from "../state.js";
import { domain, RANGES } from "../timeline.js";

const BINARY = { name: "binary", error: null };

export function mountPerformance(root, page) {
  let metric = "auc";
  let state = null;
  const about = h("p", { class: "card-note" });
  const readout = h("dl", { class: "readout" });
  const area = h("div", { class: "chart-area" });
  const empty = h("div", { class: "empty" });
  const metrics = choice("metric", Object.entries(METRICS).map(([key, { label }]) => ({ key, label })), metric, (key) => ((metric = key), draw()));
  root.append(
    h("div", { class: "card-head" },
      h("div", null, h("h2", { id: "performance-title" }, "Performance over event time"), about),
      h("div", { class: "choices" },
        metrics,
        choice("range", RANGES, page.timeline.range, (key) => page.timeline.setRange(key)))),
    readout, legend(), h("div", { class: "chart-frame" }, area, empty));
  const chart = createPerformanceChart(area, page);
  page.timeline.on((what) => what === "range" && draw());

  function draw() {
    if (!state?.overview) return;
    metric = fitting(metrics, state.overview.task ?? BINARY, metric);
    const points = seriesOf(state.days, metric);
    const shown = domain(state, page.timeline.range);
    setText(about, METRICS[metric].about);
    readout.replaceChildren(...figures(points, metric));
    const some = points.some(({ live }) => known(live));
    empty.replaceChildren(...(some ? [] : waiting(state)));
    root.classList.toggle("is-empty", !some);
    if (shown) chart(modelOf(state, metric, points, shown));
  }

  const changed = whenChanged(draw);
  return (next) => {
    state = next;
    changed([next.changes, next.overview?.replay?.phase, next.overview?.now, next.overview?.activity?.step, next.overview?.route]);
  };
}

// The metrics that a loop's task has are offered; the one that is drawn is among them.
function fitting(metrics, task, metric) {
  const chosen = METRICS[metric].of_task(task) ? metric : "skill";
  metrics.querySelectorAll("input").forEach((input) => {
    input.closest("label").hidden = !METRICS[input.value].of_task(task);
    input.checked = input.value === chosen;
  });
  return chosen;
}

function modelOf(state, metric, points, shown) {
  const now = nowOf(state) ?? shown[0];
  const spans = reigns(state);
  return {
    metric, points, now, domain: shown, days: state.days, decisions: state.decisions, reigns: spans,
    rollouts: rollouts(state).map((rollout) => ({ ...rollout, until: rollout.end ?? now })),
    promises: promises(state, metric, spans, now),
  };
}

function promises(state, metric, spans, now) {
  const registered = { auc: "roc_auc", error: state.overview.task?.error }; // a promise is quoted as it was registered
  const name = registered[metric] ?? metric;
  const told = new Map(state.versions.map(({ version, promise }) => [version, promise?.[name]]));
  return spans.map(({ version, start, end }) => ({ start, end: end ?? now, value: told.get(version) })).filter(({ value }) => known(value));
}

function figures(points, metric) {
  const last = points.findLast(({ live }) => known(live));
  if (!last) return [];
  const ahead = lead(last, metric);
  const days = last.window.trail?.days ?? 7;
  const figure = (tone, label, value, aside) => h("div", { class: tone }, h("dt", null, label), h("dd", null, value, aside && h("small", null, aside)));
  return [
    figure("live", `Live, last ${plural(days, "day")}`, fixed(last.live), known(last.low) ? range(last.low, last.high) : ""),
    figure("frozen", "Frozen first version", fixed(last.frozen)),
    ...expected(points, figure),
    figure(level(ahead) ? "" : ahead > 0 ? "good" : "warn", "Lead of the live loop", signed(ahead), leadWords(points, metric)),
  ];
}

// The newest estimate, told apart from what labels showed.
function expected(points, figure) {
  const newest = points.at(-1);
  if (!known(newest?.estimate.value)) return [];
  const { value, low, high } = newest.estimate;
  return [figure("estimate", `Estimated, ${plural(newest.window.estimated.unlabelled, "day")} without labels`, fixed(value), range(low, high))];
}

function leadWords(points, metric) {
  const leads = points.map((point) => lead(point, metric)).filter((value) => value !== null);
  const ahead = leads.filter((value) => value > 0 || level(value)).length;
  return `level or ahead on ${ahead} of ${plural(leads.length, "day")}`;
}

function waiting({ overview }) {
  const title = overview.route?.champion ? "No outcome is known yet" : "Nothing to judge yet";
  const text = overview.route?.champion
    ? "The curve starts when outcomes of served predictions mature."
    : "The curve starts when a first version serves and the outcomes of its predictions mature.";
  return [h("strong", null, title), h("span", null, text)];
}

function legend() {
  const items = [["live", "Live loop"], ["band", "its interval"], ["frozen", "Frozen first version"], ["estimate", "Estimate, before labels"], ["lead", "Live is ahead"], ["promise", "What the champion promised"]];
  return h("ul", { class: "legend" }, items.map(([swatch, label]) => h("li", null, h("i", { class: `swatch ${swatch}` }), label)));
}

function choice(name, options, picked, onPick) {
  return h("fieldset", { class: "choice" }, h("legend", { class: "unseen" }, name === "metric" ? "Metric" : "Span"),
    options.map(({ key, label }) => h("label", null,
      h("input", { type: "radio", name, value: key, checked: key === picked, on: { change: () => onPick(key) } }), h("span", null, label))));
}
