// What an open rollout asks a person, on which evidence, and the ways to answer.
import { api } from "../api.js";
import { h } from "../dom.js";
import { at, dayAndTime } from "../format.js";

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
  const after = approved
    ? "The step is taken at the next look. If there is proof of harm by then, the candidate is taken back all the same."
    : "The candidate leaves at once.";
  const reason = h("textarea", { id: "answer-reason", name: "reason", rows: 3, required: true, maxlength: 500 });
  const problem = h("p", { class: "problem", role: "alert" });
  const confirm = h("button", { type: "submit", class: approved ? "button" : "button danger" }, title);
  const cancel = h("button", { type: "button", class: "button", on: { click: () => dialog.close() } }, "Cancel");
  const form = h("form", { method: "dialog", on: { submit } },
    h("h2", { id: "answer-title" }, `${title}: ${asked.may}?`), h("p", { id: "answer-text" }, after),
    h("label", { for: "answer-reason" }, "Reason, for the ledger"), reason, problem,
    h("div", { class: "dialog-foot" }, cancel, confirm));
  const dialog = h("dialog", {
    class: "dialog", "aria-labelledby": "answer-title", "aria-describedby": "answer-text",
    on: { close: () => dialog.remove() },
  }, form);

  async function submit(event) {
    event.preventDefault();
    confirm.disabled = true;
    problem.textContent = "";
    try {
      await api.answer(loop, approved, { question: asked.question, reason: reason.value.trim() });
      dialog.close();
      done();
    } catch (error) {
      problem.textContent = [error.problem ?? "Nothing was answered.", error.mend].filter(Boolean).join(" ");
      confirm.disabled = false;
    }
  }

  document.body.append(dialog);
  dialog.showModal();
}
