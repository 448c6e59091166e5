// Who answered a prediction and who let it in, what each feature did to the answer, and what became of it.
import { h, svg } from "../dom.js";
import { at as ms, count, dateAndTime, fixed, percent, short, signed } from "../format.js";
import { answerOf, card, cell, emptyCard, table, verdictOf } from "./parts.js";

const SHOWN = 15;
const [WIDTH, HEIGHT] = [220, 18];

// Draws into the two cards; both are hidden while there is nothing to tell.
export function mountWhy({ who, did }) {
  const fillWho = card(who, "who-title", "Who answered, and why", "The arm, its version, and the decisions that let it in.");
  const fillDid = card(did, "did-title", "What each feature did", "");
  return (made, loop) => {
    for (const root of [who, did]) root.hidden = !made;
    if (!made) return;
    fillWho(...whoOf(made, loop));
    fillDid(...didOf(made));
  };
}

function whoOf({ arm, version, decisions, label }, loop) {
  const pair = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));
  const pin = version.training_set;
  const graph = h("a", { href: `lineage?version=${encodeURIComponent(version.version)}&loop=${encodeURIComponent(loop)}` }, "its lineage");
  const taken = [["Made", decisions.asked], ["Gate", decisions.gate], ...decisions.approvals.map((one) => ["Asked", one]), ["Promoted", decisions.promoted], ["In force", arm.decision]];
  return [
    h("p", null, h("strong", null, arm.arm), `: ${arm.because}`),
    h("dl", { class: "facts" }, pair("Label", labelled(label)), pair("Version", h("span", null, `${version.version}, now ${(version.state ?? "unknown").replaceAll("_", " ")}: `, version.here ? graph : "its folder is not here")),
      version.fingerprint && Object.entries(version.fingerprint).map(([leg, hash]) => pair(leg, h("span", { class: "mono" }, short(hash)))),
      version.here && pair("Signature", signature(version.signature)),
      pin && pair("Trained on", `${count(pin.rows)} rows of ${Object.entries(pin.table_versions).map(([name, at]) => `${name}@${at}`).join(", ")}`)),
    version.judged === false && h("p", { class: "problem" }, h("strong", null, "What lies here is not what its gate judged."), " ", h("span", null, "Restore the version's folder from the registry.")),
    table("who-title", [["Decision"], ["Taken"], ["What"], ["Because"]], taken.filter(([, one]) => one).map(([word, one]) => h("tr", null,
      h("th", { scope: "row" }, word), cell(dateAndTime(ms(one.at))), h("td", { class: "wide" }, one.title, one.actor !== "policy" && h("span", { class: "quiet" }, ` by ${one.actor}`)), h("td", { class: "wide soft" }, one.reasons.join("; "))))),
  ];
}

function signature({ proven, problem, mend, key, standing, signed_at: signedAt, by }) {
  const named = key ? h("span", null, "key ", h("span", { class: "mono" }, short(key)), `, ${standing ?? "not known here"}`) : "nobody’s";
  if (!proven) return h("span", { class: "problem" }, h("strong", null, problem), " ", h("span", null, mend), " (", named, ")");
  return h("span", null, "proven now: ", named, signedAt && `, signed ${by ? `by ${by}, ` : "before its gate decided, "}${dateAndTime(ms(signedAt))}`);
}

function labelled({ status, truth, right, off, due, condition }) {
  if (status === "labelled") return `${condition} turned out ${answerOf(truth)}: the answer was ${verdictOf({ right, off })}`;
  return status === "maturing" ? `due ${dateAndTime(ms(due))}` : `none came; it was due ${dateAndTime(ms(due))}`;
}

function didOf({ attributions: found }) {
  if (found.problem) return [h("p", { class: "problem" }, h("strong", null, found.problem), " ", h("span", null, found.mend))];
  if (!found.features.length) return [emptyCard("No features", "The version takes none.")];
  const shown = found.features.slice(0, SHOWN);
  const most = Math.max(...shown.map(({ share }) => Math.abs(share)), 1e-9);
  const more = found.features.length - shown.length;
  return [h("p", { class: "card-note" }, basis(found)),
    table("did-title", [["Feature"], ["Value", "n"], ["Share", "n"], [""]], shown.map((one) => h("tr", null,
      h("th", { scope: "row" }, one.feature), cell(one.value === null ? "missing" : typeof one.value === "number" ? String(Number(one.value.toPrecision(6))).replace("-", "−") : one.value, "n"),
      cell(`${signed(one.share, 4)}${one.error ? ` ± ${fixed(2 * one.error, 4)}` : ""}`, "n"), h("td", null, bar(one, most))))),
    more > 0 && h("p", { class: "card-note more" }, `${more} more did less.`)];
}

function basis({ method, of: unit, class: named, base, background, scored, gap }) {
  const of = named ? `${unit} of ${named}` : unit;
  const from = method === "trees" ? `Shares are in ${of}, from ${fixed(base, 4)}, that of no row in particular.` : `Shares are in ${of}, from ${unit === "probability" ? percent(base, 1) : fixed(base, 4)}, the mean of ${count(background)} recorded rows.`;
  const how = method === "sampled" ? ` They are sampled on ${count(scored)} rows; ± is twice the standard error.` : " They are exact.";
  return `${from}${how} Together they give the answer, but for ${gap < 1e-9 ? "rounding" : gap.toExponential(0)}.`;
}

function bar({ feature, share }, most) {
  const [middle, length] = [WIDTH / 2, (Math.abs(share) / most) * (WIDTH / 2 - 4)];
  return svg("svg", { class: "chart", width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, style: { "min-width": `${WIDTH}px` }, role: "img", "aria-label": `${feature} ${share < 0 ? "lowers" : "raises"} it by ${fixed(Math.abs(share), 4)}` },
    svg("line", { class: "axis-line", x1: middle, x2: middle, y1: 0, y2: HEIGHT }),
    svg("rect", { class: `share ${share < 0 ? "down" : "up"}`, x: share < 0 ? middle - length : middle, y: 4, width: Math.max(1, length), height: HEIGHT - 8, rx: 2 }));
}
