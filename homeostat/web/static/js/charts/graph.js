// A graph from left to right, one column for each kind of thing; one walks along it by arrow keys.
import { onWidth, svg } from "../dom.js";

const COLUMNS = [["table"], ["definition"], ["leg", "training_set"], ["version"], ["decision"], ["predictions"], ["consumer"]];
const [HEIGHT, GAP, BETWEEN, LEAST, HEAD, PER_LETTER] = [36, 10, 34, 132, 26, 7.1];

// `choose(id)` is called with the node that is walked to, or null.
export function createGraph(root, choose) {
  const canvas = svg("svg", { class: "chart lineage", role: "group", "aria-label": "Lineage, from tables on the left to consumers on the right" });
  root.append(canvas);
  let [width, model, chosen] = [0, null, null];
  canvas.addEventListener("keydown", (event) => walk(event));
  onWidth(root, (now) => ((width = now), draw()));

  function draw() {
    if (!width || !model?.nodes.length) return canvas.replaceChildren();
    const held = canvas.contains(document.activeElement);
    const { places, size } = arranged(model, width);
    const near = chosen ? related(model.edges, chosen) : null;
    for (const [name, value] of Object.entries({ width: size[0], height: size[1], viewBox: `0 0 ${size[0]} ${size[1]}` })) canvas.setAttribute(name, value);
    canvas.style.setProperty("width", `${size[0]}px`); // as wide as can be read: a narrow frame scrolls
    const edges = model.edges.map((edge) => lineOf(edge, places, near));
    canvas.replaceChildren(...headsOf(places), ...edges, ...model.nodes.map((node) => boxOf(node, places.get(node.id), near)));
    if (held) canvas.querySelector("[tabindex='0']")?.focus();
  }

  function boxOf(node, { x, y, w }, near) {
    const state = node.id === chosen ? "chosen" : !near ? "" : near.has(node.id) ? "near" : "far";
    const first = chosen ? node.id === chosen : node.id === entry(model);
    const room = Math.floor((w - 22) / PER_LETTER);
    const label = shortened(node.label, room);
    return svg("g", { class: `node kind-${node.kind} ${state}`, role: "button", tabindex: first ? 0 : -1, "aria-pressed": node.id === chosen, "aria-label": spoken(node, model), data: { id: node.id }, transform: `translate(${x} ${y})`, on: { click: () => go(node.id) } },
      svg("title", null, node.label), svg("rect", { width: w, height: HEIGHT, rx: 8 }), svg("rect", { class: "mark", x: 0, y: 8, width: 3, height: HEIGHT - 16, rx: 1.5 }), svg("text", { x: 13, y: HEIGHT / 2 + 4 }, label));
  }

  function go(id) {
    choose(id);
    canvas.querySelector(`[data-id="${CSS.escape(id)}"]`)?.focus();
  }

  function walk(event) {
    const id = event.target.closest?.("[data-id]")?.dataset.id;
    if (!id) return;
    if (event.key === "Escape") return choose(null);
    const next = { Enter: () => id, " ": () => id, ArrowRight: () => onward(id, "source", "target"), ArrowLeft: () => onward(id, "target", "source"), ArrowUp: () => beside(id, -1), ArrowDown: () => beside(id, 1) }[event.key]?.();
    if (next === undefined) return;
    event.preventDefault();
    if (next) go(next);
  }

  const onward = (id, from, to) => model.edges.find((edge) => edge[from] === id && columnOf(model, edge[to]) !== columnOf(model, id))?.[to] ?? model.edges.find((edge) => edge[from] === id)?.[to] ?? null;

  function beside(id, step) {
    const column = model.nodes.filter((node) => columnOf(model, node.id) === columnOf(model, id));
    return column[column.findIndex((node) => node.id === id) + step]?.id ?? null;
  }

  return (next, id) => ((model = next), (chosen = next.nodes.some((node) => node.id === id) ? id : null), draw());
}

const entry = ({ nodes }) => (nodes.find(({ id }) => id === "version") ?? nodes[0]).id;

// Names that begin alike differ at their ends: what is too long loses its middle.
function shortened(label, room) {
  if (label.length <= room) return label;
  const head = Math.ceil((room - 1) / 2);
  return `${label.slice(0, head)}…${label.slice(label.length - (room - 1 - head))}`;
}

function columnOf({ nodes }, id) {
  const { kind } = nodes.find((node) => node.id === id);
  if (kind === "version" && id !== "version") return 2; // one that this one was made of
  return COLUMNS.findIndex((kinds) => kinds.includes(kind));
}

function arranged(model, width) {
  const columns = COLUMNS.map((_, place) => model.nodes.filter((node) => columnOf(model, node.id) === place));
  const used = columns.filter((column) => column.length);
  const w = Math.max(LEAST, Math.floor((width - BETWEEN * (used.length - 1) - 2) / used.length));
  const tallest = Math.max(...used.map((column) => column.length)) * (HEIGHT + GAP) - GAP;
  const places = new Map();
  used.forEach((column, across) => {
    const top = HEAD + (tallest - column.length * (HEIGHT + GAP) + GAP) / 2;
    column.forEach((node, down) => places.set(node.id, { x: 1 + across * (w + BETWEEN), y: top + down * (HEIGHT + GAP), w, across, kind: node.kind }));
  });
  return { places, size: [used.length * (w + BETWEEN) - BETWEEN + 2, HEAD + tallest + 2] };
}

const HEADS = { table: "Tables", definition: "Definitions", leg: "Made of", training_set: "Made of", version: "Version", decision: "Decisions", predictions: "Predictions", consumer: "Consumers" };

function headsOf(places) {
  const heads = new Map([...places.values()].map(({ across, x, kind }) => [across, [x, HEADS[kind]]]));
  return [...heads.values()].map(([x, text]) => svg("text", { class: "axis", x: x + 2, y: 12 }, text));
}

function lineOf(edge, places, near) {
  const [from, to] = [places.get(edge.source), places.get(edge.target)];
  const on = near && near.has(edge.source) && near.has(edge.target);
  return svg("path", { class: `edge ${on ? "near" : ""}`, d: from.across === to.across ? within(from, to) : across(from, to) });
}

function across(from, to) {
  const [x1, y1, x2, y2] = [from.x + from.w, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
  const bend = Math.max(BETWEEN / 2, (x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

// Neighbours by a short line, others by a bow beside their column.
function within(from, to) {
  if (to.y - from.y === HEIGHT + GAP) return `M${from.x + 24} ${from.y + HEIGHT}V${to.y}`;
  const [x, y1, y2, bow] = [from.x + from.w, from.y + HEIGHT / 2, to.y + HEIGHT / 2, BETWEEN * 0.7];
  return `M${x} ${y1}C${x + bow} ${y1} ${x + bow} ${y2} ${x} ${y2}`;
}

// A node, all that it was made of and all that was made of it.
export function related(edges, id) {
  const found = new Set([id]);
  for (const [from, to] of [["source", "target"], ["target", "source"]]) {
    const pending = [id];
    while (pending.length) {
      const here = pending.pop();
      for (const edge of edges) if (edge[from] === here && !found.has(edge[to])) { found.add(edge[to]); pending.push(edge[to]); }
    }
  }
  return found;
}

function spoken(node, { edges }) {
  const [made, leads] = [edges.filter((edge) => edge.target === node.id).length, edges.filter((edge) => edge.source === node.id).length];
  return `${node.kind.replaceAll("_", " ")} ${node.label}: made from ${made}, leads to ${leads}`;
}
