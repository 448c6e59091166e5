// Back-test: what other policies of retraining would have come to on the loop's own history.
import { api } from "../api.js";
import { h, setText, whenChanged } from "../dom.js";
import { fixed, known, NONE, plural } from "../format.js";
import { at, startPage } from "../page.js";
import { card, cell, emptyCard, table } from "./parts.js";

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const amount = (value) => (known(value) ? WHOLE.format(value).replace("-", "−") : NONE);
const OUTCOMES = {
  promoted: "promoted",
  taken_back: "taken back",
  rejected: "rejected by the gate",
  failed: "training failed",
  unfinished: "not finished when the history ends",
};

const read = async ({ loop }) => (loop ? api.backtest(loop) : { report: null });

function headline({ report, mend }) {
  if (!report) return ["No back-test was run yet.", mend ?? ""];
  const own = report.policies.find((one) => one.name === "own");
  const weeks = `${plural(report.weeks.length, "week")}, ${report.weeks[0].first_day} to ${report.weeks.at(-1).last_day}. ${report.note}`;
  if (!own || !known(own.regret)) return ["The regret of the loop's own policy is not known.", weeks];
  return [`The loop's own policy has a regret of ${fixed(own.regret, 2)}: 0 is the oracle, 1 is never retraining.`, weeks];
}

const drawStatus = (() => {
  const [main, more] = [h("p", { class: "headline-main" }), h("p", { class: "headline-detail" })];
  at("status").append(main, more);
  return (shown) => headline(shown).forEach((text, index) => setText([main, more][index], text));
})();

function bounds(one) {
  if (!known(one.regret)) return one.regret_unknown ?? "";
  if (!known(one.regret_low) && !known(one.regret_high)) return "";
  return `${fixed(one.regret_low, 2)} to ${fixed(one.regret_high, 2)}`;
}

// What it goes by, and in how many weeks it could not tell.
const goesBy = ({ about, inconclusive }, weeks) => (inconclusive ? `${about}; could not tell in ${inconclusive} of ${weeks} weeks` : about);

const policyRow = (weeks) => (one) =>
  h("tr", null,
    h("th", { scope: "row" }, one.name),
    cell(goesBy(one, weeks), "soft wide"),
    cell(String(one.retrains), "n"),
    cell(String(one.retrains - one.released + one.taken_back), "n"),
    cell(amount(one.labels), "n"),
    cell(fixed(one.metric, 4), "n"),
    cell(amount(one.staleness_cost), "n"),
    cell(amount(one.retraining_cost), "n"),
    cell(amount(one.total_cost), "n"),
    cell(fixed(one.regret, 2), "n"),
    cell(bounds(one), "soft"));

const drawPolicies = card(at("policies"), "policies-title", "Policies", "Each played through the history by the judges that run live, the cheapest first.");
const policies = whenChanged((report) => {
  if (!report) return drawPolicies(emptyCard("Nothing to compare yet", "Run homeostat backtest: it takes some minutes."));
  const columns = [["Policy"], ["Goes by"], ["Retrains", "n"], ["Not kept", "n"], ["Labels", "n"], ["Skill", "n"], ["Lost to age", "n"], ["Spent", "n"], [`Total, ${report.unit}`, "n"], ["Regret", "n"], ["Between"]];
  drawPolicies(table("policies-title", columns, report.policies.map(policyRow(report.weeks.length))));
});

const drawSawtooth = card(at("sawtooth"), "sawtooth-title", "Skill over the weeks", "A line a policy, beside never retraining and the oracle; a mark is a version that was asked for.");
const sawtooth = whenChanged((report) => {
  if (!report) return drawSawtooth(emptyCard("No picture yet", "It is drawn by a back-test."));
  const source = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(report.chart)}`;
  const alt = `Skill week by week under ${plural(report.policies.length, "policy", "policies")}; the figures are in the table above.`;
  drawSawtooth(h("div", { class: "table-frame", tabindex: 0, role: "region", "aria-labelledby": "sawtooth-title" }, h("img", { src: source, alt })));
});

const askedRow = (name, report) => (one) =>
  h("tr", null,
    h("th", { scope: "row" }, name),
    cell(report.weeks[one.week].first_day),
    cell(one.version, "mono"),
    cell(OUTCOMES[one.outcome]),
    cell(one.because.join("; "), "soft wide"),
    cell(one.why.join("; "), "soft wide"));

const drawAsked = card(at("asked"), "asked-title", "Versions asked for", "By each policy, why, and what became of them.");
const asked = whenChanged((report) => {
  const rows = report ? report.policies.flatMap((one) => one.asked.map(askedRow(one.name, report))) : [];
  if (!rows.length) return drawAsked(emptyCard("None", "No policy asked for a version."));
  drawAsked(table("asked-title", [["Policy"], ["Week of"], ["Version"], ["Outcome"], ["Because"], ["Decided on"]], rows));
});

function draw({ shown }) {
  drawStatus(shown);
  for (const update of [policies, sawtooth, asked]) update(shown.report, shown.report);
}

startPage({ read, draw });
