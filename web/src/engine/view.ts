// How long somebody was in view, and whether that is enough for a pulse. See waves/view.py.

import { InputError, least } from "./arrays";
import { rateOf } from "./clean";
import constants from "./constants.json";
import { type Trace, mainRegion } from "./trace";

const { GAP_S, SHORTEST_S, SLOWEST_HZ, FASTEST_HZ, HOUR_S } = constants["waves.view"];

/** The sentence that says why a trace cannot hold a heart rate; empty when it can. */
export function unmeasurable(trace: Trace): string {
  if (!inView(trace).some(Boolean)) {
    return "nobody was seen; show the face to the camera, upright and in the light";
  }
  const rate = clockRate(trace);
  if (rate < SLOWEST_HZ) {
    return `a pulse needs ${SLOWEST_HZ} pictures a second but there were ${rate.toFixed(1)}; record faster`;
  }
  checkLeaps(trace, rate);
  return longestView(trace) < SHORTEST_S ? tooShort(trace) : "";
}

/** The sentence that says that nobody was in view for long enough. */
export function tooShort(trace: Trace): string {
  return (
    `a heart rate needs ${SHORTEST_S} s in view without a break but there were ` +
    `${longestView(trace).toFixed(1)} s; keep the face in the picture, or record longer`
  );
}

/** The uniform clock of the analysis [Hz]: about that of the pictures, FASTEST_HZ at most. */
export function clockRate(trace: Trace): number {
  return trace.time.length > 1 ? Math.min(Number(rateOf(trace.time).toFixed(1)), FASTEST_HZ) : 0;
}

/** Where any region was seen. */
export function inView(trace: Trace): boolean[] {
  const R = trace.names.length;
  return Array.from(trace.time, (_, t) => {
    for (let r = 0; r < R; r++) if (Number.isFinite(trace.rgb[(t * R + r) * 3])) return true;
    return false;
  });
}

/** The longest time in view [s], gaps of GAP_S bridged. */
function longestView(trace: Trace): number {
  const R = trace.names.length;
  const main = trace.names.indexOf(mainRegion(trace));
  const seen = trace.time.filter((_, t) => Number.isFinite(trace.rgb[(t * R + main) * 3]));
  if (seen.length === 0) return 0;
  let start = seen[0];
  let longest = 0;
  for (let i = 1; i < seen.length; i++) {
    if (seen[i] - seen[i - 1] > GAP_S) start = seen[i];
    longest = Math.max(longest, seen[i] - start);
  }
  return longest + 1 / clockRate(trace);
}

/** Refuse times that leap so far that their uniform clock would fill the memory. */
function checkLeaps({ time }: Trace, rate: number): void {
  const span = time[time.length - 1] - time[0];
  if (span <= HOUR_S + (10 * time.length) / rate) return;
  const gaps = time.map((t, i) => (i ? time[i - 1] - t : 0));
  const at = gaps.indexOf(least(gaps));
  throw new InputError(
    `the times of the pictures leap from ${time[at - 1].toFixed(1)} to ${time[at].toFixed(1)} s; ` +
      "cut the recording there",
  );
}
