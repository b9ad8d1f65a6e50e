import { describe, expect, it } from "vitest";
import { candidatesOf, partsOf } from "../src/engine/candidates";
import { combine } from "../src/engine/combine";
import { FACT_NAMES, RATES_BPM, weigh } from "../src/engine/evidence";
import { heartWindows } from "../src/engine/heart";
import { logOdds, posterior } from "../src/engine/posterior";
import { network } from "./networks";
import { CASES, apart, load, numbers, traceOf } from "./vectors";

const CLOSE = 1e-3;
// logarithms of powers far below the rest, of which float32 keeps three digits
const CLOSE_LOG = 5e-3;
const EVERY_RATE = 12;
const guide = await network("regionpulse");

describe.each(CASES)("%s", (name) => {
  const vector = load(name);
  const trace = traceOf(vector);

  it("weighs every candidate as the package does", async () => {
    const parts = partsOf(trace, "auto", vector.dsp.rate);
    expect(parts.length).toBe(vector.auto.length);
    const worst: Record<string, number> = {};
    const note = (what: string, value: number) => (worst[what] = Math.max(worst[what] ?? 0, value));
    for (const [n, part] of parts.entries()) {
      const wanted = vector.auto[n];
      expect(part.time[0]).toBeCloseTo(wanted.start, 9);
      expect(part.time.length).toBe(wanted.count);
      const found = await candidatesOf(part, guide);
      expect(found.values.length).toBe(wanted.columns);
      const chosen = [0, 5, wanted.columns - 1];
      const candidates = numbers(wanted.candidates);
      chosen.forEach((k, at) =>
        note("candidates", apart(found.values[k], candidates.filter((_, i) => i % 3 === at))),
      );
      const asked = numbers(wanted.guide);
      found.guide.forEach((column, k) => note("guide", apart(column, asked.filter((_, i) => i % 2 === k))));
      const evidence = await weigh(found);
      expect(apart(evidence.centre, numbers(wanted.centre))).toBeLessThan(1e-12);
      const step = Math.max(1, Math.floor(evidence.centre.length / 3));
      const odds = logOdds(evidence);
      const facts = numbers(wanted.facts);
      const D = FACT_NAMES.length;
      let at = 0;
      for (let m = 0; m < odds.length; m += step) {
        for (let f = 0; f < RATES_BPM.length; f += EVERY_RATE) {
          for (let d = 0; d < D; d++, at++) {
            const off = Math.abs(evidence.facts[m][f * D + d] - facts[at]);
            note(`fact ${FACT_NAMES[d]}`, off);
          }
        }
      }
      const some = odds.filter((_, m) => m % step === 0);
      note("odds", apart(some.flatMap((o) => [...o]), numbers(wanted.odds), 1));
      const rates = evidence.explained.filter((_, m) => m % step === 0);
      const few = (all: Float64Array[]) => all.flatMap((x) => [...x.filter((_, f) => f % EVERY_RATE === 0)]);
      note("explained", apart(few(rates), numbers(wanted.explained), 1));
      note("swing", apart(few(evidence.swing.filter((_, m) => m % step === 0)), numbers(wanted.swing), 1));
      const null_ = posterior(odds, evidence).map((p) => p[RATES_BPM.length]);
      note("null", apart(null_, numbers(wanted.null), 1));
      const windows = heartWindows(evidence);
      note("rate", apart(windows.map((w) => w.rate), numbers(wanted.rate)));
      note("spread", apart(windows.map((w) => w.spread), numbers(wanted.spread)));
      note("mass", apart(windows.map((w) => w.mass), numbers(wanted.mass), 1));
      expect(windows.map((w) => w.moved)).toEqual(wanted.moved);
      const pulse = combine(found, evidence, Float64Array.from(windows, (w) => w.rate));
      note("pulse", apart(pulse, numbers(wanted.pulse)));
    }
    if (process.env["CAMVITALS_TELL"]) console.log(name, worst);
    for (const [what, value] of Object.entries(worst)) {
      expect(value, what).toBeLessThan(/^(fact|odds)/.test(what) ? CLOSE_LOG : CLOSE);
    }
  });
});
