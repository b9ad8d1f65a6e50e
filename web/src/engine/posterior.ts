// Which heart rate, and how sure: windows joined by a hidden Markov model. See vitals/posterior.py.

import { type Signal, made, mapped, signal, sum } from "./arrays";
import constants from "./constants.json";
import { type Evidence, RATES_BPM } from "./evidence";

const { DRIFT_BPM, JUMP, VANISH } = constants["vitals.posterior"];
const model = constants.heart_model;
const F = RATES_BPM.length;
const D = model.mean.length;
const H = model.out.length;
const hidden = Float64Array.from(model.hidden.flat());

export const TRUST = model.trust;

/** Log odds of every rate against no pulse, for each window, from its facts. */
export function logOdds(evidence: Evidence): Signal[] {
  return evidence.facts.map((facts) => {
    const unit = signal(H);
    return made(F, (f) => {
      unit.set(model.hidden_bias);
      for (let d = 0; d < D; d++) {
        const x = (facts[f * D + d] - model.mean[d]) / model.scale[d];
        for (let h = 0; h < H; h++) unit[h] += x * hidden[d * H + h];
      }
      let odds = -model.null;
      for (let h = 0; h < H; h++) odds += Math.tanh(unit[h]) * model.out[h];
      return odds;
    });
  });
}

/** For each window F + 1 probabilities: of each rate, and last of "no pulse". */
export function posterior(odds: Signal[], evidence: Evidence): Signal[] {
  const share = shareOfWindow(evidence);
  const likelihood = odds.map((own) => {
    const scaled = Float64Array.of(...mapped(own, (x) => x * share), 0);
    const top = scaled.reduce((a, b) => Math.max(a, b));
    return mapped(scaled, (x) => Math.exp(x - top));
  });
  return forwardBackward(likelihood);
}

/** The part of a window's samples that is its own, 1 where windows do not overlap. */
export function shareOfWindow({ centre, length }: Evidence): number {
  const span = centre[centre.length - 1] - centre[0] + length;
  return Math.min(1, span / (length * centre.length));
}

let chances: Signal[] | null = null;

/** Chance to pass from one rate to another within one hop; the last is "no pulse". */
function transition(): Signal[] {
  if (chances) return chances;
  chances = Array.from(RATES_BPM, (rate) => {
    const kernel = mapped(RATES_BPM, (other) => Math.exp(-Math.abs(rate - other) / DRIFT_BPM));
    const total = sum(kernel);
    return made(F + 1, (g) =>
      g === F ? VANISH : (1 - VANISH) * ((1 - JUMP) * (kernel[g] / total) + JUMP / F),
    );
  });
  chances.push(made(F + 1, (g) => (g === F ? 1 - VANISH : VANISH / F)));
  return chances;
}

function forwardBackward(likelihood: Signal[]): Signal[] {
  const chance = transition();
  const forward: Signal[] = [];
  let belief = made(F + 1, (f) => (f === F ? 0.5 : 0.5 / F));
  likelihood.forEach((own, m) => {
    if (m > 0) {
      const next = signal(F + 1);
      for (let f = 0; f <= F; f++) for (let g = 0; g <= F; g++) next[g] += belief[f] * chance[f][g];
      belief = next;
    }
    belief = normal(mapped(belief, (x, f) => x * own[f]));
    forward.push(belief);
  });
  const found: Signal[] = [];
  let backward = signal(F + 1, 1);
  for (let m = likelihood.length - 1; m >= 0; m--) {
    found[m] = normal(mapped(forward[m], (x, f) => x * backward[f]));
    const ahead = mapped(likelihood[m], (x, f) => x * backward[f]);
    backward = normal(
      made(F + 1, (f) => {
        let total = 0;
        for (let g = 0; g <= F; g++) total += chance[f][g] * ahead[g];
        return total;
      }),
    );
  }
  return found;
}

function normal(x: Signal): Signal {
  const total = sum(x);
  return mapped(x, (v) => v / total);
}
