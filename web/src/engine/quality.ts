// From a posterior to a quality one can bet on, and an interval that holds. See vitals/quality.py.

import { type Numbers, clip } from "./arrays";
import constants from "./constants.json";

export const { RIGHT_BPM, THRESHOLD, LEAST_HALF_BPM } = constants["vitals.quality"];

/** The natural log of p / (1 − p), kept within ±12. */
export function logOddsOf(probability: number): number {
  const p = clip(probability, 1e-6, 1 - 1e-6);
  return clip(Math.log(p / (1 - p)), -12, 12);
}

/** Quality 0–1 of features, with weights of a logistic model: bias first. */
export function trust(features: Numbers, weights: number[], share = 1): number {
  let score = weights[0] + Math.log(Math.max(share, 1e-6));
  for (let i = 0; i < features.length; i++) score += features[i] * weights[i + 1];
  return logistic(clip(score, -30, 30));
}

/** 95 % interval [bpm]. */
export function interval(rate: number, spread: number, weights: number[]): [number, number] {
  const half = Math.max(LEAST_HALF_BPM, weights[0] + weights[1] * spread);
  return [Math.max(0, rate - half), rate + half];
}

export function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
