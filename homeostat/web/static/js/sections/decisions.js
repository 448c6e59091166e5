// Every decision, newest first, with its reasons; open one for its evidence.
import { h } from "../dom.js";
import { dateAndTime, NONE } from "../format.js";
import { icon } from "../icons.js";
import { kindOf, KINDS, toneOfVerdict } from "../kinds.js";
import { findings } from "./findings.js";

const PAGE = 12;

export function mountDecisions(root) {
  const filters = h("div", { class: "filters", role: "group", "aria-label": "Kinds of decision" });
  const list = h("ol", { class: "decisions", reversed: true });
  const more = h("button", { type: "button", class: "button more", on: { click: () => ((view.limit = Infinity), draw()) } });
  root.append(h("div", { class: "card-head" }, h("h2", { id: "decisions-title" }, "Decisions"), filters), list, more);
  const view = { kind: null, limit: PAGE, state: null, stamp: -1 };
  const rows = new Map(); // seq -> node: kept, so that an opened row stays open and focus stays put

  function rowOf(decision) {
    if (!rows.has(decision.seq)) rows.set(decision.seq, row(decision));
    return rows.get(decision.seq);
  }

  function draw() {
    const all = view.state.decisions;
    const kept = all.filter(({ kind }) => !view.kind || kind === view.kind).reverse();
    const shown = kept.slice(0, view.limit);
    place(list, shown.length ? shown.map(rowOf) : [h("li", { class: "quiet" }, "No decision yet. The first will be to train a version.")]);
    more.hidden = kept.length <= shown.length;
    more.textContent = `Show all ${kept.length}`;
    drawFilters(filters, all, view.kind, (kind) => ((view.kind = kind), (view.limit = PAGE), draw()));
  }

  return {
    update(state) {
      if (view.stamp === state.changes.decisions) return;
      if (state.seq === 0) rows.clear();
      Object.assign(view, { state, stamp: state.changes.decisions });
      draw();
    },
    show(seq) {
      Object.assign(view, { kind: null, limit: Infinity });
      draw();
      const target = rows.get(seq);
      if (!target) return;
      target.querySelector("details").open = true;
      target.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      target.querySelector("summary").focus({ preventScroll: true });
    },
  };
}

// Puts `nodes` into `list` in order, moving only what is not in its place already.
function place(list, nodes) {
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  while (list.children.length > nodes.length) list.lastChild.remove();
}

function drawFilters(root, decisions, picked, onPick) {
  const counts = new Map();
  for (const { kind } of decisions) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const kinds = [...Object.keys(KINDS), ...counts.keys()].filter((kind, index, all) => counts.has(kind) && all.indexOf(kind) === index);
  const focused = root.contains(document.activeElement) ? document.activeElement.dataset.kind : null;
  const chip = (kind, label, n) => h("button", {
    type: "button", class: "chip", "aria-pressed": kind === (picked ?? ""), data: { kind }, on: { click: () => onPick(kind || null) },
  }, label, h("small", null, n));
  root.replaceChildren(...(decisions.length ? [chip("", "All", decisions.length), ...kinds.map((kind) => chip(kind, kindOf({ kind }).label, counts.get(kind)))] : []));
  if (focused !== null) root.querySelector(`[data-kind="${focused}"]`)?.focus();
}

function row(decision) {
  const { tone } = kindOf(decision);
  const reasons = decision.reasons ?? [];
  return h("li", { class: "decision", id: `decision-${decision.seq}`, data: { kind: decision.kind } },
    h("details", null,
      h("summary", null,
        h("span", { class: `badge tone-${tone}` }, icon(decision.kind, 16)),
        h("span", { class: "decision-what" },
          h("span", { class: "decision-title" }, h("strong", null, decision.title),
            h("span", { class: "pill", "data-tone": toneOfVerdict(decision.verdict) }, decision.verdict)),
          reasons.map((reason) => h("span", { class: "decision-reason" }, reason))),
        h("time", { datetime: decision.at }, dateAndTime(decision.t)),
        icon("chevron", 16)),
      evidence(decision)));
}

function evidence({ seq, hash, evidence: facts }) {
  return h("div", { class: "evidence" },
    h("dl", null,
      h("div", null, h("dt", null, "Ledger entry"), h("dd", null, String(seq))),
      h("div", null, h("dt", null, "Hash"), h("dd", { class: "mono" }, hash ?? NONE))),
    findings(facts?.judged),
    h("pre", { tabindex: 0, "aria-label": "Evidence" }, JSON.stringify(facts ?? {}, null, 2)));
}
