// What a version was made of and what was made of it, as a graph that one walks; each thing with what is known of it.
import { api, ApiError } from "../api.js";
import { createGraph } from "../charts/graph.js";
import { h, setText, whenChanged } from "../dom.js";
import { at as ms, count, dateAndTime, plural } from "../format.js";
import { addressWith, at, query, startPage } from "../page.js";
import { card, emptyCard, INSTANT } from "./parts.js";

const KEPT_MS = 15_000; // predictions are counted anew that often

async function read(state) {
  const version = query().get("version");
  if (!state.loop) return { told: null, problem: null };
  const before = state.shown;
  if (before?.told && before.asked === version && Date.now() - before.read < KEPT_MS) return before;
  try {
    return { told: await api.lineage(state.loop, version), asked: version, read: Date.now(), problem: null };
  } catch (error) {
    if (!(error instanceof ApiError) || !error.status) throw error;
    return { told: null, asked: version, read: Date.now(), problem: { text: error.problem, mend: error.mend } };
  }
}

const words = (text) => String(text).replaceAll("_", " ");

function headline({ told, problem }) {
  if (problem) return [problem.text, problem.mend];
  if (!told?.version) return ["No version is here yet.", "The first one appears with its tables, definitions and training set once it is trained."];
  const of = (kind) => told.nodes.filter((node) => node.kind === kind);
  const predictions = of("predictions").reduce((sum, node) => sum + node.facts.predictions, 0);
  const state = told.versions.find((one) => one.version === told.version)?.state;
  const [rows] = of("training_set");
  return [`${told.version}${state ? `, ${words(state)},` : ""} was made from ${rows?.label ?? "its training set"}.`,
    `${plural(predictions, "prediction")} and ${plural(of("consumer").length, "consumer")} depend on it.`];
}

const drawStatus = (() => {
  const [main, more] = [h("p", { class: "headline-main" }), h("p", { class: "headline-detail" })];
  at("status").append(main, more);
  return (shown) => headline(shown).forEach((text, index) => setText([main, more][index], text));
})();

const select = h("select", { id: "version", on: { change: () => move({ version: select.value, node: null }) } });
const frame = h("div", { class: "table-frame graph-frame", role: "region", tabindex: 0, "aria-labelledby": "drawn-title" });
const none = h("div");
const fillDrawn = card(at("drawn"), "drawn-title", "From tables to those who read", "Choose a thing, and see what it was made of and what depends on it. Arrow keys walk along; Escape lets go.");
fillDrawn(h("div", { class: "ask lineage-ask" }, h("label", null, "Version", select)), none, frame);
const drawGraph = createGraph(frame, (node) => move({ node }));
const fillDetail = card(at("detail"), "detail-title", "What is chosen", "");

function move(changes) {
  history.replaceState(null, "", addressWith(changes));
  if ("version" in changes) return page.refresh();
  return show(page.state.shown.told, page.state.loop);
}

const drawChoices = whenChanged(({ versions, version }) => {
  select.replaceChildren(...versions.map((one) => h("option", { value: one.version, selected: one.version === version }, one.state ? `${one.version}, ${words(one.state)}` : one.version)));
  select.value = version;
});

function show(told, loop) {
  const chosen = query().get("node");
  drawGraph(told ?? { nodes: [], edges: [] }, chosen);
  const node = told?.nodes.find(({ id }) => id === chosen);
  fillDetail(...(node ? detailOf(node, told, loop) : [emptyCard("Nothing is chosen", "Choose a box above: a table, a definition, a decision.")]));
}

const drawAll = whenChanged((told, loop) => {
  at("drawn").classList.toggle("bare", !told?.version);
  none.replaceChildren(...(told?.version ? [] : [emptyCard("No version yet", "Nothing has been trained here, or no version's folder is left.")]));
  if (told?.version) drawChoices([told.versions, told.version], told);
  show(told, loop);
});

function detailOf(node, told, loop) {
  const by = (from, to) => told.edges.filter((edge) => edge[from] === node.id).map((edge) => [edge.how, told.nodes.find(({ id }) => id === edge[to])]);
  return [
    h("p", { class: "node-name" }, h("span", { class: "pill" }, words(node.kind)), " ", h("strong", null, node.label)),
    h("dl", { class: "facts" }, factsOf(node, loop)),
    listOf("Made from", by("target", "source")), listOf("Leads to", by("source", "target")),
    node.kind === "definition" && h("pre", { class: "node-meaning", tabindex: 0, "aria-label": "Meaning" }, JSON.stringify(node.facts.meaning, null, 1)),
  ].filter(Boolean);
}

function listOf(title, found) {
  if (!found.length) return null;
  return h("div", null, h("h3", { class: "subhead" }, title), h("ul", { class: "chips" }, found.map(([how, node]) =>
    h("li", null, h("button", { type: "button", class: "chip", on: { click: () => move({ node: node.id }) } }, h("span", null, words(node.kind)), node.label, h("small", null, how))))));
}

const LEFT_OUT = new Set(["meaning", "decision", "ids", "promise", "version"]);

function factsOf({ kind, facts }, loop) {
  const pair = (name, value) => value !== null && value !== undefined && h("div", null, h("dt", null, words(name)), h("dd", null, value));
  const link = (path, text) => h("a", { href: `${path}&loop=${encodeURIComponent(loop)}` }, text);
  if (kind === "decision") {
    const one = facts.decision;
    return [pair("taken", dateAndTime(ms(one.at))), pair("by", one.actor), pair("decision", String(one.seq)), ...one.reasons.map((text) => pair("because", text))];
  }
  const plain = Object.entries(facts).filter(([name]) => !LEFT_OUT.has(name)).flatMap(([name, value]) => flat(name, value));
  const told = plain.map(([name, value]) => pair(name, written(name, value, link)));
  if (kind === "table") told.push(pair("version", String(facts.version)), pair("more", link(`tables?table=${encodeURIComponent(facts.table)}`, "its contract and volume")));
  return told;
}

const flat = (name, value) => (value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value).map(([key, one]) => [`${name} ${key}`, one]) : [[name, value]]);

function written(name, value, link) {
  if (name.endsWith("_id")) return link(`prediction?id=${encodeURIComponent(value)}`, value);
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "number") return count(value);
  if (typeof value !== "string") return value === null ? null : String(value);
  if (INSTANT.test(value)) return dateAndTime(ms(value));
  return /^[0-9a-f]{64}$/.test(value) ? h("span", { class: "mono" }, value.slice(0, 16)) : value;
}

const page = startPage({
  read,
  draw: ({ shown, loop }) => {
    drawStatus(shown);
    drawAll([shown.told, loop], shown.told, loop);
  },
});
addEventListener("popstate", () => page.refresh());
