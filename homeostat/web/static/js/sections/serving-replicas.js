// Every replica: what it serves, whether it is ready, and what keeps it back.
import { h, whenChanged } from "../dom.js";
import { count, NONE, span } from "../format.js";

const COLUMNS = [["Replica"], ["Generation", "n"], ["State"], ["What it says"]];
const SILENT = 5; // seconds after which a replica is not counted on

export const isSilent = ({ said_seconds_ago: said }) => said > SILENT;

export function mountReplicas(root) {
  const head = h("h3");
  const frame = h("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Replicas" });
  root.append(head, frame);
  const draw = whenChanged((rows) => {
    head.textContent = rows.length > 1 ? `${count(rows.length)} replicas` : "Replicas";
    frame.replaceChildren(rows.length ? table(rows) : h("p", { class: "quiet serving-nothing" }, "No replica serves this home now."));
  });
  return ({ replicas, generation, champion }) => {
    const rows = replicas.map((one) => [one.id, one.generation, ...standing(one, generation, champion)]);
    draw(rows, rows);
  };
}

function table(rows) {
  return h("table", { class: "replicas-table" },
    h("thead", null, h("tr", null, COLUMNS.map(([label, kind]) => h("th", { scope: "col", class: kind }, label)))),
    h("tbody", null, rows.map(line)));
}

function line([id, generation, tone, state, words]) {
  return h("tr", { class: tone === "warn" || tone === "bad" ? `is-${tone}` : null, data: { replica: id } },
    h("th", { scope: "row" }, id),
    h("td", { class: "n", data: { label: "Generation" } }, generation === null ? NONE : count(generation)),
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
