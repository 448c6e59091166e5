// What each kind of decision is called, how it looks and where it stands on the chart.

// `weight`: which of several decisions at one spot gives the mark its icon.
export const KINDS = {
  bootstrap: { label: "First version", lane: 0, tone: "accent", weight: 8 },
  retrain: { label: "Retrain", lane: 0, tone: "accent", weight: 8 },
  quantise: { label: "Quantise", lane: 0, tone: "accent", weight: 7 },
  gate: { label: "Gate", lane: 1, tone: "plain", weight: 2 },
  canary: { label: "Canary", lane: 1, tone: "plain", weight: 4 },
  advance: { label: "Advance", lane: 1, tone: "plain", weight: 3 },
  ask: { label: "Ask a person", lane: 1, tone: "accent", weight: 5 },
  approve: { label: "Approved", lane: 1, tone: "good", weight: 5 },
  promote: { label: "Promote", lane: 1, tone: "good", weight: 9 },
  reject: { label: "Reject", lane: 2, tone: "warn", weight: 8 },
  refuse: { label: "Refused", lane: 2, tone: "warn", weight: 8 },
  hold: { label: "Held", lane: 2, tone: "warn", weight: 8 },
  halt: { label: "Arm stopped", lane: 2, tone: "bad", weight: 7 },
  fail: { label: "Failed", lane: 2, tone: "bad", weight: 7 },
  rollback: { label: "Roll back", lane: 2, tone: "bad", weight: 9 },
  stand_down: { label: "Stand down", lane: 2, tone: "bad", weight: 9 },
  acknowledge: { label: "Alert acknowledged", lane: 1, tone: "plain", weight: 1 },
  resolve: { label: "Alert resolved", lane: 1, tone: "plain", weight: 1 },
  silence: { label: "Alerts silenced", lane: 1, tone: "plain", weight: 1 },
  unsilence: { label: "Silence ended", lane: 1, tone: "plain", weight: 1 },
  sign: { label: "Signed", lane: 1, tone: "good", weight: 1 },
  rotate_key: { label: "Key signs", lane: 1, tone: "plain", weight: 1 },
  trust_key: { label: "Key believed", lane: 1, tone: "plain", weight: 1 },
  revoke_key: { label: "Key revoked", lane: 2, tone: "bad", weight: 6 },
  dismiss: { label: "Standby leaves", lane: 2, tone: "warn", weight: 6 },
};

export const LANES = ["Retrain", "Roll out", "Stop"];

const UNKNOWN = { label: "Other", lane: 1, tone: "plain", weight: 0 };

// What has no name here is called as the ledger calls it: "shadow" is Shadow.
const named = (kind) => kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll("_", " ");

export const kindOf = ({ kind }) => KINDS[kind] ?? { ...UNKNOWN, label: kind ? named(kind) : UNKNOWN.label };

export function toneOfVerdict(verdict) {
  const word = String(verdict ?? "").toUpperCase();
  if (/ROLL|FAIL|EMERGENCY/.test(word)) return "bad";
  if (/REJECT|INCONCLUSIVE|REFUSE/.test(word)) return "warn";
  if (/PROMOTE|PASS|ADVANCE|ACCEPT/.test(word)) return "good";
  if (/RETRAIN/.test(word)) return "accent";
  return "plain";
}
