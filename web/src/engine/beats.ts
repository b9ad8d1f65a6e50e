// Beat times of a pulse wave, between samples, each with its quality. See vitals/beats.py.

import {
  type Signal,
  InputError,
  argmax,
  clip,
  diff,
  dot,
  geomspace,
  gradient,
  interp,
  largest,
  least,
  linspace,
  made,
  mapped,
  mean,
  median,
  place,
  rounded,
  running,
  signal,
  sum,
  taper,
} from "./arrays";
import { type Beats, noBeats } from "./beats_types";
import { banded, rateOf, runsInTime, uniform } from "./clean";
import type { Timed } from "./combine";
import constants from "./constants.json";
import { maxima, refine } from "./peaks";
import { logistic } from "./quality";
import { spectra } from "./spectrum";

const { FINE_HZ, SHORTEST_S, HIGHEST_HZ, WINDOW_S, HOP_S, HALF_S, RHYTHM, MISSED, WEIGHTS, FACTOR } =
  constants["vitals.beats"];

/** Beats of a pulse wave; NaN breaks the series.   rateHz: heart rate expected [Hz]. */
export function beatsOf(wave: Timed, rateHz: number): Beats {
  const rate = rateOf(wave.time);
  if (rate < 8) throw new InputError(`beats need 8 samples a second but got ${rate.toFixed(1)}; record faster`);
  const fine = rate * Math.ceil(FINE_HZ / rate);
  const [[values], time] = uniform([wave.values], wave.time, fine);
  const found = runsInTime(mapped(values, (x) => Number(Number.isFinite(x))))
    .filter((run) => run.stop - run.start >= SHORTEST_S * fine)
    .map((run) => beatsOfRun(values.slice(run.start, run.stop), time.subarray(run.start, run.stop), fine, rateHz));
  return oneAfterAnother(found, [wave.time[0], wave.time[wave.time.length - 1]]);
}

function oneAfterAnother(pieces: Beats[], span: [number, number]): Beats {
  const found = pieces.filter((piece) => piece.time.length);
  if (found.length === 0) return noBeats(span);
  let first = 0;
  const run: number[] = [];
  for (const piece of found) {
    run.push(...Array.from(piece.run, (n) => n + first));
    first += piece.run[piece.run.length - 1] + 1;
  }
  const all = (of: (piece: Beats) => Signal) => Float64Array.from(found.flatMap((p) => [...of(p)]));
  return {
    time: all((p) => p.time),
    quality: all((p) => p.quality),
    run: Int32Array.from(run),
    jitter: all((p) => p.jitter),
    missing: found.reduce((total, p) => total + p.missing, 0),
    span,
  };
}

/** Beats of one stretch without a gap, on its fine clock. */
function beatsOfRun(given: Signal, time: Signal, rate: number, rateHz: number): Beats {
  const expected = expectedRates(given, rate, rateHz);
  const low = 0.5 * least(expected);
  const high = Math.min(HIGHEST_HZ, 0.45 * rate);
  let x = banded(given, rate, low, high);
  let slope = gradient(banded(x, rate, low, Math.min(3 * largest(expected), high)));
  if (mean(mapped(slope, (v) => v ** 3)) < 0) {
    x = mapped(x, (v) => -v);
    slope = mapped(slope, (v) => -v);
  }
  const [chosen, strengths] = inRhythm(slope, expected, rate);
  const span: [number, number] = [time[0], time[time.length - 1]];
  if (chosen.length < 3) return noBeats(span);
  const half = Math.min(HALF_S, 0.4 / median(expected)) * rate;
  const placed = placedBeats(x, refine(slope, chosen), half);
  const inside = placed.flatMap(({ position }, k) => {
    const within = position >= 0.5 * half && position <= x.length - 1 - 0.5 * half;
    const apart = k === 0 || position - placed[k - 1].position > 0.1 * rate;
    return within && apart ? [k] : [];
  });
  if (inside.length < 3) return noBeats(span);
  const at = made(inside.length, (i) => placed[inside[i]].position);
  const jitter = made(inside.length, (i) => placed[inside[i]].jitter / rate);
  const period = mapped(interp(at, linspace(0, x.length - 1, x.length), expected), (hz) => rate / hz);
  const ratio = mapped(diff(at), (d, k) => d / (0.5 * (period[k + 1] + period[k])));
  const uneven = unevenness(diff(at));
  const run = new Int32Array(at.length);
  let missing = 0;
  ratio.forEach((r, k) => {
    run[k + 1] = run[k] + Number(r > MISSED);
    if (r > MISSED) missing += Math.max(rounded(r) - 1, 0);
  });
  return {
    time: mapped(at, (p) => time[0] + p / rate),
    quality: made(at.length, (i) => {
      const { likeness, size } = placed[inside[i]];
      return qualityOf([likeness, strengths[inside[i]], jitter[i], uneven[i], size]);
    }),
    run,
    jitter,
    missing,
    span,
  };
}

/** Heart rate along the stretch [Hz]: the smoothest way through the spectra of windows. */
function expectedRates(x: Signal, rate: number, rateHz: number): Signal {
  const [low, high] = [rateHz / FACTOR, rateHz * FACTOR];
  const step = Math.max(1, Math.floor(rate / 25));
  const filtered = banded(x, rate, 0.5 * low, HIGHEST_HZ);
  const slow = made(Math.ceil(x.length / step), (i) => filtered[i * step]);
  const width = Math.min(slow.length, rounded((WINDOW_S * rate) / step));
  const hop = Math.max(1, rounded((HOP_S * rate) / step));
  const windows: Signal[] = [];
  for (let start = 0; start + width <= slow.length; start += hop) windows.push(slow.subarray(start, start + width));
  const rates = geomspace(low, high, 100);
  const [frequency, powers] = spectra(windows, rate / step, 0.02);
  const last = frequency.length - 1;
  const index = (wanted: number) => clip(rounded(wanted / frequency[1]), 0, last);
  const scores = powers.map((power) => {
    const score = mapped(rates, (f) => Math.sqrt(power[index(f)]) + 0.5 * Math.sqrt(power[index(2 * f)]));
    const top = largest(score) + 1e-300;
    return mapped(score, (s) => 2 * Math.log(s / top + 1e-3));
  });
  const path = smoothest(scores, mapped(rates, Math.log));
  const centre = mapped(path, (_, m) => (m * hop + 0.5 * (width - 1)) * step);
  const found = mapped(path, (f) => rates[f]);
  return interp(linspace(0, x.length - 1, x.length), centre, found);
}

/** The path of highest score, where a change of the rate by 10 % costs 1 (Viterbi). */
function smoothest(score: Signal[], logRate: Signal): Int32Array {
  const count = logRate.length;
  let best = score[0];
  const back = score.map(() => new Int32Array(count));
  for (let m = 1; m < score.length; m++) {
    const next = signal(count);
    for (let g = 0; g < count; g++) {
      let top = -Infinity;
      for (let f = 0; f < count; f++) {
        const total = best[f] - ((logRate[f] - logRate[g]) / 0.1) ** 2;
        if (total > top) {
          top = total;
          back[m][g] = f;
        }
      }
      next[g] = top + score[m][g];
    }
    best = next;
  }
  const path = new Int32Array(score.length);
  path[path.length - 1] = argmax(best);
  for (let m = path.length - 1; m > 0; m--) path[m - 1] = back[m][path[m]];
  return path;
}

/** The upslopes that are strong and in rhythm together, and their strength 0–1. */
function inRhythm(slope: Signal, expected: Signal, rate: number): [number[], number[]] {
  const at = maxima(slope).filter((i) => slope[i] > 0);
  if (at.length === 0) return [[], []];
  const level = rms(slope, rounded(4 * rate));
  const strength = at.map((i) => Math.min(1, slope[i] / (2 * level[i])));
  const total = Float64Array.from(strength);
  const before = new Int32Array(at.length).fill(-1);
  for (let i = 1; i < at.length; i++) {
    const period = rate / expected[at[i]];
    let through = -Infinity;
    let from = -1;
    for (let j = place(at, at[i] - 2.5 * period); j < i; j++) {
      const value = total[j] - RHYTHM * Math.log2((at[i] - at[j]) / period) ** 2;
      if (value > through) [through, from] = [value, j];
    }
    if (from >= 0 && through > 0) {
      before[i] = from;
      total[i] += through;
    }
  }
  const chosen = [argmax(total)];
  while (before[chosen[0]] >= 0) chosen.unshift(before[chosen[0]]);
  return [chosen.map((k) => at[k]), chosen.map((k) => strength[k])];
}

/** Root mean square over `width` samples around each sample. */
function rms(x: Signal, width: number): Signal {
  const total = running(mapped(x, (v) => v * v));
  return made(x.length, (i) => {
    const start = clip(i - Math.floor(width / 2), 0, Math.max(0, x.length - width));
    const stop = Math.min(start + width, x.length);
    return Math.sqrt((total[stop] - total[start]) / (stop - start)) + 1e-300;
  });
}

interface Placed {
  /** Position and timing error [samples]. */
  position: number;
  jitter: number;
  likeness: number;
  size: number;
}

/** Move every beat to where the tapered median beat fits best (matched filter), three times. */
function placedBeats(x: Signal, start: Signal, half: number): Placed[] {
  const reach = Math.floor(half);
  const width = 2 * reach + 1;
  const window = taper(width);
  const far = Math.floor(half / 3);
  let position: Signal = start.slice();
  let middle = signal(width);
  let template = signal(width);
  for (let round = 0; round < 3; round++) {
    middle = medianBeat(pieces(x, position, reach));
    const level = dot(middle, window) / sum(window);
    template = mapped(middle, (v, i) => (v - level) * window[i]);
    position = mapped(position, (p, k) => {
      const wide = piece(x, p, reach + far);
      const fit = made(2 * far + 1, (lag) => dot(template, wide.subarray(lag, lag + width)));
      const best = argmax(fit);
      const inner = best > 0 && best < fit.length - 1;
      const moved = inner ? refine(fit, [best])[0] : best;
      return clip(p + moved - far, start[k] - half / 2, start[k] + half / 2);
    });
  }
  const rise = mapped(gradient(middle), (v, i) => (Math.abs(i - reach) <= half / 2 ? v : -Infinity));
  const shift = argmax(rise) - reach;
  const own = pieces(x, position, reach);
  const shape = mapped(middle, (v, i) => v * window[i]);
  const size = Float64Array.from(own, (p) => dot(p, template));
  const nearby = runningMedian(size, 11);
  const jitter = timingError(x, position, template, half);
  return own.map((p, k) => ({
    position: position[k] + shift,
    jitter: jitter[k],
    likeness: correlation(mapped(p, (v, i) => v * window[i]), shape),
    size: Math.max(size[k], 0) / Math.max(nearby[k], 1e-300),
  }));
}

/** Samples of x from −reach to reach around a position between samples. */
function piece(x: Signal, position: number, reach: number): Signal {
  return made(2 * reach + 1, (i) => {
    const at = clip(position + i - reach, 0, x.length - 1);
    const k = Math.min(Math.floor(at), x.length - 2);
    return x[k] + (x[k + 1] - x[k]) * (at - k);
  });
}

function pieces(x: Signal, position: Signal, reach: number): Signal[] {
  return Array.from(position, (p) => piece(x, p, reach));
}

function medianBeat(all: Signal[]): Signal {
  return made(all[0].length, (i) => median(all.map((p) => p[i])));
}

/** Standard error of each beat's place [samples], from what the median beat leaves over. */
function timingError(x: Signal, position: Signal, template: Signal, half: number): Signal {
  const reach = Math.floor((4 * half) / 3);
  const width = template.length;
  const all = pieces(x, position, Math.floor(width / 2) + reach);
  const shape = medianBeat(all);
  const power = Math.max(dot(shape, shape), 1e-300);
  const slide = (values: Signal) => made(2 * reach + 1, (lag) => dot(template, values.subarray(lag, lag + width)));
  const curvature = gradient(gradient(slide(shape)))[reach];
  const square = Float64Array.from(all, (p) => {
    const size = dot(p, shape) / power;
    const noise = gradient(slide(mapped(p, (v, i) => v - size * shape[i])));
    let total = 0;
    let count = 0;
    noise.forEach((n, i) => {
      if (Math.abs(i - reach) < (2 * half) / 3) return;
      total += n * n;
      count++;
    });
    return total / count;
  });
  const last = square.length - 1;
  return mapped(square, (s, k) => {
    const near = (square[Math.max(0, k - 1)] + s + square[Math.min(last, k + 1)]) / 3;
    return Math.sqrt(near) / Math.max(Math.abs(curvature), 1e-300);
  });
}

function correlation(one: Signal, other: Signal): number {
  const [m, n] = [mean(one), mean(other)];
  let product = 0;
  let a = 0;
  let b = 0;
  for (let i = 0; i < one.length; i++) {
    product += (one[i] - m) * (other[i] - n);
    a += (one[i] - m) ** 2;
    b += (other[i] - n) ** 2;
  }
  return product / Math.max(Math.sqrt(a * b), 1e-300);
}

/** How far, in octaves, the intervals at each beat are from the median of those around. */
function unevenness(interval: Signal): Signal {
  const usual = runningMedian(interval, 11);
  const off = mapped(interval, (v, k) => Math.abs(Math.log2(v / usual[k])));
  const last = off.length - 1;
  return made(off.length + 1, (k) => Math.max(off[Math.max(0, k - 1)], off[Math.min(last, k)]));
}

/** The median of the values around each, mirrored at the ends. */
function runningMedian(x: Signal, most: number): Signal {
  const width = Math.min(most, 2 * Math.floor((x.length + 1) / 2) - 1);
  return mapped(x, (_, k) => median(around(x, k, width)));
}

/** `width` values around one, mirrored at the ends. */
export function around(x: Signal, k: number, width: number): Signal {
  const half = Math.floor(width / 2);
  const last = x.length - 1;
  return made(width, (i) => {
    const at = Math.abs(k + i - half);
    return x[at > last ? 2 * last - at : at];
  });
}

/** Probability that this is a beat and at most 50 ms off: a logistic of five facts. */
function qualityOf([likeness, strength, jitter, uneven, size]: number[]): number {
  const facts = [
    Math.atanh(clip(likeness, 0, 0.995)),
    strength,
    Math.log(clip(jitter / 0.02, 0.05, 20)),
    Math.min(uneven, 0.7),
    Math.max(0.5 - size, 0),
  ];
  return logistic(dot(facts, WEIGHTS.slice(1)) + WEIGHTS[0]);
}
