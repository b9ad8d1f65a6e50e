// What a screen reader is told: changes, and not too often.

import type { Reading } from "../engine/report_types";
import { say } from "./dom";
import { qualityWord, sentence, wholeText } from "./words";

const EVERY_MS = 5000;
const CHANGE_BPM = 3;
const PATIENCE_MS = 10_000; // nobody has a rate at once, which is no news

export class Speaker {
  private last = -Infinity;
  private waiting: ReturnType<typeof setTimeout> | null = null;
  private told = new Map<number, number | string>();
  private asked = Infinity;

  constructor(private readonly place: HTMLElement) {}

  /** The heart rates of everybody, the first first; spoken when one has changed. */
  rates(readings: Reading[]): void {
    this.asked = Math.min(this.asked, performance.now());
    const news = readings.filter((r, k) => this.changed(r, k));
    if (!news.length && (!this.told.size || readings.length === this.told.size)) return;
    if (performance.now() - this.last < EVERY_MS) return;
    this.told = new Map(readings.map((r, k) => [k, r.value ?? r.why]));
    this.speak(readings.map((r, k) => (readings.length > 1 ? `Person ${k + 1}: ` : "") + spoken(r)).join(" "));
  }

  /** A sentence of its own; the last of several within five seconds is spoken. */
  speak(text: string): void {
    if (this.waiting) clearTimeout(this.waiting);
    const wait = Math.max(0, this.last + EVERY_MS - performance.now());
    const now = (): void => {
      this.last = performance.now();
      this.waiting = null;
      say(this.place, text);
    };
    if (wait > 0) this.waiting = setTimeout(now, wait);
    else now();
  }

  private changed(reading: Reading, k: number): boolean {
    const before = this.told.get(k);
    if (typeof before === "number" && reading.value !== null) return Math.abs(reading.value - before) >= CHANGE_BPM;
    if (before === undefined && reading.value === null) return performance.now() - this.asked > PATIENCE_MS;
    return typeof before === "number" || reading.value !== null;
  }

  /** Begin anew, with another camera or film. */
  clear(): void {
    this.told.clear();
    this.asked = Infinity;
  }
}

function spoken(reading: Reading): string {
  if (reading.value === null) return `No heart rate: ${sentence(reading.why)}`;
  const [whole, plus] = wholeText(reading);
  const within = plus.replace("±", "plus or minus");
  return `Heart rate ${whole} ${within} beats a minute, quality ${qualityWord(reading.quality)}.`;
}
