// Pictures in, traces and faces out: what watches one source. See stream.py.

import { InputError } from "./arrays";
import { AUTO } from "./candidates";
import { Detector } from "./face/detect";
import { Collector, type Face, type Roi } from "./face/collect";
import type { Frame } from "./face/frame";
import { Mesh } from "./face/mesh";
import { Tracker } from "./face/track";
import type { Network } from "./guide";
import { liveSource } from "./report";
import type { Source } from "./report_types";
import type { Trace } from "./trace";
import { METHODS } from "./wave";

/** What to measure, with what, and how often. */
export interface Options {
  /** Seconds that a report speaks of, at least 5; Infinity keeps everything. */
  window: number;
  /** Seconds between reports; Infinity reports only when asked. */
  period: number;
  /** "auto", or a name of METHODS: green, chrom, pos, pbv, lgi, omit. */
  method: string;
  roi: Roi;
  /** Faces followed at once. */
  people: number;
}

export const DEFAULTS: Options = { window: 30, period: 1, method: AUTO, roi: "face", people: 4 };

/** The options with what was left out. Throws InputError for what cannot be. */
export function checked(given: Partial<Options>): Options {
  const options = { ...DEFAULTS, ...given };
  if (!(options.window >= 5) || !(options.period > 0)) {
    throw new InputError(
      `a monitor needs window >= 5 s and period > 0 s but got ${options.window} and ${options.period}`,
    );
  }
  if (options.method !== AUTO && !(options.method in METHODS)) {
    throw new InputError(`no method '${options.method}'; choose one of auto, ${Object.keys(METHODS).join(", ")}`);
  }
  if (!["face", "skin", "frame", "finger"].includes(options.roi)) {
    throw new InputError(`no roi '${options.roi}'; choose face, frame, skin, finger`);
  }
  return options;
}

/** The networks that find faces. */
export interface FaceNetworks {
  blazeface_short: Network;
  facemesh468: Network;
}

/** What is in the last picture. */
export interface View {
  /** [s] */
  time: number;
  /** Of the picture [px]. */
  width: number;
  height: number;
  faces: Face[];
  /** Pictures seen, and those that came late or twice and were passed over. */
  frames: number;
  late: number;
  /** Time that the picture took in the engine [ms]. */
  ms: number;
}

/** What a report is made of. */
export interface Material {
  traces: Trace[];
  source: Source;
}

export class Watcher {
  private collector!: Collector;
  private times: number[] = [];
  private due = -Infinity;
  private frames = 0;
  private late = 0;
  private size: [number, number] = [0, 0];

  constructor(
    readonly options: Options,
    private readonly networks: FaceNetworks | null,
  ) {
    this.restart();
  }

  /** Forget everybody. */
  restart(): void {
    const { roi, people, window } = this.options;
    const { networks } = this;
    const tracker = networks
      ? new Tracker(new Detector(networks.blazeface_short), new Mesh(networks.facemesh468), people)
      : null;
    this.collector = new Collector(tracker, roi, window);
    this.times = [];
    this.due = -Infinity;
  }

  /** Whether a picture of this time would be passed over: late, repeated, or without a time. */
  stale(time: number): boolean {
    const last = this.times[this.times.length - 1];
    if (last !== undefined && time < last - this.options.window) this.restart(); // the clock was set anew
    const passed = !Number.isFinite(time) || time <= (this.times[this.times.length - 1] ?? -Infinity);
    if (passed) this.late++;
    return passed;
  }

  /** Take one picture that is not stale. */
  async push(frame: Frame): Promise<View> {
    const begun = performance.now();
    const { time, width, height } = frame;
    this.remember(time);
    this.size = [width, height];
    await this.collector.push(frame);
    if (this.due === -Infinity) this.due = time + this.options.period;
    const { frames, late } = this;
    return { time, width, height, faces: this.collector.faces(), frames, late, ms: performance.now() - begun };
  }

  /** Whether it is time for a report; asked once for each. */
  isDue(): boolean {
    const time = this.times[this.times.length - 1];
    if (!(time >= this.due)) return false;
    const { period } = this.options;
    this.due += period * Math.max(1, Math.ceil((time - this.due) / period + 1e-9));
    return true;
  }

  /** What a report of now is made of. */
  material(): Material {
    const late = `${this.late} pictures came late or twice and were passed over`;
    const source = liveSource(this.times, {
      width_px: this.size[0],
      height_px: this.size[1],
      frames: this.frames,
      warnings: this.late ? [late] : [],
    });
    return { traces: this.collector.traces(), source };
  }

  private remember(time: number): void {
    this.frames++;
    this.times.push(time);
    const oldest = time - this.options.window - 1e-9;
    let old = 0;
    while (this.times[old] < oldest) old++;
    if (old > 256 || (old && this.options.window < Infinity)) this.times.splice(0, old);
  }
}
