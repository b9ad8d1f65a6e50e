// Reports: colours in, readings out; beside the worker that watches, so that no picture waits.

import { AUTO } from "./engine/candidates";
import type { Network } from "./engine/guide";
import { openNetwork } from "./engine/models";
import { reportsOf } from "./engine/report";
import type { Settings } from "./engine/report";
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
