// Heart-rate variability from beat times, where the recording supports it. See vitals/variability.py.

import {
  type Signal,
  arange,
  argmax,
  linspace,
  made,
  mapped,
  mean,
  median,
  quantile,
  quantileOfSorted,
  rounded,
  sorted,
  std,
  sum,
  taper,
} from "./arrays";
import { around } from "./beats";
import { type Beats, intervalsOf, joinedBeats } from "./beats_types";
import constants from "./constants.json";
import { THRESHOLD, logOddsOf, logistic } from "./quality";
import { Random } from "./random";
import { type Reading, withheld } from "./report_types";
import { spectra } from "./spectrum";
import { spline } from "./spline";
import { clockErrors } from "./variability_clock";

const {
  LF_HZ,
  HF_HZ,
  TACHOGRAM_HZ,
  SEGMENT_S,
  GOOD_BEAT,
  MOST_BAD,
  MOST_NOISE,
  UNTOLD,
  HOLE_S,
  BLOCK,
  RESAMPLINGS,
  TIME_ODDS,
  BAND_ODDS,
} = constants["vitals.variability"];
const NEEDS_S: Record<string, number> = constants["vitals.variability"].NEEDS_S;
export const UNITS: Record<string, string> = constants["vitals.variability"].UNITS;
export const NAMES: string[] = constants["vitals.variability"].NAMES;

/** An interval and the one after it [ms]. */
type Pair = readonly [number, number];

interface Clean {
  /** [s] */
  time: Signal;
  /** [ms] */
  interval: Signal;
  pairs: Pair[];
  bad: number;
  /** Variance of one beat time [ms²]. */
  noise: number;
  /** The same that uneven times of the pictures may make up at most, and both. */
  clock: number;
  doubt: number;
  quality: number;
  span: [number, number];
}

/** SDNN, RMSSD, pNN50, SD1, SD2, LF, HF and LF/HF, in the order of NAMES. pictures: their times [s]. */
export function variability(beats: Beats, pictures: Signal, method = "beats"): Reading[] {
  const clean = cleanOf(beats, pictures);
  return NAMES.map((name) => (name in TIME ? timeReading(name, clean, method) : bandReading(name, clean, method)));
}

function cleanOf(beats: Beats, pictures: Signal): Clean {
  const { time, length, quality } = intervalsOf(beats);
  const artefact = artefacts(length);
  const good = Array.from(quality, (q, j) => q >= GOOD_BEAT && !artefact[j]);
  const ms = mapped(length, (x) => 1e3 * x);
  const pairs: Pair[] = [];
  for (let j = 0; j + 1 < ms.length; j++) {
    const neighbours = Math.abs(time[j] - (time[j + 1] - length[j + 1])) <= 1e-9;
    if (good[j] && good[j + 1] && neighbours) pairs.push([ms[j], ms[j + 1]]);
  }
  const jitter = beats.jitter.filter((_, k) => beats.quality[k] >= GOOD_BEAT);
  const kept = good.filter(Boolean).length;
  const noise = jitter.length ? 1e6 * mean(mapped(jitter, (x) => x * x)) : 0;
  const errors = clockErrors(pictures, beats.time);
  const uneven = joinedBeats(beats)
    .flatMap((joined, k) => (joined ? [1e3 * (errors[k + 1] - errors[k])] : []))
    .filter((_, j) => good[j]);
  const clock = kept ? (UNTOLD * mean(uneven.map((x) => x * x))) / 2 : 0;
  return {
    time: time.filter((_, j) => good[j]),
    interval: ms.filter((_, j) => good[j]),
    pairs,
    bad: 1 - kept / Math.max(1, length.length + beats.missing),
    noise,
    clock,
    doubt: noise + clock,
    quality: kept ? mean(quality.filter((_, j) => good[j])) : 0,
    span: beats.span,
  };
}

/** Where an interval is ectopic or a detection error (Lipponen & Tarvainen, 2019). */
function artefacts(interval: Signal): boolean[] {
  if (interval.length < 5) return Array.from(interval, () => false);
  const off = mapped(interval, (x, k) => x - median(nearest(interval, k, 11)));
  const step = mapped(interval, (x, k) => (k ? x - interval[k - 1] : 0));
  const usualOff = quartileDeviation(off);
  const usualStep = quartileDeviation(step);
  const floor = mapped(interval, (x) => 0.1 * x);
  const jump = Array.from(step, (x, k) => Math.abs(x) > Math.max(5.2 * usualStep[k], floor[k]));
  return Array.from(
    off,
    (x, k) => Math.abs(x) > Math.max(5.2 * usualOff[k], floor[k]) && (jump[k] || (jump[k + 1] ?? false)),
  );
}

function nearest(x: Signal, k: number, most: number): Signal {
  return around(x, k, Math.min(most, 2 * Math.floor(x.length / 2) - 1));
}

function quartileDeviation(x: Signal): Signal {
  return mapped(x, (_, k) => {
    const near = sorted(nearest(x, k, 91));
    return (quantileOfSorted(near, 0.75) - quantileOfSorted(near, 0.25)) / 2;
  });
}

type Measure = (intervals: Signal, pairs: readonly Pair[]) => number;

const steps = (pairs: readonly Pair[]): number[] => pairs.map(([a, b]) => b - a);
const rmssd: Measure = (_, pairs) => Math.sqrt(mean(steps(pairs).map((d) => d * d)));
const pnn50: Measure = (_, pairs) =>
  (100 * steps(pairs).filter((d) => Math.abs(d) > 50 + 1e-6).length) / (pairs.length + 1);

/** Each measure, and how many times the variance of a beat time adds to its square. */
const TIME: Record<string, [Measure, number]> = {
  hrv_sdnn: [(intervals) => std(intervals, 1), 2],
  hrv_rmssd: [rmssd, 6],
  hrv_pnn50: [pnn50, 6],
  hrv_sd1: [(_, pairs) => std(steps(pairs), 1) / Math.SQRT2, 3],
  hrv_sd2: [(_, pairs) => std(pairs.map(([a, b]) => a + b), 1) / Math.SQRT2, 1],
};

function timeReading(name: string, clean: Clean, method: string): Reading {
  const [measure, multiple] = TIME[name];
  const { span } = clean;
  const ofIntervals = name === "hrv_sdnn";
  const count = ofIntervals ? clean.interval.length : clean.pairs.length;
  const lack = lacking(name, clean, sum(clean.interval) / 1e3) || tooFew(name, count);
  if (lack) return withheld(name, UNITS[name], lack, { method, span });
  const index = blocks(count);
  const resampled = (pairs: readonly Pair[]) =>
    Float64Array.from(index, (own) =>
      ofIntervals
        ? measure(mapped(own, (j) => clean.interval[j]), [])
        : measure(clean.interval, Array.from(own, (j) => pairs[j])),
    );
  const drawn = resampled(clean.pairs);
  const spread = name === "hrv_pnn50" ? rmssd : measure;
  const total = spread(clean.interval, clean.pairs) ** 2;
  const [known, share] = [clean.noise, clean.doubt].map((v) => Math.min(1, (multiple * v) / Math.max(total, 1e-12)));
  let value: number;
  let low: number;
  if (name === "hrv_pnn50") {
    value = measure(clean.interval, narrow(clean.pairs, known));
    low = quantile(resampled(narrow(clean.pairs, share)), 0.025);
  } else {
    value = Math.sqrt(total * (1 - known));
    const most = multiple * (UNTOLD * clean.noise + clean.clock);
    low = Math.sqrt(Math.max(0, quantile(drawn, 0.025) ** 2 - most));
  }
  const high = quantile(drawn, 0.975);
  return told(name, clean, method, {
    value,
    low: Math.min(low, value),
    high: Math.max(high, value),
    share,
    odds: TIME_ODDS,
    span,
  });
}

/** Pairs as they would be without this share of the variance of their differences. */
function narrow(pairs: readonly Pair[], share: number): Pair[] {
  const factor = Math.sqrt(1 - share);
  return pairs.map(([a, b]): Pair => {
    const centre = (a + b) / 2;
    return [centre + (a - centre) * factor, centre + (b - centre) * factor];
  });
}

interface Measured {
  value: number;
  low: number;
  high: number;
  /** Of the variance that is timing noise. */
  share: number;
  odds: number[];
  span: [number, number];
}

/** A reading, or why it is not to be trusted. */
function told(name: string, clean: Clean, method: string, measured: Measured): Reading {
  const { value, low, high, share, odds, span } = measured;
  const kept = clean.quality * (1 - clean.bad) * (1 - share);
  const quality = logistic(odds[0] + odds[1] * logOddsOf(kept));
  if (share > MOST_NOISE || quality < THRESHOLD) {
    const why =
      clean.clock > clean.noise
        ? `${plain(name)} would be ${percent(share)} timing noise, as uneven times of the pictures move a ` +
          `beat by ±${Math.sqrt(clean.clock).toFixed(0)} ms; close other programs, or record to a file and ` +
          "measure that"
        : `${plain(name)} would be ${percent(share)} timing noise from ${percent(clean.bad)} doubtful ` +
          `beats and the rest known to ±${Math.sqrt(clean.noise).toFixed(0)} ms; use more light, a higher ` +
          "frame rate or less compression";
    return withheld(name, UNITS[name], why, { method, span: clean.span, quality });
  }
  return { name, value, unit: UNITS[name], low, high, quality, method, span, why: "" };
}

/** Indices of moving blocks drawn with replacement, the same at every call. */
function blocks(count: number): Int32Array[] {
  const block = Math.min(BLOCK, count);
  const each = Math.ceil(count / block);
  const starts = new Random().integers(count - block + 1, RESAMPLINGS * each);
  return Array.from({ length: RESAMPLINGS }, (_, b) =>
    Int32Array.from({ length: count }, (_, i) => starts[b * each + Math.floor(i / block)] + (i % block)),
  );
}

function bandReading(name: string, clean: Clean, method: string): Reading {
  const [time, interval] = longest(clean);
  const seconds = time.length ? time[time.length - 1] - time[0] : 0;
  const lack = lacking(name, clean, seconds);
  if (lack) return withheld(name, UNITS[name], lack, { method, span: clean.span });
  const [frequency, density] = tachogramSpectrum(time, interval, name);
  const period = mean(interval) / 1e3;
  const bands = name === "hrv_lf" ? [LF_HZ] : name === "hrv_hf" ? [HF_HZ] : [LF_HZ, HF_HZ];
  const [found, doubt] = [clean.noise, clean.doubt].map((v) => {
    const floor = mapped(frequency, (f) => 8 * v * period * Math.sin(Math.PI * f * period) ** 2);
    return bands.map((band) => bandOf(frequency, density, floor, band, seconds));
  });
  const [known, share] = [found, doubt].map((those) => Math.max(...those.map((band) => band.share)));
  const off = 0.5 * known + share - known;
  const value = found[0].power / (found.length === 2 ? found[1].power : 1);
  const spread = Math.sqrt(sum(found.map((band) => band.spread ** 2)));
  return told(name, clean, method, {
    value,
    low: value * Math.exp(-1.96 * spread) * (1 - off),
    high: value * Math.exp(1.96 * spread) * (1 + off),
    share,
    odds: BAND_ODDS,
    span: [time[0] - interval[0] / 1e3, time[time.length - 1]],
  });
}

/** The longest stretch whose good intervals never lie more than HOLE_S apart. */
function longest(clean: Clean): [Signal, Signal] {
  const { time, interval } = clean;
  if (time.length < 4) return [new Float64Array(0), new Float64Array(0)];
  const edges: number[] = [];
  for (let j = 0; j < time.length; j++) {
    const close = j + 1 < time.length && time[j + 1] - time[j] - interval[j + 1] / 1e3 <= HOLE_S;
    if (!close) edges.push(j);
  }
  const starts = edges.map((_, k) => (k ? edges[k - 1] + 1 : 0));
  const at = argmax(edges.map((edge, k) => time[edge] - time[starts[k]]));
  return [time.slice(starts[at], edges[at] + 1), interval.slice(starts[at], edges[at] + 1)];
}

/** Welch density [ms²/Hz] of the intervals on a 4-Hz clock, a line through each segment off. */
function tachogramSpectrum(time: Signal, interval: Signal, name: string): [Signal, Signal] {
  const grid = arange(time[0], time[time.length - 1], 1 / TACHOGRAM_HZ);
  const tachogram = spline(interval, time, grid);
  const seconds = name === "hrv_hf" ? NEEDS_S[name] : SEGMENT_S;
  const width = Math.min(grid.length, rounded(seconds * TACHOGRAM_HZ));
  const count = Math.max(1, rounded((grid.length - width) / (width / 2)) + 1);
  const segments = Array.from(linspace(0, grid.length - width, count), (start) =>
    level(tachogram.slice(Math.floor(start), Math.floor(start) + width)),
  );
  const [frequency, powers] = spectra(segments, TACHOGRAM_HZ, 0.002);
  const window = taper(width);
  const bandwidth = (TACHOGRAM_HZ * sum(mapped(window, (w) => w * w))) / sum(window) ** 2;
  return [frequency, made(frequency.length, (f) => mean(powers.map((p) => p[f])) / bandwidth)];
}

/** A signal less the straight line through it. */
export function level(x: Signal): Signal {
  const middle = mean(x);
  const ramp = mapped(x, (_, i) => i - (x.length - 1) / 2);
  const square = sum(mapped(ramp, (r) => r * r));
  const slope = sum(mapped(ramp, (r, i) => r * (x[i] - middle))) / square;
  return mapped(x, (v, i) => v - middle - slope * ramp[i]);
}

interface Band {
  power: number;
  share: number;
  spread: number;
}

function bandOf(frequency: Signal, density: Signal, floor: Signal, band: number[], seconds: number): Band {
  const step = frequency[1] - frequency[0];
  let total = 0;
  let noise = 0;
  let square = 0;
  frequency.forEach((f, i) => {
    if (f < band[0] || f >= band[1]) return;
    total += density[i];
    noise += floor[i];
    square += density[i] ** 2;
  });
  const share = Math.min(1, (noise * step) / Math.max(total * step, 1e-12));
  const width = (step * total ** 2) / Math.max(square, 1e-300);
  const freedom = Math.max(2, 2 * width * seconds);
  return { power: Math.max(total * step * (1 - share), 1e-12), share, spread: Math.sqrt(2 / freedom) };
}

function lacking(name: string, clean: Clean, seconds: number): string {
  const need = NEEDS_S[name];
  if (clean.bad > MOST_BAD && clean.interval.length) {
    return (
      `${plain(name)} needs ${percent(1 - MOST_BAD)} clean beat intervals but ` +
      `${percent(clean.bad)} were doubtful; keep still in even light`
    );
  }
  if (seconds < need) {
    return `${plain(name)} needs ${need} s of clean beats but got ${seconds.toFixed(0)} s; record longer`;
  }
  return "";
}

function tooFew(name: string, count: number): string {
  return count >= 2 * BLOCK ? "" : `${plain(name)} needs ${2 * BLOCK} beats in a row but got ${count}; keep still`;
}

function plain(name: string): string {
  const known: Record<string, string> = { hrv_pnn50: "pNN50", hrv_lf_hf: "LF/HF" };
  return known[name] ?? name.replace("hrv_", "").toUpperCase();
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)}%`;
}

