// The last minutes of serving: how much, how fast, how well, by whom, on which replicas, and where the time goes.
import { createMinuteCharts } from "../charts/minutes.js";
import { h, setText, whenChanged } from "../dom.js";
import { at, clock, count, known, ms, NONE, perSecond, plural, span, tinyPercent } from "../format.js";
import { tipRows, tipTitle } from "../tooltip.js";
import { mountArms } from "./serving-arms.js";
import { facts } from "./serving-facts.js";
import { isSilent, mountReplicas } from "./serving-replicas.js";
import { stages } from "./serving-stages.js";

const SPAN = 300_000; // ms that the charts show
const axis = (unit, factor = 1) => (value) => `${Number((value * factor).toPrecision(2))}${unit}`;
const CHARTS = [
  { key: "rate", label: "Requests a second", lines: () => [{ key: "requests_per_second", kind: "live" }], top: 1, format: axis("") },
  { key: "errors", label: "Errors", lines: ({ whole }) => [{ key: "error_share", kind: whole.error_share > 0 ? "bad" : "calm" }], top: 0.01, format: axis(" %", 100) },
  { key: "latency", label: "Latency", lines: () => [{ key: "p99_ms", kind: "calm" }, { key: "p50_ms", kind: "live" }], top: 1, format: axis(" ms") },
];

export function mountServing(root, page) {
  const aside = h("span", { class: "aside" });
  const note = h("p", { class: "card-note" });
  const alerts = h("div", { class: "serving-alerts", role: "status" });
  const add = createMinuteCharts(page);
  const panels = CHARTS.map((chart) => panel(chart, add));
  const flow = h("div", { class: "serving-flow" }, panels.map(({ node }) => node));
  const [arms, time, replicas, rest] = [0, 0, 0, 0].map(() => h("div"));
  const answering = h("div", { class: "serving-body" }, arms, time);
  root.append(
    h("div", { class: "card-head" }, h("div", null, h("h2", { id: "serving-title" }, "Serving, last 5 minutes"), note), aside),
    alerts, flow, answering, h("div", { class: "serving-body" }, replicas, rest));

  const parts = [mountArms(arms), mountReplicas(replicas)];
  const warn = whenChanged((told) => alerts.replaceChildren(...told.map(([title, words]) => alert(title, words))));
  const drawTraffic = whenChanged((traffic) => {
    for (const { update } of panels) update(traffic);
    time.replaceChildren(...stages(traffic));
    rest.replaceChildren(...facts(traffic));
  });
  return ({ serving }) => {
    if (!serving) return;
    setText(aside, ageWords(serving));
    setText(note, noteOf(serving));
    root.classList.toggle("is-waiting", !serving.champion);
    flow.hidden = answering.hidden = rest.hidden = !serving.champion;
    const told = alertsOf(serving);
    warn(told, told);
    drawTraffic(serving.traffic, serving.traffic);
    for (const update of parts) update(serving);
  };
}

function ageWords({ champion, generation, age_seconds: age }) {
  return champion ? `Route generation ${count(generation)}${known(age) ? `, written ${span(age)} ago` : ""}` : "";
}

function noteOf({ champion, traffic }) {
  if (!champion) return "No version answers yet. What is asked and how fast it is answered is shown here from the first version on.";
  if (traffic.known && traffic.points.length === 0) return "Counting has begun. The first figures come within seconds.";
  if (traffic.whole.requests === 0) return "No request for a prediction came in the last five minutes.";
  return "Large figures are of the last 30 seconds, all others of the last 5 minutes, of all replicas together.";
}

function alertsOf({ champion, lagging, traffic, replicas }) {
  const told = traffic.known && traffic.replicas[0] !== "";
  const uncounted = told ? replicas.filter((one) => !isSilent(one) && !traffic.replicas.includes(one.id)).map(({ id }) => id) : [];
  return [
    !traffic.known && ["The doors do not answer.", "Control cannot read what they count, and shows what is not known as –. Whether replicas are alive, they say below."],
    champion && lagging.length > 0 && ["The rollout stops:", `${lagging.map((one) => one.replace(/\.$/, "")).join("; ")}. It takes no step until every replica serves the newest route.`],
    uncounted.length > 0 && ["Not counted:", `${uncounted.join(", ")} did not tell what it counted at the last look.`],
  ].filter(Boolean);
}

function alert(title, words) {
  return h("p", { class: "serving-alert tone-warn" }, h("strong", null, title), " ", words);
}

function panel({ key, label, lines, top, format }, add) {
  const figure = h("div", { class: "serving-figure" });
  const area = h("div", { class: "chart-area" });
  const node = h("div", { class: "serving-panel", data: { panel: key } }, h("h3", null, label), figure, area);
  const draw = add(area, label);
  function update(traffic) {
    const points = traffic.points.map((point) => ({ ...point, t: at(point.at) }));
    const newest = points.at(-1)?.t ?? 0;
    figure.replaceChildren(...figures[key](traffic));
    draw({ points, domain: [newest - SPAN, newest], lines: lines(traffic), top, format, tip, words });
  }
  return { node, update };
}

const big = (value, words, tone) => h("span", { class: "serving-big", data: { tone: value === NONE ? "unknown" : tone ?? "" } }, h("strong", null, value), words && h("small", null, words));
const figures = {
  rate: ({ now, whole }) => [big(perSecond(now.requests_per_second), known(whole.requests) ? `${count(whole.requests)} in 5 min` : "")],
  errors: ({ now, whole }) => [big(tinyPercent(now.error_share), refusedWords(whole), now.error_share > 0 ? "bad" : null)],
  latency: ({ now }) => [big(ms(now.p50_ms), "p50", "live"), big(ms(now.p99_ms), "p99", "calm")],
};

function refusedWords({ error_share: errors, refused_share: refused }) {
  if (!known(errors)) return "";
  return [errors > 0 ? `${tinyPercent(errors)} in 5 min` : "none in 5 min", refused > 0 && `${tinyPercent(refused)} refused`].filter(Boolean).join(", ");
}

function tip(point) {
  return [tipTitle(clock(point.t), known(point.requests) ? plural(point.requests, "request") : "not known"), tipRows([
    ["Requests a second", perSecond(point.requests_per_second)],
    ["Errors", tinyPercent(point.error_share)],
    ["p50", ms(point.p50_ms), null, "live"],
    ["p99", ms(point.p99_ms), null, "frozen"],
  ])];
}

function words(point) {
  if (!known(point.requests)) return `${clock(point.t)}: not known`;
  const times = known(point.p50_ms) ? `, p50 ${ms(point.p50_ms)}, p99 ${ms(point.p99_ms)}` : "";
  return `${clock(point.t)}: ${perSecond(point.requests_per_second)} requests a second, ${tinyPercent(point.error_share)} errors${times}`;
}
