// Cards, tables and empty states that the pages share.
import { h } from "../dom.js";

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
