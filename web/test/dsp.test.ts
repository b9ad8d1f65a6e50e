import { describe, expect, it } from "vitest";
import { linspace } from "../src/engine/arrays";
import { banded, uniform } from "../src/engine/clean";
import { forward, inverse } from "../src/engine/fft";
import { spectrum } from "../src/engine/spectrum";
import { spline } from "../src/engine/spline";
import { channelOf } from "../src/engine/trace";
import { waveOf } from "../src/engine/wave";
import { CASES, apart, load, numbers, traceOf } from "./vectors";

const CLOSE = 1e-3;

describe.each(CASES)("%s", (name) => {
  const vector = load(name);
  const trace = traceOf(vector);
  const { dsp } = vector;

  it("brings samples to the uniform clock, filters and transforms as the package does", () => {
    const skin = channelOf(trace, trace.names.indexOf("skin"), 0);
    const [[found], clock] = uniform([skin], trace.time, dsp.rate);
    expect(apart(clock, numbers(dsp.clock))).toBeLessThan(1e-12);
    expect(apart(found, numbers(dsp.uniform))).toBeLessThan(1e-6);
    const seen = found.map((x) => (Number.isFinite(x) ? x : 120));
    expect(apart(banded(seen, dsp.rate, 0.65, 4), numbers(dsp.bandpass))).toBeLessThan(1e-5);
    const [frequency, power] = spectrum(seen, dsp.rate, 0.02);
    expect(apart(frequency, numbers(dsp.frequency))).toBeLessThan(1e-12);
    expect(apart(power, numbers(dsp.power))).toBeLessThan(1e-5);
  });

  it("draws the same smooth curve", () => {
    const curve = spline(numbers(dsp.values), numbers(dsp.points), linspace(-1, 11, 100));
    expect(apart(curve, numbers(dsp.spline))).toBeLessThan(1e-6);
  });

  it.each(["green", "chrom", "pos", "pbv", "lgi", "omit"])("gives the wave of %s", (method) => {
    expect(apart(waveOf(trace, method, dsp.rate), numbers(vector.methods[method]))).toBeLessThan(CLOSE);
  });
});

it.each([1, 2, 3, 4, 5, 12, 60, 64, 1000, 2025])("transforms and back, length %d", (length) => {
  const real = Float64Array.from({ length }, (_, i) => Math.sin(i * i));
  const imaginary = Float64Array.from({ length }, (_, i) => Math.cos(3 * i));
  const [r, i] = [real.slice(), imaginary.slice()];
  forward(r, i);
  const k = Math.min(length - 1, 3);
  let expected = 0;
  for (let n = 0; n < length; n++) {
    const angle = (-2 * Math.PI * k * n) / length;
    expected += real[n] * Math.cos(angle) - imaginary[n] * Math.sin(angle);
  }
  expect(r[k]).toBeCloseTo(expected, 8);
  inverse(r, i);
  expect(apart(r, real)).toBeLessThan(1e-12);
  expect(apart(i, imaginary, 1)).toBeLessThan(1e-12);
});
