// The card of figures: every one of the loop's, with labels and before them, and how far past estimates were off.
import { h } from "../dom.js";
import { count, fixed, known, percent, range } from "../format.js";
import { card, cell, emptyCard, table } from "../pages/parts.js";

const words = (name) => name.replaceAll("_", " ");
const COLUMNS = [["Figure"], ["With labels", "n"], ["Estimated, before labels", "n"], ["Estimates missed by", "n"], ["Bounds held", "n"]];

export function mountFigures(root) {
  const draw = card(root, "figures-title", "How right it is", "With the labels that are in, and estimated for days whose labels are not. Bounds are 95 %, for one look; the unit is the day.");
  return (told) => {
    const realised = told.realised?.find(({ days }) => days === told.trail);
    root.hidden = !realised;
    if (realised) draw(...content(told, realised));
  };
}

function content({ estimated, record, promised }, realised) {
  if (!realised.found && !estimated.days) return [emptyCard("Nothing to judge yet", "Figures come with the first labels.")];
  const rows = Object.entries(realised.figures).map(([name, one]) => h("tr", null, h("th", { scope: "row" }, words(name)),
    value(one), value(estimated.figures[name]), ...kept(record.day[name])));
  const own = Object.entries(realised.own).map(([name, one]) => h("tr", null, h("th", { scope: "row" }, words(name)), value(one), cell("", "n"), cell("", "n"), cell("", "n")));
  const text = `Realised over ${spanned(realised, realised.found)}; estimated over ${spanned(estimated, estimated.days)}. Of past estimates ${percent(promised)} of bounds are promised to hold.`;
  return [h("p", { class: "segments-said" }, text), table("figures-title", COLUMNS, [...rows, ...own])];
}

function spanned({ from, until, rows }, days) {
  return days ? `${count(rows)} rows, ${from} to ${until}` : "no day";
}

function value({ value: one, low, high, unknown }) {
  if (!known(one)) return cell(words(unknown), "n soft");
  return h("td", { class: "n" }, fixed(one), known(low) && h("small", { class: "soft" }, ` ${range(low, high)}`));
}

function kept(record) {
  return record ? [cell(fixed(record.mean_absolute_error), "n"), cell(known(record.covered) ? percent(record.covered) : "", "n")] : [cell("", "n"), cell("", "n")];
}
