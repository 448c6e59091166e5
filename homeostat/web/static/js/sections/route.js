// What serves now: champion, canary and its share, standby; and the way back.
import { h, whenChanged } from "../dom.js";
import { at, count, date, fixed, known, NONE, percent, range } from "../format.js";
import { askRollback, rollbackWords } from "./rollback-dialog.js";
import { journey } from "./journey.js";

export function mountRoute(root, page) {
  const generation = h("span", { class: "aside" });
  const body = h("div", { class: "route-body" });
  root.append(h("div", { class: "card-head" }, h("h2", { id: "route-title" }, "Serving now"), generation), body);
  const draw = whenChanged((state) => {
    const { route, champion } = state.overview;
    generation.textContent = route?.champion ? `Route generation ${count(route.generation)}` : "";
    body.replaceChildren(...(route?.champion ? serving(state, route, champion, page) : [journey(state)]));
  });
  return (state) => {
    const { overview } = state;
    if (overview) draw([overview.route, overview.champion, overview.activity, overview.replay?.phase, state.versions.length], state);
  };
}

function serving(state, route, champion, page) {
  const canary = route.canary ? route.share : 0;
  return [
    shareBar(route, canary),
    h("dl", { class: "arms" },
      arm("Champion", "accent", route.champion, `${percent(1 - canary)} of traffic`),
      route.canary && arm("Canary", "canary", route.canary, `${percent(canary)} of traffic`),
      arm("Standby", "hollow", route.standby, route.standby ? "warm, one step away" : "none yet")),
    champion && promise(champion),
    (route.canary || route.standby) && h("div", { class: "route-foot" },
      h("button", { type: "button", class: "button", id: "rollback", on: { click: () => askRollback(state.loop, route, page.refresh) } },
        `${rollbackWords(route).title}…`)),
  ].filter(Boolean);
}

function shareBar(route, canary) {
  const label = canary
    ? `${route.champion} serves ${percent(1 - canary)}, ${route.canary} serves ${percent(canary)}`
    : `${route.champion} serves everything`;
  return h("div", { class: "share", role: "img", "aria-label": label },
    h("div", { class: "share-part champion", style: { "flex-grow": 1 - canary } }),
    canary > 0 && h("div", { class: "share-part canary", style: { "flex-grow": canary } }));
}

function arm(label, swatch, version, note) {
  return h("div", { class: "arm" },
    h("dt", null, h("i", { class: `swatch ${swatch}` }), label),
    h("dd", null, h("strong", null, version ?? NONE), h("small", null, note)));
}

const NAMES = { rmse: "RMSE", mae: "MAE", quantile_loss: "quantile loss", accuracy: "accuracy" };

function promise(champion) {
  const told = champion.promise ?? {};
  return h("dl", { class: "facts", "aria-label": `What ${champion.version} promised` },
    fact("Trained", date(at(champion.created_at))),
    fact("On rows", count(champion.rows)),
    known(told.auc) && fact("Promised AUC", fixed(told.auc)),
    ["rmse", "mae", "quantile_loss", "accuracy"].filter((name) => known(told[name])).slice(0, 2).map((name) => fact(`Promised ${NAMES[name]}`, fixed(told[name]))),
    fact("Promised skill", fixed(told.skill), range(told.skill_low, told.skill_high)));
}

function fact(label, value, aside) {
  return h("div", null, h("dt", null, label), h("dd", null, value, aside && aside !== NONE && h("small", null, aside)));
}
