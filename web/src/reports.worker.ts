// Reports: colours in, readings out; beside the worker that watches, so that no picture waits.

import { AUTO } from "./engine/candidates";
import type { Network } from "./engine/guide";
import { openNetwork } from "./engine/models";
import { type Settings, liveSource, reportOf, reportsOf } from "./engine/report";
import type { Trace } from "./engine/trace";
import type { Done, FromReports, OpenReports, ToReports } from "./messages";

const say = (message: FromReports): void => postMessage(message);
let settings: Settings = { method: AUTO, roi: "face" };
let guide: Network | null = null;
let queue: Promise<void> = Promise.resolve();

addEventListener("message", ({ data }: MessageEvent<OpenReports>) => {
  open(data).catch((error: unknown) => say({ type: "failed", id: null, message: told(error) }));
});

async function open({ base, threads, options, port }: OpenReports): Promise<void> {
  settings = { method: options.method, roi: options.roi };
  if (settings.method === AUTO && settings.roi !== "finger") guide = await openNetwork("regionpulse", base, threads);
  port.onmessage = ({ data }: MessageEvent<ToReports>) => {
    queue = queue.then(() => report(data, port));
  };
  say({ type: "ready" });
  queue = queue.then(warm);
}

/** A first report of nothing, while nobody waits for one, so that the code of the others is ready. */
async function warm(): Promise<void> {
  const [count, names] = [300, ["forehead", "left_cheek", "right_cheek", "nose", "chin", "skin", "background"]];
  const time = Float64Array.from({ length: count }, (_, t) => t / 30);
  const level = (i: number) => 120 + Math.sin(1.3 * i) + Math.sin((2 * Math.PI * i) / (names.length * 3 * 25));
  const trace: Trace = {
    time,
    names,
    rgb: Float32Array.from({ length: count * names.length * 3 }, (_, i) => level(i)),
    pixels: new Float32Array(count * names.length).fill(1e3),
    box: Float32Array.from({ length: count * 4 }, (_, i) => [100, 100, 300, 350][i % 4] + Math.sin(0.1 * i)),
  };
  await reportOf(trace, liveSource(time, {}), { settings, guide }).catch(() => undefined);
}

async function report({ id, material }: ToReports, port: MessagePort): Promise<void> {
  const begun = performance.now();
  try {
    const reports = await reportsOf(material.traces, material.source, { settings, guide });
    say({ type: "reports", id, reports, ms: performance.now() - begun });
  } catch (error) {
    say({ type: "failed", id, message: told(error) });
  }
  const done: Done = { type: "done" };
  port.postMessage(done);
}

function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
