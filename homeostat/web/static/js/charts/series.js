// What the performance chart draws, per metric: the live loop, its interval and the frozen first version.
import { known } from "../format.js";

export const METRICS = {
  auc: {
    label: "AUC", better: 1,
    about: "Ranking: the chance that a row that came true was scored above one that did not. 0.5 is a coin.",
    of: (trail) => ({ live: trail.auc, low: trail.auc_low, high: trail.auc_high, frozen: trail.frozen_auc }),
  },
  skill: {
    label: "Skill", better: 1,
    about: "What the model adds over always answering the base rate. 0 adds nothing. This is what retraining is judged by.",
    of: (trail) => ({ live: trail.skill, low: trail.low, high: trail.high, frozen: trail.frozen_skill }),
  },
  log_loss: {
    label: "Log-loss", better: -1,
    about: "Mean surprise per outcome, lower is better. It moves with the base rate, so compare the two lines, not the months.",
    of: (trail, window, days, index) => ({
      live: trail.log_loss ?? trailingLogLoss(days, index, trail.days, "live"),
      low: trail.log_loss_low,
      high: trail.log_loss_high,
      frozen: trail.frozen_log_loss ?? trailingLogLoss(days, index, trail.days, "frozen"),
    }),
  },
};

const NOTHING = { live: null, low: null, high: null, frozen: null };
const HALF_DAY = 43_200_000;

export function seriesOf(days, metric) {
  const { of } = METRICS[metric];
  return days.map((window, index) => ({
    t: window.t + HALF_DAY,
    window,
    ...(window.trail ? of(window.trail, window, days, index) : NOTHING),
  }));
}

// Log-loss is a mean over rows, so the mean over days, weighted by rows, is exact.
function trailingLogLoss(days, index, length, who) {
  let rows = 0;
  let sum = 0;
  for (const { labelled, [who]: figures } of days.slice(Math.max(0, index - (length ?? 7) + 1), index + 1)) {
    if (!known(figures?.log_loss) || !labelled) continue;
    rows += labelled;
    sum += labelled * figures.log_loss;
  }
  return rows ? sum / rows : null;
}

// How far live is ahead of frozen, positive when live is better.
export function lead(point, metric) {
  return known(point?.live) && known(point?.frozen) ? (point.live - point.frozen) * METRICS[metric].better : null;
}

// Low and high of the axis: the lines in full, and of the band what is not an outlier of its first few days.
export function extent(points) {
  const lines = points.flatMap(({ live, frozen }) => [live, frozen]).filter(known);
  if (lines.length === 0) return null;
  const bounds = points.flatMap(({ low, high }) => [low, high]).filter(known).sort((a, b) => a - b);
  const cut = Math.floor(bounds.length * 0.01);
  const all = [...lines, ...bounds.slice(cut, bounds.length - cut)];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low || 0.02) * 0.06;
  return [low - room, high + room];
}
