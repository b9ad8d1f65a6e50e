// A square part of a picture, brought to the size a network takes. See face/crop.py.

import constants from "../constants.json";
import { linspace } from "../arrays";
import type { Box, Frame, Plane, Points } from "./frame";

const { SHRINKS } = constants["face.crop"];
const float = Math.fround;

/** Centre x, y [px], side [px], and roll [rad], clockwise on screen. */
export interface Square {
  x: number;
  y: number;
  side: number;
  roll: number;
}

/** Points of the unit square, in pixels of the picture. */
export function toPicture(square: Square, points: Points): Points {
  const [cos, sin] = [Math.cos(square.roll), Math.sin(square.roll)];
  const out = new Float64Array(points.length);
  for (let i = 0; i < points.length; i += 2) {
    const u = (points[i] - 0.5) * square.side;
    const v = (points[i + 1] - 0.5) * square.side;
    out[i] = u * cos - v * sin + square.x;
    out[i + 1] = u * sin + v * cos + square.y;
  }
  return out;
}

/** The square around the whole picture; what lies outside is black. */
export function whole({ width, height }: Frame): Square {
  return { x: width / 2, y: height / 2, side: Math.max(width, height), roll: 0 };
}

/** The square around a box, its side `scale` times the longer side of the box. */
export function around([x0, y0, x1, y1]: Box, scale: number, roll = 0): Square {
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, side: scale * Math.max(x1 - x0, y1 - y0), roll };
}

/** Overlapping squares that cover the picture: full height first, then half height. */
export function tiles({ width, height }: Frame): Square[] {
  const short = Math.min(height, width);
  const found = [short, short / 2].flatMap((side) =>
    centres(height, side).flatMap((y) => centres(width, side).map((x): Square => ({ x, y, side, roll: 0 }))),
  );
  return height !== width ? found : found.slice(1);
}

function centres(length: number, side: number): number[] {
  const count = 1 + Math.ceil((length - side) / (0.7 * side) - 1e-9);
  return [...linspace(side / 2, length - side / 2, count)];
}

/** The square as size × size × 3 RGB, times gain plus low; what lies outside is black. */
export function sample(frame: Frame, square: Square, size: number, gain: number, low: number): Float32Array {
  const shrinks = square.side > SHRINKS * size;
  const planes = frame.planes.map((plane) => {
    const detailed =
      shrinks && plane.rows === frame.planes[0].rows && plane.columns === frame.planes[0].columns;
    return detailed ? halved(nearest(plane, frame, square, 2 * size), size) : nearest(plane, frame, square, size);
  });
  const m = frame.matrix;
  const out = new Float32Array(size * size * 3);
  const outside = edges(frame, square, size);
  for (let i = 0; i < size * size; i++) {
    const [a, b, c] = [planes[0][i], planes[1][i], planes[2][i]];
    for (let k = 0; k < 3; k++) {
      let value = [a, b, c][k];
      if (m) value = m[4 * k] * a + m[4 * k + 1] * b + m[4 * k + 2] * c + m[4 * k + 3];
      value = outside && outside[i] ? 0 : Math.min(Math.max(value, 0), 255);
      out[3 * i + k] = value * gain + low;
    }
  }
  return out;
}

/** x and y [px] of the points of a square. */
function grid(square: Square, size: number): { x: Float32Array; y: Float32Array } {
  const along = Float32Array.from({ length: size }, (_, i) => ((i + 0.5) / size - 0.5) * square.side);
  const x = new Float32Array(size * size);
  const y = new Float32Array(size * size);
  const [cos, sin] = [float(Math.cos(square.roll)), float(Math.sin(square.roll))];
  const [mx, my] = [float(square.x), float(square.y)];
  for (let i = 0, at = 0; i < size; i++) {
    for (let j = 0; j < size; j++, at++) {
      if (square.roll === 0) {
        x[at] = mx + along[j];
        y[at] = my + along[i];
      } else {
        x[at] = float(mx + float(cos * along[j])) - float(sin * along[i]);
        y[at] = float(my + float(sin * along[j])) + float(cos * along[i]);
      }
    }
  }
  return { x, y };
}

function nearest(plane: Plane, frame: Frame, square: Square, size: number): Float32Array {
  const { rows, columns, data, stride, step, offset } = plane;
  const { x, y } = grid(square, size);
  const [down, across] = [float(rows / frame.height), float(columns / frame.width)];
  const out = new Float32Array(size * size);
  for (let i = 0; i < out.length; i++) {
    const r = Math.floor(Math.min(Math.max(float(y[i] * down), 0), rows - 1));
    const c = Math.floor(Math.min(Math.max(float(x[i] * across), 0), columns - 1));
    out[i] = data[offset + r * stride + c * step];
  }
  return out;
}

function halved(fine: Float32Array, size: number): Float32Array {
  const out = new Float32Array(size * size);
  for (let i = 0, at = 0; i < size; i++) {
    for (let j = 0; j < size; j++, at++) {
      const from = 4 * i * size + 2 * j;
      out[at] = (fine[from] + fine[from + 1] + fine[from + 2 * size] + fine[from + 2 * size + 1]) / 4;
    }
  }
  return out;
}

/** 1 where the square's points lie outside the picture; null when none can. */
function edges(frame: Frame, square: Square, size: number): Uint8Array | null {
  const { width, height } = frame;
  const corners = toPicture(square, Float64Array.of(0, 0, 0, 1, 1, 0, 1, 1));
  const inside = corners.every((v, i) => v >= 0 && v <= (i % 2 ? height : width));
  if (inside) return null;
  const { x, y } = grid(square, size);
  return Uint8Array.from(x, (v, i) => Number(v < 0 || y[i] < 0 || v >= width || y[i] >= height));
}
