// What the performance chart draws, per metric: the live loop, its interval and the frozen first version.
import { known } from "../format.js";

export const METRICS = {
  auc: {
    label: "AUC", better: 1, of_task: (task) => !task.error,
    about: "Ranking: the chance that a row that came true (or is of a class, the mean over classes) was scored above one that did not. 0.5 is a coin.",
    of: (trail) => ({ live: trail.auc, low: trail.auc_low, high: trail.auc_high, frozen: trail.frozen_auc }),
  },
  skill: {
    label: "Skill", better: 1,
    of_task: () => true,
    about: "The share of a constant answer's loss (the base rate's, the mean's) that the model saves; 0 saves nothing. Whether to retrain is judged by this.",
    of: (trail) => ({ live: trail.skill, low: trail.skill_low, high: trail.skill_high, frozen: trail.frozen_skill }),
  },
  log_loss: {
    label: "Log-loss", better: -1, of_task: (task) => !task.error,
    about: "Mean surprise per outcome, lower is better. It moves with the base rate, so compare the two lines, not the months.",
    of: (trail) => ({ live: trail.log_loss, low: trail.log_loss_low ?? null, high: trail.log_loss_high ?? null, frozen: trail.frozen_log_loss }),
  },
  error: {
    label: "Error", better: -1, of_task: (task) => Boolean(task.error),
    about: "How far predicted numbers are off, in the label's own unit, by the loss that the loop is judged by.",
    of: (trail) => ({ live: trail.error, low: trail.error_low ?? null, high: trail.error_high ?? null, frozen: trail.frozen_error }),
  },
};

const NOTHING = { live: null, low: null, high: null, frozen: null };
const NO_ESTIMATE = { value: null, low: null, high: null };
const HALF_DAY = 43_200_000;

export function seriesOf(days, metric) {
  const { of } = METRICS[metric];
  return days.map((window) => ({
    t: window.t + HALF_DAY, window, ...(window.trail ? of(window.trail) : NOTHING), estimate: window.estimated?.[metric] ?? NO_ESTIMATE,
  }));
}

// The estimate for days whose labels are not in, from the last labelled point on, as points with a value and bounds.
export function ahead(points) {
  const last = points.findLastIndex(({ live }) => known(live));
  const rest = points.slice(last + 1).filter(({ estimate }) => known(estimate.value));
  if (rest.length === 0) return [];
  const start = last < 0 ? [] : [{ t: points[last].t, value: points[last].live, low: points[last].live, high: points[last].live }];
  return [...start, ...rest.map(({ t, estimate }) => ({ t, ...estimate }))];
}

// How far live is ahead of frozen, positive when live is better.
export function lead(point, metric) {
  return known(point?.live) && known(point?.frozen) ? (point.live - point.frozen) * METRICS[metric].better : null;
}

// Low and high of the axis: the lines in full, and of the band what is not an outlier of its first few days.
export function extent(points) {
  const expected = ahead(points).flatMap(({ value, low, high }) => [value, low, high]);
  const lines = [...points.flatMap(({ live, frozen }) => [live, frozen]), ...expected].filter(known);
  if (lines.length === 0) return null;
  const bounds = points.flatMap(({ low, high }) => [low, high]).filter(known).sort((a, b) => a - b);
  const cut = Math.floor(bounds.length * 0.01);
  const all = [...lines, ...bounds.slice(cut, bounds.length - cut)];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low || 0.02) * 0.06;
  return [low - room, high + room];
}
