// The numbers that numpy's default generator with seed 0 draws (PCG64, O'Neill 2014; Lemire 2019).

import constants from "./constants.json";

const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const ALL = (1n << 128n) - 1n;
const WORD = (1n << 64n) - 1n;

/** Whole numbers drawn evenly, as `numpy.random.default_rng(0).integers` gives them. */
export class Random {
  private state = BigInt(constants.random.state);
  private readonly increment = BigInt(constants.random.inc);
  private spare: number | null = null;

  /** `count` numbers from 0 to `below` − 1. */
  integers(below: number, count: number): Int32Array {
    const out = new Int32Array(count);
    if (below > 1) for (let i = 0; i < count; i++) out[i] = this.below(below);
    return out;
  }

  private below(limit: number): number {
    let product = BigInt(this.next32()) * BigInt(limit);
    let rest = Number(product & 0xffffffffn);
    if (rest < limit) {
      const threshold = (0x100000000 - limit) % limit;
      while (rest < threshold) {
        product = BigInt(this.next32()) * BigInt(limit);
        rest = Number(product & 0xffffffffn);
      }
    }
    return Number(product >> 32n);
  }

  private next32(): number {
    if (this.spare !== null) {
      const value = this.spare;
      this.spare = null;
      return value;
    }
    const word = this.next64();
    this.spare = Number(word >> 32n);
    return Number(word & 0xffffffffn);
  }

  private next64(): bigint {
    this.state = (this.state * MULTIPLIER + this.increment) & ALL;
    const mixed = ((this.state >> 64n) ^ this.state) & WORD;
    const turn = this.state >> 122n;
    return ((mixed >> turn) | (mixed << ((64n - turn) & 63n))) & WORD;
  }
}
