// The document that Python writes too: camvitals.report/1, see report/report_1.schema.json.

/** A vital sign with its interval, or the reason why there is none. */
export interface Reading {
  /** heart_rate, respiration_rate, hrv_sdnn, … */
  name: string;
  /** In `unit`; null when withheld, and then `why` says why. */
  value: number | null;
  unit: string;
  low: number | null;
  high: number | null;
  /** 0–1: the calibrated probability that the value is right. */
  quality: number;
  method: string;
  /** Start and stop [s]. */
  span: [number, number];
  why: string;
}

/** A signal over time; null in gaps. */
export interface Wave {
  /** pulse, breath */
  name: string;
  unit: string;
  /** [s] */
  time: number[];
  values: (number | null)[];
}

/** One fact about the recording, whether it is fine, and what to do if not. */
export interface Finding {
  name: string;
  value: number | null;
  unit: string;
  fine: boolean;
  remedy: string;
}

/** Facts of the recording, as measured while it was read. */
export interface Source {
  name: string;
  width_px: number;
  height_px: number;
  frames: number;
  frames_claimed: number | null;
  duration_s: number;
  rate_hz: number;
  jitter_s: number;
  codec: string;
  pixel_format: string;
  bit_rate_bps: number | null;
  rotation_deg: number;
  warnings: string[];
}

/** Everything measured of one person. */
export interface Report {
  person: number;
  source: Source;
  /** Over the whole window: heart_rate, respiration_rate, hrv_… in this order. */
  readings: Reading[];
  /** Heart rates over sliding windows. */
  rolling: Reading[];
  waves: Wave[];
  /** Times of the heart beats [s]. */
  beats: number[];
  /** What the recording itself was like: light, distance, motion, frame rate, exposure. */
  capture: Finding[];
  settings: Record<string, unknown>;
  versions: Record<string, string>;
}

/** What is written to a file; the same as the Python package's. */
export interface ReportDocument {
  schema: "camvitals.report/1";
  software: { name: string; version: string };
  reports: Report[];
}

/** A reading without a value, and the sentence that says why. */
export function withheld(
  name: string,
  unit: string,
  why: string,
  about: { method: string; span: [number, number]; quality?: number },
): Reading {
  const { method, span, quality = 0 } = about;
  return { name, value: null, unit, low: null, high: null, quality, method, span, why };
}
