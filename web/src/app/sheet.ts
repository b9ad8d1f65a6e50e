// The page as it is printed: everything that was measured, on paper.

import type { Report, Wave } from "../engine/report_types";
import { made } from "./dom";
import { reach, stretches } from "./strip";
import { intervalText, measuredText, qualityWord, sentence, title, unitText, valueText } from "./words";

const SVG = "http://www.w3.org/2000/svg";
const [ROW_S, WIDTH, HEIGHT, MOST_ROWS] = [15, 1000, 90, 8];

/** Fill the sheet, which is seen on paper only. */
export function fill(sheet: HTMLElement, reports: Report[]): void {
  const when = new Date().toLocaleString();
  const parts: Node[] = [made("h1", "", "camvitals"), made("p", "", `${when}. Not a medical device.`)];
  if (!reports.length) parts.push(made("p", "", "Nothing was measured yet."));
  for (const report of reports) parts.push(...person(report));
  sheet.replaceChildren(...parts);
}

function person(report: Report): Node[] {
  const { source } = report;
  const facts = [
    source.name,
    `${source.width_px}×${source.height_px} px`,
    `${source.rate_hz.toFixed(1)} frames/s`,
    `${source.duration_s.toFixed(1)} s`,
  ];
  const readings = report.readings.map((r) => [
    title(r.name),
    r.value === null ? "withheld" : `${valueText(r)} ${unitText(r.unit)}`,
    intervalText(r),
    r.value === null ? sentence(r.why) : `${Math.round(100 * r.quality)}% ${qualityWord(r.quality)}`,
  ]);
  const found = report.capture.map((f) => [title(f.name), measuredText(f), f.fine ? "fine" : f.remedy]);
  const pulse = report.waves.find((w) => w.name === "pulse");
  return [
    made("h2", "", `Person ${report.person}`),
    made("p", "", facts.join(" · ")),
    table(["Reading", "Value", "95 % interval", "Quality, or why there is none"], readings),
    ...(pulse ? [made("h3", "", "Pulse"), ...rows(pulse, report.beats)] : []),
    made("h3", "", "Conditions"),
    table(["Finding", "Measured", "What to do"], found),
    made("p", "small", Object.entries(report.versions).map(([k, v]) => `${k} ${v}`).join(" · ")),
  ];
}

function table(head: string[], rows: string[][]): HTMLElement {
  const line = (tag: string, cells: string[]): HTMLElement => made("tr", "", ...cells.map((c) => made(tag, "", c)));
  return made("table", "", line("th", head), ...rows.map((row) => line("td", row)));
}

/** The last two minutes, a row for every 15 s. */
function rows(wave: Wave, beats: number[]): Element[] {
  const { time } = wave;
  if (!time.length) return [];
  const end = time[time.length - 1];
  const first = Math.max(time[0], end - MOST_ROWS * ROW_S);
  const size = reach(stretches(wave, first, end));
  return Array.from({ length: Math.ceil((end - first) / ROW_S) }, (_, k) => drawn(wave, beats, first + k * ROW_S, size));
}

function drawn(wave: Wave, beats: number[], start: number, size: number): Element {
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Pulse wave" });
  const x = (t: number): string => (((t - start) / ROW_S) * WIDTH).toFixed(1);
  const y = (v: number): string => (HEIGHT / 2 - (0.4 * HEIGHT * Math.max(-1, Math.min(1, v / size)))).toFixed(1);
  for (let t = Math.ceil(start); t <= start + ROW_S; t++) {
    svg.append(shape("line", { x1: x(t), x2: x(t), y1: "0", y2: String(HEIGHT), class: "second" }));
  }
  for (const part of stretches(wave, start, start + ROW_S)) {
    svg.append(shape("polyline", { points: part.map(([t, v]) => `${x(t)},${y(v)}`).join(" ") }));
  }
  for (const beat of beats.filter((b) => b >= start && b < start + ROW_S)) {
    svg.append(shape("circle", { cx: x(beat), cy: String(HEIGHT - 4), r: "3" }));
  }
  return svg;
}

function shape(tag: string, attributes: Record<string, string>): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
