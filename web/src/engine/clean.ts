// Samples with their own times -> one uniform clock, gaps kept; band-pass. See dsp/clean.py.

import {
  type Numbers,
  type Signal,
  InputError,
  clip,
  diff,
  made,
  median,
  place,
  rounded,
  running,
  signal,
} from "./arrays";
import constants from "./constants.json";
import { fastLength, forward, inverse } from "./fft";

const { GAP_S, AT_S } = constants["dsp.clean"];

/** A stretch of samples, as Python's slice. */
export interface Run {
  start: number;
  stop: number;
}

/** Median sampling rate [Hz] of a clock of at least two samples [s]. */
export function rateOf(time: Numbers): number {
  if (time.length < 2) throw new InputError(`a rate needs 2 samples but got ${time.length}; record longer`);
  return 1 / median(diff(time));
}

/** Times of the uniform clock [s] of these samples at `rate` [Hz]. */
export function clockOf(time: Numbers, rate: number): Signal {
  if (!(rate > 0) || time.length < 2) {
    throw new InputError(`uniform needs rate > 0 and 2 samples, got ${rate} and ${time.length}`);
  }
  const count = Math.floor((time[time.length - 1] - time[0]) * rate + 1e-6) + 1;
  return made(count, (i) => time[0] + i / rate);
}

/** Columns of samples on a uniform clock by linear interpolation; gaps above GAP_S stay gaps. */
export function uniform(columns: readonly Numbers[], time: Numbers, rate: number): [Signal[], Signal] {
  const clock = clockOf(time, rate);
  return [columns.map((column) => atTimes(column, time, clock)), clock];
}

/** One column of samples at other times; NaN in gaps longer than `gap` [s] and outside. */
export function atTimes(values: Numbers, time: Numbers, wanted: Numbers, gap = GAP_S): Signal {
  const out = signal(wanted.length, NaN);
  const seen: number[] = [];
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) seen.push(i);
  if (seen.length < 2) return out;
  const known = made(seen.length, (i) => time[seen[i]]);
  const last = seen.length - 1;
  for (let n = 0; n < wanted.length; n++) {
    const at = wanted[n];
    if (at < known[0] - AT_S || at > known[last] + AT_S) continue;
    const left = clip(place(known, at, true) - 1, 0, last - 1);
    const span = known[left + 1] - known[left];
    if (span > gap && at > known[left] + AT_S && at < known[left + 1] - AT_S) continue;
    const share = (at - known[left]) / span;
    out[n] = values[seen[left]] * (1 - share) + values[seen[left + 1]] * share;
  }
  return out;
}

/** The stretches of true, longest first. */
export function runs(seen: ArrayLike<boolean | number>): Run[] {
  const found: Run[] = [];
  let start = -1;
  for (let i = 0; i <= seen.length; i++) {
    if (i < seen.length && seen[i]) {
      if (start < 0) start = i;
    } else if (start >= 0) {
      found.push({ start, stop: i });
      start = -1;
    }
  }
  return found.sort((a, b) => b.stop - b.start - (a.stop - a.start));
}

/** The same stretches, in order of time. */
export function runsInTime(seen: ArrayLike<boolean | number>): Run[] {
  return runs(seen).sort((a, b) => a.start - b.start);
}

/**
 * Zero-phase band-pass of columns with the gain of a Butterworth filter run forth and back.
 * columns: (N,) each, without gaps.   rate, low, high: [Hz].
 */
export function bandpass(
  columns: readonly Numbers[],
  rate: number,
  low: number,
  high: number,
  order = 3,
): Signal[] {
  if (!(0 < low && low < high && high < rate / 2)) {
    throw new InputError(
      `bandpass needs 0 < low < high < rate/2 but got ${low}, ${high} at ${rate} Hz; ` +
        "use a higher frame rate or a lower band",
    );
  }
  if (columns.length === 0) return [];
  const length = columns[0].length;
  const pad = Math.min(length - 1, Math.ceil((2 * rate) / low));
  const total = length + 2 * pad;
  const size = fastLength(total);
  const gain = gains(size, rate, low, high, order);
  const out: Signal[] = [];
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  for (let k = 0; k < columns.length; k += 2) {
    // the filter is real and even, so that two signals go through as one complex signal
    continueOddly(columns[k], pad, real);
    if (k + 1 < columns.length) continueOddly(columns[k + 1], pad, imaginary);
    else imaginary.fill(0);
    forward(real, imaginary);
    for (let i = 0; i < size; i++) {
      const g = gain[i <= size / 2 ? i : size - i];
      real[i] *= g;
      imaginary[i] *= g;
    }
    inverse(real, imaginary);
    out.push(real.slice(pad, pad + length));
    if (k + 1 < columns.length) out.push(imaginary.slice(pad, pad + length));
  }
  return out;
}

/** `bandpass` of one signal. */
export function banded(values: Numbers, rate: number, low: number, high: number): Signal {
  return bandpass([values], rate, low, high)[0];
}

function gains(size: number, rate: number, low: number, high: number, order: number): Signal {
  return made(Math.floor(size / 2) + 1, (i) => {
    if (i === 0) return 0;
    const frequency = (i * rate) / size;
    const detuning = (frequency ** 2 - low * high) / (frequency * (high - low));
    return 1 / (1 + detuning ** (2 * order));
  });
}

/** The signal continued oddly at both ends, less the line from end to end, then zeros. */
function continueOddly(x: Numbers, pad: number, out: Signal): void {
  const last = x.length - 1;
  const total = x.length + 2 * pad;
  for (let i = 0; i < pad; i++) {
    out[i] = 2 * x[0] - x[pad - i];
    out[pad + x.length + i] = 2 * x[last] - x[last - 1 - i];
  }
  for (let i = 0; i < x.length; i++) out[pad + i] = x[i];
  const first = out[0];
  const slope = total > 1 ? (out[total - 1] - first) / (total - 1) : 0;
  for (let i = 0; i < total; i++) out[i] -= first + slope * i;
  out.fill(0, total);
}

/** Relative change: values / moving mean over `window` seconds − 1, of one signal > 0. */
export function normalized(x: Signal, rate: number, window: number): Signal {
  const half = Math.max(1, rounded((window * rate) / 2));
  const total = running(x);
  return made(x.length, (i) => {
    const start = Math.max(0, i - half);
    const stop = Math.min(x.length, i + half + 1);
    const mean = (total[stop] - total[start]) / (stop - start);
    return x[i] / Math.max(mean, 1e-9) - 1;
  });
}
