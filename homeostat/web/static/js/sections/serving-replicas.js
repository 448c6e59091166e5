// Every replica: what it serves, whether it is ready, and what keeps it back.
import { h } from "../dom.js";
import { count, NONE, span } from "../format.js";

const SILENT = 5; // seconds after which a replica is not counted on

export const isSilent = ({ said_seconds_ago: said }) => said > SILENT;

export function replicasTable({ replicas, generation, champion }) {
  const head = h("h3", null, replicas.length > 1 ? `${count(replicas.length)} replicas` : "Replicas");
  if (replicas.length === 0) return [head, h("p", { class: "quiet serving-nothing" }, "No replica serves this home now.")];
  return [head, h("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Replicas" },
    h("table", { class: "replicas-table" },
      h("thead", null, h("tr", null, [["Replica"], ["Generation", "n"], ["State"], ["What it says"]].map(([label, kind]) => h("th", { scope: "col", class: kind }, label)))),
      h("tbody", null, replicas.map((one) => line(one, generation, champion)))))];
}

function line(one, generation, champion) {
  const [tone, state, words] = standing(one, generation, champion);
  return h("tr", { class: tone === "warn" || tone === "bad" ? `is-${tone}` : null, data: { replica: one.id } },
    h("th", { scope: "row" }, one.id),
    h("td", { class: "n", data: { label: "Generation" } }, one.generation === null ? NONE : count(one.generation)),
    h("td", null, h("span", { class: "pill", "data-tone": tone }, state)),
    h("td", { class: "wide soft" }, words));
}

function standing(one, generation, champion) {
  const { generation: serves, ready, problem, said_seconds_ago: said } = one;
  if (isSilent(one)) return ["bad", `Silent for ${span(said)}`, "It is not counted on until it speaks again."];
  if (champion && (serves ?? -1) < generation) return ["warn", "Behind", problem ?? `It has not taken generation ${generation} yet.`];
  if (problem) return ["warn", "Not in full", problem];
  if (!ready) return ["plain", "Waiting", "For a first version."];
  return ["good", "Ready", "Serves the newest route."];
}
