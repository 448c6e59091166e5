// A quiet line when control does not answer. Predictions do not pass through control, so it says that too.
import { h } from "../dom.js";

export function mountBanner(root) {
  let shown = false;
  return (state) => {
    if (state.connection.ok !== shown) return;
    shown = !state.connection.ok;
    root.replaceChildren(...(shown ? [notice(state)] : []));
  };
}

function notice(state) {
  return h("div", { class: "banner" },
    h("span", { class: "dot warn", "aria-hidden": "true" }),
    h("strong", null, state.connection.problem),
    h("span", null, "Serving goes on without it. This page shows what was last known and recovers by itself."));
}
