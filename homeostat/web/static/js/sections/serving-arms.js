// Who answers whom, and how well: one row for each arm, shadow and standby.
import { spark } from "../charts/minutes.js";
import { h, whenChanged } from "../dom.js";
import { count, known, ms, NONE, percent, perSecond, tinyPercent } from "../format.js";

const COLUMNS = [["Arm"], ["Version"], ["Share", "n"], ["Rows a second", "n"], ["", "spark-cell"], ["Failed", "n"], ["p50", "n"], ["p99", "n"]];
const COLOURS = 4; // of experiments' arms, in css/serving.css

export function mountArms(root) {
  const frame = h("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Who answers whom" });
  root.append(h("h3", null, "Who answers whom"), frame);
  const draw = whenChanged((serving) => frame.replaceChildren(table(serving)));
  return (serving) => {
    const { arms, shadows } = serving.traffic;
    draw([arms, shadows, serving.standby, serving.experiments], serving);
  };
}

function table(serving) {
  const { arms, shadows } = serving.traffic;
  return h("table", { class: "arms-table" },
    h("thead", null, h("tr", null, COLUMNS.map(([label, kind]) => h("th", { scope: "col", class: kind }, label || h("span", { class: "unseen" }, "Course"))))),
    h("tbody", null, coloured(arms).map((one) => arm(one, drawnBy(serving, one.arm))), shadows.map(shadow), standby(serving)));
}

// Arms with the names of their colours: what a route divides is told apart by colour, too.
function coloured(arms) {
  let next = 0;
  const kindOf = ({ arm, share }) => {
    if (arm === "champion" && share !== null) return "live";
    if (arm === "canary" && share !== null) return "canary";
    return share === null ? "calm" : `arm-${(next++ % COLOURS) + 1}`;
  };
  return arms.map((one) => ({ ...one, kind: kindOf(one) }));
}

function arm({ arm: name, version, share, kind, rows_per_second: rate, failed, failed_share: failing, p50_ms: p50, p99_ms: p99, points }, drawn) {
  const number = (label, text, tone) => h("td", { class: ["n", tone].filter(Boolean).join(" "), data: { label } }, text);
  return h("tr", { class: share === null ? "past" : null, data: { arm: name } },
    h("th", { scope: "row" }, h("i", { class: `swatch ${kind}` }), named(name, share), drawn && h("small", null, drawn)),
    h("td", { class: "version" }, version),
    number("Share", share === null ? NONE : percent(share, share > 0 && share < 0.01 ? 1 : 0)),
    number("Rows/s", perSecond(rate)),
    h("td", { class: "spark-cell" }, points.some(known) ? spark(points, kind, `Rows a second of ${version} over the last 5 minutes`) : null),
    number("Failed", failed > 0 ? [`${count(failed)} `, h("span", null, `(${tinyPercent(failing)})`)] : known(failed) ? "none" : NONE, failed > 0 && "bad"),
    number("p50", ms(p50)), number("p99", ms(p99)));
}

// How an experiment draws an arm's units: its weight within the experiment's share.
function drawnBy({ experiments }, arm) {
  const [name, which] = arm.split("/");
  const found = experiments.find((one) => one.name === name);
  const weight = found?.arms.find((one) => one.name === which)?.weight;
  return known(weight) ? `${percent(weight)} of ${percent(found.share)}` : null;
}

function named(name, share) {
  if (name === "pinned") return "Asked for by name";
  const [experiment, arm] = name.split("/");
  const words = arm ? `${experiment}: ${arm}` : experiment.charAt(0).toUpperCase() + experiment.slice(1);
  return share === null ? `${words}, before` : words;
}

function shadow({ version, share, scored, failed, skipped }) {
  const words = known(scored ?? failed ?? skipped)
    ? [`${count(scored ?? 0)} scored`, failed > 0 ? `${count(failed)} failed` : "none failed", skipped > 0 ? `${count(skipped)} skipped` : "none skipped"].join(", ")
    : "has not said anything yet";
  return beside("Shadow", version, `sees ${percent(share)}`, words, failed > 0 || skipped > 0 ? "warn" : null);
}

function standby({ standby: version }) {
  return version ? beside("Standby", version, "", "loaded and warm, one step away") : null;
}

function beside(name, version, share, words, tone) {
  return h("tr", { data: { beside: name.toLowerCase() } },
    h("th", { scope: "row" }, h("i", { class: "swatch hollow" }), name),
    h("td", { class: "version" }, version),
    h("td", { class: "n" }, share),
    h("td", { class: ["soft", tone].filter(Boolean).join(" "), colspan: 5 }, words));
}
