// Cards, tables and empty states that the pages share.
import { h } from "../dom.js";
import { at as ms, dateAndTime } from "../format.js";

// A card with its head; gives a function that fills its body.
export function card(root, id, title, note) {
  const body = h("div");
  root.append(h("div", { class: "card-head" }, h("div", null, h("h2", { id }, title), note && h("p", { class: "card-note" }, note))), body);
  return (...content) => body.replaceChildren(...content.flat().filter(Boolean));
}

export function emptyCard(title, text) {
  return h("p", { class: "nothing" }, h("strong", null, title), text);
}

export const cell = (text, kind) => h("td", { class: kind }, text);

// columns: [label, class?]; a wide table scrolls within its frame, by keyboard too.
export function table(labelledBy, columns, rows, kind = "") {
  return h("div", { class: `table-frame ${kind}`, tabindex: 0, role: "region", "aria-labelledby": labelledBy },
    h("table", null,
      h("thead", null, h("tr", null, columns.map(([label, cls]) => h("th", { scope: "col", class: cls }, label)))),
      h("tbody", null, rows)));
}

export const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

export function valueOf(value) {
  if (value === null || value === undefined) return "missing";
  if (typeof value === "number") return Number.isInteger(value) ? String(value).replace("-", "−") : String(Number(value.toPrecision(6))).replace("-", "−");
  return typeof value === "string" && INSTANT.test(value) ? dateAndTime(ms(value)) : String(value);
}

// Yes or no, a number, or a class.
export function answerOf(prediction) {
  return typeof prediction === "boolean" ? (prediction ? "yes" : "no") : valueOf(prediction);
}

// Whether an answer was right; of a number by how much it was off.
export function verdictOf({ right, off }) {
  if (right === null) return `off by ${Number(Math.abs(off).toPrecision(4))}, too ${off > 0 ? "high" : "low"}`;
  return right ? "right" : "wrong";
}
