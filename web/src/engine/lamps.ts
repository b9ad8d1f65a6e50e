// Lamps that flicker with the mains, seen too slowly: found, and taken out of the colours.
// See waves/lamps.py.

import {
  type Signal,
  arange,
  argmax,
  diff,
  dot,
  interp,
  isFinite,
  largest,
  least,
  made,
  mapped,
  mean,
  median,
  place,
  rounded,
  signal,
  solved,
  std,
  sum,
  taper,
} from "./arrays";
import constants from "./constants.json";
import { type Trace, boxSide, mainRegion } from "./trace";

const {
  LINES_HZ,
  TOLERANCE,
  BAND_HZ,
  STRETCH_S,
  SHORTEST_S,
  FEWEST,
  SEEN,
  AROUND_HZ,
  LINE_TO_FLOOR,
  ACHROMATIC,
  USUAL,
  SAME_HZ,
  FOLLOW_S,
  BLOODY,
  NEAR_BPM,
  WIDER,
  RIDGE,
  HIDDEN_MOST,
  BLOOD,
} = constants["waves.lamps"];
const C = 3;

/** Light that flickers with the mains, as the pictures show it. */
export interface Lamp {
  /** Of the mains, of the line, where that is seen; pictures a second [Hz]. */
  mains: number;
  line: number;
  seen: number;
  rate: number;
  /** Relative. */
  amplitude: number;
  /** From, to [s]. */
  span: [number, number];
  /** Whether all that the face does at this frequency was taken out, and not the lamp alone. */
  whole: boolean;
  /** Amplitude of what of it had the colour of blood; the greatest left beside it, and at the double. */
  blood: number;
  beside: number;
  doubled: number;
}

/** Whether a heart may have been taken out with the lamp. */
export function covers(lamp: Lamp): boolean {
  return lamp.whole && lamp.blood > lamp.beside;
}

/** How far from the rate seen the fit takes something of other rates too [bpm]. */
function reachOf(span: [number, number]): number {
  return Math.max(NEAR_BPM, 120 / (span[1] - span[0]));
}

/** Whether this rate may be what is left of a heart that beats as the lamp flickers. */
export function hides(lamp: Lamp, rate: number): boolean {
  const reach = WIDER * reachOf(lamp.span);
  const near = Math.abs(rate - 60 * lamp.seen) <= reach;
  const twice = Math.abs(rate - 120 * lamp.seen) <= reach;
  return (near && covers(lamp)) || (twice && lamp.whole && lamp.blood > lamp.doubled);
}

/** Whether a lamp of its time hides the rate [bpm] of a window [s]. */
export function hiddenBy(lamps: Lamp[], rate: number, start: number, stop: number): boolean {
  return lamps.some((lamp) => start < lamp.span[1] && stop > lamp.span[0] && hides(lamp, rate));
}

/** Whether so many windows are hidden that the others are not to be believed either. */
export function tooMany(hidden: boolean[]): boolean {
  return mean(hidden.map(Number)) > HIDDEN_MOST;
}

/** One over the mean interval [Hz], intervals with a missing frame left out. */
export function pictureRate(time: Signal): number {
  const interval = diff(time);
  const usual = median(interval);
  return 1 / mean(interval.filter((d) => d < 1.75 * usual));
}

/** Where a line [Hz] is seen [Hz] at so many pictures a second. */
export function folded(line: number, rate: number): number {
  return Math.abs(line - rate * rounded(line / rate));
}

/** The trace without what lamps do within the heart's band, and the lamps; the same where none are. */
export function withoutLamps(trace: Trace): [Trace, Lamp[]] {
  const [T, R] = [trace.time.length, trace.names.length];
  const change = signal(T * R * C);
  const total = signal(T);
  const lamps: Lamp[] = [];
  for (const [start, stop] of partsIn(trace.time)) {
    const time = trace.time.subarray(start, stop);
    const window = ends(time);
    window.forEach((w, s) => (total[start + s] += w));
    const risks = atRisk(pictureRate(time));
    if (risks.length === 0) continue;
    for (const { lamp, change: of } of found(stretchOf(trace, start, stop), risks)) {
      lamps.push(lamp);
      for (let i = 0; i < of.length; i++) {
        change[start * R * C + i] += window[Math.floor(i / (R * C))] * of[i];
      }
    }
  }
  if (lamps.length === 0) return [trace, []];
  const rgb = trace.rgb.map((code, i) =>
    codeOf(lightOf(code) - change[i] / Math.max(total[Math.floor(i / (R * C))], 1e-9)),
  );
  return [{ ...trace, rgb }, lamps];
}

/** From and to of stretches of STRETCH_S that overlap by half, the last as long as the others. */
function partsIn(time: Signal): [number, number][] {
  const end = time[time.length - 1];
  if (time.length < FEWEST || end - time[0] < SHORTEST_S) return [];
  const last = Math.max(time[0], end - STRETCH_S);
  const starts = [...arange(time[0], last - STRETCH_S / 4, STRETCH_S / 2), last];
  return starts
    .map((at): [number, number] => [place(time, at - 1e-9), place(time, at + STRETCH_S + 1e-9)])
    .filter(([start, stop]) => stop - start >= FEWEST);
}

interface Risk {
  mains: number;
  line: number;
}

/** The lamps that so many pictures a second fold into the band. */
function atRisk(rate: number): Risk[] {
  return Object.entries(LINES_HZ).flatMap(([mains, lines]) =>
    lines
      .filter((line) => folded(line, rate) >= BAND_HZ[0] && folded(line, rate) <= BAND_HZ[1])
      .map((line) => ({ mains: Number(mains), line })),
  );
}

/** A piece of a trace: S times, light of R regions by colour, where each was seen, place of the face. */
interface Stretch {
  time: Signal;
  /** [region][colour], 0 where it was not seen. */
  light: Signal[][];
  seen: boolean[][];
  place: Signal[];
  main: number;
  background: number;
  /** The region that is asked for lamps: the background where it is seen, or the skin. */
  witness: number;
}

function stretchOf(trace: Trace, start: number, stop: number): Stretch {
  const R = trace.names.length;
  const time = trace.time.slice(start, stop);
  const code = (t: number, r: number, c: number) => trace.rgb[((start + t) * R + r) * C + c];
  const seen = trace.names.map((_, r) =>
    Array.from(time, (_, t) => [0, 1, 2].every((c) => Number.isFinite(code(t, r, c)))),
  );
  const light = trace.names.map((_, r) =>
    [0, 1, 2].map((c) => made(time.length, (t) => (seen[r][t] ? lightOf(code(t, r, c)) : 0))),
  );
  const main = trace.names.indexOf(mainRegion(trace));
  const background = trace.names.indexOf("background");
  const behind = background >= 0 && mean(seen[background].map(Number)) >= SEEN;
  const box = [0, 1, 2, 3].map((side) => boxSide(trace, side).subarray(start, stop));
  return { time, light, seen, place: placeOf(box), main, background, witness: behind ? background : main };
}

/** Centre of the face in its widths about its mean, the axes along which it moves; none if unknown. */
function placeOf(box: Signal[]): Signal[] {
  if (!box.every(isFinite)) return [];
  const width = Math.max(1, median(mapped(box[0], (x, t) => box[2][t] - x)));
  return [0, 1].flatMap((axis) => {
    const centre = mapped(box[axis], (x, t) => (x + box[axis + 2][t]) / 2);
    const middle = mean(centre);
    const shift = mapped(centre, (x) => (x - middle) / width);
    return std(shift) > 1e-4 ? [shift] : [];
  });
}

interface Taken {
  lamp: Lamp;
  /** S × R × C: what it does to the light. */
  change: Signal;
}

/** The lamps of a stretch, and what each does to the light of regions and colours. */
function found(part: Stretch, risks: Risk[]): Taken[] {
  const seen = part.seen[part.witness];
  if (mean(seen.map(Number)) < SEEN) return [];
  const time = part.time.filter((_, t) => seen[t]);
  const level = withoutCourse(part.time, part.light[part.witness], seen);
  const behind = part.witness !== part.main;
  const hits = risks
    .map(({ mains, line }) => ({ mains, ...lineNear(level, time, line, behind) }))
    .filter((hit) => hit.amplitude > 0)
    .sort((a, b) => likely(b) - likely(a));
  const rate = pictureRate(part.time);
  const span: [number, number] = [part.time[0], part.time[part.time.length - 1]];
  const out: Taken[] = [];
  for (const { mains, line, amplitude } of hits) {
    const at = folded(line, rate);
    if (!out.every(({ lamp }) => Math.abs(at - lamp.seen) > SAME_HZ)) continue;
    const lamp = { mains, line, seen: at, rate, amplitude, span, whole: true, blood: 0, beside: 0, doubled: 0 };
    out.push(taken(part, cycleOf(level, time, line, part.time, behind), lamp));
  }
  return out;
}

interface Hit {
  mains: number;
  line: number;
  amplitude: number;
}

/** Even times cannot tell lines that fold alike: most lamps flicker twice a cycle. */
function likely({ mains, line, amplitude }: Hit): number {
  return amplitude * (Math.abs(line / mains - 2) < 2 * TOLERANCE ? USUAL : 1);
}

/** Exact frequency [Hz] and relative amplitude of a lamp near this one; 0 where none is. */
function lineNear(level: Signal[], time: Signal, line: number, behind: boolean): { line: number; amplitude: number } {
  const frequency = arange(line - AROUND_HZ, line + AROUND_HZ, 0.25 / lengthOf(time));
  const size = amplitudes(level, time, frequency).map(sizes);
  const near = Array.from(frequency, (f) => Math.abs(f - line) <= TOLERANCE * line);
  const floor = size.map((x) => median(x.filter((_, f) => !near[f]).map((v) => v * v)));
  const at = argmax(made(frequency.length, (f) => (near[f] ? mean(size.map((x) => x[f])) : -1)));
  const own = size.map((x) => x[at]);
  const clear = own.every((x, c) => x ** 2 > LINE_TO_FLOOR * Math.max(floor[c], 1e-18));
  const likeLight = behind || least(own) > ACHROMATIC * largest(own);
  return { line: frequency[at], amplitude: clear && likeLight ? mean(own) : 0 };
}

/** The cycle of the lamp: even, or with the phase that the background shows, which is followed. */
function cycleOf(level: Signal[], time: Signal, line: number, wanted: Signal, follow: boolean): Complex {
  const turns = (at: number) => 2 * Math.PI * line * (at - wanted[0]);
  let angle = mapped(wanted, turns);
  if (follow) {
    const width = Math.max(3, rounded((FOLLOW_S * time.length) / lengthOf(time)));
    const grey = mapped(time, (_, k) => mean(level.map((x) => x[k])));
    const window = taper(Math.min(time.length, width));
    const real = smoothed(mapped(grey, (v, k) => v * Math.cos(turns(time[k]))), window);
    const imaginary = smoothed(mapped(grey, (v, k) => -v * Math.sin(turns(time[k]))), window);
    const phase = interp(wanted, time, unwrapped(mapped(real, (x, k) => Math.atan2(imaginary[k], x))));
    angle = mapped(angle, (x, s) => x + phase[s]);
  }
  return { real: mapped(angle, Math.cos), imaginary: mapped(angle, Math.sin) };
}

/** The convolution with an even window, as long as the signal. */
function smoothed(x: Signal, window: Signal): Signal {
  const lead = Math.floor((window.length - 1) / 2);
  return made(x.length, (i) => {
    const first = Math.max(0, i + lead - x.length + 1);
    const last = Math.min(window.length - 1, i + lead);
    let total = 0;
    for (let k = first; k <= last; k++) total += window[k] * x[i + lead - k];
    return total;
  });
}

function unwrapped(phase: Signal): Signal {
  let turns = 0;
  return mapped(phase, (x, k) => {
    if (k > 0) turns -= rounded((x - phase[k - 1]) / (2 * Math.PI));
    return x + 2 * Math.PI * turns;
  });
}

/** The lamp with what is found of blood, and what to take out. */
function taken(part: Stretch, cycle: Complex, lamp: Lamp): Taken {
  const shifts = [signal(part.time.length, 1), ...part.place];
  const half = shifts.length;
  const swings = [cycle.real, cycle.imaginary].flatMap((wave) =>
    shifts.map((shift) => mapped(wave, (v, t) => v * shift[t])),
  );
  const fit = fitted(part, swings);
  const phasor = fit.map((of): Complex => ({ real: of[0], imaginary: mapped(of[half], (x) => -x) }));
  const light = part.witness === part.main ? signal(C, 1) : sizes(phasor[part.witness]);
  const parts = unmixing(light);
  const [ofLamp, blood] = parts.map((row) => share(row, phasor[part.main]));
  const whole = blood < BLOODY * ofLamp;
  if (!whole) {
    fit.forEach((of, r) => {
      if (r === part.background) return;
      const real = dot(parts[1], phasor[r].real);
      const imaginary = dot(parts[1], phasor[r].imaginary);
      for (let c = 0; c < C; c++) {
        of[0][c] -= real * BLOOD[c];
        of[half][c] += imaginary * BLOOD[c];
      }
    });
  }
  const change = changeOf(swings, fit);
  const [beside, doubled] = [1, 2].map((times) =>
    left(part, change, parts[1], times * lamp.seen, reachOf(lamp.span)),
  );
  return { lamp: { ...lamp, whole, blood, beside, doubled }, change };
}

function changeOf(swings: Signal[], fit: Signal[][]): Signal {
  const [S, R] = [swings[0].length, fit.length];
  const out = signal(S * R * C);
  fit.forEach((of, r) =>
    swings.forEach((swing, p) => {
      for (let c = 0; c < C; c++) {
        const size = of[p][c];
        for (let s = 0; s < S; s++) out[(s * R + r) * C + c] += swing[s] * size;
      }
    }),
  );
  return out;
}

/** [region][swing] colours: weighted least squares of every region, beside its slow course. */
function fitted(part: Stretch, swings: Signal[]): Signal[][] {
  const design = [...swings, ...courseOf(part.time)];
  const window = ends(part.time);
  return part.light.map((light, r) => {
    const weight = mapped(window, (w, t) => (part.seen[r][t] ? w : 0));
    const weighed = design.map((d) => mapped(d, (v, t) => v * weight[t]));
    const ridge = RIDGE * sum(weight) + 1e-12;
    const gram = weighed.map((a, p) => made(design.length, (q) => dot(a, design[q]) + (p === q ? ridge : 0)));
    const target = weighed.map((a) => made(C, (c) => dot(a, light[c])));
    return solved(gram, target).slice(0, swings.length);
  });
}

/** The greatest amplitude of the colour of blood within `reach` [bpm] of a frequency [Hz]. */
function left(part: Stretch, change: Signal, blood: Signal, centre: number, reach: number): number {
  const [R, seen] = [part.light.length, part.seen[part.main]];
  const rest = part.light[part.main].map((x, c) => mapped(x, (v, t) => v - change[(t * R + part.main) * C + c]));
  const level = withoutCourse(part.time, rest, seen);
  const time = part.time.filter((_, t) => seen[t]);
  const frequency = arange(-reach / 60, reach / 60, 0.25 / lengthOf(time)).map((f) => centre + f);
  const found = amplitudes(level, time, frequency);
  return largest(
    made(frequency.length, (f) => {
      const at = (of: (x: Complex) => Signal) => made(C, (c) => of(found[c])[f]);
      return share(blood, { real: at((x) => x.real), imaginary: at((x) => x.imaginary) });
    }),
  );
}

/** Rows that tell how much of the colours of a line is the lamp's, and how much is of blood. */
function unmixing(light: Signal): [Signal, Signal] {
  const norm = Math.sqrt(dot(light, light));
  const lamp = mapped(light, (x) => x / norm);
  const [a, b, c] = [dot(lamp, lamp), dot(lamp, BLOOD), dot(BLOOD, BLOOD)];
  const size = a * c - b * b;
  return [
    mapped(lamp, (x, i) => (c * x - b * BLOOD[i]) / size),
    mapped(lamp, (x, i) => (a * BLOOD[i] - b * x) / size),
  ];
}

function share(row: Signal, { real, imaginary }: Complex): number {
  return Math.hypot(dot(row, real), dot(row, imaginary));
}

interface Complex {
  real: Signal;
  imaginary: Signal;
}

function sizes({ real, imaginary }: Complex): Signal {
  return mapped(real, (x, i) => Math.hypot(x, imaginary[i]));
}

/**
 * Amplitudes of columns at evenly spaced frequencies [Hz], from the pictures' own times. A wave is the
 * product of one of few coarse and one of few fine ones, which saves most sines and cosines.
 */
function amplitudes(level: Signal[], time: Signal, frequency: Signal): Complex[] {
  const [K, F] = [time.length, frequency.length];
  const window = ends(time);
  const scale = 2 / sum(window);
  const many = Math.ceil(Math.sqrt(F));
  const wave = (hertz: number): Complex => {
    const phase = mapped(time, (at) => -2 * Math.PI * hertz * (at - time[0]));
    return { real: mapped(phase, Math.cos), imaginary: mapped(phase, Math.sin) };
  };
  const fine = Array.from({ length: many }, (_, i) => wave(frequency[i] - frequency[0]));
  const out = level.map((): Complex => ({ real: signal(F), imaginary: signal(F) }));
  for (let first = 0; first < F; first += many) {
    const coarse = wave(frequency[first]);
    level.forEach((x, c) => {
      const real = made(K, (k) => x[k] * window[k] * coarse.real[k]);
      const imaginary = made(K, (k) => x[k] * window[k] * coarse.imaginary[k]);
      for (let i = 0; i < many && first + i < F; i++) {
        const { real: u, imaginary: v } = fine[i];
        let [re, im] = [0, 0];
        for (let k = 0; k < K; k++) {
          re += real[k] * u[k] - imaginary[k] * v[k];
          im += real[k] * v[k] + imaginary[k] * u[k];
        }
        out[c].real[first + i] = scale * re;
        out[c].imaginary[first + i] = scale * im;
      }
    });
  }
  return out;
}

/** Light of what was seen, without its slow course. */
function withoutCourse(time: Signal, light: Signal[], seen: boolean[]): Signal[] {
  const course = courseOf(time).map((x) => x.filter((_, t) => seen[t]));
  const columns = light.map((x) => x.filter((_, t) => seen[t]));
  const gram = course.map((a) => made(course.length, (q) => dot(a, course[q])));
  const fit = solved(
    gram,
    course.map((a) => made(columns.length, (c) => dot(a, columns[c]))),
  );
  return columns.map((x, c) => mapped(x, (v, k) => v - course.reduce((t, a, p) => t + a[k] * fit[p][c], 0)));
}

function courseOf(time: Signal): Signal[] {
  const span = lengthOf(time);
  const x = mapped(time, (at) => (at - time[0]) / span - 0.5);
  return [mapped(x, (v) => v * v), x, signal(x.length, 1)];
}

function ends(time: Signal): Signal {
  const [first, last] = [time[0], time[time.length - 1]];
  return mapped(time, (at) => Math.sin((Math.PI * (at - first + 1e-3)) / (last - first + 2e-3)) ** 2);
}

function lengthOf(time: Signal): number {
  return time[time.length - 1] - time[0];
}

/** Logarithm of the light that made a code 0–255 (IEC 61966-2-1, sRGB). */
function lightOf(code: number): number {
  const v = Math.max(code, 1) / 255;
  return Math.log(v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
}

/** The code of such a logarithm. */
function codeOf(light: number): number {
  const x = Math.exp(light);
  return 255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055);
}
