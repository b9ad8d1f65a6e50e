// How strongly every heart rate is supported by all candidate pulses at once. See waves/evidence.py.
//
// Where Python projects windows on waves that begin with the window, here the phase is that of its
// middle, where the window can be folded: half the work. Only sizes and differences of phase are
// used, which are the same.

import { type Signal, clip, dot, largest, linspace, made, mapped, mean, rounded, signal, solved, std, sum, taper } from "./arrays";
import type { Candidates } from "./candidates";
import constants from "./constants.json";

const { WINDOW_S, HOP_S, NEAR_BPM, BLOOD, LIGHT, FACTS } = constants["waves.evidence"];

export const RATES_BPM: Signal = Float64Array.from(constants["waves.evidence"].RATES_BPM);
export const FACT_NAMES: readonly string[] = FACTS;
const F = RATES_BPM.length;
const D = FACTS.length;

/** Facts of the sliding windows of one part. */
export interface Evidence {
  /** For every window F × D, in the order of FACT_NAMES. */
  facts: Float32Array[];
  /** For every window F × K shares of each candidate's power, the guide's last. */
  weights: Float32Array[];
  /** For every window, of F rates: share of what is there that goes with the place of the head. */
  explained: Signal[];
  /** The largest amplitude that a power of that place has there, in face widths. */
  swing: Signal[];
  columns: number;
  /** Middle of each window [s]. */
  centre: Signal;
  /** Of a window [s]. */
  length: number;
}

/** First samples of the windows of WINDOW_S every HOP_S, and their length in samples. */
export function windowsOf(count: number, rate: number): [number[], number] {
  const width = Math.min(count, rounded(WINDOW_S * rate));
  const hop = Math.max(1, rounded(HOP_S * rate));
  const starts: number[] = [];
  for (let start = 0; start <= count - width; start += hop) starts.push(start);
  if (count - width - starts[starts.length - 1] > Math.floor(hop / 2)) starts.push(count - width);
  return [starts, width];
}

/** Facts for every window and every rate. pause: awaited between windows. */
export async function weigh(candidates: Candidates, pause?: () => Promise<void>): Promise<Evidence> {
  const [starts, width] = windowsOf(candidates.time.length, candidates.rate);
  const projector = projectorOf(width, candidates.rate);
  const facts: Float32Array[] = [];
  const weights: Float32Array[] = [];
  const explained: Signal[] = [];
  const swing: Signal[] = [];
  for (const start of starts) {
    const found = weighOne(candidates, start, projector);
    facts.push(found.facts);
    weights.push(found.weights);
    explained.push(found.explained);
    swing.push(found.swing);
    if (pause) await pause();
  }
  const { time, rate } = candidates;
  return {
    facts,
    weights,
    explained,
    swing,
    columns: candidates.values.length + (candidates.guide.length ? 1 : 0),
    centre: made(starts.length, (m) => time[starts[m]] + (width - 1) / 2 / rate),
    length: (width - 1) / rate,
  };
}

/** Complex amplitudes: at [k * count + f] of candidate k. */
interface Amplitudes {
  real: Signal;
  imaginary: Signal;
  columns: number;
}

/** Projects windows on tapered waves of RATES_BPM, their doubles and their halves. */
class Projector {
  private readonly half: number;
  private readonly cos: Signal;
  private readonly sin: Signal;
  constructor(
    readonly width: number,
    readonly rate: number,
  ) {
    this.half = Math.ceil(width / 2);
    const window = taper(width);
    const scale = 2 / sum(window);
    this.cos = signal(3 * F * this.half);
    this.sin = signal(3 * F * this.half);
    [1, 2, 0.5].forEach((multiple, m) => {
      for (let f = 0; f < F; f++) {
        const hertz = (multiple * RATES_BPM[f]) / 60;
        if (hertz >= rate / 2) continue;
        const at = (m * F + f) * this.half;
        for (let h = 0; h < this.half; h++) {
          const off = (width - 1) / 2 - h;
          const weight = window[h] * scale * (off === 0 ? 0.5 : 1);
          const phase = (2 * Math.PI * hertz * off) / rate;
          this.cos[at + h] = Math.cos(phase) * weight;
          this.sin[at + h] = Math.sin(phase) * weight;
        }
      }
    });
  }

  /** Amplitudes of columns in the window at `start`; rows of `multiples`: first and count of F. */
  project(columns: readonly Signal[], start: number, first: number, count: number): Amplitudes {
    const { half, width } = this;
    const even = signal(columns.length * half);
    const odd = signal(columns.length * half);
    columns.forEach((column, k) => {
      const window = column.subarray(start, start + width);
      const middle = mean(window);
      for (let h = 0; h < half; h++) {
        const early = window[h] - middle;
        const late = window[width - 1 - h] - middle;
        even[k * half + h] = early + late;
        odd[k * half + h] = early - late;
      }
    });
    const rows = count * F;
    const from = first * F;
    return {
      real: products(even, columns.length, this.cos, from, rows, half),
      imaginary: products(odd, columns.length, this.sin, from, rows, half),
      columns: columns.length,
    };
  }
}

let lastProjector: Projector | null = null;

/** The last one again where it fits: reports of one source ask for the same. */
function projectorOf(width: number, rate: number): Projector {
  if (lastProjector?.width !== width || lastProjector.rate !== rate) lastProjector = new Projector(width, rate);
  return lastProjector;
}

/** out[k * rows + f] = a[k, :] · b[from + f, :], four by two at a time. */
function products(a: Signal, count: number, b: Signal, from: number, rows: number, half: number): Signal {
  const out = signal(count * rows);
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const a0 = k * half;
    const a1 = a0 + half;
    const a2 = a1 + half;
    const a3 = a2 + half;
    let f = 0;
    for (; f + 2 <= rows; f += 2) {
      const b0 = (from + f) * half;
      const b1 = b0 + half;
      let s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
      for (let h = 0; h < half; h++) {
        const u = b[b0 + h];
        const v = b[b1 + h];
        const p = a[a0 + h];
        const q = a[a1 + h];
        const r = a[a2 + h];
        const s = a[a3 + h];
        s00 += p * u;
        s01 += p * v;
        s10 += q * u;
        s11 += q * v;
        s20 += r * u;
        s21 += r * v;
        s30 += s * u;
        s31 += s * v;
      }
      const o = k * rows + f;
      out[o] = s00;
      out[o + 1] = s01;
      out[o + rows] = s10;
      out[o + rows + 1] = s11;
      out[o + 2 * rows] = s20;
      out[o + 2 * rows + 1] = s21;
      out[o + 3 * rows] = s30;
      out[o + 3 * rows + 1] = s31;
    }
    for (; f < rows; f++) {
      for (let j = 0; j < 4; j++) out[(k + j) * rows + f] = row(a, (k + j) * half, b, (from + f) * half, half);
    }
  }
  for (; k < count; k++) {
    for (let f = 0; f < rows; f++) out[k * rows + f] = row(a, k * half, b, (from + f) * half, half);
  }
  return out;
}

function row(a: Signal, at: number, b: Signal, bt: number, half: number): number {
  let total = 0;
  for (let h = 0; h < half; h++) total += a[at + h] * b[bt + h];
  return total;
}

interface Weighed extends Placed {
  facts: Float32Array;
  weights: Float32Array;
}

function weighOne(candidates: Candidates, start: number, projector: Projector): Weighed {
  const { values, method, guide } = candidates;
  const K = values.length;
  const fine = projector.project(values, start, 0, 3);
  const share = sharesOf(fine);
  const motion = amplitude(projector.project(candidates.motion, start, 0, 1));
  const slow = amplitude(projector.project(candidates.motion, start, 2, 1));
  const background = amplitude(projector.project(candidates.background, start, 0, 1));
  const colour = projector.project(candidates.colour, start, 0, 1);
  const unrest = mean(amplitude(projector.project(candidates.colour.slice(0, 3), start, 0, 1)));
  const logMean = made(F, (f) => Math.log(meanOver(share, K, f) + 1e-3));
  const logShare = mapped(share, (x) => Math.log(x + 1e-3));
  const bestOf = made(K, (k) => largest(share.subarray(3 * k * F, 3 * k * F + F)) + 1e-20);
  const [least, best] = extremes(share, method);
  const nearBest = nearby(logMean);
  const top = largest(logMean);
  const likeness = likenessOf(colour);
  const constant = (value: number) => signal(F, value);
  const over = (x: Signal) => mapped(x, (v) => Math.log((v + 1e-5) / (mean(x) + 1e-5)));
  const [ofGuide, guideShare] = guideFacts(guide, start, projector);
  const columns: Signal[] = [
    made(F, (f) => meanOver(logShare, K, f)),
    logMean,
    aboveTrend(logShare, K),
    least,
    best,
    concentration(share, K),
    mapped(logMean, (x) => x - top),
    mapped(logMean, (x, f) => x - nearBest[f]),
    made(F, (f) => {
      let total = 0;
      for (let k = 0; k < K; k++) total += share[3 * k * F + f] / bestOf[k];
      return total / K;
    }),
    coherence(fine, method),
    made(F, (f) => meanOver(logShare, K, F + f)),
    made(F, (f) => meanOver(logShare, K, 2 * F + f)),
    ...likeness,
    made(F, (f) => {
      let total = 0;
      for (let k = 0; k < K; k++) {
        const at = k * 3 * F + f;
        total += sizeOf(fine.real[at], fine.imaginary[at]);
      }
      return Math.log(total / K + 1e-5);
    }),
    mapped(motion, (x) => Math.log(x + 1e-4)),
    over(motion),
    constant(Math.log(mean(motion) + 1e-4)),
    constant(Math.log(unrest + 1e-4)),
    mapped(slow, (x) => Math.log(x + 1e-4)),
    mapped(background, (x) => Math.log(x + 1e-4)),
    over(background),
    mapped(RATES_BPM, (x) => x / 100),
    constant(projector.width / projector.rate / 10),
    ...ofGuide,
  ];
  const facts = new Float32Array(F * D);
  columns.forEach((column, d) => column.forEach((value, f) => (facts[f * D + d] = value)));
  const total = K + (guideShare ? 1 : 0);
  const weights = new Float32Array(F * total);
  for (let f = 0; f < F; f++) {
    for (let k = 0; k < K; k++) weights[f * total + k] = share[3 * k * F + f];
    if (guideShare) weights[f * total + K] = guideShare[f];
  }
  return { facts, weights, ...byPlace(candidates, start, projector, fine) };
}

interface Placed {
  explained: Signal;
  swing: Signal;
}

/** What of each rate goes with the powers of the place, by least squares, and how far these swing. */
function byPlace({ values, place }: Candidates, start: number, projector: Projector, fine: Amplitudes): Placed {
  const { width } = projector;
  const pieces = place.map((x) => x.subarray(start, start + width));
  if (!pieces.some((x) => x.some((v) => v !== 0))) return { explained: signal(F), swing: signal(F) };
  const spectra = projector.project(place, start, 0, 1);
  const scale = pieces.map((x) => std(x) + 1e-9);
  const cause = pieces.map((x, j) => mapped(x, (v) => v / scale[j]));
  const window = taper(width);
  const weighed = cause.map((x) => mapped(x, (v, i) => v * window[i]));
  const within = weighed.map((a, i) => made(cause.length, (j) => dot(a, cause[j]) + (i === j ? 1e-3 * width : 0)));
  const gain = solved(
    within,
    weighed.map((a) => made(values.length, (k) => dot(a, values[k].subarray(start, start + width)))),
  );
  const before = signal(F);
  const after = signal(F);
  const whole = signal(F);
  const left = signal(F);
  for (let k = 0; k < values.length; k++) {
    for (let f = 0; f < F; f++) {
      let real = fine.real[3 * k * F + f];
      let imaginary = fine.imaginary[3 * k * F + f];
      whole[f] = real * real + imaginary * imaginary;
      for (let j = 0; j < place.length; j++) {
        const share = gain[j][k] / scale[j];
        real -= spectra.real[j * F + f] * share;
        imaginary -= spectra.imaginary[j * F + f] * share;
      }
      left[f] = real * real + imaginary * imaginary;
    }
    const [all, rest] = [mean(whole) + 1e-20, mean(left) + 1e-20];
    for (let f = 0; f < F; f++) {
      before[f] += whole[f] / all / values.length;
      after[f] += left[f] / rest / values.length;
    }
  }
  return {
    explained: made(F, (f) => clip(1 - after[f] / (before[f] + 1e-9), 0, 1)),
    swing: made(F, (f) => largest(place.map((_, j) => sizeOf(spectra.real[j * F + f], spectra.imaginary[j * F + f])))),
  };
}

/** As Math.hypot, which takes many times as long. */
function sizeOf(real: number, imaginary: number): number {
  return Math.sqrt(real * real + imaginary * imaginary);
}

/** Power over the mean power at the rates themselves; K × 3 F. */
function sharesOf({ real, imaginary, columns }: Amplitudes): Signal {
  const power = signal(real.length);
  for (let i = 0; i < power.length; i++) power[i] = real[i] * real[i] + imaginary[i] * imaginary[i];
  const width = real.length / columns;
  for (let k = 0; k < columns; k++) {
    const scale = mean(power.subarray(k * width, k * width + F)) + 1e-20;
    for (let i = 0; i < width; i++) power[k * width + i] /= scale;
  }
  return power;
}

/** Mean over K rows of 3 F at one place. */
function meanOver(values: Signal, count: number, at: number): number {
  let total = 0;
  for (let k = 0; k < count; k++) total += values[3 * k * F + at];
  return total / count;
}

/** Root sum of squares over the signals; zeros without signals. */
function amplitude({ real, imaginary, columns }: Amplitudes): Signal {
  return made(F, (f) => {
    let total = 0;
    for (let k = 0; k < columns; k++) total += real[k * F + f] ** 2 + imaginary[k * F + f] ** 2;
    return Math.sqrt(total);
  });
}

const logRate = (() => {
  const x = mapped(RATES_BPM, Math.log);
  const [middle, spread] = [mean(x), std(x)];
  return mapped(x, (v) => (v - middle) / spread);
})();

function aboveTrend(logShare: Signal, count: number): Signal {
  const out = signal(F);
  for (let k = 0; k < count; k++) {
    const own = logShare.subarray(3 * k * F, 3 * k * F + F);
    const middle = mean(own);
    const centred = mapped(own, (x) => x - middle);
    const slope = Math.min(dot(logRate, centred) / F, 0);
    for (let f = 0; f < F; f++) out[f] += (centred[f] - logRate[f] * slope) / count;
  }
  return out;
}

/** Log of the least and of the greatest of the methods' mean share over their regions. */
function extremes(share: Signal, method: number[]): [Signal, Signal] {
  const kinds = [...new Set(method)];
  const means = kinds.map((m) => {
    const own = method.flatMap((of, k) => (of === m ? [k] : []));
    return made(F, (f) => mean(own.map((k) => share[3 * k * F + f])));
  });
  const of = (pick: (...x: number[]) => number) =>
    made(F, (f) => Math.log(pick(...means.map((x) => x[f])) + 1e-3));
  return [of(Math.min), of(Math.max)];
}

/** Log odds of the mean share of power within NEAR_BPM of a rate, and at its double. */
function concentration(share: Signal, count: number): Signal {
  const at = made(F, (f) => meanOver(share, count, f));
  return made(F, (f) => {
    let near = 0;
    for (let g = Math.max(0, f - NEAR_BPM); g <= Math.min(F - 1, f + NEAR_BPM); g++) near += at[g];
    const double = meanOver(share, count, F + f);
    const part = Math.min(Math.max(near / F + double * (NEAR_BPM / F), 1e-3), 0.99);
    return Math.log(part / (1 - part));
  });
}

function nearby(values: Signal): Signal {
  return made(F, (f) => largest(values.subarray(Math.max(0, f - NEAR_BPM), f + NEAR_BPM + 1)));
}

/** |Σ X| / Σ |X| over the regions of each method, mean over methods; 0 with one region. */
function coherence({ real, imaginary }: Amplitudes, method: number[]): Signal {
  const kinds = [...new Set(method)]
    .map((m) => method.flatMap((of, k) => (of === m ? [k] : [])))
    .filter((own) => own.length > 1);
  return made(F, (f) => {
    if (kinds.length === 0) return 0;
    let total = 0;
    for (const own of kinds) {
      let r = 0;
      let i = 0;
      let size = 0;
      for (const k of own) {
        const at = k * 3 * F + f;
        r += real[at];
        i += imaginary[at];
        size += sizeOf(real[at], imaginary[at]);
      }
      total += sizeOf(r, i) / (size + 1e-12);
    }
    return total / kinds.length;
  });
}

/** Likeness of the colour change at each rate to blood and to light, raw then cleaned. */
function likenessOf({ real, imaginary }: Amplitudes): Signal[] {
  return [0, 3].flatMap((first) =>
    [BLOOD, LIGHT].map((axis) =>
      made(F, (f) => {
        let r = 0;
        let i = 0;
        let size = 0;
        for (let c = 0; c < 3; c++) {
          const at = (first + c) * F + f;
          r += real[at] * axis[c];
          i += imaginary[at] * axis[c];
          size += real[at] ** 2 + imaginary[at] ** 2;
        }
        return sizeOf(r, i) / (Math.sqrt(size) + 1e-9);
      }),
    ),
  );
}

/** Six facts of the guide's pulse, zeros without one, and its share. */
function guideFacts(guide: Signal[], start: number, projector: Projector): [Signal[], Signal | null] {
  if (guide.length === 0) return [linspace(0, 0, 6).reduce<Signal[]>((all) => [...all, signal(F)], []), null];
  const share = sharesOf(projector.project([guide[0]], start, 0, 3));
  const logShare = mapped(share, (x) => Math.log(x + 1e-3));
  const own = logShare.slice(0, F);
  const top = largest(own);
  const odds = mean(guide[1].subarray(start, start + projector.width));
  return [
    [own, mapped(own, (x) => x - top), logShare.slice(F, 2 * F), logShare.slice(2 * F), signal(F, odds), signal(F, 1)],
    share.slice(0, F),
  ];
}
