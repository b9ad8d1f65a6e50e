// Which nodes are skin: Otsu's threshold on Cr, and what is bare and well lit. See face/skin.py.

import { argmax, median } from "../arrays";
import constants from "../constants.json";
import { type Frame, type Planes, rgbPlanes } from "./frame";
import type { Shape } from "./lattice";

const { APART, DARK, BRIGHT, OUTLIER } = constants["face.skin"];
const BINS = 128;

/** 1 where a node belongs. */
export type Mask = Uint8Array;

/** Y, Cb, Cr on the 8-bit scale centred on 128. */
export function ycbcr(frame: Frame, planes: Planes): Planes {
  if (frame.matrix) return planes;
  const [red, green, blue] = planes;
  const luma = red.map((r, i) => 0.299 * r + 0.587 * green[i] + 0.114 * blue[i]);
  return [
    luma,
    luma.map((y, i) => 128 + 0.564 * (blue[i] - y)),
    luma.map((y, i) => 128 + 0.713 * (red[i] - y)),
  ];
}

/** The threshold that best separates values into two classes (Otsu, 1979). */
export function otsuThreshold(values: Float32Array): number {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  if (high <= low) return low;
  const counts = new Float64Array(BINS);
  for (const v of values) counts[Math.min(BINS - 1, Math.floor(((v - low) / (high - low)) * BINS))]++;
  const edge = (k: number) => low + ((high - low) * k) / BINS;
  const total = values.length;
  let all = 0;
  counts.forEach((n, k) => (all += (n * (edge(k) + edge(k + 1))) / 2 / total));
  const between = new Float64Array(BINS);
  let share = 0;
  let moment = 0;
  counts.forEach((n, k) => {
    share += n / total;
    moment += (n * (edge(k) + edge(k + 1))) / 2 / total;
    const value = (all * share - moment) ** 2 / (share * (1 - share));
    between[k] = Number.isFinite(value) ? value : 0;
  });
  // a gap in the histogram leaves a plateau: take its middle
  const most = between[argmax(between)] * (1 - 1e-9);
  const best: number[] = [];
  between.forEach((v, k) => v >= most && best.push(k));
  return edge(best[Math.floor(best.length / 2)] + 1);
}

/** Skin by Otsu's threshold on Cr: opened, the largest part of it. */
export function otsu(cr: Float32Array, shape: Shape): Mask {
  const limit = otsuThreshold(cr);
  const above = Uint8Array.from(cr, (v) => Number(v > limit));
  const [sums, counts] = [
    [0, 0],
    [0, 0],
  ];
  above.forEach((a, i) => {
    sums[a] += cr[i];
    counts[a]++;
  });
  if (!counts[0] || !counts[1] || sums[1] / counts[1] - sums[0] / counts[0] < APART) {
    return new Uint8Array(cr.length).fill(1);
  }
  return largestComponent(opening(above, shape), shape);
}

/** Erosion then dilation by 3×3. */
function opening(mask: Mask, shape: Shape): Mask {
  return dilated(eroded(mask, shape), shape);
}

/** The nodes whose 3×3 neighbours are all in the mask; beyond the window counts as in. */
export function eroded(mask: Mask, shape: Shape): Mask {
  return flipped(dilated(flipped(mask), shape));
}

function flipped(mask: Mask): Mask {
  return mask.map((m) => 1 - m);
}

function dilated(mask: Mask, [rows, columns]: Shape): Mask {
  const down = mask.slice();
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = i * columns + j;
      if ((i > 0 && mask[at - columns]) || (i + 1 < rows && mask[at + columns])) down[at] = 1;
    }
  }
  const out = down.slice();
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = i * columns + j;
      if ((j > 0 && down[at - 1]) || (j + 1 < columns && down[at + 1])) out[at] = 1;
    }
  }
  return out;
}

/** The largest part of a mask whose nodes touch along rows or columns. */
function largestComponent(mask: Mask, [rows, columns]: Shape): Mask {
  const label = new Int32Array(mask.length);
  const sizes = [0];
  const stack: number[] = [];
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || label[start]) continue;
    const own = sizes.push(0) - 1;
    label[start] = own;
    stack.push(start);
    while (stack.length) {
      const at = stack.pop()!;
      sizes[own]++;
      const [i, j] = [Math.floor(at / columns), at % columns];
      const visit = (next: number) => {
        if (mask[next] && !label[next]) {
          label[next] = own;
          stack.push(next);
        }
      };
      if (i > 0) visit(at - columns);
      if (i + 1 < rows) visit(at + columns);
      if (j > 0) visit(at - 1);
      if (j + 1 < columns) visit(at + 1);
    }
  }
  if (sizes.length === 1) return new Uint8Array(mask.length);
  const best = argmax(sizes);
  return Uint8Array.from(label, (l) => Number(l === best));
}

/** 1 where no channel of the picture is at its end. */
export function told(frame: Frame, planes: Planes): Mask {
  const rgb = rgbPlanes(frame, planes);
  return Uint8Array.from(rgb[0], (_, i) => Number(rgb.every((c) => c[i] > DARK && c[i] < BRIGHT)));
}

/** 1 where brightness is near that of the region: no hair, glare, glass, shadow edge. */
export function typical(luma: Float32Array, share: Float32Array): Mask {
  const inner = luma.filter((_, i) => share[i] > 0.5);
  if (inner.length < 8) return new Uint8Array(luma.length).fill(1);
  const middle = median(inner);
  const spread = 1.4826 * median(inner.map((v) => Math.abs(v - middle))) + 2;
  return Uint8Array.from(luma, (v) => Number(Math.abs(v - middle) <= OUTLIER * spread));
}
