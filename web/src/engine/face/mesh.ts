// 468 landmarks of a face: FaceMesh (Kartynnik et al., 2019). See face/mesh.py.

import { clip } from "../arrays";
import constants from "../constants.json";
import type { Network } from "../guide";
import { type Square, around, sample, toPicture } from "./crop";
import { type Detection, rollOfDetection } from "./detect";
import type { Box, Frame, Points } from "./frame";

const { SIZE, MARGIN, RIGHT_EYE, LEFT_EYE } = constants["face.mesh"];
const card = constants.cards.facemesh468;
const GAIN = Math.fround((card.scale[1] - card.scale[0]) / 255);
const LOW = Math.fround(card.scale[0]);
const COUNT = 468;

export class Mesh {
  constructor(private readonly network: Network) {}

  /** Landmarks [px of the picture] and the probability 0–1 that this is a face. */
  async measure(frame: Frame, square: Square): Promise<[Points, number]> {
    const data = sample(frame, square, SIZE, GAIN, LOW);
    const told = await this.network.run({ [card.inputs[0]]: { data, dims: [1, SIZE, SIZE, 3] } });
    const raw = told["landmarks"].data;
    const points = new Float64Array(2 * COUNT);
    for (let p = 0; p < COUNT; p++) {
      points[2 * p] = raw[3 * p] / SIZE;
      points[2 * p + 1] = raw[3 * p + 1] / SIZE;
    }
    const logit = clip(told["presence"].data[0], -50, 50);
    return [toPicture(square, points), 1 / (1 + Math.exp(-logit))];
  }
}

/** The rolled crop for a detected face. */
export function squareOfDetection(detection: Detection): Square {
  return around(detection.box, MARGIN, rollOfDetection(detection));
}

/** The rolled crop for a face whose landmarks are known. */
export function squareOfLandmarks(points: Points): Square {
  const roll = rollOf(points);
  const [cos, sin] = [Math.cos(roll), Math.sin(roll)];
  const level = new Float64Array(points.length);
  for (let i = 0; i < points.length; i += 2) {
    level[i] = points[i] * cos + points[i + 1] * sin;
    level[i + 1] = points[i + 1] * cos - points[i] * sin;
  }
  const [x0, y0, x1, y1] = boxAround(level);
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  return {
    x: x * cos - y * sin,
    y: x * sin + y * cos,
    side: MARGIN * Math.max(x1 - x0, y1 - y0),
    roll,
  };
}

/** How far the eyes are from level [rad], clockwise on the screen. */
export function rollOf(points: Points): number {
  const [r, l] = [2 * RIGHT_EYE, 2 * LEFT_EYE];
  return Math.atan2(points[l + 1] - points[r + 1], points[l] - points[r]);
}

/** The upright box around points [px]. */
export function boxAround(points: Points): Box {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    x0 = Math.min(x0, points[i]);
    x1 = Math.max(x1, points[i]);
    y0 = Math.min(y0, points[i + 1]);
    y1 = Math.max(y1, points[i + 1]);
  }
  return [x0, y0, x1, y1];
}
