// One pulse from many candidates, and parts on one clock. See waves/auto.py.

import { type Signal, clip, made, rounded, signal, std, taper } from "./arrays";
import { type Candidates, type Part, bandedAlone } from "./candidates";
import constants from "./constants.json";
import { type Evidence, RATES_BPM, windowsOf } from "./evidence";

const { NEAR_BPM, GUIDE_VOTES } = constants["waves.auto"];
const F = RATES_BPM.length;

/** One pulse: in every window each candidate weighs by its power near the rate found there. */
export function combine(candidates: Candidates, evidence: Evidence, rates: Signal): Signal {
  const count = candidates.values.length;
  const K = evidence.columns;
  const weight = evidence.weights.map((own, m) => {
    const share = made(K, (k) => {
      let near = 0;
      let all = 0;
      for (let f = 0; f < F; f++) {
        const w = own[f * K + k];
        all += w;
        if (Math.abs(RATES_BPM[f] - rates[m]) <= NEAR_BPM) near += w;
      }
      return clip(near / (all + 1e-9), 1e-3, 0.98);
    });
    const votes = share.map((s, k) => (s / (1 - s)) * (k >= count ? GUIDE_VOTES * count : 1));
    const total = votes.reduce((a, b) => a + b);
    return votes.map((v) => v / total);
  });
  return added(candidates, evidence.centre, evidence.length, weight);
}

/** The pulse that `combine` makes of a part's one wave, whatever the evidence says of it. */
export function alone(part: Part, wave: Signal): Signal {
  const { time, rate } = part;
  const [first, width] = windowsOf(wave.length, rate);
  const centre = made(first.length, (m) => time[first[m]] + (width - 1) / 2 / rate);
  const one = { values: [bandedAlone(wave, rate)], guide: [] as Signal[], time, rate };
  return added(one, centre, (width - 1) / rate, first.map(() => Float64Array.of(1)));
}

/** Candidates at unit variance in every window, weighted and overlap-added. */
function added(
  candidates: Pick<Candidates, "values" | "guide" | "time" | "rate">,
  centre: Signal,
  length: number,
  weight: Signal[],
): Signal {
  const { rate, time } = candidates;
  const columns = [...candidates.values, ...candidates.guide.slice(0, 1)];
  const width = rounded(length * rate);
  const window = taper(width).map((x) => x + 1e-3);
  const out = signal(time.length);
  const total = signal(time.length);
  centre.forEach((c, m) => {
    const first = rounded((c - time[0]) * rate - (width - 1) / 2);
    columns.forEach((column, k) => {
      const piece = column.subarray(first, first + width);
      const share = weight[m][k] / (std(piece) + 1e-12);
      for (let i = 0; i < width; i++) out[first + i] += window[i] * piece[i] * share;
    });
    for (let i = 0; i < width; i++) total[first + i] += window[i];
  });
  return out.map((x, t) => x / Math.max(total[t], 1e-3));
}

/** A signal and its clock [s]. */
export interface Timed {
  values: Signal;
  time: Signal;
}

/** Pieces on one clock at unit variance; where two overlap, one fades into the other. */
export function joined(pieces: readonly { start: number; values: Signal }[], rate: number): Timed {
  const first = pieces[0].start;
  const place = (start: number) => rounded((start - first) * rate);
  const count = Math.max(...pieces.map(({ start, values }) => place(start) + values.length));
  const out = signal(count, NaN);
  for (const { start, values } of pieces) {
    const at = place(start);
    let shared = 0;
    for (let i = 0; i < values.length; i++) if (Number.isFinite(out[at + i])) shared++;
    for (let i = 0; i < values.length; i++) {
      const fade = i < shared ? (i + 1) / (shared + 1) : 1;
      const before = Number.isFinite(out[at + i]) ? out[at + i] : 0;
      out[at + i] = fade * values[i] + (1 - fade) * before;
    }
  }
  const scale = std(out.filter(Number.isFinite)) + 1e-12;
  return { values: out.map((x) => x / scale), time: made(count, (n) => first + n / rate) };
}
