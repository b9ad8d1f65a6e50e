// Traces while they grow: all samples, or those of the last seconds. See face/record.py.

import { place } from "../arrays";
import type { Trace } from "../trace";
import type { Box } from "./frame";

const CHUNK = 256; // samples that may be too old before they are dropped

/** The samples of one person so far. */
export class Record {
  private time: number[] = [];
  private rgb: Float32Array[] = [];
  private pixels: Float32Array[] = [];
  private box: Float32Array[] = [];

  /** keep: seconds kept at least; Infinity keeps all. */
  constructor(
    private readonly names: readonly string[],
    private readonly keep: number,
  ) {}

  get length(): number {
    return this.time.length;
  }

  /** Add one sample; what is null is unseen. */
  append(time: number, rgb: ArrayLike<number> | null, pixels: ArrayLike<number> | null, box: Box | null): void {
    const count = this.names.length;
    this.time.push(time);
    this.rgb.push(rgb ? Float32Array.from(rgb) : new Float32Array(3 * count).fill(NaN));
    this.pixels.push(pixels ? Float32Array.from(pixels) : new Float32Array(count));
    this.box.push(box ? Float32Array.from(box) : new Float32Array(4).fill(NaN));
    const old = this.time.length > CHUNK ? this.oldest() : 0;
    if (old >= CHUNK) for (const part of [this.time, this.rgb, this.pixels, this.box]) part.splice(0, old);
  }

  /** Make everything later than `after` [s] unseen. */
  withdraw(after: number): void {
    for (let t = place(this.time, after, true); t < this.time.length; t++) {
      this.rgb[t].fill(NaN);
      this.pixels[t].fill(0);
      this.box[t].fill(NaN);
    }
  }

  /** A copy of what there is, the last `keep` seconds. */
  trace(): Trace {
    const start = this.oldest();
    return {
      time: Float64Array.from(this.time.slice(start)),
      names: [...this.names],
      rgb: joined(this.rgb.slice(start)),
      pixels: joined(this.pixels.slice(start)),
      box: joined(this.box.slice(start)),
    };
  }

  /** The first sample that is kept. */
  private oldest(): number {
    const last = this.time[this.time.length - 1];
    return this.time.length ? place(this.time, last - this.keep - 1e-9) : 0;
  }
}

function joined(rows: Float32Array[]): Float32Array {
  const width = rows.length ? rows[0].length : 0;
  const out = new Float32Array(rows.length * width);
  rows.forEach((row, t) => out.set(row, t * width));
  return out;
}
