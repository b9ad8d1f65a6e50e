// Heart rate with quality and interval, or the reason why it is withheld. See vitals/heart.py.

import { type Signal, argmax, largest, made, mapped, mean, median, place, rounded, std } from "./arrays";
import { type Beats, joinedBeats } from "./beats_types";
import constants from "./constants.json";
import { type Evidence, FACT_NAMES, RATES_BPM } from "./evidence";
import { type Lamp, covers, hiddenBy, tooMany } from "./lamps";
import { TRUST, logOdds, posterior, shareOfWindow } from "./posterior";
import { RIGHT_BPM, THRESHOLD, interval, logOddsOf, trust } from "./quality";
import { type Reading, withheld } from "./report_types";

const {
  NAME,
  UNIT,
  REFINE_BPM,
  NEAR_BPM,
  COVERED,
  AGREE,
  FEWEST,
  ABOUT_S,
  MOVES,
  MOVES_BPM,
  MOVES_MOST,
  FEW_BITS,
  UNREST_WINDOWS,
  UNREST_FEWEST,
  UNREST_MOST,
} = constants["vitals.heart"];
const F = RATES_BPM.length;
const D = FACT_NAMES.length;

/** What the posterior says of one window. */
export interface HeartWindow {
  /** [bpm] */
  rate: number;
  spread: number;
  /** Probability within RIGHT_BPM of the rate. */
  mass: number;
  /** Probability of no pulse. */
  null: number;
  /** Whether the head moves notably at this rate. */
  moved: boolean;
  /** [s] */
  start: number;
  stop: number;
}

/** The most probable rate of every window, refined between the states by the local mean. */
export function heartWindows(evidence: Evidence): HeartWindow[] {
  const odds = logOdds(evidence);
  const probability = posterior(odds, evidence);
  const known = shareOfWindow(evidence);
  return probability.map((all, m) => {
    const states = all.subarray(0, F);
    const about = RATES_BPM[argmax(states)];
    const top = largest(odds[m]);
    const near = (f: number) => Math.abs(RATES_BPM[f] - about) <= NEAR_BPM;
    const local = normal(
      mapped(states, (p, f) => (near(f) ? p * Math.exp((1 - known) * (odds[m][f] - top)) : 0)),
    );
    const best = RATES_BPM[argmax(local)];
    const peak = normal(mapped(local, (p, f) => (Math.abs(RATES_BPM[f] - best) <= REFINE_BPM ? p : 0)));
    const rate = sumOf((f) => peak[f] * RATES_BPM[f]);
    const right = sumOf((f) => (Math.abs(RATES_BPM[f] - rate) <= RIGHT_BPM ? local[f] : 0));
    const centre = evidence.centre[m];
    return {
      rate,
      spread: Math.sqrt(sumOf((f) => peak[f] * (RATES_BPM[f] - rate) ** 2)),
      mass: sumOf((f) => (near(f) ? states[f] : 0)) * right,
      null: all[F],
      moved: movesAt(evidence, m, rate),
      start: centre - evidence.length / 2,
      stop: centre + evidence.length / 2,
    };
  });
}

function sumOf(of: (f: number) => number): number {
  let total = 0;
  for (let f = 0; f < F; f++) total += of(f);
  return total;
}

function normal(x: Signal): Signal {
  const total = x.reduce((a, b) => a + b);
  return mapped(x, (v) => v / total);
}

/** Whether what is seen at the rate could be motion alone. */
function movesAt({ facts, explained, swing }: Evidence, m: number, rate: number): boolean {
  const at = FACT_NAMES.indexOf("motion");
  const motion = made(F, (f) => Math.exp(facts[m][f * D + at]));
  const near = Array.from(RATES_BPM, (r, f) => (Math.abs(r - rate) <= MOVES_BPM ? [f] : [])).flat();
  const most = (x: Signal) => Math.max(...near.map((f) => x[f]));
  if (most(motion) > MOVES && most(motion) > MOVES_MOST * largest(motion)) return true;
  return most(swing[m]) > MOVES && mean(near.map((f) => explained[m][f])) > 0.5;
}

/** A rate to look for beats with [bpm]: the median of the windows, the likely ones; or null. */
export function expectedRate(windows: HeartWindow[]): number | null {
  if (windows.length === 0) return null;
  const usual = median(windows.map((w) => w.mass));
  return median(windows.filter((w) => w.mass >= usual).map((w) => w.rate));
}

/** The same windows, their rates from the intervals between beats where these can be had. */
export function byBeats(windows: HeartWindow[], beats: Beats): HeartWindow[] {
  return windows.map((w) => {
    const inside = Array.from(beats.time, (t) => t >= w.start && t <= w.stop);
    return { ...w, rate: meanRate(beats, inside, w.stop - w.start, w.rate) };
  });
}

/** Mean rate of the beats inside [bpm] if they cover the seconds and agree, otherwise `rate`. */
function meanRate(beats: Beats, inside: boolean[], seconds: number, rate: number): number {
  let count = 0;
  let total = 0;
  joinedBeats(beats).forEach((joined, k) => {
    if (!joined || !inside[k] || !inside[k + 1]) return;
    count++;
    total += beats.time[k + 1] - beats.time[k];
  });
  if (count < FEWEST || total < COVERED * seconds) return rate;
  const found = (60 * count) / total;
  return Math.abs(found - rate) <= Math.max(RIGHT_BPM, AGREE * rate) ? found : rate;
}

/** What the readings of the heart rate are made of besides windows and beats. */
export interface HeartContext {
  method: string;
  span: [number, number];
  /** Why there are no windows, when there are none. */
  missing: string;
  /** Share of the bits that a pulse needs which the film has. */
  coded: number;
  /** That were taken out of the colours: a rate that one of them hides is withheld. */
  lamps: Lamp[];
}

/** The heart rate over all, and one reading a window [bpm]. */
export function heartRates(windows: HeartWindow[], beats: Beats, context: HeartContext): [Reading, Reading[]] {
  const { method, span, missing } = context;
  if (windows.length === 0) return [withheld(NAME, UNIT, missing, { method, span }), []];
  const odds = windows.map((w) => logOddsOf(w.mass));
  const hidden = windows.map((w) => hiddenBy(context.lamps, w.rate, w.start, w.stop));
  const rolling = windows.map((w, m) => {
    const centre = (w.start + w.stop) / 2;
    const about = windows.flatMap((v, n) =>
      Math.abs((v.start + v.stop) / 2 - centre) <= ABOUT_S ? [odds[n]] : [],
    );
    return ofWindow(w, hidden[m], [odds[m], mean(about)], context);
  });
  return [ofWhole(windows, hidden, beats, rolling, context), rolling];
}

function ofWindow(window: HeartWindow, hidden: boolean, features: number[], context: HeartContext): Reading {
  const { method, coded } = context;
  const span: [number, number] = [window.start, window.stop];
  const quality = trust(features, TRUST.window, coded);
  if (quality < THRESHOLD || window.moved || hidden) {
    return withheld(NAME, UNIT, why([window], [hidden], context), { method, span, quality });
  }
  const [low, high] = interval(window.rate, window.spread, TRUST.window_interval);
  return { name: NAME, value: window.rate, unit: UNIT, low, high, quality, method, span, why: "" };
}

function ofWhole(
  windows: HeartWindow[],
  hidden: boolean[],
  beats: Beats,
  rolling: Reading[],
  context: HeartContext,
): Reading {
  const { method, coded } = context;
  const trusted = windows.filter((_, m) => rolling[m].value !== null);
  const unrest = unrestOf(windows.map((w) => w.rate));
  const features = [
    mean(windows.map((w) => logOddsOf(w.mass))),
    trusted.length / windows.length,
    unrest,
  ];
  const quality = trust(features, TRUST.whole, coded);
  let span: [number, number] = [windows[0].start, windows[windows.length - 1].stop];
  if (quality < THRESHOLD || trusted.length === 0 || tooMany(hidden)) {
    return withheld(NAME, UNIT, why(windows, hidden, context), { method, span, quality });
  }
  const rate = wholeRate(trusted, beats);
  const spread = Math.hypot(mean(trusted.map((w) => w.spread)), unrest);
  const [low, high] = interval(rate, spread, TRUST.whole_interval);
  span = [Math.min(...trusted.map((w) => w.start)), Math.max(...trusted.map((w) => w.stop))];
  return { name: NAME, value: rate, unit: UNIT, low, high, quality, method, span, why: "" };
}

/** How much the rate goes to and fro [bpm]: noise that is followed does so more than a heart. */
function unrestOf(rates: number[]): number {
  if (rates.length < UNREST_FEWEST) return 0;
  const stretches = Math.max(1, rounded(rates.length / UNREST_WINDOWS));
  const found = splits(rates, stretches).map((rate) => {
    const time = rate.map((_, i) => i - (rate.length - 1) / 2);
    const square = time.reduce((a, t) => a + t * t, 0);
    const slope = time.reduce((a, t, i) => a + t * rate[i], 0) / square;
    return std(rate.map((r, i) => r - slope * time[i]));
  });
  return Math.min(mean(found), UNREST_MOST);
}

/** Parts of as equal length as can be, the longer ones first. */
function splits<T>(all: T[], count: number): T[][] {
  const [each, more] = [Math.floor(all.length / count), all.length % count];
  let at = 0;
  return Array.from({ length: count }, (_, k) => all.slice(at, (at += each + (k < more ? 1 : 0))));
}

/** Mean rate over the trusted windows [bpm], of their beats where these can be had. */
function wholeRate(trusted: HeartWindow[], beats: Beats): number {
  const start = trusted.map((w) => w.start);
  const inside = Array.from(beats.time, (t) => {
    const known = place(start, t, true) - 1;
    return known >= 0 && t <= trusted[known].stop;
  });
  const last = trusted[trusted.length - 1];
  let seconds = last.stop - last.start;
  for (let k = 0; k + 1 < trusted.length; k++) {
    seconds += Math.min(trusted[k].stop, trusted[k + 1].start) - trusted[k].start;
  }
  return meanRate(beats, inside, seconds, mean(trusted.map((w) => w.rate)));
}

function why(windows: HeartWindow[], hidden: boolean[], { coded, lamps }: HeartContext): string {
  if (mean(windows.map((w) => Number(w.moved))) > 0.5) {
    return "the head moves at the rate found, which could be motion alone; hold still";
  }
  if (tooMany(hidden) || lamps.some(covers)) {
    const lamp = lamps.reduce((a, b) => (b.blood > a.blood ? b : a));
    return (
      `the light flickers at ${(60 * lamp.seen).toFixed(0)} bpm: lamps on ${lamp.mains} Hz mains ` +
      `seen ${Number(lamp.rate.toPrecision(4))} times a second; use daylight, or another frame rate`
    );
  }
  if (coded < FEW_BITS) return "compression has left too little of the pulse; record with a higher bit rate";
  if (mean(windows.map((w) => Number(w.null > 0.5))) > 0.5) {
    return "no pulse stands out from noise; more light, less motion or less compression help";
  }
  return "several rates fit about equally well; hold still and keep the light steady";
}
