// Why a decision to retrain was taken, in full: what each part of the policy found.
import { h } from "../dom.js";
import { toneOfVerdict } from "../kinds.js";

const NAMES = { any: "one of", all: "all of", at_least: "some of", cool_down: "cool-down" };

export function findings(judged) {
  if (!judged?.found) return null;
  return h("div", { class: "findings", role: "group", "aria-label": "What each policy found" },
    h("ul", null, [...judged.guards, judged.found].map(item)));
}

function item({ kind, verdict, reasons, parts }) {
  const leaf = parts.length === 0 || kind === "sustained";
  return h("li", null,
    h("strong", null, NAMES[kind] ?? kind), " ",
    h("span", { class: "pill", "data-tone": toneOfVerdict(verdict) }, verdict), " ",
    leaf ? h("span", null, reasons.join("; ")) : null,
    parts.length ? h("ul", null, parts.map(item)) : null);
}
