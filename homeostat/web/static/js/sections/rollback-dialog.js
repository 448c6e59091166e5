// Asks before the route is flipped, and names what will serve after.
import { api } from "../api.js";
import { askReason } from "../reason-dialog.js";

// An open rollout is what is taken back first; without one, the champion is.
export function rollbackWords({ champion, canary, standby }) {
  return canary
    ? { title: `Take back ${canary}`, after: champion, out: canary }
    : { title: `Roll back to ${standby}`, after: standby, out: champion };
}

export function askRollback(loop, route, done) {
  const { title, after, out } = rollbackWords(route);
  askReason({
    name: "rollback", title: `${title}?`, verb: title, danger: true, failed: "The rollback was not made.", done,
    after: `After this, ${after} serves every request of ${loop} and ${out} serves none. `
      + `The change is immediate: ${after} is warm.`,
    act: (reason) => api.rollback(loop, reason),
  });
}
