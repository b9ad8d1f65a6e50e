// Local maxima, and where they lie between samples. See dsp/peaks.py.

import { type Numbers, type Signal, clip, mapped } from "./arrays";

/** Indices of samples higher than both sides; a flat top counts once, at its middle. */
export function maxima(x: Numbers): number[] {
  const found: number[] = [];
  let rise = -1;
  for (let i = 1; i < x.length; i++) {
    if (x[i] > x[i - 1]) rise = i;
    else if (x[i] < x[i - 1] && rise >= 0) {
      found.push(Math.floor((rise + i - 1) / 2));
      rise = -1;
    }
  }
  return found;
}

/** Positions of maxima between samples, by a parabola through three points [samples]. */
export function refine(x: Numbers, at: Numbers): Signal {
  return mapped(at, (k) => {
    if (k <= 0 || k >= x.length - 1) return k;
    const [a, b, c] = [x[k - 1], x[k], x[k + 1]];
    const curve = a - 2 * b + c;
    return curve < 0 ? k + clip((0.5 * (a - c)) / curve, -0.5, 0.5) : k;
  });
}
