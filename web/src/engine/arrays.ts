// Arithmetic of numpy on typed arrays. A signal is a Float64Array over time; several signals are
// columns, an array of them. Unseen samples are NaN.

export type Signal = Float64Array;
export type Numbers = ArrayLike<number>;

/** Wrong input. The message is one line: what was needed, what was given, what to do. */
export class InputError extends Error {
  override name = "InputError";
}

export function signal(length: number, value = 0): Signal {
  const out = new Float64Array(length);
  return value === 0 ? out : out.fill(value);
}

export function made(length: number, of: (index: number) => number): Signal {
  const out = new Float64Array(length);
  for (let i = 0; i < length; i++) out[i] = of(i);
  return out;
}

export function mapped(x: Numbers, of: (value: number, index: number) => number): Signal {
  return made(x.length, (i) => of(x[i], i));
}

export function arange(start: number, stop: number, step: number): Signal {
  return made(Math.max(0, Math.ceil((stop - start) / step)), (i) => start + i * step);
}

export function linspace(start: number, stop: number, count: number): Signal {
  const step = count > 1 ? (stop - start) / (count - 1) : 0;
  const out = made(count, (i) => start + i * step);
  if (count > 1) out[count - 1] = stop;
  return out;
}

export function geomspace(start: number, stop: number, count: number): Signal {
  return mapped(linspace(Math.log10(start), Math.log10(stop), count), (x) => 10 ** x);
}

/** Hann window without its two zeros. */
export function taper(length: number): Signal {
  return made(length, (i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (length + 1)));
}

export function sum(x: Numbers): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i];
  return total;
}

export function mean(x: Numbers): number {
  return x.length ? sum(x) / x.length : NaN;
}

/** Standard deviation; `less` is taken off the count of values. */
export function std(x: Numbers, less = 0): number {
  const middle = mean(x);
  let total = 0;
  for (let i = 0; i < x.length; i++) total += (x[i] - middle) ** 2;
  return Math.sqrt(total / (x.length - less));
}

export function dot(a: Numbers, b: Numbers): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

export function largest(x: Numbers): number {
  let best = -Infinity;
  for (let i = 0; i < x.length; i++) if (x[i] > best) best = x[i];
  return best;
}

export function least(x: Numbers): number {
  let best = Infinity;
  for (let i = 0; i < x.length; i++) if (x[i] < best) best = x[i];
  return best;
}

export function argmax(x: Numbers): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i] > x[best]) best = i;
  return best;
}

export function argmin(x: Numbers): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i] < x[best]) best = i;
  return best;
}

export function sorted(x: Numbers): Signal {
  return Float64Array.from(x).sort();
}

/** Quantile by linear interpolation between order statistics. */
export function quantile(x: Numbers, share: number): number {
  return quantileOfSorted(sorted(x), share);
}

export function quantileOfSorted(x: Numbers, share: number): number {
  const at = (x.length - 1) * share;
  const below = Math.floor(at);
  const above = Math.min(below + 1, x.length - 1);
  return x[below] + (x[above] - x[below]) * (at - below);
}

export function median(x: Numbers): number {
  return x.length ? quantile(x, 0.5) : NaN;
}

export function diff(x: Numbers): Signal {
  return made(Math.max(0, x.length - 1), (i) => x[i + 1] - x[i]);
}

/** Sums up to each sample, beginning with 0: one longer than the signal. */
export function running(x: Numbers): Signal {
  const out = new Float64Array(x.length + 1);
  for (let i = 0; i < x.length; i++) out[i + 1] = out[i] + x[i];
  return out;
}

/** The first place in increasing `x` where `value` could stand, after equal ones if `right`. */
export function place(x: Numbers, value: number, right = false): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle] < value || (right && x[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Values at `wanted` by lines through increasing (x, y); beyond the ends: left and right. */
export function interp(wanted: Numbers, x: Numbers, y: Numbers, left?: number, right?: number): Signal {
  const last = x.length - 1;
  return mapped(wanted, (at) => {
    if (!(at >= x[0])) return Number.isNaN(at) ? NaN : (left ?? y[0]);
    if (at > x[last]) return right ?? y[last];
    const k = Math.min(place(x, at, true) - 1, last);
    if (k === last) return y[last];
    return y[k] + ((y[k + 1] - y[k]) / (x[k + 1] - x[k])) * (at - x[k]);
  });
}

export function clip(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** Central differences, one-sided at the ends. */
export function gradient(x: Numbers): Signal {
  const last = x.length - 1;
  return made(x.length, (i) =>
    i === 0 ? x[1] - x[0] : i === last ? x[last] - x[last - 1] : (x[i + 1] - x[i - 1]) / 2,
  );
}

/** To the nearest whole number, halves to the even one, as Python and numpy do. */
export function rounded(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

export function isFinite(x: Numbers): boolean {
  for (let i = 0; i < x.length; i++) if (!Number.isFinite(x[i])) return false;
  return true;
}

export function finiteOf(x: Numbers): Signal {
  return Float64Array.from(Array.from(x).filter(Number.isFinite));
}

export function joinedSignals(parts: readonly Signal[]): Signal {
  const out = new Float64Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** x with A x = b for a small symmetric or general A (n × n, rows), by elimination; b has columns. */
export function solved(matrix: readonly Signal[], right: readonly Signal[]): Signal[] {
  const n = matrix.length;
  const a = matrix.map((row) => row.slice());
  const b = right.map((row) => row.slice());
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i][k]) > Math.abs(a[best][k])) best = i;
    [a[k], a[best]] = [a[best], a[k]];
    [b[k], b[best]] = [b[best], b[k]];
    for (let i = k + 1; i < n; i++) {
      const factor = a[i][k] / a[k][k];
      if (factor === 0) continue;
      for (let j = k; j < n; j++) a[i][j] -= factor * a[k][j];
      for (let j = 0; j < b[i].length; j++) b[i][j] -= factor * b[k][j];
    }
  }
  for (let k = n - 1; k >= 0; k--) {
    for (let j = 0; j < b[k].length; j++) {
      let value = b[k][j];
      for (let i = k + 1; i < n; i++) value -= a[k][i] * b[i][j];
      b[k][j] = value / a[k][k];
    }
  }
  return b;
}
