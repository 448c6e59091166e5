// What an open rollout asks a person, on which evidence, and the ways to answer.
import { api } from "../api.js";
import { h } from "../dom.js";
import { at, dayAndTime } from "../format.js";
import { askReason } from "../reason-dialog.js";

export function question({ asked, state }, loop, page) {
  if (!asked) return null;
  if (state !== "asking") {
    return h("p", { class: "reason" }, h("span", null, `${asked.answer.actor} approved: ${asked.answer.reason}. ${asked.may} at the next look.`));
  }
  const answer = (approved) => h("button", {
    type: "button", class: "button", data: { answer: approved ? "approve" : "refuse" },
    on: { click: () => askAnswer(loop, asked, approved, page.refresh) },
  }, approved ? "Approve…" : "Refuse…");
  return h("div", { class: "asking", role: "group", "aria-label": "A person is asked" },
    h("p", null, h("strong", null, `May ${asked.may}?`), ` Without an answer until ${dayAndTime(at(asked.until))} it is taken back.`),
    h("ul", null, asked.reasons.map((reason) => h("li", null, reason))),
    h("p", { class: "quiet" }, "Or on the command line: ", h("code", null, `homeostat rollout approve ${loop} --reason TEXT`),
      ", or ", h("code", null, "refuse"), "."),
    h("div", { class: "asking-foot" }, answer(true), answer(false)));
}

function askAnswer(loop, asked, approved, done) {
  const title = approved ? "Approve" : "Refuse";
  askReason({
    name: "answer", title: `${title}: ${asked.may}?`, verb: title, danger: !approved, failed: "Nothing was answered.", done,
    after: approved
      ? "The step is taken at the next look. If there is proof of harm by then, the candidate is taken back all the same."
      : "The candidate leaves at once.",
    act: (reason) => api.answer(loop, approved, { question: asked.question, reason }),
  });
}
