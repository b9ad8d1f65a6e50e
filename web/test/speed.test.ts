// How much processor time a picture and a report take; told, not judged: CAMVITALS_TELL=1 vitest run
// test/speed.test.ts

import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { expect, it } from "vitest";
import { median } from "../src/engine/arrays";
import { candidatesOf, partsOf } from "../src/engine/candidates";
import { weigh } from "../src/engine/evidence";
import { frameOfPixels } from "../src/engine/face/frame";
import { heartWindows } from "../src/engine/heart";
import { liveSource, reportOf } from "../src/engine/report";
import type { Trace } from "../src/engine/trace";
import { Watcher, checked } from "../src/engine/watcher";
import { network } from "./networks";
import { load, traceOf } from "./vectors";

const LONG_MS = 300_000;
const telling = Boolean(process.env["CAMVITALS_TELL"]);

/** Processor time of this process [ms]. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

/** A clear trace said again until it is so long. */
function longer(trace: Trace, seconds: number): Trace {
  const [count, each] = [Math.round(seconds * 30), trace.time.length];
  const again = (x: Float32Array) => {
    const width = x.length / each;
    return Float32Array.from({ length: count * width }, (_, i) => x[i % x.length]);
  };
  const time = Float64Array.from({ length: count }, (_, t) => t / 30);
  return { names: trace.names, time, rgb: again(trace.rgb), pixels: again(trace.pixels), box: again(trace.box) };
}

it.runIf(telling)("a report of 30 s at 30 pictures a second", async () => {
  const trace = longer(traceOf(load("clear")), 30);
  const guide = await network("regionpulse");
  const settings = { method: "auto", roi: "face" };
  const whole: number[] = [];
  const steps: Record<string, number[]> = { candidates: [], weigh: [], heart: [] };
  for (let k = 0; k < 8; k++) {
    let begun = spent();
    const report = await reportOf(trace, liveSource(trace.time, {}), { settings, guide });
    whole.push(spent() - begun);
    expect(report.readings[0].value).not.toBeNull();
    const [part] = partsOf(trace, "auto", 30);
    const step = async <T>(name: string, of: () => T | Promise<T>): Promise<T> => {
      begun = spent();
      const found = await of();
      steps[name].push(spent() - begun);
      return found;
    };
    const candidates = await step("candidates", () => candidatesOf(part, guide));
    const evidence = await step("weigh", () => weigh(candidates));
    await step("heart", () => heartWindows(evidence));
  }
  console.log("report", median(whole), Object.fromEntries(Object.entries(steps).map(([n, x]) => [n, median(x)])));
}, LONG_MS);

it.runIf(telling)("a picture of 640 × 480", async () => {
  const vector = JSON.parse(readFileSync(new URL("../vectors/pictures.json", import.meta.url), "utf8"));
  const small = new Uint8Array(inflateSync(Buffer.from(vector.image.zlib, "base64")));
  const [rows, columns] = vector.image.shape;
  const large = new Uint8Array(4 * rows * columns * 4);
  for (let i = 0; i < 2 * rows; i++)
    for (let j = 0; j < 2 * columns; j++)
      for (let c = 0; c < 3; c++)
        large[(i * 2 * columns + j) * 4 + c] = small[((i >> 1) * columns + (j >> 1)) * 3 + c];
  const watcher = new Watcher(checked({}), {
    blazeface_short: await network("blazeface_short"),
    facemesh468: await network("facemesh468"),
  });
  const each: number[] = [];
  for (let k = 0; k < 450; k++) {
    const begun = spent();
    await watcher.push(frameOfPixels(large, 2 * columns, 2 * rows, k / 30));
    each.push(spent() - begun);
  }
  const later = each.slice(60);
  const mean = later.reduce((a, b) => a + b) / later.length;
  console.log("picture", { median: median(later), mean, most: Math.max(...later), first: each[0] });
}, LONG_MS);
