// The counts of the whole run, and the state of what comes in.
import { h, setText, whenChanged } from "../dom.js";
import { at, count, day, NONE, percent, plural, span } from "../format.js";

const TILES = [
  { key: "served", label: "Served", note: ({ clock }) => (clock === "replay" ? "predictions" : "predictions, by the last day's end") },
  { key: "labelled", label: "Labelled", note: ({ totals }) => totals.served ? `${percent(totals.labelled / totals.served, 1)} of served` : "" },
  { key: "failed_requests", label: "Failed requests", bad: true, note: ({ totals }) => totals.failed_requests ? "look at the logs" : "none, as it should be" },
  { key: "retrains", label: "Retrains", kind: "retrain" },
  { key: "promotions", label: "Promotions", kind: "promote" },
  { key: "rejections", label: "Rejections", kind: "reject" },
  { key: "rollbacks", label: "Rollbacks", kind: "rollback" },
];

export function mountTotals(root) {
  const tiles = TILES.map(tile);
  const intake = h("ul", { class: "chips" });
  root.append(
    h("div", { class: "card-head" }, h("h2", { id: "totals-title" }, "So far")),
    h("dl", { class: "tiles" }, tiles.map(({ node }) => node)),
    h("div", { class: "intake" }, h("h3", null, "Tables"), intake));
  const drawIntake = whenChanged((overview) => intake.replaceChildren(...chips(overview)));
  return (state) => {
    if (!state.overview) return;
    for (const { update } of tiles) update(state);
    drawIntake([state.overview.freshness, state.overview.quarantined], state.overview);
  };
}

function tile({ key, label, note, kind, bad }) {
  const value = h("dd", { class: "tile-value", data: { total: key } }, NONE);
  const small = h("dd", { class: "tile-note" });
  const node = h("div", { class: `tile ${kind ? "minor" : "major"}` }, h("dt", null, label), value, small);
  function update(state) {
    setText(value, count(state.overview.totals[key]));
    if (bad) node.dataset.tone = state.overview.totals[key] > 0 ? "bad" : "good";
    // The first version's promotion is none of those counted: nothing was replaced.
    setText(small, note ? note(state.overview) : state.overview.totals[key] > 0 ? lastOf(state, kind) : "");
  }
  return { node, update };
}

function lastOf(state, kind) {
  const last = kind && state.decisions.findLast((decision) => decision.kind === kind);
  return last ? `last ${day(last.t)}` : "";
}

function chips({ freshness, quarantined }) {
  if (!freshness?.length) return [h("li", { class: "chip" }, "nothing taken in yet")];
  return freshness.map((table) => {
    const apart = quarantined?.[table.table] ?? 0;
    const limit = table.objective_seconds ? `, limit ${span(table.objective_seconds)}` : "";
    const age = table.newest ? `${span(table.age_seconds)} old${limit}` : "no rows yet";
    return h("li", { class: "chip", title: table.newest ? `Newest: ${day(at(table.newest))}` : null },
      h("i", { class: `dot ${table.ok === false || !table.newest ? "warn" : "good"}`, "aria-hidden": "true" }),
      h("strong", null, table.table),
      h("span", null, table.ok === false ? `${age}: late` : age),
      apart > 0 && h("span", { class: "apart" }, `${plural(apart, "row")} kept apart`));
  });
}
