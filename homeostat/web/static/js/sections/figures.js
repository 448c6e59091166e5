// The card of figures: every one of the loop's, with labels and before them, and how far past estimates were off.
import { h } from "../dom.js";
import { count, fixed, known, percent, plural, range } from "../format.js";
import { card, cell, emptyCard, table } from "../pages/parts.js";

const words = (name) => name.replaceAll("_", " ");
const COLUMNS = [["Figure"], ["With labels", "n"], ["Estimated, before labels", "n"], ["Estimates missed by", "n"], ["Bounds held", "n"], ["Worsening seen after", "n"]];
const LOOKS = { EXCEEDED: "Rows without a label look different", WITHIN: "Rows without a label look like the others", INCONCLUSIVE: "Rows without a label cannot be compared" };
const NAMED = 3;

export function mountFigures(root) {
  const draw = card(root, "figures-title", "How right it is", "With the labels that are in, and estimated for days whose labels are not. Bounds are 95 %, for one look; the unit is the day.");
  return (told) => {
    const realised = told.realised?.find(({ days }) => days === told.trail);
    root.hidden = !realised;
    if (realised) draw(...content(told, realised));
  };
}

function content({ labels, estimated, record, promised, power, watched }, realised) {
  if (!realised.found && !estimated.days) return [emptyCard("Nothing to judge yet", "Figures come with the first labels.")];
  const rows = Object.entries(realised.figures).map(([name, one]) => h("tr", null, h("th", { scope: "row" }, words(name)),
    value(one), value(estimated.figures[name]), ...kept(record.day[name]), delay(power[name])));
  const own = Object.entries(realised.own).map(([name, one]) => h("tr", null, h("th", { scope: "row" }, words(name)), value(one), ...Array.from({ length: 4 }, () => cell("", "n"))));
  const text = `Realised over ${spanned(realised, realised.found)}; estimated over ${spanned(estimated, estimated.days)}. Of past estimates ${percent(promised)} of bounds are promised to hold.`;
  const said = [text, labelled(labels), ...looked(watched)].map((one) => h("p", { class: "segments-said" }, one));
  return [...said, table("figures-title", COLUMNS, [...rows, ...own])];
}

function labelled({ labelled: there, maturing, missing, missing_share: share, differ }) {
  const apart = differ.subjects.filter(({ distance, chance }) => known(distance) && distance - chance > differ.limit).map(({ name }) => name);
  const more = apart.length > NAMED ? ` and ${count(apart.length - NAMED)} more` : "";
  const where = differ.verdict === "EXCEEDED" ? ` in ${apart.slice(0, NAMED).join(", ")}${more}` : "";
  const lack = known(share.value) ? ` (${percent(share.value, 1)} of those due)` : "";
  return `Labels: ${count(there)} in, ${count(maturing)} still maturing, ${count(missing)} expected and missing${lack}. ${LOOKS[differ.verdict]}${where}.`;
}

// Means since the present version came, which may be looked at every day.
function looked({ days, version, figures }) {
  if (!days) return [];
  const means = Object.entries(figures).filter(([, one]) => known(one.value));
  return [`At every look together, over ${plural(days, "day")} since ${version} came: ${means.map(([name, one]) => `${words(name)} ${fixed(one.value)} (${range(one.low, one.high)})`).join("; ")}.`];
}

// How long a worsening goes unseen.
function delay(one) {
  if (!one) return cell("", "n");
  if (!known(one.days)) return cell(words(one.unknown), "n soft");
  return h("td", { class: "n", title: one.sentence }, plural(Math.ceil(one.days), "day"), h("small", { class: "soft" }, ` ${one.worse}`));
}

function spanned({ from, until, rows }, days) {
  return days ? `${plural(rows, "row")}, ${from} to ${until}` : "no day";
}

function value({ value: one, low, high, unknown }) {
  if (!known(one)) return cell(words(unknown), "n soft");
  return h("td", { class: "n" }, fixed(one), known(low) && h("small", { class: "soft" }, ` ${range(low, high)}`));
}

function kept(record) {
  return record ? [cell(fixed(record.mean_absolute_error), "n"), cell(known(record.covered) ? percent(record.covered) : "", "n")] : [cell("", "n"), cell("", "n")];
}
