// Skin without a face: the whole picture, its skin-coloured part, or a finger. See face/picture.py.

import { mean } from "../arrays";
import constants from "../constants.json";
import { Blend, Regions } from "./average";
import { type Box, type Frame, type Planes, rgbOf, rgbPlanes } from "./frame";
import { type Shape, read, stepFor } from "./lattice";
import { type Mask, eroded, otsu, told, ycbcr } from "./skin";

const { NODES, PERIOD_S, FADE_S, CHANGED, ENOUGH } = constants["face.picture"];
const { DARK, BRIGHT } = constants["face.skin"];

/** Mean colours of the whole picture. */
export class Picture {
  readonly names: readonly string[];
  box: Box = [0, 0, 0, 0];
  private step = 0;
  private shape: Shape = [0, 0];
  private blend: Blend | null = null;
  private next = -Infinity;
  private usable: Mask[] | null = null;

  constructor(private readonly kind: "frame" | "skin" | "finger") {
    this.names = [kind === "finger" ? "finger" : "skin"];
  }

  /** Mean RGB, and pixels behind it. */
  means(frame: Frame): { rgb: Float64Array; pixels: Float64Array } {
    if (!this.step) {
      this.step = stepFor(frame, frame.width * frame.height, NODES);
      this.shape = [Math.floor(frame.height / this.step), Math.floor(frame.width / this.step)];
      this.box = [0, 0, frame.width, frame.height];
    }
    const planes = read(frame, this.step, [0, 0], this.shape);
    if (this.kind === "finger") return this.finger(rgbPlanes(frame, planes));
    if (frame.time >= this.next) this.draw(frame, planes);
    const { values, pixels } = this.blend!.means(planes, null, frame.time);
    return { rgb: Float64Array.from(rgbOf(frame, values[0], values[1], values[2])), pixels };
  }

  private draw(frame: Frame, planes: Planes): void {
    let mask: Mask = new Uint8Array(planes[0].length).fill(1);
    this.next = Infinity;
    if (this.kind === "skin") {
      const clear = told(frame, planes);
      mask = otsu(ycbcr(frame, planes)[2], this.shape).map((m, i) => m & clear[i]);
      const inner = eroded(eroded(mask, this.shape), this.shape); // so that a slow hand does not uncover the wall
      if (mean(inner) > 0.5 * mean(mask)) mask = inner;
      this.next = frame.time + PERIOD_S;
      this.findBox(mask);
    }
    const regions = Regions.of([Float32Array.from(mask)], Float64Array.of(0));
    if (!this.blend) this.blend = new Blend(regions, this.step);
    else if (this.differs(regions, frame.time)) this.blend.change(regions, frame.time, FADE_S);
  }

  private differs(regions: Regions, time: number): boolean {
    const now = this.blend!.settle(time).weights[0];
    return regions.weights[0].reduce((total, w, i) => total + Math.abs(w - now[i]), 0) > 0.05;
  }

  private findBox(mask: Mask): void {
    const [, columns] = this.shape;
    let [x0, y0, x1, y1] = [Infinity, Infinity, -1, -1];
    mask.forEach((m, at) => {
      if (!m) return;
      const [i, j] = [Math.floor(at / columns), at % columns];
      [x0, y0, x1, y1] = [Math.min(x0, j), Math.min(y0, i), Math.max(x1, j), Math.max(y1, i)];
    });
    const { step } = this;
    if (x1 >= 0) this.box = [x0 * step, y0 * step, (x1 + 1) * step, (y1 + 1) * step];
  }

  private finger(rgb: Planes): { rgb: Float64Array; pixels: Float64Array } {
    const usable = rgb.map((c) => Uint8Array.from(c, (v) => Number(v > DARK && v < BRIGHT)));
    const known = this.usable;
    const changed = known ? usable.map((m, k) => mean(m.map((v, i) => Number(v !== known[k][i])))) : [1];
    if (!known || Math.max(...changed) > CHANGED) this.usable = usable;
    const counts = this.usable!.map((m) => m.reduce((a, b) => a + b, 0));
    const means = rgb.map((c, k) => {
      const enough = counts[k] >= ENOUGH * c.length; // else the mean shows which end it is at
      return mean(enough ? c.filter((_, i) => this.usable![k][i]) : c);
    });
    return { rgb: Float64Array.from(means), pixels: Float64Array.of(mean(counts) * this.step ** 2) };
  }
}
