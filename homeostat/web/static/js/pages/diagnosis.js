// Diagnosis: why a loop does worse, question by question, and what was found when a retraining was asked for.
import { api } from "../api.js";
import { h, setText, whenChanged } from "../dom.js";
import { at as instant, dateAndTime } from "../format.js";
import { addressWith, at, followLinks, query, startPage } from "../page.js";
import { mountFeedback } from "../sections/feedback.js";
import { mountFigures } from "../sections/figures.js";
import { mountSegments } from "../sections/segments.js";
import { card, cell, emptyCard, table } from "./parts.js";

const FRESH_MS = 30_000; // it takes control some seconds to look again
const TONES = { fix_data: "bad", roll_back: "bad", collect: "warn", reweight: "warn", retrain: "warn", nothing: "good" };
const words = (name) => name.replaceAll("_", " ");
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;

const told = { key: null, since: 0, found: null, slices: null, right: null };

async function read(state) {
  const day = query().get("at");
  const key = `${state.loop} ${day}`;
  if (told.key !== key || Date.now() - told.since > FRESH_MS) {
    const asked = state.loop ? [api.diagnosis(state.loop, day), api.slices(state.loop), api.performance(state.loop)] : [null, null, null];
    const [found, slices, right] = await Promise.all(asked);
    Object.assign(told, { key, since: Date.now(), found, slices, right });
  }
  return { found: told.found, slices: told.slices, right: told.right, day };
}

function headline({ found, day }) {
  if (!found?.version) return ["Nothing to diagnose yet.", "Why a loop does worse is asked once a version has served and labels have matured."];
  const when = day ? `, as known on ${day}` : "";
  return [`${sentence(words(found.cause))} ${found.advice}`, `${sentence(found.because)} Judged: ${found.version}${when}.`];
}

const drawStatus = (() => {
  const [main, more] = [h("p", { class: "headline-main" }), h("p", { class: "headline-detail" })];
  at("status").append(main, more);
  return (shown) => headline(shown).forEach((text, index) => setText([main, more][index], text));
})();

const drawSteps = card(at("steps"), "steps-title", "The questions, in order", "The first that is so is the cause. Each answer stands on what is beside it.");
const steps = whenChanged((found) => {
  if (!found?.steps.length) return drawSteps(emptyCard("Nothing to ask yet", "Days and labels come first."));
  drawSteps(found.steps.map(({ question, answer, evidence }) => h("div", { class: "step" },
    h("h3", { class: "subhead" }, `${question} ${sentence(answer)}`), evidence.map(({ text }) => h("p", { class: "card-note" }, text)))));
});

const drawAsked = card(at("asked"), "asked-title", "When a retraining was asked for", "Refused where data were broken or skewed, or a release was to blame; retraining by age alone never is.");
const asked = whenChanged((retrainings, day) => {
  if (!retrainings.length) return drawAsked(emptyCard("No retraining was asked for", "Each one is diagnosed before it begins."));
  const rows = retrainings.map((one) => {
    const day = one.at.slice(0, 10);
    const link = h("a", { href: addressWith({ at: day }), "data-within": "" }, dateAndTime(instant(one.at)));
    return h("tr", null, h("th", { scope: "row" }, link), cell(one.title),
      h("td", null, h("span", { class: "pill", "data-tone": TONES[one.intervention] }, words(one.cause))), cell(one.because, "soft wide"));
  });
  const now = day && h("p", { class: "card-note subhead" }, h("a", { href: addressWith({ at: null }), "data-within": "" }, "Back to now"));
  drawAsked(now, table("asked-title", [["Asked"], ["Decision"], ["Cause"], ["Because"]], rows));
});

const segments = whenChanged(mountSegments(at("segments")));
const figures = whenChanged(mountFigures(at("figures")));
const feedback = whenChanged(mountFeedback(at("feedback")));

function draw({ shown }) {
  drawStatus(shown);
  steps(shown.found, shown.found);
  segments(shown.slices, shown.slices);
  if (shown.right) [figures, feedback].forEach((drawn) => drawn(shown.right, shown.right));
  asked([shown.day, shown.found?.retrainings], shown.found?.retrainings ?? [], shown.day);
}

const page = startPage({ read, draw });
followLinks(page.refresh);
