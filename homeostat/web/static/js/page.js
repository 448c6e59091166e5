// What every page but the overview shares: header, banner, tooltip, and a look at its data every few seconds.
import { markReady } from "./dom.js";
import { createState } from "./state.js";
import { readLoop, startPolling } from "./poller.js";
import { createTooltip } from "./tooltip.js";
import { mountBanner } from "./sections/banner.js";
import { mountHeader } from "./sections/header.js";

export const at = (id) => document.getElementById(id);
export const query = () => new URLSearchParams(location.search);

// `read(state)` fetches what the page shows into `state.shown` and gives whether it changed; `draw(state)` shows it.
export function startPage({ read, draw }) {
  const state = { ...createState(query().get("loop")), shown: null };
  const updates = [mountBanner(at("banner")), mountHeader(at("header")), (now) => now.shown && draw(now)];
  let due = false;
  function drawSoon() {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      for (const update of updates) update(state);
      if (state.shown) markReady();
    });
  }
  let asked = null; // the query that was last read for
  const look = startPolling(state, drawSoon, async (now) => {
    asked = location.search;
    const changed = await readLoop(now);
    const before = JSON.stringify(now.shown);
    now.shown = await read(now);
    return changed || JSON.stringify(now.shown) !== before;
  });
  // A look that was under way may have read for the address before.
  async function refresh() {
    await look();
    if (asked !== location.search) await look();
  }
  return { state, refresh };
}

// The address of this page with some parts of its query changed; null takes one away.
export function addressWith(changes) {
  const now = query();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) now.delete(name);
    else now.set(name, value);
  }
  const text = now.toString();
  return `${location.pathname}${text ? `?${text}` : ""}`;
}

// Links within the page change the query without loading it again; `show` is called then, and on back and forward.
export function followLinks(show) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-within]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    show();
  });
  addEventListener("popstate", show);
}

export const tooltip = createTooltip(at("tooltip"));
