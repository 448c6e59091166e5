// The card of feedback: figures by every label beside those that no action has shaped, and gaps that a retraining widened.
import { h } from "../dom.js";
import { count, fixed, known, range, signed } from "../format.js";
import { card, cell, emptyCard, table } from "../pages/parts.js";

const words = (name) => name.replaceAll("_", " ");
const KINDS = ["naive", "weighted", "doubly_robust"];

export function mountFeedback(root) {
  const draw = card(root, "feedback-title", "Feedback", "Where callers act on predictions, labels are shaped by them. The loop decides by the weighted figures; bounds are 95 %, for one look.");
  return ({ feedback, gaps, primary }) => {
    root.hidden = !feedback && !gaps.widened.length;
    draw(...(feedback ? figures(feedback) : []), ...gaps.widened.map((one) => gap(one, primary)));
  };
}

function figures(told) {
  if (!told.days) return [emptyCard("No labels are in yet", "Figures come with the first labels.")];
  const share = told.explore === null ? "nobody is left alone" : `one in ${Math.round(1 / told.explore)} is left alone by chance`;
  const left = `${told.chance !== null ? `each is left alone with the chance ${told.chance}` : share}${told.drawn !== null ? `, as callers drew (${told.drawn})` : ""}`;
  const acting = told.reports
    ? `Callers report in ${told.reports.table} what they did: acted on where ${told.acts}, to be left alone ${told.chance !== null ? `with the chance ${told.chance}` : "surely or not at all"}`
    : `Callers act where ${told.acts}; ${left}`;
  const clipped = told.clipped ? ` ${count(told.clipped)} of them had a chance below 0.001, which was read as that.` : "";
  const reported = told.reports ? reports(told.reports) : "";
  const text = `${acting}. Of ${count(told.rows)} rows in ${told.days} days ${count(told.region)} would be acted on, ${count(told.explored)} were left alone (${count(Math.round(told.expected))} expected), and ${count(told.explored_labelled)} of these have a label.${clipped}${reported}`;
  const columns = [["Figure"], ["Every label", "n"], ["Weighted", "n"], ["Doubly robust", "n"]];
  const rows = Object.entries(told.figures).map(([name, one]) => h("tr", null, h("th", { scope: "row" }, words(name)), KINDS.map((kind) => value(one[kind]))));
  return [h("p", { class: "segments-said" }, text), table("feedback-title", columns, rows),
    h("p", { class: "card-note more" }, `Why they differ: ${told.why}.`)];
}

const WRONG = ["unreported", "no_chance", "acted_on_all_the_same", "left_alone_without_a_chance"];

function reports(told) {
  const odd = WRONG.filter((name) => told[name]).map((name) => `${count(told[name])} ${words(name)}`);
  const left = odd.length ? ` Left out, for want of a report that can be: ${odd.join(", ")} (${fixed(100 * told.share, 1)} %).` : "";
  const days = told.days_left_out ? ` Days left out with more than ${fixed(100 * told.limit, 0)} % of these: ${count(told.days_left_out)}.` : "";
  const never = told.never_predicted ? ` ${count(told.never_predicted)} reports are about nothing that it predicted.` : "";
  const corrected = told.corrected ? ` ${count(told.corrected)} were reported more than once.` : "";
  const { rows, reported } = told.waiting;
  return `${left}${days}${never}${corrected}${rows ? ` Of ${count(rows)} rows since, ${count(reported)} were reported by the end of their day.` : ""}`;
}

function value({ value: one, low, high, unknown }) {
  if (!known(one)) return cell(words(unknown), "n soft");
  return h("td", { class: "n" }, fixed(one), known(low) && h("small", { class: "soft" }, ` ${range(low, high)}`));
}

function gap({ cohort, before, now, low }, loss) {
  return h("p", { class: "card-note more" }, h("span", { class: "pill", "data-tone": "warn" }, "gap widened"),
    ` ${cohort}: ${loss} ${signed(now.gap)} beside all others under ${now.version}, ${signed(before.gap)} under ${before.version}; wider by at least ${fixed(low)}.`);
}
