// The picture, and on it the faces and the regions that are read.

import type { Box, Points } from "../engine/face/frame";
import type { Face } from "../engine/face/collect";
import type { View } from "../engine/watcher";
import { colour } from "./dom";

export class Stage {
  /** As in a mirror: a person's own camera. */
  mirrored = false;

  constructor(
    readonly video: HTMLVideoElement,
    private readonly overlay: HTMLCanvasElement,
    private readonly place: HTMLElement,
  ) {}

  show(mirrored: boolean): void {
    this.mirrored = mirrored;
    this.place.classList.toggle("mirrored", mirrored);
    this.place.classList.add("busy");
  }

  clear(): void {
    this.place.classList.remove("busy");
    this.video.srcObject = null;
    this.video.removeAttribute("src");
    this.video.load();
    this.wipe();
  }

  wipe(): void {
    this.overlay.getContext("2d")!.clearRect(0, 0, this.overlay.width, this.overlay.height);
  }

  /** Draw what is in the last picture; each face with the number of its card, when there are several. */
  draw({ width, height, faces }: View, numberOf: (face: Face) => number): void {
    if (this.overlay.width !== width) this.overlay.width = width;
    if (this.overlay.height !== height) this.overlay.height = height;
    if (width && height) this.place.style.setProperty("--shape", String(width / height));
    const pen = this.overlay.getContext("2d")!;
    pen.clearRect(0, 0, width, height);
    const across = (x: number): number => (this.mirrored ? width - x : x);
    pen.lineWidth = Math.max(1, height / 360);
    for (const face of faces) {
      pen.strokeStyle = colour("trace");
      for (const outline of Object.values(face.outlines)) trace(pen, outline, across);
      if (faces.length > 1) number(pen, face.box, numberOf(face), across);
    }
  }
}

function trace(pen: CanvasRenderingContext2D, outline: Points, across: (x: number) => number): void {
  pen.beginPath();
  for (let k = 0; k < outline.length; k += 2) pen.lineTo(across(outline[k]), outline[k + 1]);
  pen.closePath();
  pen.stroke();
}

function number(pen: CanvasRenderingContext2D, box: Box, value: number, across: (x: number) => number): void {
  const size = Math.max(14, (box[2] - box[0]) / 6);
  const [x, y] = [across((box[0] + box[2]) / 2), Math.max(size, box[1] - 0.7 * size)];
  pen.fillStyle = colour("trace");
  pen.beginPath();
  pen.arc(x, y, 0.8 * size, 0, 7);
  pen.fill();
  pen.fillStyle = "#10151a";
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(String(value), x, y);
}
