// The colours of one person over time, and what a recording was like. See records.py.

import { type Signal, InputError, made } from "./arrays";
import type { Colours } from "./methods";

/** Mean colour of named regions over time; unseen samples are NaN. */
export interface Trace {
  /** Seconds on the source's own clock, increasing. */
  time: Float64Array;
  /** Names of the R regions. */
  names: string[];
  /** T × R × 3, 0–255. */
  rgb: Float32Array;
  /** T × R: pixels behind each mean. */
  pixels: Float32Array;
  /** T × 4: x0, y0, x1, y1 of the face [px]. */
  box: Float32Array;
}

/** The region of all that was seen of a person. */
export function mainRegion(trace: Trace): string {
  const names = trace.names.filter((name) => name !== "background");
  return names.includes("skin") ? "skin" : (names[0] ?? trace.names[0]);
}

/** One channel of one region over time. */
export function channelOf(trace: Trace, region: number, channel: number): Signal {
  const width = trace.names.length * 3;
  return made(trace.time.length, (t) => trace.rgb[t * width + region * 3 + channel]);
}

/** The three channels of a region. */
export function regionOf(trace: Trace, name: string): Colours {
  const at = trace.names.indexOf(name);
  if (at < 0) throw new InputError(`no region '${name}'; this trace has ${trace.names.join(", ")}`);
  return [channelOf(trace, at, 0), channelOf(trace, at, 1), channelOf(trace, at, 2)];
}

/** One of x0, y0, x1, y1 over time. */
export function boxSide(trace: Trace, side: number): Signal {
  return made(trace.time.length, (t) => trace.box[t * 4 + side]);
}

/** The trace of a recording in which nobody was seen. */
export function nobody(duration: number): Trace {
  return {
    time: Float64Array.of(0, Math.max(duration, 1e-3)),
    names: ["skin"],
    rgb: new Float32Array(6).fill(NaN),
    pixels: new Float32Array(2),
    box: new Float32Array(8).fill(NaN),
  };
}
