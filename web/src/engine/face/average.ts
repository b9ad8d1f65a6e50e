// Mean colour of regions, and the slow change from one set of regions to the next. See face/average.py.

import { type Signal, clip } from "../arrays";
import constants from "../constants.json";
import type { Frame, Planes } from "./frame";
import type { Shape } from "./lattice";
import type { Shares } from "./regions";
import { otsu, told, typical, ycbcr } from "./skin";

const { FEWEST, KEPT, MASK_KEPT } = constants["face.average"];

/** Mean plane values of R regions, 3 each, NaN where unseen; and how many pixels are behind each. */
export interface Means {
  values: Signal;
  pixels: Signal;
}

/** Weights of nodes, each region's sum 1 (0 when unseen), and node counts. */
export class Regions {
  constructor(
    readonly weights: Float32Array[],
    readonly count: Signal,
  ) {}

  /** From shares 0–1 and how many nodes each region would have at best. */
  static of(shares: Float32Array[], wanted: Signal): Regions {
    const count = Float64Array.from(shares, (share) => share.reduce((a, b) => a + b, 0));
    count.forEach((n, r) => {
      if (n < FEWEST || n < KEPT * wanted[r]) count[r] = 0;
    });
    return new Regions(
      shares.map((share, r) => (count[r] > 0 ? share.map((v) => v / count[r]) : new Float32Array(share.length))),
      count,
    );
  }

  /** Means over planes; a region that is less than half inside the picture is unseen. */
  means(planes: Planes, outside: Uint8Array | null): Means {
    const R = this.weights.length;
    const values = new Float64Array(3 * R);
    const pixels = this.count.slice();
    this.weights.forEach((weight, r) => {
      let [a, b, c, inside] = [0, 0, 0, 0];
      for (let i = 0; i < weight.length; i++) {
        const w = weight[i];
        if (w === 0 || (outside && outside[i])) continue;
        inside += w;
        a += w * planes[0][i];
        b += w * planes[1][i];
        c += w * planes[2][i];
      }
      if (outside) {
        pixels[r] = inside >= 0.5 ? pixels[r] * inside : 0;
        const scale = 1 / Math.max(inside, 1e-6);
        [a, b, c] = [a * scale, b * scale, c * scale];
      }
      values.set(pixels[r] === 0 ? [NaN, NaN, NaN] : [a, b, c], 3 * r);
    });
    return { values, pixels };
  }
}

/** Regions that change gradually. */
export class Blend {
  private next: Regions | null = null;
  private start = 0;
  private span = 0;
  /** step: node spacing [px], to count pixels. */
  constructor(
    private now: Regions,
    private step: number,
  ) {}

  /** Begin to go over to other regions of the same window, within `span` seconds. */
  change(regions: Regions, time: number, span: number): void {
    this.now = this.mixed(time);
    this.next = regions;
    this.start = time;
    this.span = Math.max(span, 1e-3);
  }

  /** Take over to another window: the present weights in its nodes. */
  replace(shown: Float32Array[], step: number): void {
    const sums = shown.map((share) => share.reduce((a, b) => a + b, 0));
    const count = this.now.count.map((n, r) => (sums[r] > 0 ? n * (this.step / step) ** 2 : 0));
    const weights = shown.map((share, r) => (sums[r] > 0 ? share.map((v) => v / sums[r]) : share));
    this.now = new Regions(weights, count);
    this.step = step;
    this.next = null;
  }

  /** The regions as they are at this time. */
  settle(time: number): Regions {
    this.now = this.mixed(time);
    return this.now;
  }

  /** Mean plane values and pixels now; NaN and 0 where unseen. */
  means(planes: Planes, outside: Uint8Array | null, time: number): Means {
    const { values, pixels } = this.now.means(planes, outside);
    if (this.next) {
      const share = this.share(time);
      const next = this.next.means(planes, outside);
      for (let r = 0; r < pixels.length; r++) {
        for (let k = 3 * r; k < 3 * r + 3; k++) {
          const old = values[k];
          // what is covered from now on is unseen
          values[k] = Number.isNaN(old) ? next.values[k] : (1 - share) * old + share * next.values[k];
        }
        pixels[r] = pixels[r] === 0 ? next.pixels[r] : (1 - share) * pixels[r] + share * next.pixels[r];
        if (Number.isNaN(values[3 * r])) pixels[r] = 0;
      }
      if (share >= 1) {
        this.now = this.next;
        this.next = null;
      }
    }
    return { values, pixels: pixels.map((n) => n * this.step ** 2) };
  }

  private share(time: number): number {
    const part = clip((time - this.start) / this.span, 0, 1);
    return part * part * (3 - 2 * part); // without corners, which would ring in the pulse band
  }

  private mixed(time: number): Regions {
    const { now, next } = this;
    if (!next) return now;
    const share = this.share(time);
    if (share >= 1) return next;
    const weights = now.weights.map((old, r) => {
      const part = now.count[r] === 0 ? 1 : next.count[r] === 0 ? 0 : share;
      return old.map((v, i) => (1 - part) * v + part * next.weights[r][i]);
    });
    return new Regions(
      weights,
      now.count.map((n, r) => (1 - share) * n + share * next.count[r]),
    );
  }
}

/** Regions of a face reduced to bare, well-lit skin. */
export function skinRegions(
  frame: Frame,
  planes: Planes,
  shape: Shape,
  shares: Shares,
  names: readonly string[],
): Regions {
  const yuv = ycbcr(frame, planes);
  const whole = shares["skin"];
  const clear = told(frame, planes);
  const found = otsu(yuv[2], shape);
  let area = 0;
  let kept = 0;
  whole.forEach((share, i) => {
    area += share;
    kept += share * found[i];
  });
  const mask = kept < MASK_KEPT * area ? clear : clear.map((c, i) => c & found[i]);
  const near = typical(
    yuv[0],
    whole.map((share, i) => share * mask[i]),
  );
  const wanted = Float64Array.from(names, (name) => shares[name].reduce((a, b) => a + b, 0));
  return Regions.of(
    names.map((name) => shares[name].map((share, i) => share * mask[i] * near[i])),
    wanted,
  );
}
