// Asks before the route is flipped, names what will serve after, and says what went wrong if it did.
import { api } from "../api.js";
import { h } from "../dom.js";

// An open rollout is what is taken back first; without one, the champion is.
export function rollbackWords({ champion, canary, standby }) {
  return canary
    ? { title: `Take back ${canary}`, after: champion, out: canary }
    : { title: `Roll back to ${standby}`, after: standby, out: champion };
}

export function askRollback(loop, route, done) {
  const { title, after, out } = rollbackWords(route);
  const reason = h("textarea", { id: "rollback-reason", name: "reason", rows: 3, required: true, maxlength: 500 });
  const problem = h("p", { class: "problem", role: "alert" });
  const confirm = h("button", { type: "submit", class: "button danger" }, title);
  const cancel = h("button", { type: "button", class: "button", on: { click: () => dialog.close() } }, "Cancel");
  const form = h("form", { method: "dialog", on: { submit } },
    h("h2", { id: "rollback-title" }, `${title}?`),
    h("p", { id: "rollback-text" }, `After this, ${after} serves every request of ${loop} and ${out} serves none. `
      + `The change is immediate: ${after} is warm.`),
    h("label", { for: "rollback-reason" }, "Reason, for the ledger"), reason, problem,
    h("div", { class: "dialog-foot" }, cancel, confirm));
  const dialog = h("dialog", {
    class: "dialog", "aria-labelledby": "rollback-title", "aria-describedby": "rollback-text",
    on: { close: () => dialog.remove() },
  }, form);

  async function submit(event) {
    event.preventDefault();
    confirm.disabled = true;
    problem.textContent = "";
    try {
      await api.rollback(loop, reason.value.trim());
      dialog.close();
      done();
    } catch (error) {
      problem.textContent = [error.problem ?? "The rollback was not made.", error.mend].filter(Boolean).join(" ");
      confirm.disabled = false;
    }
  }

  document.body.append(dialog);
  dialog.showModal();
}
