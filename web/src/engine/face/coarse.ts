// Whether a face has so few pixels that landmarks cannot be told on it. See face/coarse.py, area.py.

import { clip, std } from "../arrays";
import constants from "../constants.json";
import { around } from "./crop";
import { type Box, type Frame, type Plane, rgbOf } from "./frame";

const { SIZE, CELLS, FINER } = constants["face.coarse"];

/** Whether nothing in a box of the picture [px] is finer than a twelfth of its side. */
export function coarse(frame: Frame, box: Box): boolean {
  const luma = lumaOf(frame, box);
  const contrast = std(luma);
  const smooth = smoothed(luma);
  return contrast > 1 && std(luma.map((v, i) => v - smooth[i])) < FINER * contrast;
}

/** SIZE × SIZE mean of red, green and blue of the square around a box, by area; black outside. */
function lumaOf(frame: Frame, box: Box): Float64Array {
  const { x, y, side } = around(box, 1);
  const pitch = side / SIZE;
  const centres = Float64Array.from({ length: SIZE }, (_, i) => (i + 0.5) * pitch - side / 2);
  const rows = centres.map((c) => y + c);
  const columns = centres.map((c) => x + c);
  const planes = frame.planes.map((plane) => areaMeans(plane, frame, rows, columns, pitch));
  const down = covered(rows, pitch, frame.height);
  const across = covered(columns, pitch, frame.width);
  return Float64Array.from({ length: SIZE * SIZE }, (_, i) => {
    const rgb = rgbOf(frame, planes[0][i], planes[1][i], planes[2][i]);
    const mean = rgb.reduce((total, v) => total + clip(v, 0, 255), 0) / 3;
    return mean * down[Math.floor(i / SIZE)] * across[i % SIZE];
  });
}

/** Ends of the cell around a centre [px] on a plane of `length`, as far as it goes. */
function cell(centre: number, pitch: number, length: number, whole: number): [number, number] {
  const ratio = length / whole;
  const half = Math.max(pitch * ratio, 1) / 2;
  return [clip(centre * ratio - half, 0, length), clip(centre * ratio + half, 0, length)];
}

/** Share of each cell that lies in the picture. */
function covered(centres: Float64Array, pitch: number, whole: number): Float64Array {
  return centres.map((c) => {
    const [low, high] = cell(c, pitch, whole, whole);
    return (high - low) / Math.max(pitch, 1);
  });
}

function areaMeans(plane: Plane, frame: Frame, rows: Float64Array, columns: Float64Array, pitch: number): Float64Array {
  const { data, stride, step, offset } = plane;
  const down = Array.from(rows, (c) => cell(c, pitch, plane.rows, frame.height));
  const across = Array.from(columns, (c) => cell(c, pitch, plane.columns, frame.width));
  const out = new Float64Array(SIZE * SIZE);
  down.forEach(([top, bottom], i) => {
    across.forEach(([left, right], j) => {
      let total = 0;
      for (let r = Math.floor(top); r < bottom; r++) {
        const high = Math.min(r + 1, bottom) - Math.max(r, top);
        for (let c = Math.floor(left); c < right; c++) {
          const wide = Math.min(c + 1, right) - Math.max(c, left);
          total += high * wide * data[offset + r * stride + c * step];
        }
      }
      out[i * SIZE + j] = total / Math.max((bottom - top) * (right - left), 1e-9);
    });
  });
  return out;
}

/** What is left with CELLS × CELLS means, between them straight lines. */
function smoothed(luma: Float64Array): Float64Array {
  const step = SIZE / CELLS;
  const means = new Float64Array(CELLS * CELLS);
  luma.forEach((v, i) => {
    const [r, c] = [Math.floor(Math.floor(i / SIZE) / step), Math.floor((i % SIZE) / step)];
    means[r * CELLS + c] += v / step ** 2;
  });
  const at = (i: number): [number, number] => {
    const place = clip((i + 0.5) / step - 0.5, 0, CELLS - 1);
    const low = Math.min(Math.floor(place), CELLS - 2);
    return [low, place - low];
  };
  return luma.map((_, i) => {
    const [r, y] = at(Math.floor(i / SIZE));
    const [c, x] = at(i % SIZE);
    const row = (k: number) => means[k * CELLS + c] * (1 - x) + means[k * CELLS + c + 1] * x;
    return row(r) * (1 - y) + row(r + 1) * y;
  });
}
