// Where the mean request spends its time, as one bar, and the stage to attack.
import { h } from "../dom.js";
import { known, ms, percent } from "../format.js";

export function stages({ budget, known: answering }) {
  const { stages: told, other_ms: other, request, attack } = budget;
  const head = h("h3", null, "Where a request's time goes");
  if (!attack) return [head, h("p", { class: "quiet serving-nothing" }, answering ? "Nobody asked for a prediction in the last 5 minutes." : "Not known while the doors do not answer.")];
  const parts = [...told, { stage: "other", mean_ms: other }].filter(({ mean_ms: mean }) => known(mean));
  const whole = parts.reduce((sum, { mean_ms: mean }) => sum + mean, 0) || 1;
  const shown = parts.map(({ stage, mean_ms: mean }) => ({ stage, mean, share: mean / whole, worst: stage === attack.stage }));
  return [
    head,
    h("p", { class: "serving-mean" }, h("strong", null, ms(request.mean_ms)), " on average"),
    h("div", { class: "stage-bar", role: "img", "aria-label": shown.map(({ stage, share }) => `${stage} ${percent(share)}`).join(", ") },
      shown.map(({ stage, share, worst }) => h("i", { class: worst ? "worst" : null, data: { stage }, style: { "flex-grow": share } }))),
    h("ul", { class: "stage-list" }, shown.map(({ stage, mean, share, worst }) =>
      h("li", { class: worst ? "worst" : null }, h("i", { class: "swatch", data: { stage } }), h("span", null, stage), h("b", null, ms(mean)), h("small", null, percent(share))))),
    h("p", { class: "stage-attack" }, h("strong", null, `Attack ${attack.stage} first. `), attack.mend),
  ];
}
