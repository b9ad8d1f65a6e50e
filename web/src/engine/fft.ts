// Fourier transform of any length whose factors are 2, 3 and 5 (Stockham's order, no reversal).

import { type Signal, InputError } from "./arrays";

const plans = new Map<number, Plan>();

interface Plan {
  length: number;
  factors: number[];
  cos: Signal;
  sin: Signal;
  spare: [Signal, Signal];
}

function planOf(length: number): Plan {
  const known = plans.get(length);
  if (known) return known;
  const factors: number[] = [];
  let rest = length;
  for (const factor of [4, 2, 3, 5]) {
    while (rest % factor === 0) {
      factors.push(factor);
      rest /= factor;
    }
  }
  if (rest !== 1) throw new InputError(`a transform needs a length of factors 2, 3, 5, not ${length}`);
  const cos = new Float64Array(length);
  const sin = new Float64Array(length);
  for (let k = 0; k < length; k++) {
    cos[k] = Math.cos((2 * Math.PI * k) / length);
    sin[k] = -Math.sin((2 * Math.PI * k) / length);
  }
  const plan: Plan = {
    length,
    factors,
    cos,
    sin,
    spare: [new Float64Array(length), new Float64Array(length)],
  };
  plans.set(length, plan);
  return plan;
}

/** The transform of a complex signal, in place: sum of x[n] · exp(−2πi·kn/N). */
export function forward(real: Signal, imaginary: Signal): void {
  const plan = planOf(real.length);
  let from: [Signal, Signal] = [real, imaginary];
  let to: [Signal, Signal] = plan.spare;
  let length = plan.length;
  let stride = 1;
  for (const factor of plan.factors) {
    const count = length / factor;
    if (factor === 4) pass4(plan, from, to, count, stride);
    else if (factor === 2) pass2(plan, from, to, count, stride);
    else pass(plan, factor, from, to, count, stride);
    [from, to] = [to, from];
    length = count;
    stride *= factor;
  }
  if (from[0] !== real) {
    real.set(from[0]);
    imaginary.set(from[1]);
  }
}

/** The inverse of `forward`, in place, with its 1/N. */
export function inverse(real: Signal, imaginary: Signal): void {
  forward(imaginary, real);
  const scale = 1 / real.length;
  for (let i = 0; i < real.length; i++) {
    real[i] *= scale;
    imaginary[i] *= scale;
  }
}

type Pair = [Signal, Signal];

function pass2(plan: Plan, [xr, xi]: Pair, [yr, yi]: Pair, count: number, stride: number): void {
  for (let p = 0; p < count; p++) {
    const wr = plan.cos[p * stride];
    const wi = plan.sin[p * stride];
    for (let q = 0; q < stride; q++) {
      const a = q + stride * p;
      const b = a + stride * count;
      const dr = xr[a] - xr[b];
      const di = xi[a] - xi[b];
      const out = q + stride * 2 * p;
      yr[out] = xr[a] + xr[b];
      yi[out] = xi[a] + xi[b];
      yr[out + stride] = dr * wr - di * wi;
      yi[out + stride] = dr * wi + di * wr;
    }
  }
}

function pass4(plan: Plan, [xr, xi]: Pair, [yr, yi]: Pair, count: number, stride: number): void {
  const { cos, sin } = plan;
  for (let p = 0; p < count; p++) {
    const w1 = p * stride;
    const w2 = 2 * w1;
    const w3 = 3 * w1;
    for (let q = 0; q < stride; q++) {
      const a = q + stride * p;
      const b = a + stride * count;
      const c = b + stride * count;
      const d = c + stride * count;
      const apr = xr[a] + xr[c];
      const api = xi[a] + xi[c];
      const amr = xr[a] - xr[c];
      const ami = xi[a] - xi[c];
      const bpr = xr[b] + xr[d];
      const bpi = xi[b] + xi[d];
      // −i (b − d)
      const bmr = xi[b] - xi[d];
      const bmi = xr[d] - xr[b];
      const out = q + stride * 4 * p;
      yr[out] = apr + bpr;
      yi[out] = api + bpi;
      let r = amr + bmr;
      let i = ami + bmi;
      yr[out + stride] = r * cos[w1] - i * sin[w1];
      yi[out + stride] = r * sin[w1] + i * cos[w1];
      r = apr - bpr;
      i = api - bpi;
      yr[out + 2 * stride] = r * cos[w2] - i * sin[w2];
      yi[out + 2 * stride] = r * sin[w2] + i * cos[w2];
      r = amr - bmr;
      i = ami - bmi;
      yr[out + 3 * stride] = r * cos[w3] - i * sin[w3];
      yi[out + 3 * stride] = r * sin[w3] + i * cos[w3];
    }
  }
}

function pass(plan: Plan, factor: number, [xr, xi]: Pair, [yr, yi]: Pair, count: number, stride: number): void {
  const { cos, sin, length } = plan;
  const turn = length / factor;
  for (let p = 0; p < count; p++) {
    for (let j = 0; j < factor; j++) {
      const wr = cos[(j * p * stride) % length];
      const wi = sin[(j * p * stride) % length];
      for (let q = 0; q < stride; q++) {
        let r = 0;
        let i = 0;
        for (let k = 0; k < factor; k++) {
          const at = q + stride * (p + count * k);
          const t = ((j * k) % factor) * turn;
          r += xr[at] * cos[t] - xi[at] * sin[t];
          i += xr[at] * sin[t] + xi[at] * cos[t];
        }
        const out = q + stride * (factor * p + j);
        yr[out] = r * wr - i * wi;
        yi[out] = r * wi + i * wr;
      }
    }
  }
}

/** The next length whose only factors are 2, 3 and 5, with few of the latter. */
export function fastLength(length: number): number {
  let best = powerOfTwo(length);
  for (const fives of [1, 5, 25]) {
    for (const threes of [1, 3, 9, 27]) {
      const odd = fives * threes;
      const found = odd * powerOfTwo(Math.ceil(length / odd));
      if (found >= length) best = Math.min(best, found);
    }
  }
  return best;
}

/** The next power of two. */
export function powerOfTwo(length: number): number {
  let power = 1;
  while (power < length) power *= 2;
  return power;
}
