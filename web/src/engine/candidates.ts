// The competing pulses of one gapless part of a trace. See waves/auto.py.

import { type Signal, InputError, isFinite, largest, made, mapped, mean, median, rounded, signal, solved, std, taper } from "./arrays";
import { type Run, atTimes, bandpass, banded, clockOf, normalized, runsInTime } from "./clean";
import constants from "./constants.json";
import { type Network, guided } from "./guide";
import { type Lamp, withoutLamps } from "./lamps";
import { type Colours, type Method, channel, chrom, green, pos, starts } from "./methods";
import { type Trace, boxSide, channelOf, mainRegion } from "./trace";
import { waveOf } from "./wave";

const { BAND_HZ, SHORTEST_S, SLOWEST_HZ, TYPICAL_STRENGTH, REGRESSION_S, CHAPTER_S, RIDGE, FINGER } =
  constants["waves.auto"];
const { HOP_S, WINDOW_S } = constants["waves.evidence"];

export const AUTO = constants["waves.auto"].AUTO;
const MIXED: Method[] = [pos, chrom, green];
const OF_FINGER: Method[] = [0, 1, 2]
  .map((index): Method => (rgb, rate) => channel(rgb, rate, index))
  .concat([pos, chrom]);

/** A gapless piece of a trace on its uniform clock. */
export interface Part {
  trace: Trace;
  time: Signal;
  /** Of the one method asked for, or null. */
  wave: Signal | null;
  rate: number;
  /** What was taken out of the trace. */
  lamps: Lamp[];
}

/** Competing pulse estimates of one part on one clock; columns of N samples. */
export interface Candidates {
  values: Signal[];
  /** Number of the method of each column. */
  method: number[];
  /** Relative R, G, B of the skin as it is, and without what light and motion explain. */
  colour: Signal[];
  /** Face position in face widths. */
  motion: Signal[];
  /** Powers of it, in face widths too, within the heart's band. */
  place: Signal[];
  /** Relative brightness behind the face; may be empty. */
  background: Signal[];
  /** Pulse and log odds of the guide, or empty. */
  guide: Signal[];
  time: Signal;
  rate: number;
}

/** The gapless stretches of a trace of at least SHORTEST_S without lamps, long ones in chapters. */
export function partsOf(given: Trace, method: string, rate: number): Part[] {
  if (rate < SLOWEST_HZ) {
    throw new InputError(`a pulse needs ${SLOWEST_HZ} pictures a second but got ${rate.toFixed(1)}`);
  }
  const [trace, lamps] = withoutLamps(given);
  const time = clockOf(trace.time, rate);
  const main = atTimes(channelOf(trace, trace.names.indexOf(mainRegion(trace)), 0), trace.time, time);
  const wave = method === AUTO ? null : waveOf(trace, method, rate);
  const seen = Array.from(main, (x, n) => Number.isFinite(x) && (!wave || Number.isFinite(wave[n])));
  return runsInTime(seen)
    .filter((run) => run.stop - run.start >= SHORTEST_S * rate)
    .flatMap((run) => chapters(run, rate))
    .map(({ start, stop }) => ({
      trace,
      time: time.slice(start, stop),
      wave: wave && wave.slice(start, stop),
      rate,
      lamps,
    }));
}

function chapters(run: Run, rate: number): Run[] {
  const hop = Math.max(1, rounded(HOP_S * rate));
  const width = rounded(WINDOW_S * rate);
  const length = Math.max(1, rounded(CHAPTER_S / HOP_S)) * hop;
  const found: number[] = [];
  for (let start = run.start; start < run.stop; start += length) found.push(start);
  while (found.length > 1 && run.stop - found[found.length - 1] < 2 * width) found.pop();
  return found.map((start, k) => ({
    start,
    stop: k + 1 < found.length ? found[k + 1] + width - hop : run.stop,
  }));
}

/** The competing pulses of one part. guide: the network that is asked too, or null. */
export async function candidatesOf(part: Part, guide: Network | null): Promise<Candidates> {
  const { trace, time, rate } = part;
  const colour = trace.names.map(
    (_, r) => [0, 1, 2].map((c) => atTimes(channelOf(trace, r, c), trace.time, time)) as unknown as Colours,
  );
  const scene = sceneOf(colour, part);
  let asked: Signal[] = [];
  let waves: Signal[][];
  if (part.wave) {
    waves = [[scaled(part.wave)]];
  } else {
    if (guide && !trace.names.includes(FINGER)) asked = await guided(guide, colour, trace, rate);
    waves = scene.kinds.flatMap((kind) => scene.methods.map((of) => kind.map((rgb) => of(rgb, rate))));
  }
  const [low, high] = band(rate);
  return {
    values: bandpass(waves.flat(), rate, low, high),
    method: waves.flatMap((wave, k) => wave.map(() => k)),
    colour: scene.colour,
    motion: scene.motion,
    place: bandpass(powers(scene.motion), rate, low, high),
    background: scene.behind,
    guide: asked,
    time,
    rate,
  };
}

interface Scene {
  /** Colours of the regions seen throughout: raw, and without what motion and background explain. */
  kinds: Colours[][];
  methods: Method[];
  colour: Signal[];
  motion: Signal[];
  behind: Signal[];
}

function sceneOf(colour: Colours[], part: Part): Scene {
  const { trace, time, rate } = part;
  const box = [0, 1, 2, 3].map((side) => atTimes(boxSide(trace, side), trace.time, time));
  const motion = position(box);
  const behind = behindOf(colour, trace.names, rate);
  const raw = colour
    .filter((rgb, r) => trace.names[r] !== "background" && rgb.every(isFinite))
    .map((rgb) => rgb.map((c) => mapped(c, (x) => Math.max(x, 1e-3))) as unknown as Colours);
  const cause = [...motion, ...motion.map((m) => mapped(m, (x) => x * x)), ...behind];
  const moves = cause.some((c) => c.some((x) => x !== 0));
  const kinds = moves ? [raw, without(raw, cause, rate)] : [raw];
  const relative = [...relativeOf(kinds[0]), ...relativeOf(kinds[kinds.length - 1])];
  const finger = trace.names.includes(FINGER);
  return {
    kinds,
    methods: finger ? OF_FINGER : MIXED,
    colour: finger ? relative.map((c) => signal(c.length)) : relative,
    motion,
    behind,
  };
}

export function band(rate: number): [number, number] {
  return [BAND_HZ[0], Math.min(BAND_HZ[1], 0.45 * rate)];
}

/** Relative change of red, green and blue, mean over the regions. */
function relativeOf(kind: Colours[]): Signal[] {
  return [0, 1, 2].map((c) => {
    const means = kind.map((rgb) => mean(rgb[c]));
    return made(kind[0][c].length, (t) => {
      let total = 0;
      for (let r = 0; r < kind.length; r++) total += kind[r][c][t] / means[r];
      return total / kind.length - 1;
    });
  });
}

/** Colours less what nuisance signals explain of them, by least squares in sliding windows. */
function without(colour: Colours[], nuisance: Signal[], rate: number): Colours[] {
  const [low, high] = band(rate);
  const flat = colour.flatMap((rgb) => [...rgb]);
  const means = flat.map(mean);
  const change = bandpass(
    flat.map((c, k) => mapped(c, (x) => x / means[k] - 1)),
    rate,
    low,
    high,
  );
  const cause = bandpass(nuisance, rate, low, high);
  const length = change[0].length;
  const width = Math.min(length, rounded(REGRESSION_S * rate));
  const window = taper(width);
  const explained = flat.map(() => signal(length));
  const total = signal(length);
  for (const start of starts(length, width)) {
    const x = cause.map((c) => {
      const piece = c.subarray(start, start + width);
      const spread = std(piece) + 1e-9;
      return mapped(piece, (v) => v / spread);
    });
    const y = change.map((c) => c.subarray(start, start + width));
    const normal = x.map((a, i) =>
      made(x.length, (j) => product(a, x[j]) + (i === j ? RIDGE * width : 0)),
    );
    const share = solved(
      normal,
      x.map((a) => made(y.length, (k) => product(a, y[k]))),
    );
    for (let i = 0; i < width; i++) {
      total[start + i] += window[i];
      for (let k = 0; k < flat.length; k++) {
        let sum = 0;
        for (let j = 0; j < x.length; j++) sum += x[j][i] * share[j][k];
        explained[k][start + i] += window[i] * sum;
      }
    }
  }
  const cleaned = flat.map((c, k) =>
    mapped(c, (v, t) => Math.max(v - (explained[k][t] / Math.max(total[t], 1e-6)) * means[k], 1e-3)),
  );
  return colour.map((_, r) => cleaned.slice(3 * r, 3 * r + 3) as unknown as Colours);
}

function product(a: Signal, b: Signal): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

/** One wave of unknown unit, scaled to a pulse of ordinary strength. */
function scaled(wave: Signal): Signal {
  const middle = mean(wave);
  const spread = std(wave) + 1e-12;
  return mapped(wave, (x) => (x - middle) * (TYPICAL_STRENGTH / spread));
}

/** Place of the box in box widths; zeros where it is not known throughout. */
function position(box: Signal[]): Signal[] {
  const length = box[0].length;
  if (!box.every(isFinite)) return [signal(length), signal(length)];
  const width = Math.max(1, median(made(length, (t) => box[2][t] - box[0][t])));
  return [0, 1].map((axis) => {
    const centre = made(length, (t) => (box[axis][t] + box[axis + 2][t]) / 2);
    const middle = mean(centre);
    return mapped(centre, (x) => (x - middle) / width);
  });
}

/** The place and its powers up to the fourth, each as wide as the place itself. */
function powers(motion: Signal[]): Signal[] {
  const widest = motion.map((x) => largest(mapped(x, Math.abs)) + 1e-9);
  return [1, 2, 3, 4].flatMap((k) => motion.map((x, j) => mapped(x, (v) => widest[j] * (v / widest[j]) ** k)));
}

/** Relative colour of the background, or nothing where it is not seen throughout. */
function behindOf(colour: Colours[], names: string[], rate: number): Signal[] {
  const at = names.indexOf("background");
  if (at < 0) return [];
  const behind = colour[at];
  if (!behind.every((c) => isFinite(c) && c.every((x) => x > 0))) return [];
  return behind.map((c) => normalized(c, rate, 2.0));
}

/** A part's one wave within the band, for `alone`. */
export function bandedAlone(wave: Signal, rate: number): Signal {
  const [low, high] = band(rate);
  return banded(scaled(wave), rate, low, high);
}
