// A camera that is watched: from the permission to its loss and back.

import type { Report } from "../engine/report_types";
import type { View } from "../engine/watcher";
import type { Monitor } from "../monitor";
import { idOf, openCamera, release } from "./camera";
import { HIDDEN, LOST, SILENT } from "./troubles";

/** Which camera, or "" for any, and the seconds that the readings speak of. */
export interface Choice {
  id: string;
  window: number;
}

/** Longer without a picture, and nothing of before is shown or read any more. */
export const GAP_S = 3;
const LOOK_MS = 400;
const AGAIN_MS = [500, 1000, 2000, 4000];

export interface LiveEvents {
  view: (view: View) => void;
  reports: (reports: Report[]) => void;
  /** Why nothing is read now; empty when all is well again. */
  trouble: (sentence: string) => void;
  /** A camera gives pictures. */
  opened: (id: string) => void;
}

export class Live {
  /** Time of the last picture [s], and when it came [ms of the page's clock]. */
  time = -Infinity;
  came = -Infinity;
  private id: string;
  private stream: MediaStream | null = null;
  private unwatch: (() => void) | null = null;
  private looking: ReturnType<typeof setInterval> | null = null;
  private since = -Infinity;
  private tries = 0;
  private again = 0;
  private troubled = "";
  private ended = false;
  private awake: WakeLockSentinel | null = null;
  private readonly hid = (): void => {
    if (document.hidden) this.trouble(HIDDEN);
    else void this.wake();
  };

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly monitor: Monitor,
    private readonly events: LiveEvents,
    private readonly choice: Choice,
  ) {
    this.id = choice.id;
  }

  /** Ask for the camera and watch it. Throws what getUserMedia does. */
  async start(): Promise<void> {
    this.monitor.restart({ window: this.choice.window, period: 1 });
    this.monitor.onView = (view) => this.seen(view);
    this.monitor.onReport = (reports) => this.reported(reports);
    await this.connect();
    if (this.ended) return;
    this.looking = setInterval(() => this.look(), LOOK_MS);
    document.addEventListener("visibilitychange", this.hid);
    void this.wake();
  }

  stop(): void {
    this.ended = true;
    if (this.looking) clearInterval(this.looking);
    document.removeEventListener("visibilitychange", this.hid);
    void this.awake?.release();
    this.disconnect();
    this.monitor.onView = this.monitor.onReport = null;
  }

  private async connect(): Promise<void> {
    const stream = await openCamera(this.id);
    if (this.ended) return release(stream);
    this.stream = stream;
    this.id = idOf(stream) || this.id;
    this.video.srcObject = stream;
    this.came = performance.now();
    this.unwatch = this.monitor.watch(this.video);
    await this.video.play();
    this.events.opened(this.id);
  }

  private disconnect(): void {
    this.unwatch?.();
    this.unwatch = null;
    release(this.stream);
    this.stream = null;
  }

  /** Who sits still touches nothing: the screen is not to go dark over it. */
  private async wake(): Promise<void> {
    try {
      this.awake = (await navigator.wakeLock?.request("screen")) ?? null;
    } catch {
      this.awake = null; // as on a low battery
    }
  }

  private seen(view: View): void {
    const now = performance.now();
    const gap = Math.max(view.time - this.time, (now - this.came) / 1e3);
    const before = this.time;
    [this.time, this.came, this.tries] = [view.time, now, 0];
    // what was before is of another time: it is not joined to what comes
    if (Number.isFinite(before) && (gap > GAP_S || view.time < before)) {
      this.since = view.time;
      this.monitor.restart();
    }
    this.trouble("");
    this.events.view(view);
  }

  private reported(reports: Report[]): void {
    const heart = reports[0]?.readings[0];
    if (this.ended || this.troubled || !heart || heart.span[1] < this.since) return;
    this.events.reports(reports);
  }

  private trouble(sentence: string): void {
    if (sentence === this.troubled) return;
    this.troubled = sentence;
    this.events.trouble(sentence);
  }

  /** Every now and then: is there still a camera, and do pictures come? */
  private look(): void {
    const track = this.stream?.getVideoTracks()[0];
    if (!track || track.readyState === "ended") return this.reconnect();
    if (performance.now() - this.came > GAP_S * 1e3) this.trouble(document.hidden ? HIDDEN : SILENT);
  }

  private reconnect(): void {
    this.trouble(LOST);
    const now = performance.now();
    if (now < this.again) return;
    this.again = Infinity; // until this try has ended
    this.disconnect();
    // another camera, when its own does not come back
    if (this.tries === AGAIN_MS.length) this.id = "";
    this.connect()
      .catch(() => this.tries++)
      .finally(() => {
        this.again = performance.now() + AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)];
      });
  }
}
