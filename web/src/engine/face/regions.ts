// Where forehead, cheeks, nose and chin are: polygons of landmarks. See face/regions.py.

import constants from "../constants.json";
import type { Box, Points } from "./frame";
import type { Shape } from "./lattice";

const { OVAL, HOLES, POLYGONS, SHARES, HOLE_SHARES, EYE_GROWTH } = constants["face.regions"];

/** Names of the regions, `skin` last. */
export const NAMES: readonly string[] = constants["face.regions"].NAMES;

export type Shares = Record<string, Float32Array>;

/** Share 0–1 of each node's cell inside a polygon (x, y of corners in nodes). */
export function coverage(corners: Points, [rows, columns]: Shape, finer = 4): Float32Array {
  const change = new Float64Array(rows * (columns + 2) + 1);
  const count = corners.length / 2;
  for (let e = 0; e < count; e++) {
    const [x0, y0] = [corners[2 * e] + 0.5, corners[2 * e + 1] + 0.5];
    const next = (e + 1) % count;
    const [x1, y1] = [corners[2 * next] + 0.5, corners[2 * next + 1] + 0.5];
    if (y0 === y1) continue;
    const sign = y0 < y1 ? 1 : -1;
    const slope = (x1 - x0) / (y1 - y0);
    const [low, high] = [Math.min(y0, y1), Math.max(y0, y1)];
    const first = Math.max(0, Math.ceil(low * finer - 0.5));
    for (let line = first; line < rows * finer; line++) {
      const y = (line + 0.5) / finer;
      if (y >= high) break;
      if (y < low) continue;
      const x = Math.min(Math.max(x0 + slope * (y - y0), 0), columns);
      const column = Math.floor(x);
      const at = Math.floor(line / finer) * (columns + 2) + column;
      change[at] += sign * (1 - (x - column));
      change[at + 1] += sign * (x - column);
    }
  }
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    let total = 0;
    for (let j = 0; j < columns; j++) {
      total += change[i * (columns + 2) + j];
      out[i * columns + j] = Math.min(Math.abs(total / finer), 1);
    }
  }
  return out;
}

/** Corners of a polygon of landmarks. */
export function cornersOf(landmarks: Points, polygon: readonly number[]): Points {
  return Float64Array.from(polygon.flatMap((p) => [landmarks[2 * p], landmarks[2 * p + 1]]));
}

/** Region name -> share of each node inside it, from 468 landmarks in nodes. */
export function regionShares(landmarks: Points, shape: Shape): Shares {
  const holes = new Float32Array(shape[0] * shape[1]);
  for (const [name, polygon] of Object.entries(HOLES)) {
    let corners = cornersOf(landmarks, polygon);
    if (name.endsWith("eye")) corners = grown(corners, EYE_GROWTH);
    coverage(corners, shape).forEach((v, i) => (holes[i] = Math.max(holes[i], v)));
  }
  const all: [string, number[]][] = [...Object.entries(POLYGONS), ["skin", OVAL]];
  return lessHoles(
    all.map(([name, polygon]) => [name, coverage(cornersOf(landmarks, polygon), shape)]),
    holes,
  );
}

/** The same from the face box alone, in nodes. */
export function boxShares(box: Box, shape: Shape): Shares {
  const holes = new Float32Array(shape[0] * shape[1]);
  for (const part of Object.values(HOLE_SHARES)) {
    coverage(partOf(box, part), shape).forEach((v, i) => (holes[i] = Math.max(holes[i], v)));
  }
  return lessHoles(
    Object.entries(SHARES).map(([name, part]) => [name, coverage(partOf(box, part), shape)]),
    holes,
  );
}

function lessHoles(shares: [string, Float32Array][], holes: Float32Array): Shares {
  return Object.fromEntries(shares.map(([name, share]) => [name, share.map((v, i) => v * (1 - holes[i]))]));
}

function grown(corners: Points, factor: number): Points {
  const count = corners.length / 2;
  const middle = [0, 1].map((k) => corners.reduce((t, v, i) => t + (i % 2 === k ? v : 0), 0) / count);
  return corners.map((v, i) => middle[i % 2] + factor * (v - middle[i % 2]));
}

function partOf([x0, y0, x1, y1]: Box, [u0, v0, u1, v1]: readonly number[]): Points {
  const x = (u: number) => x0 + u * (x1 - x0);
  const y = (v: number) => y0 + v * (y1 - y0);
  return Float64Array.of(x(u0), y(v0), x(u1), y(v0), x(u1), y(v1), x(u0), y(v1));
}

/** Outlines of the regions, to draw them: name -> x, y of corners [px]. */
export function outlines(landmarks: Points): Record<string, Points> {
  const all: [string, number[]][] = [...Object.entries(POLYGONS), ["skin", OVAL]];
  return Object.fromEntries(all.map(([name, polygon]) => [name, cornersOf(landmarks, polygon)]));
}
