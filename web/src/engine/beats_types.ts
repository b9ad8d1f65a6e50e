// Beat times of a pulse wave, each with its quality. See vitals/beats.py.

import { type Signal, made } from "./arrays";

export interface Beats {
  /** [s], steepest upslope of the pulse. */
  time: Signal;
  /** 0–1: probability that this is a beat and not more than 50 ms off. */
  quality: Signal;
  /** Beats of one number follow each other without gap or lost beat. */
  run: Int32Array;
  /** Standard error of the beat times [s]. */
  jitter: Signal;
  /** Beats that the rhythm expects but that were not found. */
  missing: number;
  /** Start and stop of the wave [s]. */
  span: [number, number];
}

export function noBeats(span: [number, number]): Beats {
  const none = new Float64Array(0);
  return { time: none, quality: none, run: new Int32Array(0), jitter: none, missing: 0, span };
}

/** For all beats but the last, whether the next follows directly. */
export function joinedBeats(beats: Beats): boolean[] {
  return Array.from({ length: Math.max(0, beats.run.length - 1) }, (_, k) => beats.run[k + 1] === beats.run[k]);
}

/** Intervals between beats that follow each other directly. */
export interface Intervals {
  /** Of the beat that ends each [s]. */
  time: Signal;
  /** [s] */
  length: Signal;
  /** That of the worse of the two beats. */
  quality: Signal;
}

export function intervalsOf(beats: Beats): Intervals {
  const at = joinedBeats(beats).flatMap((joined, k) => (joined ? [k] : []));
  return {
    time: made(at.length, (j) => beats.time[at[j] + 1]),
    length: made(at.length, (j) => beats.time[at[j] + 1] - beats.time[at[j]]),
    quality: made(at.length, (j) => Math.min(beats.quality[at[j] + 1], beats.quality[at[j]])),
  };
}
