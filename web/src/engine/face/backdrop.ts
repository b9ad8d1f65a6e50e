// The mean colour of what is not a person: the light that falls on everything. See face/backdrop.py.

import constants from "../constants.json";
import { Blend, Regions } from "./average";
import type { Box, Frame, Planes } from "./frame";
import { told } from "./skin";

const { ROWS, COLUMNS, SHIFT, FADE_S, LEAST } = constants["face.backdrop"];

/** Region `background`: all that is away from faces and the bodies below them. */
export class Backdrop {
  private area = 1;
  private blend: Blend | null = null;
  private drawn: Box[] = [];

  /** Mean plane values (NaN when people fill the picture) and the number of pixels. */
  mean(frame: Frame, boxes: Box[]): [Float64Array, number] {
    const { planes, rows, columns } = readFew(frame);
    if (!this.blend || !alike(boxes, this.drawn)) this.draw(frame, planes, boxes, rows, columns);
    const { values, pixels } = this.blend!.means(planes, null, frame.time);
    return [values, pixels[0] * this.area];
  }

  private draw(frame: Frame, planes: Planes, boxes: Box[], rows: number, columns: number): void {
    const free = Float32Array.from(told(frame, planes));
    for (const [x0, y0, x1, y1] of boxes) {
      const [wide, high] = [x1 - x0, y1 - y0];
      for (let i = 0; i < rows; i++) {
        const y = (i + 0.5) * (frame.height / rows);
        for (let j = 0; j < columns; j++) {
          const x = (j + 0.5) * (frame.width / columns);
          const head = x > x0 - 0.6 * wide && x < x1 + 0.6 * wide && y > y0 - 0.8 * high;
          const body = x > x0 - 1.5 * wide && x < x1 + 1.5 * wide && y > y1;
          if (head || body) free[i * columns + j] = 0;
        }
      }
    }
    const regions = Regions.of([free], Float64Array.of((free.length * LEAST) / 0.25));
    if (this.blend) this.blend.change(regions, frame.time, FADE_S);
    else {
      this.blend = new Blend(regions, 1);
      this.area = (frame.height * frame.width) / free.length;
    }
    this.drawn = [...boxes];
  }
}

/** Plane values of some rows, evenly spread over the picture. */
function readFew(frame: Frame): { planes: Planes; rows: number; columns: number } {
  const rows = Math.min(ROWS, ...frame.planes.map((p) => p.rows));
  const columns = Math.min(COLUMNS, ...frame.planes.map((p) => p.columns));
  const planes = frame.planes.map(({ data, stride, step, offset, rows: high, columns: wide }) => {
    const out = new Float32Array(rows * columns);
    const [dy, dx] = [Math.floor(high / rows), Math.floor(wide / columns)];
    for (let i = 0; i < rows; i++) {
      const row = offset + (Math.floor(dy / 2) + i * dy) * stride;
      for (let j = 0; j < columns; j++) out[i * columns + j] = data[row + (Math.floor(dx / 2) + j * dx) * step];
    }
    return out;
  });
  return { planes: planes as unknown as Planes, rows, columns };
}

function alike(boxes: Box[], drawn: Box[]): boolean {
  if (boxes.length !== drawn.length) return false;
  return boxes.every((one, k) => {
    const other = drawn[k];
    const off = Math.max(...one.map((v, i) => Math.abs(v - other[i])));
    return off <= SHIFT * (other[3] - other[1]);
  });
}
