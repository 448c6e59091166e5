// What an open rollout, or a policy that asks before it retrains, asks a person; the evidence, and the ways to answer.
import { api } from "../api.js";
import { h } from "../dom.js";
import { at, dayAndTime } from "../format.js";
import { askReason } from "../reason-dialog.js";

export function question({ asked, state }, loop, page) {
  if (!asked) return null;
  if (state !== "asking") {
    return h("p", { class: "reason" }, h("span", null, `${asked.answer.actor} approved: ${asked.answer.reason}. ${asked.may} at the next look.`));
  }
  return asking(asked, "rollout", loop, page);
}

// What a policy asks before it retrains; what was answered counts until control takes it up.
export function proposal(asked, loop, page) {
  if (!asked) return null;
  if (asked.answer) {
    const said = asked.answer.approved ? "approved" : "refused";
    return h("p", { class: "reason" }, h("span", null, `${asked.answer.actor} ${said}: ${asked.answer.reason}.`));
  }
  return asking(asked, "retrain", loop, page);
}

// What a gate asks before a version that passed it serves: who answers says their name, which this page does not know.
export function release(asked) {
  if (!asked) return null;
  if (asked.answer) return h("p", { class: "reason" }, h("span", null, `${asked.answer.actor} approved: ${asked.answer.reason}.`));
  return h("div", { class: "asking", role: "group", "aria-label": "A person is asked" },
    h("p", null, h("strong", null, `May ${asked.may}?`), ` Without an answer until ${dayAndTime(at(asked.until))} it is turned away.`),
    h("ul", null, asked.reasons.map((reason) => h("li", null, reason))),
    h("p", { class: "quiet" }, "On the command line: ", h("code", null, `homeostat approve ${asked.question} --reason TEXT --by NAME`),
      ", or ", h("code", null, "reject"), "."));
}

const WORDS = {
  rollout: {
    late: "it is taken back", danger: true, refused: "The candidate leaves at once.",
    approved: "The step is taken at the next look. If there is proof of harm by then, the candidate is taken back all the same.",
  },
  retrain: {
    late: "it is asked anew", danger: false, refused: "Nothing begins, and it is asked again later.",
    approved: "The training begins at the next look, within the month's budget and outside quiet hours.",
  },
};

function asking(asked, what, loop, page) {
  const answer = (approved) => h("button", {
    type: "button", class: "button", data: { answer: approved ? "approve" : "refuse" },
    on: { click: () => askAnswer(loop, asked, what, approved, page.refresh) },
  }, approved ? "Approve…" : "Refuse…");
  return h("div", { class: "asking", role: "group", "aria-label": "A person is asked" },
    h("p", null, h("strong", null, `May ${asked.may}?`), ` Without an answer until ${dayAndTime(at(asked.until))} ${WORDS[what].late}.`),
    h("ul", null, asked.reasons.map((reason) => h("li", null, reason))),
    h("p", { class: "quiet" }, "Or on the command line: ", h("code", null, `homeostat approve ${asked.question} --reason TEXT`),
      ", or ", h("code", null, "reject"), "."),
    h("div", { class: "asking-foot" }, answer(true), answer(false)));
}

function askAnswer(loop, asked, what, approved, done) {
  const title = approved ? "Approve" : "Refuse";
  askReason({
    name: "answer", title: `${title}: ${asked.may}?`, verb: title, danger: WORDS[what].danger && !approved, failed: "Nothing was answered.", done,
    after: WORDS[what][approved ? "approved" : "refused"],
    act: (reason) => api.answer(loop, what, approved, { question: asked.question, reason }),
  });
}
