// Breathing rate and wave from what breathing does to a pulse, and from motion. See vitals/breath.py.

import {
  type Signal,
  arange,
  argmax,
  clip,
  dot,
  geomspace,
  interp,
  largest,
  linspace,
  made,
  mapped,
  mean,
  median,
  place,
  quantile,
  rounded,
  signal,
  std,
  sum,
} from "./arrays";
import { type Beats, intervalsOf } from "./beats_types";
import { banded, runs, uniform } from "./clean";
import type { Timed } from "./combine";
import constants from "./constants.json";
import { THRESHOLD, logistic } from "./quality";
import { type Reading, withheld } from "./report_types";
import { spectrum } from "./spectrum";
import { spline } from "./spline";
import { level } from "./variability";

const {
  NAME,
  UNIT,
  RANGE_HZ,
  CLOCK_HZ,
  WINDOW_S,
  SHORTEST_S,
  CYCLES,
  GOOD_BEAT,
  HOLE_S,
  NEAR_HZ,
  FLOOR_HZ,
  LINE_FREE,
  CARRIES,
  MAYER_HZ,
  ENOUGH,
  WEIGHTS,
} = constants["vitals.breath"];
const METHOD = "fusion";

/** What breathing changes, by name, on the clock; NaN where it is not known. */
type Sources = Map<string, Signal>;

/** Breathing rate and a breath wave at 4 Hz, or why there is none. */
export function respiration(pulse: Timed, beats: Beats, colour: Timed, motion: Timed): [Reading, Timed | null] {
  const span: [number, number] = [pulse.time[0], pulse.time[pulse.time.length - 1]];
  const seconds = span[1] - span[0];
  if (seconds < SHORTEST_S) {
    const why = `a breathing rate needs 20 s but got ${seconds.toFixed(1)} s; record longer`;
    return [withheld(NAME, UNIT, why, { method: METHOD, span }), null];
  }
  const clock = arange(span[0], span[1], 1 / CLOCK_HZ);
  const intervals = intervalsOf(beats);
  const sources: Sources = new Map([
    ["baseline", fromWave(colour, clock)],
    ["size", fromBeats(beats, sizes(pulse, beats), clock)],
    ["interval", fromIntervals(beats, clock)],
    ["motion", fromWave(motion, clock)],
  ]);
  for (const [name, source] of sources) if (!source.some(Number.isFinite)) sources.delete(name);
  const highest = intervals.length.length ? clip(0.45 / median(intervals.length), 0.2, 1) : 0.5;
  const windows = startsOf(clock.length).flatMap((part) => windowOf(sources, part, highest) ?? []);
  if (windows.length === 0) {
    const why = "breathing needs 20 s of clean pulse without a break; keep still and in view";
    return [withheld(NAME, UNIT, why, { method: METHOD, span }), null];
  }
  return [readingOf(windows, span), { values: breathOf(sources, windows, clock.length), time: clock }];
}

/** A raw signal on the clock, short gaps bridged, long ones NaN. */
function fromWave(wave: Timed, clock: Signal): Signal {
  const [[fast], time] = uniform([wave.values], wave.time, 4 * CLOCK_HZ);
  const seen = fast.filter(Number.isFinite);
  if (seen.length < 2) return signal(clock.length, NaN);
  const usual = mean(seen);
  const known = mapped(fast, (x) => (Number.isFinite(x) ? x : usual));
  const at = (i: number) => (i >= 0 && i < known.length ? known[i] : 0);
  const smooth = mapped(known, (_, i) => (at(i - 2) + at(i - 1) + at(i) + at(i + 1)) / 4);
  const onClock = interp(clock, time, smooth);
  const unseen = mapped(fast, (x) => Number(!Number.isFinite(x)));
  const hidden = interp(clock, time, unseen, 1, 1);
  return mapped(onClock, (x, n) => (hidden[n] > 0 ? NaN : x));
}

/** One value a beat, smoothly joined; NaN where good beats are more than HOLE_S apart. */
function fromBeats(beats: Beats, values: Signal, clock: Signal): Signal {
  const good = Array.from(values, (v, k) => beats.quality[k] >= GOOD_BEAT && Number.isFinite(v));
  return smoothly(
    beats.time.filter((_, k) => good[k]),
    values.filter((_, k) => good[k]),
    clock,
  );
}

function fromIntervals(beats: Beats, clock: Signal): Signal {
  const { time, length, quality } = intervalsOf(beats);
  const good = Array.from(quality, (q) => q >= GOOD_BEAT);
  return smoothly(
    time.map((t, j) => t - length[j] / 2).filter((_, j) => good[j]),
    length.filter((_, j) => good[j]),
    clock,
  );
}

function smoothly(time: Signal, values: Signal, clock: Signal): Signal {
  if (time.length < 4) return signal(clock.length, NaN);
  const middle = median(values);
  const spread = 1.4826 * median(mapped(values, (v) => Math.abs(v - middle))) + 1e-12;
  const within = mapped(values, (v) => clip(v, middle - 4 * spread, middle + 4 * spread));
  const last = time.length - 1;
  return mapped(spline(within, time, clock), (x, n) => {
    const after = clip(place(time, clock[n]) - 1, 0, last - 1);
    const far = time[after + 1] - time[after] > HOLE_S;
    return far || clock[n] < time[0] - 2 || clock[n] > time[last] + 2 ? NaN : x;
  });
}

/** Height of the pulse at each beat: highest after its upslope less lowest before it. */
function sizes(pulse: Timed, beats: Beats): Signal {
  const seen: number[] = [];
  pulse.values.forEach((x, n) => Number.isFinite(x) && seen.push(n));
  if (beats.time.length < 2 || seen.length < 2) return signal(beats.time.length, NaN);
  const gaps = made(beats.time.length - 1, (k) => beats.time[k + 1] - beats.time[k]);
  const around = linspace(0, Math.min(0.3, 0.4 * median(gaps)), 20);
  const time = made(seen.length, (i) => pulse.time[seen[i]]);
  const values = made(seen.length, (i) => pulse.values[seen[i]]);
  const up: number[] = [];
  const down: number[] = [];
  for (const beat of beats.time) {
    const after = interp(mapped(around, (a) => beat + a), time, values);
    const before = interp(mapped(around, (a) => beat - a), time, values);
    up.push(largest(after) + largest(mapped(before, (v) => -v)));
    down.push(largest(before) + largest(mapped(after, (v) => -v)));
  }
  return Float64Array.from(median(up) >= median(down) ? up : down);
}

interface Part {
  start: number;
  stop: number;
}

function startsOf(length: number): Part[] {
  const width = Math.min(length, rounded(WINDOW_S * CLOCK_HZ));
  const count = Math.max(1, Math.ceil((length - width) / (width / 2)) + 1);
  return Array.from(linspace(0, length - width, count), (start) => ({
    start: Math.floor(start),
    stop: Math.floor(start) + width,
  }));
}

/** One stretch: rate [Hz], its standard error, trust, evidence of each source there. */
interface BreathWindow {
  rate: number;
  spread: number;
  trust: number;
  weights: Map<string, number>;
}

/** Join the sources over one stretch, or null where no source was seen long enough. */
function windowOf(sources: Sources, part: Part, highest: number): BreathWindow | null {
  const evidence = new Map<string, Signal>();
  let rates: Signal = signal(0);
  for (const [name, source] of sources) {
    const own = source.subarray(part.start, part.stop);
    const [seen] = runs(mapped(own, (x) => Number(Number.isFinite(x))));
    if (!seen || seen.stop - seen.start < SHORTEST_S * CLOCK_HZ) continue;
    const x = level(own.slice(seen.start, seen.stop));
    if (std(x) <= 1e-12) continue;
    const top = name === "size" || name === "interval" ? highest : FLOOR_HZ[1];
    const [at, ratio] = evidenceOf(x, top);
    rates = at;
    evidence.set(name, name === "interval" ? mapped(ratio, (r, i) => (at[i] < MAYER_HZ ? Math.min(r, 1) : r)) : ratio);
  }
  if (evidence.size === 0) return null;
  const all = [...evidence.values()];
  const joint = mapped(rates, (_, i) => sum(all.map((e) => e[i])));
  const double = interp(
    mapped(rates, (r) => 2 * r),
    rates,
    mapped(joint, (j) => Math.max(j, 0)),
    undefined,
    0,
  );
  const at = argmax(mapped(joint, (j, i) => j + 0.5 * double[i]));
  const near = (i: number) => Math.abs(rates[i] - rates[at]) <= NEAR_HZ;
  const [rate, spread] = centreOf(
    rates.filter((_, i) => near(i)),
    joint.filter((_, i) => near(i)),
  );
  const weights = new Map([...evidence].map(([n, e]) => [n, Math.max(largest(e.filter((_, i) => near(i))), 0)]));
  const seconds = (part.stop - part.start) / CLOCK_HZ;
  const rival = largest(joint.filter((_, i) => !near(i)));
  const facts = [
    joint[at],
    joint[at] - rival,
    [...weights.values()].filter((w) => w > 1).length,
    Number(at === 0 || at === rates.length - 1),
    Math.log(seconds / 40),
  ];
  const trust = logistic(dot(facts, WEIGHTS.slice(1)) + WEIGHTS[0]);
  return { rate, spread: 1.4 * Math.max(spread, 0.1 / seconds), trust, weights };
}

/** Rates [Hz] and log likelihood ratio of a breath there against coloured noise. */
function evidenceOf(x: Signal, top: number): [Signal, Signal] {
  const [frequency, power] = spectrum(x, CLOCK_HZ, 0.004);
  const inside = Array.from(frequency, (f, i) => (f >= FLOOR_HZ[0] && f <= top ? i : -1)).filter((i) => i >= 0);
  const logF = made(inside.length, (i) => Math.log(frequency[inside[i]]));
  const logP = made(inside.length, (i) => Math.log(power[inside[i]] + 1e-300));
  let keep = inside.map(() => true);
  let rest = logP;
  for (let round = 0; round < 4; round++) {
    const [slope, offset] = lineThrough(logF, logP, keep);
    rest = mapped(logP, (p, i) => p - slope * logF[i] - offset);
    const limit = quantile(rest, 0.85);
    keep = Array.from(rest, (r) => r <= limit);
  }
  const base = mean(rest.filter((_, i) => keep[i])) + LINE_FREE;
  const strength = geomspace(2, 100, 12);
  const out = signal(frequency.length);
  inside.forEach((bin, i) => {
    const over = Math.min(Math.exp(rest[i] - base), 300);
    const likely = Math.log(mean(mapped(strength, (s) => Math.exp((over * s) / (1 + s)) / (1 + s))));
    const ratio = logSum(Math.log(1 - CARRIES), Math.log(CARRIES) + Math.min(likely, 700));
    out[bin] = Math.min(ratio, ENOUGH) + Math.log1p(Math.max(ratio - ENOUGH, 0));
  });
  const wanted = (f: number) => f >= RANGE_HZ[0] && f <= RANGE_HZ[1];
  return [frequency.filter(wanted), out.filter((_, i) => wanted(frequency[i]))];
}

/** Slope and offset of the line of least squares through the points kept. */
function lineThrough(x: Signal, y: Signal, keep: boolean[]): [number, number] {
  const xs = x.filter((_, i) => keep[i]);
  const ys = y.filter((_, i) => keep[i]);
  const [mx, my] = [mean(xs), mean(ys)];
  const slope = sum(mapped(xs, (v, i) => (v - mx) * (ys[i] - my))) / sum(mapped(xs, (v) => (v - mx) ** 2));
  return [slope, my - slope * mx];
}

function logSum(a: number, b: number): number {
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/** Mean and standard deviation of the rate [Hz] under exp(evidence). */
function centreOf(rates: Signal, joint: Signal): [number, number] {
  const top = largest(joint);
  const weight = mapped(joint, (j) => Math.exp(j - top));
  const total = sum(weight);
  const centre = dot(weight, rates) / total;
  return [centre, Math.sqrt(dot(weight, mapped(rates, (r) => (r - centre) ** 2)) / total)];
}

/** The weighted mean of the trusted windows' rates, less those far off their median. */
function readingOf(windows: BreathWindow[], span: [number, number]): Reading {
  const quality = clip(mean(windows.map((w) => w.trust)), 0, 1);
  const most = Math.max(...windows.map((w) => w.trust));
  const trusted = windows.filter((w) => w.trust >= Math.min(THRESHOLD, most));
  const middle = median(trusted.map((w) => w.rate));
  const close = trusted.filter((w) => Math.abs(w.rate - middle) <= 2 * NEAR_HZ);
  const used = close.length ? close : trusted;
  const rates = used.map((w) => w.rate);
  const weight = used.map((w) => w.trust + 1e-9);
  const average = (x: number[]) => dot(x, weight) / sum(weight);
  const rate = average(rates);
  const seconds = span[1] - span[0];
  if (quality < THRESHOLD) {
    const found = rates.slice(0, 4).map((r) => (60 * r).toFixed(0));
    const why =
      "breathing was not clear: pulse, colour and motion do not agree on one rate " +
      `(nearest ${found.join(", ")} breaths/min); keep still, breathe calmly and record 60 s`;
    return withheld(NAME, UNIT, why, { method: METHOD, span, quality });
  }
  if (rate * seconds < CYCLES) {
    const why =
      `a breathing rate needs ${CYCLES.toFixed(0)} breaths but ${seconds.toFixed(0)} s held ` +
      `${(rate * seconds).toFixed(1)}; record longer`;
    return withheld(NAME, UNIT, why, { method: METHOD, span, quality });
  }
  const own = average(used.map((w) => w.spread));
  const across = Math.sqrt(average(rates.map((r) => (r - rate) ** 2)));
  const half = (1.96 * Math.hypot(own, across)) / Math.sqrt(Math.max(1, used.length / 2));
  const [low, high] = [60 * Math.max(0, rate - half), 60 * (rate + half)];
  return { name: NAME, value: 60 * rate, unit: UNIT, low, high, quality, method: METHOD, span, why: "" };
}

/** The sources, each the same way up as the strongest, added by their weights. */
function breathOf(sources: Sources, windows: BreathWindow[], length: number): Signal {
  const weight = new Map(
    [...sources.keys()].map((n) => [n, mean(windows.map((w) => w.weights.get(n) ?? 0)) + 1e-3]),
  );
  const within = new Map([...sources].map(([n, source]) => [n, inBand(source)]));
  let best = "";
  for (const [n, w] of weight) if (best === "" || w > weight.get(best)!) best = n;
  const lead = within.get(best)!;
  const total = signal(length);
  const norm = signal(length);
  for (const [n, x] of within) {
    let same = 0;
    x.forEach((v, i) => Number.isFinite(v) && Number.isFinite(lead[i]) && (same += v * lead[i]));
    x.forEach((v, i) => {
      if (!Number.isFinite(v)) return;
      total[i] += (same < 0 ? -1 : 1) * weight.get(n)! * v;
      norm[i] += weight.get(n)!;
    });
  }
  return mapped(total, (v, i) => (norm[i] > 0 ? v / norm[i] : NaN));
}

function inBand(source: Signal): Signal {
  const out = signal(source.length, NaN);
  for (const run of runs(mapped(source, (x) => Number(Number.isFinite(x))))) {
    if (run.stop - run.start < SHORTEST_S * CLOCK_HZ) continue;
    const x = banded(level(source.slice(run.start, run.stop)), CLOCK_HZ, RANGE_HZ[0], RANGE_HZ[1]);
    const spread = std(x) + 1e-12;
    out.set(
      x.map((v) => v / spread),
      run.start,
    );
  }
  return out;
}
