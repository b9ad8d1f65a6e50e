import { describe, expect, it } from "vitest";
import { liveSource, reportOf } from "../src/engine/report";
import type { Reading, Wave } from "../src/engine/report_types";
import { network } from "./networks";
import { CASES, apart, load, numbers, traceOf } from "./vectors";

const CLOSE = 1e-3;
const guide = await network("regionpulse");

function close(found: number | null, wanted: number | null, what: string): void {
  expect(found === null, what).toBe(wanted === null);
  if (found === null || wanted === null) return;
  expect(Math.abs(found - wanted), what).toBeLessThan(CLOSE * Math.max(1, Math.abs(wanted)));
}

function sameReadings(found: Reading[], wanted: Reading[]): void {
  expect(found.map((r) => r.name)).toEqual(wanted.map((r) => r.name));
  found.forEach((reading, k) => {
    const other = wanted[k];
    expect(reading.why).toBe(other.why);
    expect([reading.unit, reading.method]).toEqual([other.unit, other.method]);
    close(reading.value, other.value, `${reading.name} value`);
    close(reading.low, other.low, `${reading.name} low`);
    close(reading.high, other.high, `${reading.name} high`);
    close(reading.quality, other.quality, `${reading.name} quality`);
    reading.span.forEach((edge, side) => close(edge, other.span[side], `${reading.name} span`));
  });
}

const values = (wave: Wave) => Float64Array.from(wave.values, (v) => v ?? NaN);

describe.each(CASES)("%s", (name) => {
  const vector = load(name);
  const trace = traceOf(vector);

  it("reports the readings of the package, value, interval, quality and reason", async () => {
    const source = liveSource(trace.time, { width_px: 640, height_px: 480 });
    const settings = { method: "auto", roi: "face" };
    const report = await reportOf(trace, source, { settings, guide });
    const wanted = vector.report;
    close(source.rate_hz, wanted.source.rate, "rate");
    close(source.duration_s, wanted.source.duration, "duration");
    sameReadings(report.readings, wanted.readings);
    sameReadings(report.rolling, wanted.rolling);
    expect(apart(Float64Array.from(report.beats), numbers(wanted.beats), 1)).toBeLessThan(CLOSE);
    expect(report.waves.map((w) => w.name).sort()).toEqual(Object.keys(wanted.waves).sort());
    for (const wave of report.waves) {
      expect(apart(values(wave), numbers(wanted.waves[wave.name])), wave.name).toBeLessThan(CLOSE);
    }
    expect(report.capture.map((f) => [f.name, f.fine, f.remedy, f.unit])).toEqual(
      wanted.capture.map((f: any) => [f.name, f.fine, f.remedy, f.unit]),
    );
    report.capture.forEach((finding, k) => close(finding.value, wanted.capture[k].value, finding.name));
  });
});
