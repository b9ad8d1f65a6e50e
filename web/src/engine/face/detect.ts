// Find faces in a picture: BlazeFace short-range (Bazarevsky et al., 2019). See face/detect.py.

import { clip } from "../arrays";
import constants from "../constants.json";
import type { Network } from "../guide";
import { type Square, sample, toPicture } from "./crop";
import type { Box, Frame, Points } from "./frame";

const { SIZE, LAYERS, OVERLAP } = constants["face.detect"];
const card = constants.cards.blazeface_short;
const GAIN = Math.fround((card.scale[1] - card.scale[0]) / 255);
const LOW = Math.fround(card.scale[0]);

/** A face: box [px], score 0–1, and six points: eyes, nose tip, mouth, ears [px]. */
export interface Detection {
  box: Box;
  score: number;
  points: Points;
}

/** How far the eyes are from level [rad], clockwise on the screen. */
export function rollOfDetection({ points }: Detection): number {
  return Math.atan2(points[3] - points[1], points[2] - points[0]);
}

/** Centres of the anchors x, y in the unit square, in the order of the network. */
const ANCHORS: Points = Float64Array.from(
  LAYERS.flatMap(([cells, copies]) =>
    Array.from({ length: cells * cells * copies }, (_, i) => {
      const cell = Math.floor(i / copies);
      return [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
    }).flat(),
  ),
);

export class Detector {
  constructor(private readonly network: Network) {}

  /** Faces in a square of the picture with at least this score, best first. */
  async find(frame: Frame, square: Square, threshold: number): Promise<Detection[]> {
    const data = sample(frame, square, SIZE, GAIN, LOW);
    const told = await this.network.run({ [card.inputs[0]]: { data, dims: [1, SIZE, SIZE, 3] } });
    const raw = told["boxes"].data;
    const found: Candidate[] = [];
    told["scores"].data.forEach((logit, d) => {
      const score = 1 / (1 + Math.exp(-clip(logit, -50, 50)));
      if (score >= threshold) found.push({ score, points: placed(square, decoded(raw, d)) });
    });
    return merged(found);
  }
}

interface Candidate {
  score: number;
  /** Two box corners, then the six face points. */
  points: Points;
}

function decoded(raw: Float32Array, d: number): Points {
  const [ax, ay] = [ANCHORS[2 * d], ANCHORS[2 * d + 1]];
  const value = (i: number) => raw[16 * d + i] / SIZE;
  const [cx, cy, hx, hy] = [value(0) + ax, value(1) + ay, value(2) / 2, value(3) / 2];
  const out = new Float64Array(16);
  out.set([cx - hx, cy - hy, cx + hx, cy + hy]);
  for (let i = 4; i < 16; i++) out[i] = value(i) + (i % 2 ? ay : ax);
  return out;
}

/** In pixels; the box stays upright in a rolled square. */
function placed(square: Square, unit: Points): Points {
  const out = toPicture(square, unit);
  const half = [0, 1].map((k) => ((unit[2 + k] - unit[k]) * square.side) / 2);
  const centre = [0, 1].map((k) => (out[k] + out[2 + k]) / 2);
  out.set([centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]]);
  return out;
}

/** One detection per face: the score-weighted mean of those that overlap the best one. */
function merged(candidates: Candidate[]): Detection[] {
  let order = [...candidates].sort((a, b) => b.score - a.score);
  const found: Detection[] = [];
  while (order.length) {
    const best = order[0];
    const together = order.filter((c, i) => i === 0 || overlap(boxOf(best), boxOf(c)) > OVERLAP);
    order = order.filter((c) => !together.includes(c));
    const total = together.reduce((sum, c) => sum + c.score, 0);
    const mean = new Float64Array(16);
    for (const c of together) c.points.forEach((v, i) => (mean[i] += (v * c.score) / total));
    found.push({ box: [mean[0], mean[1], mean[2], mean[3]], score: best.score, points: mean.slice(4) });
  }
  return found;
}

function boxOf({ points }: Candidate): Box {
  return [points[0], points[1], points[2], points[3]];
}

/** Intersection over union of two boxes. */
export function overlap(a: Box, b: Box): number {
  const wide = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const high = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const area = (box: Box) => Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
  return (wide * high) / Math.max(area(a) + area(b) - wide * high, 1e-9);
}

/** Detections from several squares with each face kept once, best first. */
export function bestOf(detections: Detection[]): Detection[] {
  const kept: Detection[] = [];
  for (const one of [...detections].sort((a, b) => b.score - a.score)) {
    if (kept.every((k) => overlap(one.box, k.box) < OVERLAP)) kept.push(one);
  }
  return kept;
}
