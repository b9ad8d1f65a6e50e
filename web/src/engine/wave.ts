// The pulse methods by name, and one way to run any of them on a trace with gaps. See waves/run.py.

import { type Signal, InputError, isFinite, mean, signal, std } from "./arrays";
import { banded, runs, uniform } from "./clean";
import constants from "./constants.json";
import { type Colours, type Method, chrom, green, pos } from "./methods";
import { lgi, omit, pbv } from "./subspace";
import { type Trace, mainRegion, regionOf } from "./trace";

const { HEART_BAND_HZ } = constants["dsp.spectrum"];
const { SHORTEST_S } = constants["waves.classical"];

export const METHODS: Readonly<Record<string, Method>> = { green, chrom, pos, pbv, lgi, omit };

/**
 * The pulse of one region by one method on the uniform clock of `rate` [Hz], over every seen run
 * that is long enough: band-passed, zero mean, unit variance; NaN elsewhere.
 */
export function waveOf(trace: Trace, method: string, rate: number, region = mainRegion(trace)): Signal {
  const chosen = METHODS[method];
  if (!chosen) {
    throw new InputError(`no method '${method}'; choose one of auto, ${Object.keys(METHODS).join(", ")}`);
  }
  const [values, clock] = uniform(regionOf(trace, region), trace.time, rate);
  const seen = Array.from(clock, (_, n) => values.every((c) => Number.isFinite(c[n])));
  const out = signal(clock.length, NaN);
  let longest = 0;
  for (const run of runs(seen)) {
    const seconds = (run.stop - run.start) / rate;
    longest = Math.max(longest, seconds);
    if (seconds * rate < SHORTEST_S * rate - 1e-6) continue;
    const rgb = values.map((c) => c.slice(run.start, run.stop)) as unknown as Colours;
    const wave = chosen(rgb, rate);
    if (isFinite(wave)) out.set(unit(wave, rate), run.start);
  }
  if (!out.some(Number.isFinite)) {
    throw new InputError(
      `${method} needs ${SHORTEST_S} s without a gap but the longest stretch is ` +
        `${longest.toFixed(2)} s; record longer, or keep the face in view`,
    );
  }
  return out;
}

/** Within the heart band at unit variance. */
function unit(wave: Signal, rate: number): Signal {
  const middle = mean(wave);
  const out = banded(
    wave.map((x) => x - middle),
    rate,
    HEART_BAND_HZ[0],
    Math.min(HEART_BAND_HZ[1], 0.45 * rate),
  );
  const spread = std(out);
  return out.map((x) => (spread > 1e-12 ? x / spread : 0));
}
