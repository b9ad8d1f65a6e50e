// Vital signs of a live picture, on the device: two workers and what the page says to them.

import { InputError } from "./engine/arrays";
import type { Sent } from "./engine/decode";
import type { Report } from "./engine/report_types";
import { type Options, type View, checked } from "./engine/watcher";
import type { FromFrames, FromReports, OpenReports, ToFrames } from "./messages";

/** Options of a monitor; see Options for what is measured. */
export interface MonitorOptions extends Partial<Options> {
  /** Folder of models/ and the runtime; by default the page's own. */
  assets?: string | URL;
  /** Threads of a network, where the page is isolated; one is fastest for ours. */
  threads?: number;
}

/** What can be pushed: with a size of its own, and pixels that this page may read. */
export type Picture = Sent | HTMLVideoElement | HTMLCanvasElement;

const MOST_WAITING = 2;
const NEWEST_S = 0.5; // by which a picture may be newer than what the browser tells of it
const SAME_S = 1e-4;

/**
 * One person's or several persons' vital signs, updated every `period` seconds.
 *
 *     const monitor = await Monitor.open({ window: 30 });
 *     monitor.onReport = (reports) => show(reports[0]);
 *     const stop = monitor.watch(videoElement);
 *
 * Nothing leaves the device: pictures go to a worker of the page and are forgotten there.
 */
export class Monitor {
  /** Called with a report for every person, the one seen most first, and how long it took [ms]. */
  onReport: ((reports: Report[], ms: number) => void) | null = null;
  /** Called after every picture: where the faces are. */
  onView: ((view: View) => void) | null = null;
  /** Called with a sentence when something failed. */
  onError: ((message: string) => void) | null = null;
  /** The last reports; empty before the first. */
  reports: Report[] = [];
  /** Pictures that came while two others were waiting, and were passed over. */
  dropped = 0;
  private waiting = 0;
  private count = 0;
  private readonly answers = new Map<number, { done: (value: never) => void; fail: (error: Error) => void }>();

  private constructor(
    public options: Options,
    private readonly frames: Worker,
    private readonly reporter: Worker,
  ) {}

  /** Start the workers and load the networks. Throws InputError for wrong options. */
  static async open(given: MonitorOptions = {}): Promise<Monitor> {
    const { assets = globalThis.document?.baseURI ?? location.href, threads = 1, ...some } = given;
    const options = checked(some);
    const base = new URL(assets, location.href).href;
    const frames = new Worker(new URL("./frames.worker.ts", import.meta.url), { type: "module" });
    const reporter = new Worker(new URL("./reports.worker.ts", import.meta.url), { type: "module" });
    const monitor = new Monitor(options, frames, reporter);
    const { port1, port2 } = new MessageChannel();
    try {
      const ready = Promise.all([readiness(frames), readiness(reporter)]);
      const toFrames: ToFrames = { type: "open", base, threads, options, port: port1 };
      const toReporter: OpenReports = { type: "open", base, threads, options, port: port2 };
      frames.postMessage(toFrames, [port1]);
      reporter.postMessage(toReporter, [port2]);
      await ready;
    } catch (error) {
      monitor.close();
      throw error;
    }
    frames.onmessage = ({ data }: MessageEvent<FromFrames>) => monitor.fromFrames(data);
    reporter.onmessage = ({ data }: MessageEvent<FromReports>) => monitor.fromReports(data);
    return monitor;
  }

  /**
   * Take one picture of time [s]. A VideoFrame or ImageBitmap is closed.
   * Resolves to what was seen; null when the picture was late, or others were waiting.
   * wait: never pass a picture over for those that wait.
   */
  async push(picture: Picture, time: number, { wait = false } = {}): Promise<View | null> {
    if (this.waiting >= MOST_WAITING && !wait) {
      this.dropped++;
      if ("close" in picture) picture.close();
      return null;
    }
    this.waiting++;
    try {
      const sent = await sendable(picture, time);
      const view = await this.ask<View | null>((id) => ({ type: "frame", id, picture: sent, time }), sent);
      if (view) this.onView?.(view);
      return view;
    } finally {
      this.waiting--;
    }
  }

  /** Push every picture of a playing video, camera or file, with its own time. Returns what stops it. */
  watch(video: HTMLVideoElement): () => void {
    let stopped = false;
    const clock = new FrameClock(video);
    const take = (now: number, about?: VideoFrameCallbackMetadata): void => {
      if (stopped) return;
      request();
      if (!video.videoWidth) return;
      const frame = frameOf(video);
      if (frame === undefined) return;
      const time = clock.time(now, about, frame);
      if (time === null) return frame?.close();
      this.push(frame ?? video, time).catch((error: Error) => this.onError?.(error.message));
    };
    const request = (): void => {
      if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(take);
      else requestAnimationFrame((now) => take(now));
    };
    request();
    return () => (stopped = true);
  }

  /** The reports of the window as it is, due or not. */
  now(): Promise<Report[]> {
    return this.ask((id) => ({ type: "now", id }));
  }

  /** Forget everybody, as for another source; with other options from then on, but for method and roi. */
  restart(given: Partial<Pick<Options, "window" | "period" | "people">> = {}): void {
    this.options = checked({ ...this.options, ...given });
    const message: ToFrames = { type: "restart", options: this.options };
    this.frames.postMessage(message);
    this.reports = [];
  }

  /** End the workers. */
  close(): void {
    this.frames.terminate();
    this.reporter.terminate();
    for (const { fail } of this.answers.values()) fail(new InputError("the monitor was closed"));
    this.answers.clear();
  }

  private ask<T>(message: (id: number) => ToFrames, sent?: Sent): Promise<T> {
    const id = this.count++;
    return new Promise<T>((done, fail) => {
      this.answers.set(id, { done, fail });
      const transferred = sent instanceof ImageData ? [sent.data.buffer] : sent ? [sent] : [];
      this.frames.postMessage(message(id), transferred as Transferable[]);
    });
  }

  private answer(id: number | null, value: unknown): void {
    if (id === null) return;
    this.answers.get(id)?.done(value as never);
    this.answers.delete(id);
  }

  private fromFrames(message: FromFrames): void {
    if (message.type === "taken") this.answer(message.id, message.view);
    else if (message.type === "failed") this.failed(message.id, message.message);
  }

  private fromReports(message: FromReports): void {
    if (message.type === "reports") {
      this.reports = message.reports;
      this.answer(message.id, message.reports);
      if (message.id === null) this.onReport?.(message.reports, message.ms);
    } else if (message.type === "failed") this.failed(message.id, message.message);
  }

  private failed(id: number | null, message: string): void {
    const waiting = id === null ? undefined : this.answers.get(id);
    if (waiting) {
      waiting.fail(new InputError(message));
      this.answers.delete(id!);
    } else this.onError?.(message);
  }
}

function readiness(worker: Worker): Promise<void> {
  return new Promise((done, fail) => {
    worker.onerror = (event) => fail(new InputError(event.message || "a worker of the page did not start"));
    worker.onmessage = ({ data }: MessageEvent<FromFrames | FromReports>) => {
      if (data.type === "ready") done();
      else if (data.type === "failed") fail(new InputError(data.message));
    };
  });
}

/** The picture that is shown; null where the browser has no such frames, undefined while there is none yet. */
function frameOf(video: HTMLVideoElement): VideoFrame | null | undefined {
  if (typeof VideoFrame === "undefined") return null;
  try {
    return new VideoFrame(video);
  } catch {
    return undefined;
  }
}

/** A picture that can be given to a worker, without a copy where the browser can. */
async function sendable(picture: Picture, time: number): Promise<Sent> {
  const element = picture instanceof HTMLVideoElement || picture instanceof HTMLCanvasElement;
  if (!element) return picture;
  if (typeof VideoFrame !== "undefined") {
    return new VideoFrame(picture, { timestamp: Math.round(time * 1e6) });
  }
  return createImageBitmap(picture);
}

/** When pictures were taken [s], by the best clock that the browser has of them. */
class FrameClock {
  private source: "capture" | "media" | "shown" | null = null;
  private last = -Infinity;

  constructor(private readonly video: HTMLVideoElement) {}

  /** Null for a picture that was there before. frame: the picture, which may be newer than it is told of. */
  time(now: number, about?: VideoFrameCallbackMetadata, frame?: VideoFrame | null): number | null {
    this.source ??= this.choose(about);
    const newer = about && frame ? frame.timestamp / 1e6 - about.mediaTime : NaN;
    const seconds =
      this.source === "capture" && about?.captureTime !== undefined
        ? about.captureTime / 1e3
        : this.source === "media"
          ? (about?.mediaTime ?? this.video.currentTime)
          : (about?.expectedDisplayTime ?? now) / 1e3;
    const taken = this.source !== "shown" && Math.abs(newer) < NEWEST_S ? seconds + newer : seconds;
    if (Math.abs(taken - this.last) < SAME_S) return null;
    this.last = taken;
    return taken;
  }

  private choose(about?: VideoFrameCallbackMetadata): "capture" | "media" | "shown" {
    if (!this.video.srcObject) return "media";
    return about?.captureTime !== undefined ? "capture" : "shown";
  }
}
