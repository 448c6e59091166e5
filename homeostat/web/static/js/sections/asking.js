// What an open rollout, a policy before it retrains, or a gate asks a person; the evidence, and the ways to answer.
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

// What a gate asks before a version that passed it serves: who answers says their name, and an author does not approve.
export function release(asked, loop, page) {
  if (!asked) return null;
  if (asked.answer) return h("p", { class: "reason" }, h("span", null, `${asked.answer.actor} approved: ${asked.answer.reason}.`));
  return asking(asked, "release", loop, page);
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
  release: {
    late: "it is turned away", danger: true, refused: "The version is turned away at once; what serves stays.",
    approved: "The version comes in at the next look. Its author cannot approve it.",
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
    h("p", { class: "quiet" }, "Or on the command line: ", h("code", null, `homeostat approve ${asked.question} --reason TEXT${what === "release" ? " --by NAME" : ""}`),
      ", or ", h("code", null, "reject"), "."),
    h("div", { class: "asking-foot" }, answer(true), answer(false)));
}

function askAnswer(loop, asked, what, approved, done) {
  const title = approved ? "Approve" : "Refuse";
  const by = h("input", { id: "answer-by", name: "by", required: true, maxlength: 200, autocomplete: "email" });
  askReason({
    name: "answer", title: `${title}: ${asked.may}?`, verb: title, danger: WORDS[what].danger && !approved, failed: "Nothing was answered.", done,
    after: WORDS[what][approved ? "approved" : "refused"],
    more: what === "release" ? [h("label", { for: "answer-by" }, "Who you are, as the ledger shall name you"), by] : [],
    act: (reason, form) => api.answer(loop, what, approved, { question: asked.question, reason, ...Object.fromEntries(form.has("by") ? [["by", form.get("by").trim()]] : []) }),
  });
}
