// What can be taken home: the report as JSON, and its tables as CSV, as the Python package writes them.

import { documentOf } from "../engine/report";
import type { Reading, Report } from "../engine/report_types";

const READING = ["file", "person", "name", "value", "unit", "low", "high", "quality", "method", "start_s", "stop_s", "why"];
type Cell = string | number | null;

/** The text of one of the files that can be saved. */
export const FILES: Record<string, { name: string; type: string; text: (reports: Report[]) => string }> = {
  json: {
    name: "report.json",
    type: "application/json",
    text: (reports) => `${JSON.stringify(documentOf(reports), null, 2)}\n`,
  },
  readings: { name: "readings.csv", type: "text/csv", text: (reports) => csv([READING, ...reports.flatMap(readings)]) },
  waves: { name: "waves.csv", type: "text/csv", text: (reports) => csv(waves(reports)) },
  beats: {
    name: "beats.csv",
    type: "text/csv",
    text: (reports) =>
      csv([["file", "person", "beat_s"], ...reports.flatMap((r) => r.beats.map((t) => [...who(r), t.toFixed(6)]))]),
  },
};

/** Give the person a file; it comes from the page itself. */
export function save(kind: string, reports: Report[]): void {
  const { name, type, text } = FILES[kind];
  const url = URL.createObjectURL(new Blob([text(reports)], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `camvitals-${new Date().toISOString().slice(0, 16).replace(":", "")}-${name}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function who(report: Report): Cell[] {
  return [report.source.name, report.person];
}

function readings(report: Report): Cell[][] {
  const row = (r: Reading): Cell[] => [r.name, r.value, r.unit, r.low, r.high, r.quality, r.method, ...r.span, r.why];
  return report.readings.map((r) => [...who(report), ...row(r)]);
}

/** Rows of time and one column per wave; waves on other clocks leave cells empty. */
function waves(reports: Report[]): Cell[][] {
  const names = [...new Set(reports.flatMap((r) => r.waves.map((w) => w.name)))];
  const rows: Cell[][] = [["file", "person", "time_s", ...names]];
  for (const report of reports) {
    const cells = new Map<string, Cell[]>();
    for (const wave of report.waves) {
      wave.time.forEach((t, i) => {
        const time = t.toFixed(6);
        const row = cells.get(time) ?? names.map(() => "");
        cells.set(time, row);
        row[names.indexOf(wave.name)] = wave.values[i] ?? "";
      });
    }
    const sorted = [...cells].sort(([a], [b]) => Number(a) - Number(b));
    for (const [time, row] of sorted) rows.push([...who(report), time, ...row]);
  }
  return rows;
}

function csv(rows: Cell[][]): string {
  return rows.map((row) => `${row.map(cell).join(",")}\n`).join("");
}

function cell(value: Cell): string {
  const text = value === null ? "" : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
