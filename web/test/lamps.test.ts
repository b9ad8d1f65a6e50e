import { describe, expect, it } from "vitest";
import { withoutLamps } from "../src/engine/lamps";
import { CASES, load, traceOf } from "./vectors";

const CLOSE = 1e-3;

describe.each(CASES)("%s", (name) => {
  const vector = load(name);
  const trace = traceOf(vector);

  it("finds the lamps that the package finds, and what they have of the colour of blood", () => {
    const [clean, lamps] = withoutLamps(trace);
    expect(lamps.length).toBe(vector.lamps.length);
    if (lamps.length === 0) expect(clean).toBe(trace);
    vector.lamps.forEach((wanted, n) => {
      const found: Record<string, unknown> = { ...lamps[n] };
      expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort());
      for (const [key, value] of Object.entries(wanted)) {
        const [own, other] = [found[key], value].map((v) => (Array.isArray(v) ? v : [v]).map(Number));
        own.forEach((v, k) => expect(Math.abs(v - other[k]), key).toBeLessThan(CLOSE * Math.max(1e-3, Math.abs(other[k]))));
      }
    });
  });
});

it("has a case of each kind", () => {
  const lamps = CASES.flatMap((name) => load(name).lamps);
  if (process.env["CAMVITALS_CASES"]) return;
  expect(new Set(lamps.map((lamp) => lamp["whole"]))).toEqual(new Set([true, false]));
  const hidden = load("lamp_hides").report.readings[0];
  expect([hidden.value, hidden.why]).toEqual([null, expect.stringContaining("lamps on 60 Hz mains")]);
});
