// Ten seconds of the pulse on a true clock; a gap is a gap.

import type { Wave } from "../engine/report_types";
import { colour } from "./dom";

const SPAN_S = 10;
const FOOT_PX = 18;

/** Stretches of a wave between its gaps: times [s] and values. */
export type Stretch = [time: number, value: number][];

/** The stretches between start and stop [s], for drawing. */
export function stretches(wave: Wave, start: number, stop: number): Stretch[] {
  const { time, values } = wave;
  const step = time.length > 1 ? (time[time.length - 1] - time[0]) / (time.length - 1) : 0;
  const out: Stretch[] = [];
  let now: Stretch | null = null;
  let last = -Infinity;
  for (let i = firstAfter(time, start); i < time.length && time[i] <= stop; i++) {
    const value = values[i];
    if (value === null || time[i] - last > 3 * step) now = null;
    if (value === null) continue;
    if (!now) out.push((now = []));
    now.push([time[i], value]);
    last = time[i];
  }
  return out;
}

function firstAfter(time: number[], start: number): number {
  let [low, high] = [0, time.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time[middle] < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Half the height that a wave takes: most of it fits, whatever a movement did. */
export function reach(parts: Stretch[]): number {
  const sizes = parts.flatMap((part) => part.map(([, v]) => Math.abs(v))).sort((a, b) => a - b);
  return sizes.length ? 1.15 * sizes[Math.floor(0.98 * (sizes.length - 1))] || 1 : 1;
}

export class Strip {
  private wave: Wave | null = null;
  private beats: number[] = [];
  private trusted = false;

  constructor(private readonly canvas: HTMLCanvasElement) {}

  set(wave: Wave | null, beats: number[], trusted: boolean): void {
    [this.wave, this.beats, this.trusted] = [wave, beats, trusted];
  }

  /** Draw the ten seconds that end at a time [s] of the wave's clock; `known`: until when there can be a wave. */
  draw(end: number, label: (time: number) => string): void {
    const ratio = Math.min(devicePixelRatio || 1, 3);
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!width || !height) return;
    if (this.canvas.width !== Math.round(width * ratio)) this.canvas.width = Math.round(width * ratio);
    if (this.canvas.height !== Math.round(height * ratio)) this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d")!;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const start = end - SPAN_S;
    const x = (time: number): number => ((time - start) / SPAN_S) * width;
    this.clock(pen, { start, end, x, height, label });
    const parts = this.wave ? stretches(this.wave, start - 0.2, end) : [];
    this.gaps(pen, parts, x, [width, height]);
    this.line(pen, parts, x, height - FOOT_PX);
  }

  private clock(
    pen: CanvasRenderingContext2D,
    at: { start: number; end: number; x: (t: number) => number; height: number; label: (t: number) => string },
  ): void {
    pen.font = `11px ${getComputedStyle(this.canvas).fontFamily}`;
    pen.textAlign = "center";
    for (let t = Math.ceil(at.start); t <= at.end; t++) {
      pen.fillStyle = colour("line");
      pen.fillRect(Math.round(at.x(t)), 0, 1, at.height - FOOT_PX);
      const text = at.label(t);
      const place = at.x(t);
      if (!text || place < 12 || place > this.canvas.clientWidth - 12) continue;
      pen.fillStyle = colour("muted");
      pen.fillText(text, place, at.height - 4);
    }
  }

  /** Hatched, where there is no wave. */
  private gaps(
    pen: CanvasRenderingContext2D,
    parts: Stretch[],
    x: (t: number) => number,
    [width, height]: [number, number],
  ): void {
    const edges = [0, ...parts.flatMap((part) => [x(part[0][0]), x(part[part.length - 1][0])]), width];
    pen.strokeStyle = colour("line");
    pen.lineWidth = 1;
    for (let k = 0; k < edges.length; k += 2) {
      const [left, right] = [Math.max(0, edges[k]), Math.min(width, edges[k + 1])];
      if (right - left < 8) continue;
      pen.save();
      pen.beginPath();
      pen.rect(left, 0, right - left, height - FOOT_PX);
      pen.clip();
      pen.beginPath();
      for (let at = left - height; at < right; at += 9) {
        pen.moveTo(at, height);
        pen.lineTo(at + height, 0);
      }
      pen.stroke();
      pen.restore();
    }
  }

  private line(pen: CanvasRenderingContext2D, parts: Stretch[], x: (t: number) => number, height: number): void {
    const scale = (0.42 * height) / reach(parts);
    const y = (value: number): number => Math.min(height, Math.max(0, height / 2 - value * scale));
    pen.lineWidth = 2;
    pen.lineJoin = "round";
    pen.strokeStyle = colour(this.trusted ? "heart" : "muted");
    for (const part of parts) {
      pen.beginPath();
      for (const [time, value] of part) pen.lineTo(x(time), y(value));
      pen.stroke();
    }
    pen.fillStyle = colour("heart");
    for (const beat of this.beats) {
      const place = x(beat);
      if (place < 0 || place > this.canvas.clientWidth) continue;
      pen.beginPath();
      pen.arc(place, height - 5, 2.5, 0, 7);
      pen.fill();
    }
  }
}
