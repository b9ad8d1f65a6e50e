// What the recording itself was like: facts, judged by stated limits, with remedies.
// See report/capture.py; the limits and remedies are Python's own.

import { type Signal, diff, made, mapped, mean, median, quantile, rounded, std } from "./arrays";
import { rateOf, uniform } from "./clean";
import constants from "./constants.json";
import { pictureRate } from "./lamps";
import { type Colour, commonFlicker, largestCommonChange, lumaOf, movingMean } from "./light";
import type { Finding, Source } from "./report_types";
import { type Trace, boxSide, channelOf } from "./trace";

const { BACKGROUND, GRID, NEAR_BLACK, NEAR_WHITE, MOVING_WIDTHS_PER_S } = constants["report.capture"];

interface Limit {
  unit: string;
  remedy: string;
  at_least: number | null;
  at_most: number | null;
}

/** Fine means at_least <= value <= at_most; `remedy` is said when it is not. */
export const LIMITS: Record<string, Limit> = constants["report.capture"].LIMITS;

/** Judge a recording by its colour trace and its facts. */
export function capture(trace: Trace, source: Source): Finding[] {
  const measured: Record<string, number | null> = { ...ofFile(trace, source), ...ofFace(trace), ...ofLight(trace) };
  return Object.entries(LIMITS).flatMap(([name, limit]) => {
    const value = measured[name];
    if (value === undefined || value === null || !Number.isFinite(value)) return [];
    const fine =
      (limit.at_least === null || value >= limit.at_least) && (limit.at_most === null || value <= limit.at_most);
    return [{ name, value, unit: limit.unit, fine, remedy: fine ? "" : limit.remedy }];
  });
}

function ofFile({ time }: Trace, source: Source): Record<string, number> {
  const span = time.length ? time[time.length - 1] - time[0] : 0;
  const out: Record<string, number> = { length: source.duration_s || span };
  if (source.rate_hz) out["frame_rate"] = source.rate_hz;
  return time.length >= 3 ? { ...out, ...ofClock(time) } : out;
}

/** Missing frames [%], and how uneven the intervals between the others are [% of interval]. */
function ofClock(time: Signal): Record<string, number> {
  const interval = diff(time);
  const usual = median(interval);
  const steps = mapped(interval, (d) => Math.max(1, Math.floor(d / usual + 0.25)));
  const missing = steps.reduce((total, s) => total + s - 1, 0);
  return {
    frame_rate: pictureRate(time),
    frame_jitter: (100 * std(interval.filter((_, k) => steps[k] === 1))) / usual,
    dropped_frames: (100 * missing) / (time.length + missing),
  };
}

/** Colours of the regions that are skin, else of the grid cells. */
function skinOf(trace: Trace): Colour[] {
  const around = trace.names.flatMap((name, r) => (name === BACKGROUND ? [] : [r]));
  const named = around.filter((r) => !trace.names[r].startsWith(GRID));
  return (named.length ? named : around).map((r) => [0, 1, 2].map((c) => channelOf(trace, r, c)));
}

function ofFace(trace: Trace): Record<string, number> {
  const skin = skinOf(trace);
  const seen = skin.map((rgb) => mapped(rgb[0], (_, t) => Number(rgb.every((c) => Number.isFinite(c[t])))));
  const any = made(trace.time.length, (t) => Number(seen.some((s) => s[t] > 0)));
  const out: Record<string, number> = { face_seen: any.length ? 100 * mean(any) : 0 };
  const luma: number[] = [];
  let clipped = 0;
  skin.forEach((rgb, r) => {
    const bright = lumaOf(rgb);
    bright.forEach((value, t) => {
      if (!seen[r][t]) return;
      luma.push(value);
      if (rgb.some((c) => c[t] <= NEAR_BLACK || c[t] >= NEAR_WHITE)) clipped++;
    });
  });
  if (luma.length) {
    out["saturation"] = (100 * clipped) / luma.length;
    out["brightness"] = quantile(luma, 0.5);
  }
  const box = [0, 1, 2, 3].map((side) => boxSide(trace, side));
  const width = mapped(box[0], (x, t) => box[2][t] - x);
  const known = Array.from(width, (w, t) => box.every((side) => Number.isFinite(side[t])) && w > 0);
  const widths = width.filter((_, t) => known[t]);
  if (widths.length) out["face_size"] = median(widths);
  return widths.length >= 3 ? { ...out, ...motionOf(box, trace.time, known, median(widths)) } : out;
}

/** Box centre: RMS about its 2-s mean, and share of time faster than a limit [% of width]. */
function motionOf(box: Signal[], time: Signal, known: boolean[], width: number): Record<string, number> {
  const rate = Math.min(rateOf(time), 30);
  const centre = [0, 1].map((axis) =>
    made(time.length, (t) => (known[t] ? (box[axis][t] + box[axis + 2][t]) / (2 * width) : NaN)),
  );
  const [even] = uniform(centre, time, rate);
  const smooth = even.map((x) => movingMean(x, rounded(rate / 4)));
  const slow = even.map((x) => movingMean(x, rounded(rate)));
  const hop = Math.max(1, rounded(rate / 4));
  const out: Record<string, number> = {};
  const around: number[] = [];
  even[0].forEach((x, n) => {
    const square = (x - slow[0][n]) ** 2 + (even[1][n] - slow[1][n]) ** 2;
    if (Number.isFinite(square)) around.push(square);
  });
  if (around.length) out["motion"] = 100 * Math.sqrt(mean(around));
  const speed: number[] = [];
  for (let n = hop; n < even[0].length; n++) {
    const moved = (Math.hypot(smooth[0][n] - smooth[0][n - hop], smooth[1][n] - smooth[1][n - hop]) * rate) / hop;
    if (Number.isFinite(moved)) speed.push(moved);
  }
  if (speed.length) out["moving_share"] = 100 * mean(speed.map((s) => Number(s > MOVING_WIDTHS_PER_S)));
  return out;
}

function ofLight(trace: Trace): Record<string, number | null> {
  const skin = skinOf(trace);
  const at = trace.names.indexOf(BACKGROUND);
  let back: Colour | null = null;
  if (at >= 0) {
    const around = [0, 1, 2].map((c) => channelOf(trace, at, c));
    // a face that fills the picture leaves no background to compare with
    if (mean(around.map((c) => mean(mapped(c, (x) => Number(Number.isFinite(x)))))) > 0.5) back = around;
  }
  return {
    exposure: largestCommonChange(skin, back, trace.time),
    mains_flicker: commonFlicker(skin, back, trace.time),
  };
}
