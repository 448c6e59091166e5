// Every version there is: what became of it, what it was made from, how it measured.
import { h, whenChanged } from "../dom.js";
import { at, count, date, fixed, short } from "../format.js";

const STATES = {
  training: ["busy", "Training"], failed: ["bad", "Failed"],
  champion: ["accent", "Champion"], candidate: ["busy", "Candidate"], standby: ["plain", "Standby"], retired: ["plain", "Retired"],
  rejected: ["warn", "Rejected"], rolled_back: ["bad", "Rolled back"], held: ["warn", "Held"],
};
const LEGS = ["code", "data", "config", "environment"];
const BEFORE = [["Version"], ["State"], ["Trained"], ["Rows", "n"]];
const AFTER = [["Promised skill", "n"], ["Fingerprint"]];
const FIGURES = { auc: "AUC", log_loss: "Log-loss", brier: "Brier", accuracy: "Accuracy", f1: "F1", rmse: "RMSE", mae: "MAE", quantile_loss: "Quantile loss", bias: "Bias" };

export function mountVersions(root) {
  const aside = h("span", { class: "aside" });
  const body = h("div", { class: "table-frame", tabindex: 0, role: "region", "aria-labelledby": "versions-title" });
  root.append(h("div", { class: "card-head" }, h("h2", { id: "versions-title" }, "Versions"), aside), body);
  const draw = whenChanged((versions) => {
    aside.textContent = versions.length ? "Fingerprint: code, data, config, environment; bold where it changed" : "";
    body.replaceChildren(versions.length ? table(versions) : h("p", { class: "quiet" }, "No version yet. The first is trained on what is taken in now."));
  });
  return (state) => draw(state.versions, state.versions);
}

function table(versions) {
  const newest = [...versions].sort((a, b) => at(b.created_at) - at(a.created_at) || String(b.version).localeCompare(String(a.version), "en", { numeric: true }));
  const metrics = newest.find((one) => one.metrics)?.metrics;
  const measured = Object.keys(FIGURES).filter((name) => (metrics ? name in metrics : ["auc", "log_loss", "brier"].includes(name)));
  const columns = [...BEFORE, ...measured.map((name) => [FIGURES[name], "n"]), ...AFTER];
  return h("table", null,
    h("thead", null, h("tr", null, columns.map(([label, kind]) => h("th", { scope: "col", class: kind }, label)))),
    h("tbody", null, newest.map((one, place) => line(one, measured, newest.slice(place + 1).find((other) => other.fingerprint)))));
}

function line({ version, state, created_at: created, rows, metrics, promise, fingerprint }, measured, before) {
  const [tone, word] = STATES[state] ?? ["plain", state];
  const number = (text) => h("td", { class: "n" }, text);
  return h("tr", { class: state === "champion" ? "is-champion" : null },
    h("th", { scope: "row" }, version),
    h("td", null, h("span", { class: "pill", "data-tone": tone }, word)),
    h("td", null, date(at(created))),
    number(count(rows)), measured.map((name) => number(fixed(metrics?.[name]))), number(fixed(promise?.skill)),
    h("td", null, h("span", { class: "legs" }, LEGS.map((leg) => part(leg, fingerprint, before)))));
}

// One leg of the four; what differs from the version before stands out, and its title says what to ask.
function part(leg, fingerprint, before) {
  const own = fingerprint?.[leg];
  const changed = own && before && own !== before.fingerprint[leg];
  const beside = own && before ? (changed ? `\nanother than in ${before.version}: homeostat versions diff` : `\nthe same as in ${before.version}`) : "";
  return h("span", { class: changed ? "mono changed" : "mono", title: `${leg} ${own ?? "not known"}${beside}` }, short(own));
}
