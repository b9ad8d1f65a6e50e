// The golden vectors of tools/web_vectors.py, and how far what the engine gives is from them.

import { readFileSync } from "node:fs";

export interface Encoded {
  shape: number[];
  f32?: string;
  f64?: string;
}

export interface Vector {
  trace: Record<string, Encoded> & { names: string[] };
  dsp: Record<string, Encoded> & { rate: number };
  methods: Record<string, Encoded>;
  lamps: Record<string, number | boolean | number[]>[];
  auto: any[];
  report: any;
}

const LIT = ["lamp", "lamp_hides", "lamp_weak", "lamp_alone"];
const MOVED = ["moving", "shade"];
const ALL = ["clear", "still", "wall", "no_pulse", ...MOVED, "gap", "long", "uneven", "late", ...LIT];
export const CASES = process.env["CAMVITALS_CASES"]?.split(",") ?? ALL;

export function load(name: string): Vector {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
}

export function numbers(entry: Encoded): Float64Array {
  const bytes = Buffer.from((entry.f32 ?? entry.f64)!, "base64");
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return entry.f32 === undefined ? new Float64Array(copy) : Float64Array.from(new Float32Array(copy));
}

export function traceOf(vector: Vector) {
  const { names, time, rgb, pixels, box } = vector.trace;
  const floats = (entry: Encoded) => Float32Array.from(numbers(entry));
  return { names, time: numbers(time), rgb: floats(rgb), pixels: floats(pixels), box: floats(box) };
}

/** The largest difference, relative to the spread of what is expected; NaN must meet NaN. */
export function apart(found: ArrayLike<number>, wanted: ArrayLike<number>, scale?: number): number {
  if (found.length !== wanted.length) return Infinity;
  let worst = 0;
  let size = 0;
  for (let i = 0; i < wanted.length; i++) {
    if (Number.isNaN(wanted[i]) !== Number.isNaN(found[i])) return Infinity;
    if (Number.isNaN(wanted[i])) continue;
    worst = Math.max(worst, Math.abs(found[i] - wanted[i]));
    size = Math.max(size, Math.abs(wanted[i]));
  }
  return worst / (scale ?? (size || 1));
}
