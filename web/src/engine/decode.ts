// A picture of the browser as planes: as decoded where it tells, else by way of a canvas.

import { type Frame, type Layout, frameOfCoded, frameOfPixels, known } from "./face/frame";

/** What can be sent to a worker. */
export type Sent = VideoFrame | ImageBitmap | ImageData;

let buffer = new Uint8Array(0);
let canvas: OffscreenCanvas | null = null;

/** The planes of a picture; it is closed. They are good until the next call. */
export async function planesOf(picture: Sent, time: number): Promise<Frame> {
  if (picture instanceof ImageData) return frameOfPixels(picture.data, picture.width, picture.height, time);
  try {
    if (typeof VideoFrame !== "undefined" && picture instanceof VideoFrame) {
      const turned = Boolean((picture as { rotation?: number }).rotation) || (picture as { flip?: boolean }).flip;
      if (known(picture.format) && !turned) return await coded(picture, time);
      return drawn(picture, picture.displayWidth, picture.displayHeight, time);
    }
    const bitmap = picture as ImageBitmap;
    return drawn(bitmap, bitmap.width, bitmap.height, time);
  } finally {
    picture.close();
  }
}

async function coded(picture: VideoFrame, time: number): Promise<Frame> {
  const size = picture.allocationSize();
  if (buffer.length < size) buffer = new Uint8Array(size);
  const layout: Layout[] = await picture.copyTo(buffer);
  const { width, height } = picture.visibleRect ?? picture.codedRect!;
  const { matrix, fullRange } = picture.colorSpace;
  return frameOfCoded(
    buffer,
    layout,
    { format: picture.format!, width, height, space: matrix ?? "", fullRange: fullRange ?? false },
    time,
  );
}

function drawn(picture: CanvasImageSource, width: number, height: number, time: number): Frame {
  if (!canvas || canvas.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(picture, 0, 0, width, height);
  return frameOfPixels(context.getImageData(0, 0, width, height).data, width, height, time);
}
