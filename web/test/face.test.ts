import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Frame, type Plane, frameOfCoded, frameOfPixels, matrixOf } from "../src/engine/face/frame";
import { coverage } from "../src/engine/face/regions";
import { Watcher, checked } from "../src/engine/watcher";
import { network } from "./networks";
import { type Encoded, apart, numbers } from "./vectors";

const vector = JSON.parse(readFileSync(new URL("../vectors/pictures.json", import.meta.url), "utf8"));
const networks = {
  blazeface_short: await network("blazeface_short"),
  facemesh468: await network("facemesh468"),
};

interface Zipped {
  shape: number[];
  zlib: string;
}

const bytes = (entry: Zipped) => new Uint8Array(inflateSync(Buffer.from(entry.zlib, "base64")));
const time = numbers(vector.time);
const gain = numbers(vector.gain);

/** Samples moved and lit, or grey while the face is covered. */
function shown(data: Uint8Array, [rows, columns, depth]: number[], factor: number, k: number, light = gain[k]): Uint8Array {
  const out = new Uint8Array(data.length);
  if (k >= vector.covered[0] && k < vector.covered[1]) return out.fill(128);
  const [dx, dy] = vector.shift[k].map((d: number) => d / factor);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const from = (((i - dy + rows) % rows) * columns + ((j - dx + columns) % columns)) * depth;
      for (let c = 0; c < depth; c++) {
        const v = data[from + c];
        out[(i * columns + j) * depth + c] = factor > 1 ? v : Math.min(Math.floor(v * light + 0.5), 255);
      }
    }
  }
  return out;
}

function rgbFrame(k: number): Frame {
  const [rows, columns] = vector.image.shape;
  return frameOfPixels(shown(bytes(vector.image), [rows, columns, 3], 1, k), columns, rows, time[k]);
}

function yuvFrame(k: number): Frame {
  const planes = vector.planes.map((entry: Zipped, at: number): Plane => {
    const [rows, columns] = entry.shape;
    const data = shown(bytes(entry), [rows, columns, 1], at ? 2 : 1, k);
    return { data, rows, columns, stride: columns, step: 1, offset: 0 };
  });
  const [height, width] = vector.planes[0].shape;
  return { planes, matrix: numbers(vector.matrix), width, height, time: time[k] };
}

describe.each([
  ["rgb", rgbFrame],
  ["yuv", yuvFrame],
] as const)("%s pictures", (kind, frameOf) => {
  it("gives the colours of the regions that the package sees, also after the face was away", async () => {
    const watcher = new Watcher(checked({ window: Infinity }), networks);
    for (let k = 0; k < time.length; k++) {
      expect(watcher.stale(time[k])).toBe(false);
      const view = await watcher.push(frameOf(k));
      const covered = k >= vector.covered[0] && k < vector.covered[1];
      if (k > 2 && k < vector.covered[0]) expect(view.faces.length).toBe(1);
      if (covered) expect(view.faces.length).toBe(0);
    }
    const { traces } = watcher.material();
    expect(traces.length).toBe(1);
    const wanted: Record<string, Encoded> & { names: string[] } = vector[kind];
    expect(traces[0].names).toEqual(wanted.names);
    const off = {
      rgb: apart(traces[0].rgb, numbers(wanted["rgb"]), 1),
      box: apart(traces[0].box, numbers(wanted["box"]), 1),
      pixels: apart(traces[0].pixels, numbers(wanted["pixels"])),
    };
    if (process.env["CAMVITALS_TELL"]) console.log(kind, off);
    expect(off.rgb, "grey levels").toBeLessThan(0.02);
    expect(off.box, "pixels").toBeLessThan(0.05);
    expect(off.pixels, "share").toBeLessThan(0.01);
  });
});

it.each([
  ["two", 2],
  ["coarse", 1],
])("follows them as the package does: %s", async (name, people) => {
  const watcher = new Watcher(checked({ window: Infinity }), networks);
  const { image, count, rgb, box } = vector[name];
  for (let k = 0; k < count; k++) {
    const still = frameOfPixels(shown(bytes(image), image.shape, 1, k, 1), image.shape[1], image.shape[0], time[k]);
    await watcher.push(still);
  }
  const { traces } = watcher.material();
  expect(traces.length).toBe(people);
  expect(rgb.length).toBe(people);
  traces.forEach((trace, n) => {
    expect(apart(trace.rgb, numbers(rgb[n]), 1), "grey levels").toBeLessThan(0.02);
    expect(apart(trace.box, numbers(box[n]), 1), "pixels").toBeLessThan(0.05);
  });
});

it("passes late pictures over and begins anew when the clock is set back", () => {
  const watcher = new Watcher(checked({ roi: "frame", window: 10 }), null);
  const at = (seconds: number) => ({ ...rgbFrame(0), time: seconds });
  return (async () => {
    for (const seconds of [100, 100.1, 100.2]) await watcher.push(at(seconds));
    expect(watcher.stale(100.2)).toBe(true);
    expect(watcher.stale(Number.NaN)).toBe(true);
    expect(watcher.material().source.warnings).toHaveLength(1);
    expect(watcher.stale(5)).toBe(false);
    await watcher.push(at(5));
    expect(watcher.material().traces[0].time.length).toBe(1);
  })();
});

it("keeps the same memory for an hour", async () => {
  const [width, height, rate] = [32, 24, 10];
  const pixels = new Uint8Array(width * height * 4).fill(128);
  const watcher = new Watcher(checked({ roi: "frame", window: 30 }), null);
  let due = 0;
  for (let k = 0; k < 3600 * rate; k++) {
    await watcher.push(frameOfPixels(pixels, width, height, k / rate));
    if (watcher.isDue()) due++;
  }
  const { traces, source } = watcher.material();
  expect(traces[0].time.length).toBe(30 * rate + 1);
  expect(source.duration_s).toBeCloseTo(30.1, 6);
  expect(source.frames).toBe(3600 * rate);
  expect(due).toBe(3599);
});

it("refuses options that cannot be", () => {
  expect(() => checked({ window: 2 })).toThrow(/window >= 5/);
  expect(() => checked({ method: "magic" })).toThrow(/auto, green, chrom, pos, pbv/);
  expect(() => checked({ period: 0 })).toThrow(/period > 0/);
});

it("covers half a cell where a polygon does", () => {
  const square = Float64Array.of(-0.5, -0.5, 1, -0.5, 1, 1.5, -0.5, 1.5);
  expect([...coverage(square, [2, 3])]).toEqual([1, 0.5, 0, 1, 0.5, 0]);
});

it("maps white and black of the coded ranges to 255 and 0", () => {
  for (const space of ["bt709", "smpte170m", "bt2020-ncl", ""]) {
    const limited = matrixOf({ format: "I420", width: 640, height: 480, space, fullRange: false });
    for (const row of [0, 4, 8]) {
      const value = (y: number) => limited[row] * y + 128 * (limited[row + 1] + limited[row + 2]) + limited[row + 3];
      expect(value(16)).toBeCloseTo(0, 9);
      expect(value(235)).toBeCloseTo(255, 9);
    }
  }
});

it("reads the same colours of NV12, I420 and RGBA", async () => {
  const [width, height] = [64, 48];
  const coding = { width, height, space: "smpte170m", fullRange: false };
  const luma = new Uint8Array(width * height).fill(120);
  const half = (width * height) / 4;
  const i420 = Uint8Array.from([...luma, ...Array(half).fill(110), ...Array(half).fill(150)]);
  const nv12 = Uint8Array.from([...luma, ...Array(half).fill([110, 150]).flat()]);
  const at = width * height;
  const first = frameOfCoded(i420, [{ offset: 0, stride: width }, { offset: at, stride: width / 2 }, { offset: at + half, stride: width / 2 }], { ...coding, format: "I420" }, 0);
  const second = frameOfCoded(nv12, [{ offset: 0, stride: width }, { offset: at, stride: width }], { ...coding, format: "NV12" }, 0);
  const means = await Promise.all(
    [first, second].map(async (frame) => {
      const watcher = new Watcher(checked({ roi: "frame" }), null);
      await watcher.push(frame);
      return [...watcher.material().traces[0].rgb];
    }),
  );
  expect(means[0]).toEqual(means[1]);
});
