// Colours in, a report out: the library on one screen. See pipeline.py.

import { type Signal, median, signal } from "./arrays";
import { beatsOf } from "./beats";
import { noBeats } from "./beats_types";
import { respiration } from "./breath";
import { AUTO, candidatesOf, partsOf } from "./candidates";
import { capture } from "./capture";
import { type Timed, alone, combine, joined } from "./combine";
import constants from "./constants.json";
import { weigh } from "./evidence";
import type { Network } from "./guide";
import { type HeartWindow, byBeats, expectedRate, heartRates, heartWindows } from "./heart";
import type { Lamp } from "./lamps";
import { type Reading, type Report, type ReportDocument, type Source, type Wave, withheld } from "./report_types";
import { type Trace, boxSide, mainRegion, nobody, regionOf } from "./trace";
import { NAMES, UNITS, variability } from "./variability";
import { clockRate, inView, tooShort, unmeasurable } from "./view";

const { BRIEF_S } = constants["waves.view"];
const card = constants.cards.regionpulse;

/** What to measure with. */
export interface Settings {
  /** "auto", or a name of METHODS. */
  method: string;
  /** "face", "skin", "frame" or "finger". */
  roi: string;
}

/** What a report is made with besides its trace. */
export interface Means {
  settings: Settings;
  /** The network that `auto` asks too; null goes without. */
  guide: Network | null;
  /** Awaited between steps, where other work may go on. */
  pause?: () => Promise<void>;
}

/** One report for every person seen for BRIEF_S at least, the one seen most first; at least one. */
export async function reportsOf(traces: Trace[], source: Source, means: Means): Promise<Report[]> {
  const reports: Report[] = [];
  for (const trace of people(traces, source)) {
    reports.push({ ...(await reportOf(trace, source, means)), person: reports.length + 1 });
  }
  return reports;
}

function people(traces: Trace[], source: Source): Trace[] {
  const ranked = [...traces].sort((a, b) => presence(b) - presence(a));
  const lasting = ranked.filter((t) => inView(t).filter(Boolean).length >= BRIEF_S * clockRate(t));
  if (lasting.length) return lasting;
  return ranked.length ? ranked.slice(0, 1) : [nobody(source.duration_s)];
}

/** How much of the recording a person takes: width of the face summed over the pictures. */
function presence(trace: Trace): number {
  let total = 0;
  for (let t = 0; t < trace.time.length; t++) {
    const width = trace.box[4 * t + 2] - trace.box[4 * t];
    if (Number.isFinite(width)) total += width;
  }
  return total;
}

/** Vital signs of one person's colour traces. */
export async function reportOf(trace: Trace, source: Source, means: Means): Promise<Report> {
  const { method } = means.settings;
  const { windows, wave, missing, lamps } = await pulseOf(trace, means);
  const rate = expectedRate(windows);
  const ends: [number, number] = [trace.time[0], trace.time[trace.time.length - 1]];
  let beats = rate === null ? noBeats([wave.time[0], wave.time[wave.time.length - 1]]) : beatsOf(wave, rate / 60);
  const context = { method, span: ends, missing, coded: 1, lamps };
  const [heart, rolling] = heartRates(byBeats(windows, beats), beats, context);
  if (heart.value === null) beats = noBeats(heart.span);
  await means.pause?.();
  const [breath, breathWave] = respiration(wave, beats, brightness(trace), height(trace));
  await means.pause?.();
  const waves = [waveRecord("pulse", wave)];
  if (breathWave) waves.push(waveRecord("breath", breathWave));
  return {
    person: 0,
    source,
    readings: [heart, breath, ...hrv(heart, () => variability(beats, trace.time))],
    rolling,
    waves,
    beats: Array.from(beats.time, (t) => digits(t, 6)),
    capture: capture(trace, source),
    settings: { method, roi: means.settings.roi, skin: "otsu" },
    versions: versions(means.guide !== null && method === AUTO),
  };
}

interface Pulse {
  windows: HeartWindow[];
  wave: Timed;
  missing: string;
  lamps: Lamp[];
}

/** What every window says of the heart rate, and the pulse, part after part. */
async function pulseOf(trace: Trace, means: Means): Promise<Pulse> {
  const unseen = unmeasurable(trace);
  const rate = clockRate(trace);
  const parts = unseen ? [] : partsOf(trace, means.settings.method, rate);
  if (parts.length === 0) {
    const wave = { values: signal(trace.time.length, NaN), time: trace.time };
    return { windows: [], wave, missing: unseen || tooShort(trace), lamps: [] };
  }
  const windows: HeartWindow[] = [];
  const pieces: { start: number; values: Signal }[] = [];
  for (const part of parts) {
    const candidates = await candidatesOf(part, means.guide);
    await means.pause?.();
    const evidence = await weigh(candidates, means.pause);
    const own = heartWindows(evidence);
    windows.push(...own);
    pieces.push({
      start: part.time[0],
      values: combine(candidates, evidence, Float64Array.from(own, (w) => w.rate)),
    });
    await means.pause?.();
  }
  return { windows, wave: joined(pieces, rate), missing: "", lamps: parts[0].lamps };
}

/** The pulse alone, without readings, by one method: for drawing. */
export function waveAlone(trace: Trace, method: string): Timed {
  const rate = clockRate(trace);
  const parts = partsOf(trace, method, rate);
  return joined(
    parts.flatMap((part) => (part.wave ? [{ start: part.time[0], values: alone(part, part.wave) }] : [])),
    rate,
  );
}

function hrv(heart: Reading, measured: () => Reading[]): Reading[] {
  if (heart.value !== null) return measured();
  const why = "variability is measured from beats, and the heart rate itself is withheld";
  return NAMES.map((name) => withheld(name, UNITS[name], why, { method: "beats", span: heart.span }));
}

/** Raw green of the skin, for its baseline. */
function brightness(trace: Trace): Timed {
  return { values: regionOf(trace, mainRegion(trace))[1], time: trace.time };
}

/** Vertical place of the face, in face heights. */
function height(trace: Trace): Timed {
  const top = boxSide(trace, 1);
  const heights = boxSide(trace, 3)
    .map((bottom, t) => bottom - top[t])
    .filter(Number.isFinite);
  const usual = heights.length ? Math.fround(median(heights)) : 1;
  return { values: top.map((y) => y / usual), time: trace.time };
}

function waveRecord(name: string, { values, time }: Timed): Wave {
  return {
    name,
    unit: "1",
    time: Array.from(time, (t) => digits(t, 6)),
    values: Array.from(values, (v) => (Number.isFinite(v) ? Number(v.toPrecision(7)) : null)),
  };
}

function digits(value: number, count: number): number {
  return Number(value.toFixed(count));
}

function versions(guided: boolean): Record<string, string> {
  const engine = { camvitals: constants.version, runtime: "browser" };
  return guided ? { ...engine, [card.name]: `${card.version} (sha256 ${card.sha256.slice(0, 12)})` } : engine;
}

/** The document that Python writes too; what `JSON.stringify` makes of it is a report file. */
export function documentOf(reports: Report[]): ReportDocument {
  return {
    schema: constants["report.json_file"].SCHEMA as "camvitals.report/1",
    software: { name: "camvitals", version: constants.version },
    reports,
  };
}

/** Facts of a live source, as measured while it was watched. */
export function liveSource(times: ArrayLike<number>, about: Partial<Source>): Source {
  const gaps = Float64Array.from({ length: Math.max(0, times.length - 1) }, (_, i) => times[i + 1] - times[i]);
  const interval = gaps.length ? median(gaps) : 0;
  const span = times.length ? times[times.length - 1] - times[0] : 0;
  const middle = gaps.reduce((a, b) => a + b, 0) / (gaps.length || 1);
  const spread = Math.sqrt(gaps.reduce((a, g) => a + (g - middle) ** 2, 0) / (gaps.length || 1));
  return {
    name: "live",
    width_px: 0,
    height_px: 0,
    frames: times.length,
    frames_claimed: null,
    duration_s: span + interval,
    rate_hz: interval ? 1 / interval : 0,
    jitter_s: spread,
    codec: "",
    pixel_format: "",
    bit_rate_bps: null,
    rotation_deg: 0,
    warnings: [],
    ...about,
  };
}
