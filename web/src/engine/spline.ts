// A smooth curve through unevenly spaced points. See dsp/spline.py.

import { type Numbers, type Signal, InputError, clip, mapped, place, signal } from "./arrays";

/** Natural cubic spline through (time, values), read at other times; held beyond the ends. */
export function spline(values: Numbers, time: Numbers, at: Numbers): Signal {
  const count = time.length;
  if (count < 2) throw new InputError(`a spline needs 2 points but got ${count}`);
  const bend = bends(values, time);
  return mapped(at, (wanted) => {
    const x = clip(wanted, time[0], time[count - 1]);
    const k = clip(place(time, x, true) - 1, 0, count - 2);
    const step = time[k + 1] - time[k];
    const after = (x - time[k]) / step;
    const before = 1 - after;
    const cubic = (before ** 3 - before) * bend[k] + (after ** 3 - after) * bend[k + 1];
    return before * values[k] + after * values[k + 1] + ((step * step) / 6) * cubic;
  });
}

/** Second derivatives at the points: a tridiagonal system, solved by elimination. */
function bends(y: Numbers, t: Numbers): Signal {
  const count = t.length;
  const out = signal(count);
  const upper = signal(count);
  for (let i = 1; i < count - 1; i++) {
    const left = t[i] - t[i - 1];
    const right = t[i + 1] - t[i];
    const wanted = 6 * ((y[i + 1] - y[i]) / right - (y[i] - y[i - 1]) / left);
    const pivot = 2 * (left + right) - left * upper[i - 1];
    upper[i] = right / pivot;
    out[i] = (wanted - left * out[i - 1]) / pivot;
  }
  for (let i = count - 2; i > 0; i--) out[i] -= upper[i] * out[i + 1];
  return out;
}
