// Light that changes: exposure hunting and mains flicker. See report/light.py.

import { type Signal, argmax, made, mapped, mean, median, rounded, taper } from "./arrays";
import { rateOf, runs, uniform } from "./clean";
import constants from "./constants.json";
import { pictureRate } from "./lamps";

const {
  LUMA,
  MAINS_HZ,
  MAINS_TOLERANCE_HZ,
  HARMFUL_HZ,
  SEGMENT_S,
  LINE_TO_FLOOR,
  ACHROMATIC,
  CHANGE_S,
  SMOOTH_S,
} = constants["report.light"];

export type Colour = readonly Signal[];

/** Brightness 0–255 of gamma-coded colours (ITU-R BT.601). */
export function lumaOf([red, green, blue]: Colour): Signal {
  return mapped(red, (r, t) => LUMA[0] * r + LUMA[1] * green[t] + LUMA[2] * blue[t]);
}

/** Mean over 2·half + 1 samples, at the ends over those inside; NaN stays. */
export function movingMean(x: Signal, half: number): Signal {
  const total = new Float64Array(x.length + 1);
  const count = new Float64Array(x.length + 1);
  x.forEach((v, i) => {
    const known = Number.isFinite(v);
    total[i + 1] = total[i] + (known ? v : 0);
    count[i + 1] = count[i] + Number(known);
  });
  return mapped(x, (v, i) => {
    if (!Number.isFinite(v)) return NaN;
    const start = Math.max(0, i - half);
    const stop = Math.min(x.length, i + half + 1);
    return (total[stop] - total[start]) / Math.max(count[stop] - count[start], 1);
  });
}

/** Largest change of brightness [%] within one second that all regions and background share. */
export function largestCommonChange(skin: Colour[], back: Colour | null, time: Signal): number | null {
  const luma = [...skin, ...(back ? [back] : [])].map(lumaOf).filter((x) => x.some(Number.isFinite));
  if (time.length < 3 || luma.length === 0 || time[time.length - 1] - time[0] < 2 * CHANGE_S) return null;
  const rate = Math.min(rateOf(time), 30);
  const levels = luma.map((x) => mapped(x, (v) => Math.log(Math.max(v, 1))));
  const smooth = uniform(levels, time, rate)[0].map((x) => movingMean(x, rounded((SMOOTH_S * rate) / 2)));
  const hop = Math.max(1, rounded(CHANGE_S * rate));
  let most: number | null = null;
  for (let n = hop; n < smooth[0].length; n++) {
    const change = smooth.map((x) => x[n] - x[n - hop]);
    if (!change.every(Number.isFinite)) continue;
    const same = Math.abs(change.reduce((a, c) => a + Math.sign(c), 0)) === change.length;
    const shared = same ? Math.min(...change.map(Math.abs)) : 0;
    most = Math.max(most ?? 0, shared);
  }
  return most === null ? null : 100 * Math.expm1(most);
}

/** Amplitude [%] of lamp flicker that the frame rate folds into the heart band; null: too short. */
export function commonFlicker(skin: Colour[], back: Colour | null, time: Signal): number | null {
  if (time.length < 3 || time[time.length - 1] - time[0] < SEGMENT_S / 4) return null;
  const rate = pictureRate(time);
  const atRisk = MAINS_HZ.map((mains) => 2 * mains).filter((line) => {
    const seenAt = Math.abs(line - rate * rounded(line / rate));
    return seenAt >= HARMFUL_HZ[0] && seenAt <= HARMFUL_HZ[1];
  });
  const signals = [...meanOfSeen(skin), ...(back ?? [])];
  const found = segments(signals, time, rate);
  if (found.length === 0) return null;
  return Math.max(0, ...atRisk.map((line) => median(found.map((own) => lineOf(own, line, back !== null)))));
}

function meanOfSeen(skin: Colour[]): Signal[] {
  return [0, 1, 2].map((c) =>
    made(skin[0][0].length, (t) => {
      const seen = skin.map((rgb) => rgb[c][t]).filter(Number.isFinite);
      return mean(seen);
    }),
  );
}

interface Segment {
  time: Signal;
  change: Signal[];
}

/** Unbroken stretches of up to SEGMENT_S: times and relative change without slow drift. */
function segments(signals: Signal[], time: Signal, rate: number): Segment[] {
  const seen = Array.from(
    time,
    (at, t) => signals.every((x) => Number.isFinite(x[t])) && (t === 0 || at - time[t - 1] < 0.5),
  );
  const half = Math.max(1, rounded(rate));
  const size = Math.max(1, rounded(SEGMENT_S * rate));
  const out: Segment[] = [];
  for (const run of runs(seen)) {
    for (let start = run.start; start < run.stop; start += size) {
      const stop = Math.min(start + size, run.stop);
      if (time[stop - 1] - time[start] < SEGMENT_S / 4) continue;
      const change = signals.map((x) => {
        const lit = mapped(x.subarray(start, stop), (v) => Math.max(v, 1));
        const slow = movingMean(lit, half);
        return mapped(lit, (v, i) => v / slow[i] - 1);
      });
      out.push({ time: time.slice(start, stop), change });
    }
  }
  return out;
}

function lineOf({ time, change }: Segment, line: number, withBack: boolean): number {
  const step = 0.25 / Math.max(time[time.length - 1] - time[0], 1);
  const count = Math.ceil(4 / step);
  const frequency = made(count, (f) => line - 2 + f * step);
  const near = Array.from(frequency, (f) => Math.abs(f - line) <= MAINS_TOLERANCE_HZ);
  const amplitude = amplitudes(time, change, frequency);
  const floor = amplitude.map((a) => median(a.filter((_, f) => !near[f]).map((v) => v * v)));
  const face = made(count, (f) => (near[f] ? (amplitude[0][f] + amplitude[1][f] + amplitude[2][f]) / 3 : -1));
  const at = argmax(face);
  const clear = amplitude.map((a, c) => a[at] ** 2 > LINE_TO_FLOOR * Math.max(floor[c], 1e-18));
  if (!clear.slice(0, 3).every(Boolean)) return 0;
  const colours = amplitude.slice(0, 3).map((a) => a[at]);
  const common = withBack
    ? clear.slice(3).every(Boolean)
    : Math.min(...colours) >= ACHROMATIC * Math.max(...colours);
  return common ? 100 * mean(colours) : 0;
}

/** Amplitudes at given frequencies, from the frames' own times; one signal each. */
function amplitudes(time: Signal, change: Signal[], frequency: Signal): Signal[] {
  const window = taper(time.length);
  const scale = 2 / window.reduce((a, b) => a + b);
  const shaped = change.map((x) => mapped(x, (v, t) => v * window[t]));
  const out = change.map(() => new Float64Array(frequency.length));
  frequency.forEach((hertz, f) => {
    const real = new Float64Array(change.length);
    const imaginary = new Float64Array(change.length);
    time.forEach((at, t) => {
      const phase = -2 * Math.PI * hertz * (at - time[0]);
      const [c, s] = [Math.cos(phase), Math.sin(phase)];
      for (let k = 0; k < shaped.length; k++) {
        real[k] += shaped[k][t] * c;
        imaginary[k] += shaped[k][t] * s;
      }
    });
    for (let k = 0; k < shaped.length; k++) out[k][f] = scale * Math.hypot(real[k], imaginary[k]);
  });
  return out;
}

