// A film from the visitor's disk: played through as fast as its pictures can be taken.

import { InputError } from "./engine/arrays";
import type { Report } from "./engine/report_types";
import type { View } from "./engine/watcher";
import { Monitor, type MonitorOptions } from "./monitor";

const [SLOWEST, FIRST, FASTEST] = [0.0625, 0.5, 2];
const STEADY = 20; // pictures without a hole after which the film is played faster

export interface FileOptions extends MonitorOptions {
  /** Called after every picture, with the share 0–1 of the film that was seen. */
  onProgress?: (share: number, view: View) => void;
  /** Ends it early: what was seen by then is reported. */
  signal?: AbortSignal;
  /** One that is open already, restarted for the film and left open; else one of its own. */
  monitor?: Monitor;
  /** Where the film is shown while it is measured; else it is not seen. */
  video?: HTMLVideoElement;
}

/**
 * The reports of a whole film, a file or the URL of one of the page's own.
 * It is played without sound, slower where this device cannot keep up, so that no picture is missed.
 * Throws InputError for what the browser cannot play.
 */
export async function measureFile(film: Blob | string, options: FileOptions = {}): Promise<Report[]> {
  const { onProgress, signal, monitor: own, video = document.createElement("video"), ...given } = options;
  const url = typeof film === "string" ? film : URL.createObjectURL(film);
  video.muted = true;
  video.playsInline = true;
  video.preload = "auto";
  const whole = { window: Infinity, period: Infinity };
  own?.restart(whole);
  const monitor = own ?? (await Monitor.open({ ...whole, ...given }));
  try {
    await loaded(video, url);
    const name = film instanceof File ? film.name : typeof film === "string" ? film.split("/").pop()! : "film";
    await played(video, monitor, signal, (view) => onProgress?.(view.time / (video.duration || 1), view));
    return (await monitor.now()).map((report) => ({ ...report, source: { ...report.source, name } }));
  } finally {
    if (!own) monitor.close();
    video.onloadeddata = video.onerror = video.onended = null;
    if (!options.video) {
      video.removeAttribute("src");
      video.load();
    }
    if (typeof film !== "string") URL.revokeObjectURL(url);
  }
}

function loaded(video: HTMLVideoElement, url: string): Promise<void> {
  return new Promise((done, fail) => {
    video.onloadeddata = () => done();
    video.onerror = () =>
      fail(new InputError(`this browser cannot play the film (${video.error?.message || "no video"}); give MP4 or WebM`));
    video.src = url;
  });
}

/** Play to the end; every picture is pushed with its own time. */
function played(
  video: HTMLVideoElement,
  monitor: Monitor,
  signal: AbortSignal | undefined,
  seen: (view: View) => void,
): Promise<void> {
  return new Promise((done, fail) => {
    let [last, usual, steady, waiting] = [-1, Infinity, 0, 0];
    const pace = (time: number): void => {
      const gap = time - last;
      if (last >= 0 && gap > 0) {
        const hole = gap > 1.6 * usual;
        usual = Math.min(usual, gap);
        steady = hole ? 0 : steady + 1;
        if (hole) video.playbackRate = Math.max(SLOWEST, video.playbackRate / 1.5);
        else if (steady % STEADY === 0) video.playbackRate = Math.min(FASTEST, video.playbackRate * 1.25);
      }
      last = time;
    };
    const push = async (time: number): Promise<void> => {
      waiting++;
      if (waiting > 1) video.pause();
      try {
        const view = await monitor.push(video, time, { wait: true });
        if (view) seen(view);
      } finally {
        waiting--;
        if (waiting === 0 && video.paused && !video.ended) await video.play();
      }
    };
    const end = (): void => {
      const left = (): void => (waiting ? void setTimeout(left, 5) : done());
      left();
    };
    const take = (_: number, about: VideoFrameCallbackMetadata): void => {
      if (signal?.aborted) return end();
      video.requestVideoFrameCallback(take);
      if (about.mediaTime === last) return;
      pace(about.mediaTime);
      push(about.mediaTime).catch(fail);
    };
    if (!("requestVideoFrameCallback" in video)) {
      return fail(new InputError("this browser does not tell when pictures are shown; use a newer one"));
    }
    video.playbackRate = FIRST;
    video.onended = end;
    video.onerror = () => fail(new InputError("the film broke off; copy it again"));
    video.requestVideoFrameCallback(take);
    video.play().catch(fail);
  });
}
