// What is not a rate: rows the champion stood in for, the spool, defaults, and what predictions cost.
import { h } from "../dom.js";
import { bytes, count, known, NONE } from "../format.js";

export function facts({ fallbacks, spool_bytes: spool, defaults, budget, known: answering, whole, hourly_price: price }) {
  const stood = Object.entries(defaults);
  const total = stood.reduce((sum, [, rows]) => sum + rows, 0);
  return [h("dl", { class: "serving-facts" },
    fact("Fallbacks", known(fallbacks) ? count(fallbacks) : NONE, "rows that the champion answered for a failing arm", fallbacks > 0 && "warn"),
    fact("Spool", answering ? bytes(spool) : NONE, "acknowledged, on the way to the log"),
    fact("Defaults", known(whole.requests) ? count(total) : NONE, total ? stood.slice(0, 3).map(([name, rows]) => `${name} ${count(rows)}`).join(", ") : "values that stood in for missing ones", total > 0 && "warn"),
    cost(budget.cost, price))];
}

function cost(told, price) {
  if (!told) return fact("Cost per 1,000", NONE, known(price) ? "predictions: none came in the last 5 minutes" : "predictions; 'homeostat up --hourly-price' says what a replica costs");
  return fact("Cost per 1,000", amount(told.per_thousand_as_deployed), `predictions as deployed; ${amount(told.per_thousand_by_processor)} by processor time`);
}

const amount = (value) => (value >= 1 ? value.toFixed(2) : Number(value.toPrecision(2)).toString());

function fact(label, value, words, tone) {
  return h("div", { class: tone ? `tone-${tone}` : null }, h("dt", null, label), h("dd", null, value), h("dd", { class: "serving-words" }, words));
}
