// Pulse from the mean colour of one region by fixed colour arithmetic: GREEN, CHROM, POS.
// See waves/classical.py. Systolic peak upward, relative colour change, zero mean.

import {
  type Signal,
  InputError,
  clip,
  isFinite,
  made,
  mapped,
  mean,
  running,
  signal,
  std,
  taper,
} from "./arrays";
import { bandpass } from "./clean";
import constants from "./constants.json";

const { SHORTEST_S, FLAT, CHROM_BAND_HZ, POS_PLANE, CHROM_PLANE } = constants["waves.classical"];
const { DARK } = constants["waves.inputs"];

/** Red, green and blue of one region over time. */
export type Colours = readonly [Signal, Signal, Signal];
export type Method = (rgb: Colours, rate: number) => Signal;

/** Pulse as the darkening of one channel: red 0, green 1, blue 2. */
export function channel(rgb: Colours, rate: number, index: number): Signal {
  check("channel", rgb, rate);
  return centred(mapped(relative(rgb)[index], (x) => -x));
}

/** Pulse as the darkening of the green channel (Verkruysse et al., 2008). */
export function green(rgb: Colours, rate: number): Signal {
  return channel(rgb, rate, 1);
}

/** Pulse by plane-orthogonal-to-skin (Wang et al., 2017, algorithm 1). */
export function pos(rgb: Colours, rate: number): Signal {
  check("pos", rgb, rate);
  const x = relative(rgb);
  const total = x[0].length;
  const length = Math.min(samples(SHORTEST_S, rate), total);
  const means = x.map((c) => windowMean(c, length));
  const count = total - length + 1;
  const covariance = covariances(x, means, length);
  const weights = [signal(count), signal(count), signal(count)];
  const offset = signal(count);
  for (let m = 0; m < count; m++) {
    const lit = means.map((c) => Math.max(c[m] + 1, FLAT));
    const spread = POS_PLANE.map((axis) => {
      let variance = 0;
      for (let c = 0; c < 3; c++)
        for (let d = 0; d < 3; d++)
          variance += (axis[c] * covariance[c][d][m] * axis[d]) / (lit[c] * lit[d]);
      return Math.sqrt(Math.max(variance, 0));
    });
    const tuning = spread[1] > FLAT ? spread[0] / spread[1] : 0;
    for (let c = 0; c < 3; c++) {
      weights[c][m] = (POS_PLANE[0][c] + tuning * POS_PLANE[1][c]) / lit[c];
      offset[m] += weights[c][m] * means[c][m];
    }
  }
  const spread = weights.map((w) => covering(w, length, total));
  const shift = covering(offset, length, total);
  return centred(
    made(total, (t) => shift[t] - (spread[0][t] * x[0][t] + spread[1][t] * x[1][t] + spread[2][t] * x[2][t])),
  );
}

/** Pulse by chrominance (de Haan & Jeanne, 2013, equations 7–9 and 13). */
export function chrom(rgb: Colours, rate: number): Signal {
  check("chrom", rgb, rate);
  const values = relative(rgb).map((c) => mapped(c, (x) => x + 1));
  const total = values[0].length;
  const even = samples(SHORTEST_S, rate);
  const length = Math.min(even + (even % 2), total);
  const high = Math.min(CHROM_BAND_HZ[1], 0.45 * rate);
  const window = taper(length);
  const out = signal(total);
  const weight = signal(total);
  for (const start of starts(total, length)) {
    const change = values.map((c) => {
      const piece = c.subarray(start, start + length);
      const level = Math.max(mean(piece), FLAT);
      return mapped(piece, (x) => x / level - 1);
    });
    const axes = CHROM_PLANE.map(([r, g, b]) =>
      made(length, (i) => r * change[0][i] + g * change[1][i] + b * change[2][i]),
    );
    const [x, y] = bandpass(axes, rate, CHROM_BAND_HZ[0], high);
    const below = std(y);
    const tuning = below > FLAT ? std(x) / below : 0;
    for (let i = 0; i < length; i++) {
      out[start + i] += window[i] * (x[i] - tuning * y[i]);
      weight[start + i] += window[i];
    }
  }
  return centred(made(total, (t) => out[t] / Math.max(weight[t], 1e-300)));
}

/** Colours / their mean over time − 1; a channel without light stays at 0. */
export function relative(rgb: Colours): [Signal, Signal, Signal] {
  const means = rgb.map(mean);
  const least = DARK * Math.max(...means, 1e-300);
  return rgb.map((c, k) =>
    means[k] > least ? mapped(c, (x) => x / means[k] - 1) : signal(c.length),
  ) as [Signal, Signal, Signal];
}

export function centred(x: Signal): Signal {
  const middle = mean(x);
  return mapped(x, (value) => value - middle);
}

/** Window starts half a window apart; the last is moved back to end with the signal. */
export function starts(total: number, length: number): number[] {
  const found: number[] = [];
  const hop = Math.max(1, Math.floor(length / 2));
  for (let start = 0; start <= total - length; start += hop) found.push(start);
  if (found[found.length - 1] !== total - length) found.push(total - length);
  return found;
}

export function check(method: string, rgb: Colours, rate: number): void {
  const length = rgb[0].length;
  if (!(rate > 0)) throw new InputError(`${method} needs a rate above 0 Hz but got ${rate}`);
  if (length < SHORTEST_S * rate - 1e-6) {
    throw new InputError(
      `${method} needs ${SHORTEST_S} s of signal but got ${(length / rate).toFixed(2)} s; record longer`,
    );
  }
  if (!rgb.every(isFinite)) throw new InputError(`${method} needs finite values; give one gapless run`);
}

/** The least number of samples that last `seconds`, at least 2. */
function samples(seconds: number, rate: number): number {
  return Math.max(2, Math.ceil(seconds * rate - 1e-6));
}

function windowMean(x: Signal, length: number): Signal {
  const total = running(x);
  return made(x.length - length + 1, (m) => (total[m + length] - total[m]) / length);
}

function covariances(x: Colours, means: Signal[], length: number): Signal[][] {
  const out: Signal[][] = [[], [], []];
  for (let c = 0; c < 3; c++)
    for (let d = c; d < 3; d++) {
      const product = windowMean(
        made(x[0].length, (t) => x[c][t] * x[d][t]),
        length,
      );
      out[c][d] = out[d][c] = mapped(product, (v, m) => v - means[c][m] * means[d][m]);
    }
  return out;
}

/** Mean of the values of the windows that cover each sample. */
function covering(values: Signal, length: number, total: number): Signal {
  const sums = running(values);
  return made(total, (t) => {
    const first = clip(t - length + 1, 0, values.length);
    const stop = clip(t + 1, 0, values.length);
    return (sums[stop] - sums[first]) / (stop - first);
  });
}
