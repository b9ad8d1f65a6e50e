// Follow a face from frame to frame by the shift of its brightness pattern. See face/follow.py.

import { type Signal, clip, mean, rounded, signal, solved } from "../arrays";
import constants from "../constants.json";
import type { Box, Frame, Planes } from "./frame";
import { type Shape, between, outsideOf, read, windowOf } from "./lattice";

const { MARGIN, INNER, ROUNDS, ENOUGH, STILL, SEARCH, COARSER, DOUBT } = constants["face.follow"];

export type Place = [x: number, y: number];

/** A window of nodes that stays on a face. */
export class Follower {
  /** x, y [px] of its first node. */
  place: Place;
  readonly shape: Shape;
  /** How well the face still looks like the pattern, 0–1. */
  likeness = 1;
  /** Change of size (factor − 1) and tilt [rad] since the pattern was taken. */
  zoom = 0;
  roll = 0;
  /** 1 where the window is out of the picture; null when it is all inside. */
  outside: Uint8Array | null = null;
  private moved: Place = [0, 0];
  private readonly thin: number;
  private readonly inner: Shape;
  private readonly corner: Shape;
  private block!: Planes;
  private blockWidth = 0;
  private first: [number, number] = [0, 0];
  private solve!: Float32Array[];
  private pattern!: Float32Array;
  private coarse!: Grid;

  constructor(
    frame: Frame,
    box: Box,
    readonly step: number,
  ) {
    [this.place, this.shape] = windowOf(box, step);
    const margins = this.shape.map((n) => rounded(INNER * n));
    const inner = this.shape.map((n, k) => n - 2 * margins[k]);
    this.thin = 1 + Number(inner[0] * inner[1] > ENOUGH);
    this.inner = [Math.floor(inner[0] / this.thin), Math.floor(inner[1] / this.thin)];
    this.corner = [Math.floor(margins[0] / this.thin), Math.floor(margins[1] / this.thin)];
    this.read(frame, ...this.place);
    this.renew();
  }

  /** Take the pattern anew from where the window is now. */
  renew(): void {
    const pattern = this.view(...this.place);
    [this.solve, this.pattern] = alignment(pattern, this.inner);
    this.coarse = coarseOf({ values: pattern, rows: this.inner[0], columns: this.inner[1] });
    this.likeness = 1;
    this.zoom = 0;
    this.roll = 0;
  }

  /** Move the window to where the face is in the next frame. */
  follow(frame: Frame): void {
    const before = this.place;
    this.align(frame, [before[0] + this.moved[0], before[1] + this.moved[1]]);
    if (this.likeness < DOUBT) {
      const [found, likeness] = [this.place, this.likeness];
      this.align(frame, this.search(frame, before));
      if (this.likeness < likeness) this.align(frame, found);
    }
    this.moved = [this.place[0] - before[0], this.place[1] - before[1]];
  }

  /** Plane values of the window in the frame last seen. */
  patch(): Planes {
    const [row, column] = this.offset(...this.place);
    return this.block.map((plane) => between(plane, this.blockWidth, row, column, this.shape)) as unknown as Planes;
  }

  private read(frame: Frame, x: number, y: number): void {
    const row = Math.floor(y / this.step);
    const column = Math.floor(x / this.step);
    this.first = [row - MARGIN, column - MARGIN];
    const size: Shape = [this.shape[0] + 2 * MARGIN + 2, this.shape[1] + 2 * MARGIN + 2];
    this.block = read(frame, this.step, this.first, size);
    this.blockWidth = size[1];
    this.outside = outsideOf(frame, this.step, [row, column], this.shape);
  }

  private offset(x: number, y: number): [number, number] {
    return [y / this.step - this.first[0], x / this.step - this.first[1]];
  }

  private view(x: number, y: number): Float32Array {
    const [row, column] = this.offset(x, y);
    const { thin, corner } = this;
    const luma = thin === 1 ? this.block[0] : thinned(this.block[0], this.blockWidth, thin);
    const width = Math.ceil(this.blockWidth / thin);
    return between(luma, width, row / thin + corner[0], column / thin + corner[1], this.inner);
  }

  private align(frame: Frame, place: Place): void {
    let [x, y] = place;
    const reach = MARGIN / 2;
    const pixels = this.step * this.thin;
    this.read(frame, x, y);
    let view: Float32Array | null = null;
    let shift = [0, 0, 0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      const now = this.view(x, y);
      shift = this.solve.map((weights) => product(weights, now));
      const right = clip(shift[0], -reach, reach);
      const down = clip(shift[1], -reach, reach);
      x += right * pixels;
      y += down * pixels;
      if (Math.max(Math.abs(right), Math.abs(down)) < STILL) {
        view = now;
        break;
      }
      if (!this.offset(x, y).every((at) => at >= 0 && at < 2 * MARGIN)) this.read(frame, x, y);
    }
    view ??= this.view(x, y);
    const middle = mean(view);
    let square = 0;
    let same = 0;
    for (let i = 0; i < view.length; i++) {
      const value = view[i] - middle;
      square += value * value;
      same += value * this.pattern[i];
    }
    this.likeness = same / Math.max(Math.sqrt(square), 1e-6);
    this.place = [x, y];
    this.zoom = shift[2];
    this.roll = shift[3];
  }

  /** The place in reach that looks most like the pattern, to within a few nodes. */
  private search(frame: Frame, place: Place): Place {
    const coarser = COARSER * this.thin;
    const reach = this.shape.map((n) => Math.ceil((SEARCH * n) / coarser));
    const nodes = [Math.floor(place[1] / this.step), Math.floor(place[0] / this.step)];
    const first = nodes.map((at, k) => at + this.corner[k] * this.thin - coarser * reach[k]);
    const { rows, columns, values } = this.coarse;
    const size: Shape = [coarser * (rows + 2 * reach[0]), coarser * (columns + 2 * reach[1])];
    const luma = read(frame, this.step, [first[0], first[1]], size)[0];
    const thin = this.thin === 1 ? luma : thinned(luma, size[1], this.thin);
    const wide = coarseOf({ values: thin, rows: Math.ceil(size[0] / this.thin), columns: Math.ceil(size[1] / this.thin) });
    const middle = mean(values);
    let best = -Infinity;
    let shift: Place = [0, 0];
    for (let a = 0; a <= wide.rows - rows; a++) {
      for (let b = 0; b <= wide.columns - columns; b++) {
        let same = 0;
        let total = 0;
        let square = 0;
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            const v = wide.values[(a + i) * wide.columns + b + j];
            same += v * (values[i * columns + j] - middle);
            total += v;
            square += v * v;
          }
        }
        const count = rows * columns;
        const energy = square / count - (total / count) ** 2;
        const score = same / Math.sqrt(Math.max(energy, 1e-6));
        if (score > best) {
          best = score;
          shift = [(b - reach[1]) * coarser * this.step, (a - reach[0]) * coarser * this.step];
        }
      }
    }
    return [nodes[1] * this.step + shift[0], nodes[0] * this.step + shift[1]];
  }
}

interface Grid {
  values: Float32Array;
  rows: number;
  columns: number;
}

function product(a: Float32Array, b: Float32Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

function thinned(values: Float32Array, width: number, thin: number): Float32Array {
  const rows = Math.ceil(values.length / width / thin);
  const columns = Math.ceil(width / thin);
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out[i * columns + j] = values[i * thin * width + j * thin];
  return out;
}

/** Means of 3×3 nodes. */
function coarseOf({ values, rows, columns }: Grid): Grid {
  const [high, wide] = [Math.floor(rows / COARSER), Math.floor(columns / COARSER)];
  const out = new Float32Array(high * wide);
  for (let i = 0; i < high; i++) {
    for (let j = 0; j < wide; j++) {
      let total = 0;
      for (let r = 0; r < COARSER; r++)
        for (let c = 0; c < COARSER; c++) total += values[(i * COARSER + r) * columns + j * COARSER + c];
      out[i * wide + j] = total / COARSER ** 2;
    }
  }
  return { values: out, rows: high, columns: wide };
}

/** What turns a view into its shift, zoom and roll, and the pattern as a unit vector. */
function alignment(pattern: Float32Array, shape: Shape): [Float32Array[], Float32Array] {
  const moves = (gradients: [Signal, Signal]): Signal[] => {
    const [gy, gx] = gradients;
    const [zoom, turn] = [signal(gy.length), signal(gy.length)];
    for (let i = 0, at = 0; i < shape[0]; i++) {
      const y = i - (shape[0] - 1) / 2;
      for (let j = 0; j < shape[1]; j++, at++) {
        const x = j - (shape[1] - 1) / 2;
        zoom[at] = gx[at] * x + gy[at] * y;
        turn[at] = gy[at] * x - gx[at] * y;
      }
    }
    return [gx, gy, zoom, turn];
  };
  const exact = moves(gradients(pattern, shape));
  const look = moves(gradients(smoothed(pattern, shape), shape));
  const middle = mean(pattern);
  const flat = Float64Array.from(pattern, (v) => v - middle);
  const norm = Math.max(Math.sqrt(flat.reduce((a, v) => a + v * v, 0)), 1e-6);
  const unit = flat.map((v) => v / norm);
  for (const row of look) {
    const level = mean(row);
    let along = 0;
    for (let i = 0; i < row.length; i++) {
      row[i] -= level;
      along += row[i] * unit[i];
    }
    for (let i = 0; i < row.length; i++) row[i] -= along * unit[i];
  }
  const response = look.map((a) => Float64Array.from(exact, (b) => a.reduce((t, v, i) => t + v * b[i], 0)));
  response.forEach((row, k) => (row[k] += 1e-6 * Math.abs(row[k]) + 1e-9));
  const solve = solved(response, look).map((row) => Float32Array.from(row, (v) => -v));
  return [solve, Float32Array.from(unit)];
}

/** Central differences along rows and columns, one-sided at the ends: down, across. */
function gradients(values: Float32Array, [rows, columns]: Shape): [Signal, Signal] {
  const [down, across] = [signal(values.length), signal(values.length)];
  for (let i = 0, at = 0; i < rows; i++) {
    const [u, d] = [Math.max(0, i - 1), Math.min(rows - 1, i + 1)];
    for (let j = 0; j < columns; j++, at++) {
      const [l, r] = [Math.max(0, j - 1), Math.min(columns - 1, j + 1)];
      down[at] = (values[d * columns + j] - values[u * columns + j]) / (d - u);
      across[at] = (values[i * columns + r] - values[i * columns + l]) / (r - l);
    }
  }
  return [down, across];
}

/** Binomial smoothing over 3×3 nodes. */
function smoothed(values: Float32Array, [rows, columns]: Shape): Float32Array {
  const out = new Float32Array(values.length);
  const at = (i: number, j: number) =>
    values[clip(i, 0, rows - 1) * columns + clip(j, 0, columns - 1)];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let total = 0;
      for (let r = -1; r <= 1; r++)
        for (let c = -1; c <= 1; c++) total += (2 - Math.abs(r)) * (2 - Math.abs(c)) * at(i + r, j + c);
      out[i * columns + j] = total / 16;
    }
  }
  return out;
}
