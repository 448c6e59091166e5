// Asks for a reason before something is done that the ledger keeps, and says what went wrong if it did.
import { h } from "./dom.js";

// `act(reason, form)` does it; `failed` is said of an error without a text of its own. `more` are further fields, and
// `label` says who reads the reason where that is not the ledger.
export function askReason({ name, title, after, verb, danger, failed, act, done, more = [], label = "Reason, for the ledger" }) {
  const reason = h("textarea", { id: `${name}-reason`, name: "reason", rows: 3, required: true, maxlength: 500 });
  const problem = h("p", { class: "problem", role: "alert" });
  const confirm = h("button", { type: "submit", class: danger ? "button danger" : "button" }, verb);
  const cancel = h("button", { type: "button", class: "button", on: { click: () => dialog.close() } }, "Cancel");
  const form = h("form", { method: "dialog", on: { submit } },
    h("h2", { id: `${name}-title` }, title), h("p", { id: `${name}-text` }, after),
    more, h("label", { for: `${name}-reason` }, label), reason, problem,
    h("div", { class: "dialog-foot" }, cancel, confirm));
  const dialog = h("dialog", {
    class: "dialog", "aria-labelledby": `${name}-title`, "aria-describedby": `${name}-text`,
    on: { close: () => dialog.remove() },
  }, form);

  async function submit(event) {
    event.preventDefault();
    confirm.disabled = true;
    problem.textContent = "";
    try {
      await act(reason.value.trim(), new FormData(form));
      dialog.close();
      done();
    } catch (error) {
      problem.textContent = [error.problem ?? failed, error.mend].filter(Boolean).join(" ");
      confirm.disabled = false;
    }
  }

  document.body.append(dialog);
  dialog.showModal();
}
