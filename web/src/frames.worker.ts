// Watches: pictures in, faces out to the page, colours out to the worker that reports.

import { planesOf } from "./engine/decode";
import { whole } from "./engine/face/crop";
import { Detector } from "./engine/face/detect";
import { frameOfPixels } from "./engine/face/frame";
import { Mesh } from "./engine/face/mesh";
import { openNetwork } from "./engine/models";
import { type FaceNetworks, Watcher } from "./engine/watcher";
import type { Done, FromFrames, ToFrames, ToReports } from "./messages";

const say = (message: FromFrames): void => postMessage(message);
let watcher: Watcher | null = null;
let networks: FaceNetworks | null = null;
let reports: MessagePort | null = null;
let reporting = false;
let queue: Promise<void> = Promise.resolve();

addEventListener("message", ({ data }: MessageEvent<ToFrames>) => {
  queue = queue.then(() => handle(data)).catch((error: unknown) => {
    say({ type: "failed", id: "id" in data ? data.id : null, message: told(error) });
  });
});

async function handle(message: ToFrames): Promise<void> {
  if (message.type === "open") return open(message);
  if (!watcher) return;
  if (message.type === "restart") {
    watcher = new Watcher(message.options, networks);
    return;
  }
  if (message.type === "now") return send(message.id);
  const { id, picture, time } = message;
  if (watcher.stale(time)) {
    if ("close" in picture) picture.close();
    return say({ type: "taken", id, view: null });
  }
  const begun = performance.now();
  const frame = await planesOf(picture, time);
  const view = await watcher.push(frame);
  say({ type: "taken", id, view: { ...view, ms: performance.now() - begun } });
  if (!reporting && watcher.isDue()) send(null);
}

async function open({ base, threads, options, port }: Extract<ToFrames, { type: "open" }>): Promise<void> {
  reports = port;
  port.onmessage = (event: MessageEvent<Done>) => {
    if (event.data.type === "done") reporting = false;
  };
  const faces = options.roi === "face";
  const [blazeface_short, facemesh468] = faces
    ? await Promise.all([openNetwork("blazeface_short", base, threads), openNetwork("facemesh468", base, threads)])
    : [null, null];
  networks = blazeface_short && facemesh468 ? { blazeface_short, facemesh468 } : null;
  if (networks) await warm(networks);
  watcher = new Watcher(options, networks);
  say({ type: "ready" });
}

/** A network's first call takes far longer than the others: no picture is to wait for it. */
async function warm({ blazeface_short, facemesh468 }: FaceNetworks): Promise<void> {
  const frame = frameOfPixels(new Uint8Array(256 * 256 * 4).fill(128), 256, 256, 0);
  await new Detector(blazeface_short).find(frame, whole(frame), 1);
  await new Mesh(facemesh468).measure(frame, whole(frame));
}

/** Let a report be made of what there is. */
function send(id: number | null): void {
  reporting = true;
  const material = watcher!.material();
  const parts = material.traces.flatMap((t) => [t.time.buffer, t.rgb.buffer, t.pixels.buffer, t.box.buffer]);
  const message: ToReports = { type: "report", id, material };
  reports!.postMessage(message, parts as ArrayBuffer[]);
}

function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
