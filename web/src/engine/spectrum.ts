// Power spectra. See dsp/spectrum.py.

import { type Signal, InputError, made, mean, sum, taper } from "./arrays";
import { forward, powerOfTwo } from "./fft";

/**
 * Power spectra of Hann-windowed signals, zero-padded so that bins are at most `step` Hz apart.
 * Returns frequencies [Hz] and, for every column, the power at each.
 */
export function spectra(columns: readonly Signal[], rate: number, step: number): [Signal, Signal[]] {
  const length = columns[0].length;
  if (length < 4) throw new InputError(`a spectrum needs 4 samples but got ${length}; record longer`);
  const window = taper(length);
  const size = powerOfTwo(Math.max(length, rate / step));
  const half = size / 2;
  const scale = 2 / sum(window) ** 2;
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  const powers: Signal[] = [];
  for (let k = 0; k < columns.length; k += 2) {
    shape(columns[k], window, real);
    if (k + 1 < columns.length) shape(columns[k + 1], window, imaginary);
    else imaginary.fill(0);
    forward(real, imaginary);
    const first = new Float64Array(half + 1);
    const second = new Float64Array(half + 1);
    for (let i = 0; i <= half; i++) {
      const j = (size - i) % size;
      const ar = real[i] + real[j];
      const ai = imaginary[i] - imaginary[j];
      const br = imaginary[i] + imaginary[j];
      const bi = real[j] - real[i];
      first[i] = ((ar * ar + ai * ai) / 4) * scale;
      second[i] = ((br * br + bi * bi) / 4) * scale;
    }
    powers.push(first);
    if (k + 1 < columns.length) powers.push(second);
  }
  return [made(half + 1, (i) => (i * rate) / size), powers];
}

/** `spectra` of one signal. */
export function spectrum(values: Signal, rate: number, step = 0.005): [Signal, Signal] {
  const [frequency, powers] = spectra([values], rate, step);
  return [frequency, powers[0]];
}

function shape(x: Signal, window: Signal, out: Signal): void {
  const middle = mean(x);
  for (let i = 0; i < x.length; i++) out[i] = (x[i] - middle) * window[i];
  out.fill(0, x.length);
}
