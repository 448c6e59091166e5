// One floating box for the whole page; it follows a point and stays inside the window.
import { h } from "./dom.js";

const GAP = 14;
const EDGE = 8;

export function createTooltip(box) {
  let owner = null;

  function place(x, y) {
    const { width, height } = box.getBoundingClientRect();
    const right = x + GAP + width <= innerWidth - EDGE;
    const left = right ? x + GAP : Math.max(EDGE, x - GAP - width);
    const top = Math.min(Math.max(EDGE, y - height / 2), innerHeight - height - EDGE);
    box.style.setProperty("left", `${Math.round(left)}px`);
    box.style.setProperty("top", `${Math.round(top)}px`);
  }

  addEventListener("keydown", (event) => {
    if (event.key === "Escape") box.hidden = true;
  });
  addEventListener("scroll", () => (box.hidden = true), { passive: true });

  return {
    show(forOwner, x, y, ...content) {
      owner = forOwner;
      box.replaceChildren(...content.flat());
      box.hidden = false;
      place(x, y);
    },
    hide(forOwner) {
      if (owner === forOwner) box.hidden = true;
    },
  };
}

export function tipTitle(text, aside) {
  return h("div", { class: "tip-title" }, h("strong", null, text), aside && h("span", null, aside));
}

// rows: [label, value, aside?, swatch class?]
export function tipRows(rows) {
  return h("dl", { class: "tip-rows" }, rows.map(([label, value, aside, swatch]) =>
    h("div", null,
      h("dt", null, swatch && h("i", { class: `swatch ${swatch}` }), label),
      h("dd", null, value, aside && h("small", null, aside)))));
}
