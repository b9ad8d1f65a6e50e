// Names and numbers as people read them: the wording of report/wording.py.

import type { Finding, Reading } from "../engine/report_types";

export const TITLES: Record<string, string> = {
  heart_rate: "Heart rate",
  respiration_rate: "Respiration rate",
  hrv_sdnn: "SDNN",
  hrv_rmssd: "RMSSD",
  hrv_pnn50: "pNN50",
  hrv_sd1: "SD1",
  hrv_sd2: "SD2",
  hrv_lf: "LF power",
  hrv_hf: "HF power",
  hrv_lf_hf: "LF/HF",
  frame_rate: "Frame rate",
  frame_jitter: "Frame jitter",
  dropped_frames: "Dropped frames",
  exposure: "Exposure",
  mains_flicker: "Mains flicker",
  face_size: "Face width",
  motion: "Head motion",
  moving_share: "Time in motion",
  saturation: "Saturated colour",
  brightness: "Brightness",
  face_seen: "Face in view",
  length: "Length",
};
const [GOOD_QUALITY, FAIR_QUALITY] = [0.7, 0.4];

export function title(name: string): string {
  return TITLES[name] ?? name.replaceAll("_", " ");
}

/** A number with three significant digits or `digits` decimals; a dash for null. */
export function number(value: number | null, digits?: number): string {
  if (value === null) return "–";
  const size = Math.abs(value);
  const kept = digits ?? (size >= 100 || size < 0.005 ? 0 : size >= 10 ? 1 : 2);
  const text = value.toFixed(kept);
  return Number(text) ? text.replace("-", "−") : text.replace("-", "");
}

/** The value with as many decimals as its interval deserves. */
export function valueText(reading: Reading): string {
  return number(reading.value, decimals(reading));
}

/** `low – high`, empty when withheld. */
export function intervalText(reading: Reading): string {
  if (reading.low === null || reading.high === null) return "";
  const digits = decimals(reading);
  return `${number(reading.low, digits)} – ${number(reading.high, digits)}`;
}

function decimals({ value, low, high }: Reading): number {
  if (value === null || low === null || high === null) return 0;
  const size = Math.abs(value);
  return high - low >= 20 || size >= 1000 ? 0 : high - low >= 0.2 || size >= 100 ? 1 : 2;
}

/** The whole number nearest to the value, and the ± that holds the interval around it. */
export function wholeText({ value, low, high }: Reading): [string, string] {
  if (value === null) return ["–", ""];
  const whole = Math.round(value);
  if (low === null || high === null) return [String(whole), ""];
  return [String(whole), `± ${Math.ceil(Math.max(high - whole, whole - low) - 1e-6)}`];
}

export function unitText(unit: string): string {
  return unit === "1" ? "" : unit;
}

export function measuredText({ value, unit }: Finding): string {
  if (value === null) return "–";
  const named = unitText(unit);
  return `${number(value)}${named === "%" ? "" : " "}${named}`.trim();
}

export function qualityWord(quality: number): string {
  return quality >= GOOD_QUALITY ? "good" : quality >= FAIR_QUALITY ? "fair" : "weak";
}

/** A sentence as one: a capital at its front and a point at its end. */
export function sentence(text: string): string {
  if (!text) return "";
  const start = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
