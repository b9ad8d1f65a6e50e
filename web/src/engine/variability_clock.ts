// What uneven times of the pictures may have put into the intervals between beats.
// See vitals/variability_clock.py.

import { type Numbers, type Signal, diff, interp, linspace, made, mapped, median, place, rounded, running, sum, taper } from "./arrays";
import { around } from "./beats";
import constants from "./constants.json";

const { USUAL, WHOLE, SLOW_S, AROUND, GAP_S, HALF_S } = constants["vitals.variability_clock"];

/** By how much each beat is misplaced if the pictures were taken evenly after all [s]. */
export function clockErrors(time: Numbers, beats: Numbers): Signal {
  if (time.length < 3) return new Float64Array(beats.length);
  const late = running(lateOf(time));
  const offset = linspace(-HALF_S, HALF_S, AROUND);
  const window = taper(AROUND);
  const total = sum(window);
  return mapped(beats, (at) => {
    const near = interp(mapped(offset, (o) => at + o), time, late);
    return sum(mapped(near, (v, i) => v * window[i])) / total;
  });
}

/** By how much each interval is longer than whole numbers of usual ones [s]. */
function lateOf(time: Numbers): Signal {
  const interval = diff(time);
  const count = interval.length;
  const end = made(count, (j) => time[j + 1]);
  const width = Math.min(USUAL, 2 * Math.floor((count + 1) / 2) - 1);
  const usual = mapped(interval, (_, j) => median(around(interval, j, width)));
  const steps = mapped(interval, (length, j) => {
    if (length > GAP_S) return 0;
    const whole = Math.max(1, rounded(length / usual[j]));
    return Math.abs(length / usual[j] - whole) <= WHOLE ? whole : 1;
  });
  const kept = mapped(interval, (length) => (length > GAP_S ? 0 : length));
  const taken = running(kept);
  const told = running(steps);
  const first = new Int32Array(count); // of the intervals of the same frame rate
  for (let j = 1; j < count; j++) {
    first[j] = Math.abs(Math.log(usual[j]) - Math.log(usual[j - 1])) > Math.log(1 + WHOLE) ? j : first[j - 1];
  }
  let last = count;
  const late = new Float64Array(count);
  for (let j = count - 1; j >= 0; j--) {
    const start = Math.max(place(end, end[j] - SLOW_S), first[j]);
    const stop = Math.min(place(end, end[j] + SLOW_S, true), last);
    const pace = (taken[stop] - taken[start]) / Math.max(told[stop] - told[start], 1);
    late[j] = kept[j] - steps[j] * pace;
    if (first[j] === j) last = j;
  }
  return late;
}
