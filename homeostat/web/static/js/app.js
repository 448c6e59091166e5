// Puts the page together: state in, sections out.
import { markReady } from "./dom.js";
import { createState } from "./state.js";
import { startPolling } from "./poller.js";
import { createTooltip } from "./tooltip.js";
import { createTimeline } from "./timeline.js";
import { mountBanner } from "./sections/banner.js";
import { mountHeader } from "./sections/header.js";
import { mountStatus } from "./sections/status.js";
import { mountRoute } from "./sections/route.js";
import { mountTotals } from "./sections/totals.js";
import { mountServing } from "./sections/serving.js";
import { mountPerformance } from "./sections/performance.js";
import { mountRollout } from "./sections/rollout.js";
import { mountDrift } from "./sections/drift.js";
import { mountDecisions } from "./sections/decisions.js";
import { mountVersions } from "./sections/versions.js";

const at = (id) => document.getElementById(id);
const state = createState(new URLSearchParams(location.search).get("loop"));
const page = { timeline: createTimeline(), tooltip: createTooltip(at("tooltip")), refresh: () => {} };

const decisions = mountDecisions(at("decisions"));
page.showDecision = decisions.show;
const updates = [
  mountBanner(at("banner")),
  mountHeader(at("header")),
  mountStatus(at("status")),
  mountRoute(at("route"), page),
  mountTotals(at("totals")),
  mountServing(at("serving"), page),
  mountPerformance(at("performance"), page),
  mountRollout(at("rollout"), page),
  mountDrift(at("drift"), page),
  decisions.update,
  mountVersions(at("versions")),
];

let due = false;
function draw() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    for (const update of updates) update(state);
    if (state.looked) markReady();
  });
}

page.refresh = startPolling(state, draw);
