// Economics: what age, errors and retraining cost, from what, and which prices nobody has said.
import { api } from "../api.js";
import { createCurves } from "../charts/curves.js";
import { h, setText, whenChanged } from "../dom.js";
import { known, NONE, plural } from "../format.js";
import { at, startPage } from "../page.js";
import { card, cell, emptyCard, table } from "./parts.js";

const digits = (figure) => new Intl.NumberFormat("en-US", { maximumSignificantDigits: figure });
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const [LONG, SHORT] = [digits(4), digits(3)];
const amount = (value, form = LONG) => (known(value) ? (Math.abs(value) >= 1000 ? WHOLE : form).format(value).replace("-", "−") : NONE);

const CARDS = [
  ["ageing", "Age and retraining", "What is lost as a version grows older, against what a retraining costs.", ({ decay, staleness, retraining, interval }) => [
    ["Skill lost, share a day", decay.rate],
    ["Skill of a fresh version", decay.fresh_skill],
    ["Lost to age, now", staleness],
    ...["compute", "validation", "deployment", "risk", "total"].map((name) => [`Retraining: ${name}`, retraining[name]]),
    ["Retrain every, by the square root", interval.square_root],
    ["Retrain every, exactly", interval.exact],
    interval.used === "curve" && ["Retrain every, on the curve as seen", interval.curve],
    ["Retrained every, so far", interval.actual],
    ["Staleness and retraining then", interval.cost_per_day],
  ]],
  ["errors", "Errors and failures", "What wrong answers, wrong features and failures without a sound cost.", ({ errors, skew, failures }) => [
    ["Threshold, cheapest", errors.threshold],
    ["Threshold, in use", errors.present_threshold],
    ["Errors at the cheapest", errors.cost],
    ["Errors at the one in use", errors.present_cost],
    ["Saved by moving it", errors.saving],
    ["Predictions with skew", skew.share],
    ["Skew", skew.cost],
    ["A silent failure is seen after", failures.detected_after],
    ["A silent failure", failures.cost],
    ["The same, unwatched", failures.cost_unwatched],
  ]],
  ["running", "Running it", "What serving and watching cost, and what they return.", ({ traffic, predictions, failures, returns }) => [
    ["Predictions a day", traffic],
    ["A thousand predictions", predictions],
    ["Saved by watching", failures.saved_per_year],
    ["Monitoring", returns.monitoring_cost],
    ["Return on monitoring", returns.monitoring_return],
    ["Set-up pays for itself after", returns.break_even_weeks],
    ["Return on automation", returns.automation_return],
  ]],
];

async function read(state) {
  return { account: state.loop ? await api.economics(state.loop) : null };
}

const sentence = (text) => (text ? `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.` : "");

function headline({ account }) {
  if (!account?.champion) return ["No version serves yet.", "What a loop costs shows once versions have served and labels have matured."];
  const { decay, interval } = account;
  const best = interval.used && interval[interval.used];
  const main = best && known(best.value) ? `A day costs least with a retraining every ${amount(best.value, SHORT)} days.` : "How often retraining pays is not known yet.";
  const why = best && !known(best.value) ? best.unknown : decay.text;
  return [main, sentence(why)];
}

const drawStatus = (() => {
  const [main, more] = [h("p", { class: "headline-main" }), h("p", { class: "headline-detail" })];
  at("status").append(main, more);
  return (shown) => headline(shown).forEach((text, index) => setText([main, more][index], text));
})();

function row([name, figure]) {
  const bounds = known(figure.low) || known(figure.high) ? `${amount(figure.low)} to ${amount(figure.high)}` : "";
  const ground = figure.basis ?? (figure.asks.length ? `not said: ${figure.asks.join(", ")}` : figure.unknown);
  return h("tr", null, h("th", { scope: "row" }, name), cell(amount(figure.value), "n"), cell(known(figure.value) ? figure.unit : "", "soft"), cell(bounds, "soft"), cell(ground, "soft wide"));
}

const COLUMNS = [["Figure"], ["Value", "n"], ["Unit"], ["Between"], ["From"]];
const cards = CARDS.map(([id, title, note, rows]) => {
  const draw = card(at(id), `${id}-title`, title, note);
  const shown = whenChanged((figures) => draw(table(`${id}-title`, COLUMNS, figures.map(row))));
  return (account) => {
    const figures = rows(account).filter(Boolean);
    shown(figures, figures);
  };
});

function curvesCard(id, title, note, keys, nothing, modelOf) {
  const draw = card(at(id), `${id}-title`, title, note);
  const frame = h("div", { class: "chart-frame" });
  const legend = h("ul", { class: "legend" }, keys.map(([kind, words]) => h("li", null, h("span", { class: `swatch ${kind}` }), words)));
  const chart = createCurves(frame);
  return whenChanged((account) => {
    const model = modelOf(account);
    if (!model) return draw(emptyCard(...nothing(account)));
    draw(legend, frame);
    chart(model);
  });
}

const drawDecay = curvesCard("decay", "Skill by age", "Of the versions that answered, by days since their training cut-off.",
  [["seen", "as seen"], ["estimate", "exponential"]],
  ({ decay }) => ["Not known yet", sentence(decay.text)],
  ({ decay: { points, text, model } }) => points.length > 1 && {
    ...reach(points.map(({ age }) => age), points.flatMap(({ skill, fitted }) => [skill, fitted])),
    lines: [{ kind: "estimate", points: points.map(({ age, fitted }) => ({ t: age, value: fitted })) }],
    dots: points.map(({ age, skill }) => ({ t: age, value: skill })),
    rules: [],
    span: null,
    unit: "days since the training cut-off",
    says: `Skill from ${amount(points[0].skill)} at ${amount(points[0].age, SHORT)} days to ${amount(points.at(-1).skill)} at ${amount(points.at(-1).age, SHORT)} days of age; ${model}: ${text}.`,
  });

const drawCosts = curvesCard("costs", "What a day costs, by how often one retrains", "Lost to age, spent on retraining, and both.",
  [["live", "both"], ["frozen", "lost to age"], ["estimate", "retraining"]],
  ({ interval }) => ["Not known yet", sentence(interval.exact.unknown ?? "")],
  ({ interval }) => {
    const best = interval.used && interval[interval.used];
    if (!interval.costs.length || !known(best?.value)) return null;
    const [widest, most] = [3 * best.value, 3 * interval.cost_per_day.value];
    const shown = interval.costs.filter(({ days }) => days <= widest);
    const line = (kind, name) => ({ kind, points: shown.map((one) => ({ t: one.days, value: one[name] <= most ? one[name] : null })) });
    const far = Math.max(...shown.map(({ days }) => days));
    const actual = known(interval.actual.value) && interval.actual.value <= far;
    return {
      domain: [0, far],
      range: [0, most],
      lines: [line("frozen", "staleness"), line("estimate", "retraining"), line("live", "total")],
      dots: [],
      rules: [{ t: best.value, kind: "best", words: `least at ${amount(best.value, SHORT)} days` }, ...(actual ? [{ t: interval.actual.value, kind: "plain", line: 1, words: `so far ${amount(interval.actual.value, SHORT)}` }] : [])],
      span: known(best.low) && known(best.high) ? [best.low, best.high] : null,
      unit: `days between retrainings; ${interval.cost_per_day.unit}`,
      says: `A day costs least, ${amount(interval.cost_per_day.value)} ${interval.cost_per_day.unit}, with a retraining every ${amount(best.value, SHORT)} days${known(best.low) && known(best.high) ? ` (${amount(best.low, SHORT)} to ${amount(best.high, SHORT)})` : ""}.`,
    };
  });

function reach(ages, values) {
  const [least, most] = [Math.min(0, ...values), Math.max(...values)];
  return { domain: [0, Math.max(...ages)], range: [least, most + 0.1 * (most - least)] };
}

const drawAsks = card(at("asks"), "asks-title", "Not said", "Prices and hours that only people know: hs.Economics(...) on the loop. None is taken for 0.");
const asked = whenChanged((asks) => {
  if (!asks.length) return drawAsks(emptyCard("Everything was said", "Every figure that needs a price has one."));
  const rows = asks.map((one) => h("tr", null, h("th", { scope: "row", class: "mono" }, one.input), cell(one.what), cell(one.for.join(", "), "soft")));
  drawAsks(h("p", { class: "card-note subhead" }, `${plural(asks.length, "input")} would complete the account.`), table("asks-title", [["Input"], ["What it is"], ["Needed for"]], rows));
});

function draw({ shown }) {
  drawStatus(shown);
  if (!shown.account) return;
  drawDecay(shown.account, shown.account);
  drawCosts(shown.account, shown.account);
  for (const update of cards) update(shown.account);
  asked(shown.account.asks, shown.account.asks);
}

startPage({ read, draw });
