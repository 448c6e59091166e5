// One prediction: who answered and why, what each feature did, how it was made and from which rows as known then.
import { api, ApiError } from "../api.js";
import { h, setText, whenChanged } from "../dom.js";
import { at as ms, count, dateAndTime, fixed, known, NONE, plural } from "../format.js";
import { icon } from "../icons.js";
import { addressWith, at, followLinks, query, startPage } from "../page.js";
import { answerOf, card, cell, emptyCard, table, valueOf, verdictOf } from "./parts.js";
import { mountWhy } from "./why.js";

const MOST = 1000; // rows listed on request

async function read(state) {
  const [id, key] = [query().get("id") ?? "", query().get("key") ?? ""];
  if (!state.loop) return { id, key, list: [], made: null, problem: null, listProblem: null };
  const kept = state.shown?.id === id && state.shown.made ? state.shown : null; // what was served once never changes
  const [list, made] = await Promise.all([said(api.predictions(state.loop, key)), kept ?? (id ? said(api.why(state.loop, id)) : {})]);
  return { id, key, list: list.told ?? [], listProblem: list.problem ?? null, made: made.told ?? made.made ?? null, problem: made.problem ?? null };
}

// What was asked for, or why it cannot be told; that control is away is the page's own business.
async function said(asked) {
  try {
    return { told: await asked };
  } catch (error) {
    if (!(error instanceof ApiError) || !error.status) throw error;
    return { problem: { text: error.problem, mend: error.mend } };
  }
}

function headline({ id, made, problem, list }) {
  if (problem) return ["This prediction cannot be told.", ""];
  if (made) {
    const { probability, prediction, version } = made.prediction;
    const truth = made.label.truth === null ? "" : ` It was ${verdictOf(made.label)}.`;
    const verdict = made.agrees ? "Every served value is what the rows known then give." : `The rows known then do not give what was served: ${made.differing.join(", ")}.`;
    const said = known(probability) ? `${answerOf(prediction)}, with probability ${fixed(probability)}` : answerOf(prediction);
    return [`${version} said ${said}.${truth}`, verdict];
  }
  if (id) return ["Looking it up…", ""];
  return list.length ? ["How was a prediction made?", "Choose one below, or paste the id from a reply."] : ["No prediction was served yet.", "The first one appears here some seconds after its reply."];
}

const drawStatus = (() => {
  const [main, more] = [h("p", { class: "headline-main" }), h("p", { class: "headline-detail" })];
  at("status").append(main, more);
  return (shown) => headline(shown).forEach((text, index) => setText([main, more][index], text));
})();

const idInput = h("input", { id: "id", name: "id", autocomplete: "off", spellcheck: "false", placeholder: "018bcfe5-687b-774b-8000-000000000000" });
const keyInput = h("input", { id: "key", name: "key", autocomplete: "off", spellcheck: "false", placeholder: "any" });
const problem = h("div", { role: "alert" });
const fillAsk = card(at("ask"), "ask-title", "Find a prediction", "By the id of a reply, or list those of one question by its key.");
fillAsk(h("form", { class: "ask", on: { submit: ask } },
  h("label", null, "Prediction id", idInput), h("label", null, "Key of the question", keyInput), h("button", { type: "submit", class: "button" }, "Show")), problem);

function ask(event) {
  event.preventDefault();
  const [id, key] = [idInput.value.trim(), keyInput.value.trim()];
  history.pushState(null, "", addressWith({ id: id || null, key: key || null }));
  show();
}

const drawProblem = whenChanged((told) => problem.replaceChildren(...(told ? [h("p", { class: "problem" }, h("strong", null, told.text), " ", h("span", null, told.mend))] : [])));

const fillTold = card(at("told"), "told-title", "The prediction", "");
const drawTold = whenChanged((made) => {
  at("told").hidden = !made;
  if (!made) return fillTold();
  const told = made.prediction;
  const pair = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));
  fillTold(
    h("dl", { class: "readout" },
      known(told.probability)
        ? h("div", { class: "live" }, h("dt", null, "Probability"), h("dd", null, fixed(told.probability), h("small", null, `answered ${answerOf(told.prediction)}`)))
        : h("div", { class: "live" }, h("dt", null, "Prediction"), h("dd", null, answerOf(told.prediction), told.probabilities && h("small", null, `with probability ${fixed(told.probabilities[told.prediction])}`))),
      h("div", null, h("dt", null, "Version"), h("dd", null, told.version, h("small", null, told.fell_back ? "answered for an arm that failed" : `as ${told.arm}`))),
      h("div", { class: made.agrees ? "good" : "warn" }, h("dt", null, "Features"), h("dd", null, made.agrees ? "agree" : `${made.differing.length} differ`, h("small", null, `of ${made.features.length}, served against recomputed`)))),
    h("dl", { class: "facts" }, pair("Asked at", dateAndTime(ms(told.asked_at))), pair("Served at", dateAndTime(ms(told.served_at))),
      pair("Knew facts up to", told.read_sequence < 0 ? "none" : `sequence ${count(told.read_sequence)}`), pair("Took", known(told.latency_us) ? `${fixed(told.latency_us / 1000, 1)} ms` : NONE), pair("Id", h("span", { class: "mono" }, told.prediction_id)),
      told.trace_id && pair("Trace", h("span", { class: "mono" }, told.trace_id))),
    !made.same_definitions && h("p", { class: "problem" }, h("strong", null, "Served under other definitions."), " ", h("span", null, "It is explained by those that the loop file has now, so a value may differ for that reason alone.")),
    h("h3", { class: "subhead" }, "The question"),
    h("dl", { class: "facts" }, Object.entries(told.question).map(([name, value]) => pair(name, valueOf(value)))));
});

const drawWhy = whenChanged(mountWhy({ who: at("who"), did: at("did") }));

const fillFeatures = card(at("features"), "features-title", "How each value was made", "Recomputed from the rows that were known when it was served. Open one for these rows, and for those that did not count and why.");
const drawFeatures = whenChanged((made, loop) => {
  at("features").hidden = !made;
  if (!made) return fillFeatures();
  const first = [...made.features].sort((a, b) => Number(b.agrees === false) - Number(a.agrees === false));
  fillFeatures(first.map((one) => featureOf(one, made.prediction, loop)));
});

function featureOf(one, told, loop) {
  const body = h("div", { class: "made-body" });
  const node = h("details", { class: "made", data: { feature: one.feature } },
    h("summary", null,
      h("span", { class: "made-name" }, one.feature),
      h("span", { class: `made-value ${one.served === null ? "missing" : ""}` }, valueOf(one.served)),
      h("span", { class: "made-from" }, madeFrom(one)),
      pillOf(one), icon("chevron", 16)),
    body);
  node.addEventListener("toggle", async () => {
    if (!node.open || node.dataset.asked) return;
    node.dataset.asked = "true"; // what corrected its rows since is looked for now, and for this feature alone
    const since = await api.prediction(loop, told.prediction_id, { feature: one.feature }).catch(() => null);
    fill(since?.features[0] ?? one);
  });
  const fill = (shown) => body.replaceChildren(...bodyOf(shown, async () => {
    const more = await api.prediction(loop, told.prediction_id, { feature: one.feature, rows: MOST });
    fill(more.features[0]);
  }));
  return node;
}

function pillOf({ agrees, defaulted, how }) {
  if (agrees === false) return h("span", { class: "pill", "data-tone": "bad" }, "Differs");
  if (how === "gone") return h("span", { class: "pill" }, "Not defined now");
  if (how === "hidden") return h("span", { class: "pill" }, "Not kept");
  if (agrees === null) return h("span", { class: "pill" }, "Not logged");
  if (defaulted) return h("span", { class: "pill", "data-tone": "warn" }, "Default");
  return h("span", { class: "pill", "data-tone": "good" }, "Agrees");
}

function madeFrom(one) {
  if (one.how === "question") return "from the question";
  if (one.how === "gone" || one.how === "hidden") return one.definition;
  if (one.how === "transform") return Object.entries(one.inputs).map(([name, value]) => `${name} ${valueOf(value)}`).join(", ");
  const entity = Object.entries(one.entity).map(([name, value]) => `${name} ${valueOf(value)}`).join(", ");
  const left = one.total - one.counted;
  return `${plural(one.counted, "row")} of ${one.table}, ${entity}${left ? `; ${count(left)} did not count` : ""}`;
}

function bodyOf(one, more) {
  const lines = [h("p", null, h("span", { class: "mono" }, one.definition))];
  if (one.agrees === false) lines.push(h("p", null, `Served ${valueOf(one.served)}; these rows give ${valueOf(one.recomputed)}.`));
  if (one.defaulted) lines.push(h("p", null, one.defaulted === "silent" ? "Its source had been silent for too long, so the declared default was used." : "The value was missing, so the declared default was used."));
  if (one.table) lines.push(h("p", null, reach(one)));
  if (one.table && !one.rows.length) lines.push(emptyCard("No row was in reach", "Nothing about this entity had happened within the range."));
  if (one.rows.length) lines.push(rowsOf(one));
  const rest = one.total - one.rows.length;
  if (rest > 0) lines.push(h("button", { type: "button", class: "button more", on: { click: more } }, one.total > MOST ? `Show the newest ${count(MOST)} of ${count(one.total)}` : `Show all ${count(one.total)}`));
  return lines;
}

function reach({ how, since, until }) {
  const end = dateAndTime(ms(until));
  if (!since) return `In reach: what happened up to ${end}. The newest row counts.`;
  return how === "window" ? `In reach: what happened after ${dateAndTime(ms(since))} and up to ${end}.` : `In reach: what happened from ${dateAndTime(ms(since))} to ${end}. The newest row counts.`;
}

const STANDINGS = {
  counted: ["good", () => "Counted"], empty: ["plain", () => "No value"], older: ["plain", () => "Too old"],
  corrected: ["warn", ({ superseded_by: by }) => `Corrected before, by ${by}`], unknown: ["warn", () => "Not known yet"],
};

function rowsOf({ feature, rows }) {
  const names = Object.keys(rows[0].values);
  const columns = [["Standing"], ["Happened"], ["Known"], ["Sequence", "n"], ...names.map((name) => [name, typeof rows[0].values[name] === "number" ? "n" : null])];
  const label = `rows-${feature}`;
  return h("div", null, h("h3", { id: label, class: "unseen" }, `Rows behind ${feature}`), table(label, columns, rows.map((row) => {
    const [tone, word] = STANDINGS[row.standing];
    const since = row.standing === "counted" && row.superseded_by !== null ? `, corrected since by ${row.superseded_by}` : "";
    return h("tr", { class: row.standing === "counted" ? null : "out", data: { standing: row.standing } },
      h("td", null, h("span", { class: "pill", "data-tone": tone }, word(row) + since)),
      cell(dateAndTime(ms(row.event_time))), cell(row.known_at ? dateAndTime(ms(row.known_at)) : NONE), cell(String(row.sequence), "n"),
      names.map((name) => cell(valueOf(row.values[name]), typeof row.values[name] === "number" ? "n" : null)));
  })));
}

const fillList = card(at("list"), "list-title", "Served lately", "Newest first; the log is some seconds behind the replies.");
const drawList = whenChanged(({ list, id, key, listProblem }) => {
  if (listProblem) return fillList(h("p", { class: "problem" }, h("strong", null, listProblem.text), " ", h("span", null, listProblem.mend)));
  if (!list.length) return fillList(key ? emptyCard("No prediction of this question", "Take the key as the question's table has it.") : emptyCard("No prediction yet", "Ask the loop for one."));
  fillList(table("list-title", [["Prediction"], ["Asked at"], ["Key"], ["Probability", "n"], ["Answer"], ["Version"]], list.map((one) =>
    h("tr", { class: one.prediction_id === id ? "chosen" : null },
      h("th", { scope: "row", class: "mono" }, h("a", { href: addressWith({ id: one.prediction_id }), "data-within": true }, one.prediction_id)),
      cell(dateAndTime(ms(one.asked_at))), cell(keyOf(one.key)), cell(fixed(one.probability), "n"), cell(answerOf(one.prediction)),
      h("td", null, one.version, one.arm === "canary" && h("span", { class: "quiet" }, " canary"), one.fell_back && h("span", { class: "quiet" }, " fell back")))), "tall"));
});

function keyOf(key) {
  try {
    return JSON.parse(key).join(", ");
  } catch {
    return key;
  }
}

function draw({ shown, loop }) {
  drawStatus(shown);
  drawProblem(shown.problem, shown.problem);
  drawTold(shown.made, shown.made);
  drawWhy([shown.made, loop], shown.made, loop);
  drawFeatures(shown.made, shown.made, loop);
  drawList([shown.list, shown.id, shown.key, shown.listProblem], shown);
}

function sync() {
  idInput.value = query().get("id") ?? "";
  keyInput.value = query().get("key") ?? "";
}

async function show() {
  sync();
  await page.refresh();
  if (query().get("id")) at("status").scrollIntoView({ block: "start" });
}

sync();
const page = startPage({ read, draw });
followLinks(show);
