// One picture as its planes, as decoded, and the affine map that makes RGB of them. See records.py.

/** Bytes of one plane: sample (r, c) is data[offset + r * stride + c * step]. */
export interface Plane {
  data: Uint8Array;
  rows: number;
  columns: number;
  stride: number;
  step: number;
  offset: number;
}

export interface Frame {
  /** Y, U, V (U and V may be smaller) or R, G, B. */
  planes: readonly [Plane, Plane, Plane];
  /** 3 × 4: RGB 0–255 of planes; null when they are R, G, B already. */
  matrix: Float64Array | null;
  width: number;
  height: number;
  /** [s] */
  time: number;
}

/** x0, y0, x1, y1 [px]. */
export type Box = readonly [number, number, number, number];
/** x, y of points, one after the other. */
export type Points = Float64Array;

/** A frame of interleaved RGBA or RGB bytes. */
export function frameOfPixels(data: Uint8Array | Uint8ClampedArray, width: number, height: number, time: number): Frame {
  const step = data.length / (width * height);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  const plane = (offset: number): Plane => ({
    data: bytes,
    rows: height,
    columns: width,
    stride: width * step,
    step,
    offset,
  });
  return { planes: [plane(0), plane(1), plane(2)], matrix: null, width, height, time };
}

/** Where one plane lies in a buffer: as VideoFrame.copyTo tells it. */
export interface Layout {
  offset: number;
  stride: number;
}

/** What a decoded picture is, besides its bytes. */
export interface Coding {
  format: string;
  width: number;
  height: number;
  /** bt709, bt2020-ncl, smpte170m, …; empty where not known. */
  space: string;
  fullRange: boolean;
}

const INTERLEAVED: Record<string, [number, number, number]> = {
  RGBA: [0, 1, 2],
  RGBX: [0, 1, 2],
  BGRA: [2, 1, 0],
  BGRX: [2, 1, 0],
};

/** The formats that need no conversion. */
export function known(format: string | null): boolean {
  return format !== null && (format in INTERLEAVED || ["I420", "I420A", "I422", "I444", "NV12"].includes(format));
}

/** A frame of the bytes that VideoFrame.copyTo gave. */
export function frameOfCoded(data: Uint8Array, layout: readonly Layout[], coding: Coding, time: number): Frame {
  const { format, width, height } = coding;
  const colours = INTERLEAVED[format];
  if (colours) {
    const [{ offset, stride }] = layout;
    const plane = (at: number): Plane => ({ data, rows: height, columns: width, stride, step: 4, offset: offset + at });
    return { planes: [plane(colours[0]), plane(colours[1]), plane(colours[2])], matrix: null, width, height, time };
  }
  const across = format === "I444" ? width : (width + 1) >> 1;
  const down = format === "I444" || format === "I422" ? height : (height + 1) >> 1;
  const plane = (at: number, rows: number, columns: number, step = 1, more = 0): Plane => ({
    data,
    rows,
    columns,
    stride: layout[at].stride,
    step,
    offset: layout[at].offset + more,
  });
  const luma = plane(0, height, width);
  const chroma: [Plane, Plane] =
    format === "NV12"
      ? [plane(1, down, across, 2), plane(1, down, across, 2, 1)]
      : [plane(1, down, across), plane(2, down, across)];
  return { planes: [luma, ...chroma], matrix: matrixOf(coding), width, height, time };
}

/** Y′CbCr to R′G′B′ (ITU-R BT.601, BT.709, BT.2020), 8 bits. */
export function matrixOf({ space, fullRange, height }: Coding): Float64Array {
  const named: Record<string, [number, number]> = {
    bt709: [0.2126, 0.0722],
    "bt2020-ncl": [0.2627, 0.0593],
    bt470bg: [0.299, 0.114],
    smpte170m: [0.299, 0.114],
  };
  const [kr, kb] = named[space] ?? (height >= 720 ? named["bt709"] : named["smpte170m"]);
  const kg = 1 - kr - kb;
  const [y, c, black] = fullRange ? [1, 1, 0] : [255 / 219, 255 / 224, 16];
  const rows = [
    [y, 0, 2 * (1 - kr) * c],
    [y, ((-2 * kb * (1 - kb)) / kg) * c, ((-2 * kr * (1 - kr)) / kg) * c],
    [y, 2 * (1 - kb) * c, 0],
  ];
  return Float64Array.from(rows.flatMap(([a, b, d]) => [a, b, d, -(a * black + (b + d) * 128)]));
}

/** One colour of planes by the frame's map. */
export function rgbOf(frame: Frame, p0: number, p1: number, p2: number): [number, number, number] {
  const m = frame.matrix;
  if (!m) return [p0, p1, p2];
  return [
    m[0] * p0 + m[1] * p1 + m[2] * p2 + m[3],
    m[4] * p0 + m[5] * p1 + m[6] * p2 + m[7],
    m[8] * p0 + m[9] * p1 + m[10] * p2 + m[11],
  ];
}

/** Values of three planes at the same places. */
export type Planes = readonly [Float32Array, Float32Array, Float32Array];

/** Planes of values by the frame's map. */
export function rgbPlanes(frame: Frame, planes: Planes): Planes {
  const m = frame.matrix;
  if (!m) return planes;
  const [a, b, c] = planes;
  return [0, 4, 8].map((k) => {
    const out = new Float32Array(a.length);
    for (let i = 0; i < out.length; i++) out[i] = m[k] * a[i] + m[k + 1] * b[i] + m[k + 2] * c[i] + m[k + 3];
    return out;
  }) as unknown as Planes;
}
