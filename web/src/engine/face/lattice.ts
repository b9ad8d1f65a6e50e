// Few, evenly spaced nodes of a picture: the colours of a face at bounded cost. See face/lattice.py.

import { rounded } from "../arrays";
import constants from "../constants.json";
import type { Box, Frame, Plane, Planes } from "./frame";

const { WORD, TAPS } = constants["face.lattice"];

export type Shape = readonly [rows: number, columns: number];

/** Node spacing [px], a power of 2, so that `area` [px²] has at most `most` nodes. */
export function stepFor(frame: Frame, area: number, most: number): number {
  const coarsest = Math.max(rounded(frame.height / Math.min(...frame.planes.map((p) => p.rows))), 2);
  const needed = Math.sqrt(Math.max(area, 1) / most);
  return Math.max(coarsest, 2 ** Math.ceil(Math.log2(Math.max(needed, 1))));
}

/** Rows and columns of whole nodes that a picture has, at least one. */
export function limitsOf(frame: Frame, step: number): Shape {
  return [Math.max(1, Math.floor(frame.height / step)), Math.max(1, Math.floor(frame.width / step))];
}

/** Plane values at the nodes from row, column `first` on; outside, the nearest ones again. */
export function read(frame: Frame, step: number, first: Shape, shape: Shape): Planes {
  const limits = limitsOf(frame, step);
  const spans = [0, 1].map((k) => {
    const start = Math.min(Math.max(first[k], 0), limits[k] - 1);
    return [start, Math.max(Math.min(first[k] + shape[k], limits[k]), start + 1)];
  });
  const [[top, bottom], [left, right]] = spans;
  const found = frame.planes.map((plane) => readPlane(plane, frame, step, spans));
  const width = right - left;
  if (bottom - top === shape[0] && width === shape[1]) return found as unknown as Planes;
  return found.map((values) => {
    const out = new Float32Array(shape[0] * shape[1]);
    for (let i = 0; i < shape[0]; i++) {
      const row = Math.min(Math.max(i + first[0], top), bottom - 1) - top;
      for (let j = 0; j < shape[1]; j++) {
        const column = Math.min(Math.max(j + first[1], left), right - 1) - left;
        out[i * shape[1] + j] = values[row * width + column];
      }
    }
    return out;
  }) as unknown as Planes;
}

/** Means of the blocks of one plane, which may have fewer pixels than the brightness. */
function readPlane(plane: Plane, frame: Frame, step: number, spans: number[][]): Float32Array {
  const { data, stride, step: pitch, offset, rows, columns } = plane;
  const high = Math.max(1, Math.floor(step / Math.max(1, rounded(frame.height / rows))));
  const wide = Math.max(1, Math.floor(step / Math.max(1, rounded(frame.width / columns))));
  const [[top, bottom], [left, right]] = spans;
  const out = new Float32Array((bottom - top) * (right - left));
  // bytes that lie together are all read; of others, a few in every block
  const words = pitch <= 2 && wide % WORD === 0;
  const down = words ? 1 : Math.max(1, Math.floor(high / TAPS));
  const across = words ? 1 : Math.max(1, Math.floor(wide / TAPS));
  let at = 0;
  for (let i = top; i < bottom; i++) {
    for (let j = left; j < right; j++) {
      let total = 0;
      let count = 0;
      const lastRow = Math.min(high, rows - i * high);
      const lastColumn = Math.min(wide, columns - j * wide);
      for (let r = 0; r < lastRow; r += down) {
        const row = offset + (i * high + r) * stride + j * wide * pitch;
        for (let c = 0; c < lastColumn; c += across) {
          total += data[row + c * pitch];
          count++;
        }
      }
      out[at++] = total / count;
    }
  }
  return out;
}

/** 1 where nodes lie outside the picture; null when all of them are inside. */
export function outsideOf(frame: Frame, step: number, first: Shape, shape: Shape): Uint8Array | null {
  const limits = limitsOf(frame, step);
  const whole = [0, 1].every((k) => first[k] >= 0 && first[k] + shape[k] <= limits[k]);
  if (whole) return null;
  const out = new Uint8Array(shape[0] * shape[1]);
  for (let i = 0; i < shape[0]; i++) {
    const row = i + first[0];
    for (let j = 0; j < shape[1]; j++) {
      const column = j + first[1];
      const inside = row >= 0 && row < limits[0] && column >= 0 && column < limits[1];
      out[i * shape[1] + j] = inside ? 0 : 1;
    }
  }
  return out;
}

/** Linear interpolation of node values (of `width` columns) from a place on; a node more exists. */
export function between(values: Float32Array, width: number, row: number, column: number, shape: Shape): Float32Array {
  const r = Math.floor(row);
  const c = Math.floor(column);
  const y = row - r;
  const x = column - c;
  const [a, b, d, e] = [(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x];
  const out = new Float32Array(shape[0] * shape[1]);
  let to = 0;
  for (let i = 0; i < shape[0]; i++) {
    let at = (r + i) * width + c;
    for (let j = 0; j < shape[1]; j++, at++) {
      out[to++] = a * values[at] + b * values[at + 1] + d * values[at + width] + e * values[at + width + 1];
    }
  }
  return out;
}

/** Place of the first node (x, y) and shape of the window whose nodes cover a box [px]. */
export function windowOf([x0, y0, x1, y1]: Box, step: number): [[number, number], Shape] {
  const shape: Shape = [Math.max(3, Math.ceil((y1 - y0) / step)), Math.max(3, Math.ceil((x1 - x0) / step))];
  return [[x0 - step / 2, y0 - step / 2], shape];
}
