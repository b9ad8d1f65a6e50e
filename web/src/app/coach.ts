// The coach: what the recording is like in five words, and one hint at a time.

import type { Finding, Report } from "../engine/report_types";
import { made, say } from "./dom";
import { measuredText, title } from "./words";

/** What people call it, what is measured of it, and the finding that tells its value. */
const CONDITIONS: [string, string[]][] = [
  ["Light", ["brightness", "mains_flicker"]],
  ["Distance", ["face_size", "face_seen"]],
  ["Motion", ["motion", "moving_share"]],
  ["Frame rate", ["frame_rate", "dropped_frames", "frame_jitter"]],
  ["Exposure", ["saturation", "exposure"]],
];
/** What helps most comes first. */
const ORDER = [
  "face_seen",
  "face_size",
  "brightness",
  "saturation",
  "moving_share",
  "motion",
  "frame_rate",
  "dropped_frames",
  "exposure",
  "mains_flicker",
  "frame_jitter",
];
const HELD_MS = 6000;
const ALL_FINE = "Conditions are fine. Sit still.";

export class Coach {
  private shown = "";
  private since = -Infinity;

  constructor(
    private readonly hint: HTMLElement,
    private readonly conditions: HTMLElement,
  ) {}

  clear(): void {
    [this.shown, this.since] = ["", -Infinity];
    say(this.hint, "");
    this.conditions.replaceChildren();
  }

  /** Say what is so now, before any report can know. */
  tell(text: string): void {
    this.show(text, 0);
  }

  /** Judge what reports found. */
  judge(reports: Report[]): void {
    this.draw(reports[0]?.capture ?? []);
    for (const [k, { capture }] of reports.entries()) {
      const wrong = ORDER.map((name) => capture.find((f) => f.name === name && !f.fine)).find(Boolean);
      if (wrong) return this.show((k ? `Person ${k + 1}: ` : "") + wrong.remedy, HELD_MS);
    }
    this.show(ALL_FINE, HELD_MS);
  }

  /** Another hint only when the last was there for long enough to be read. */
  private show(text: string, heldMs: number): void {
    const now = performance.now();
    if (text === this.shown || now - this.since < heldMs) return;
    [this.shown, this.since] = [text, now];
    say(this.hint, text);
  }

  private draw(capture: Finding[]): void {
    const items = CONDITIONS.flatMap(([name, findings]) => {
      const known = findings.flatMap((n) => capture.filter((f) => f.name === n));
      if (!known.length) return [];
      const wrong = known.find((f) => !f.fine);
      const item = made("li", wrong ? "off" : "fine", made("b", "", name), ` ${short(wrong ?? known[0], findings)}`);
      item.append(made("span", "unseen", wrong ? ", to be improved" : ", fine"));
      return [item];
    });
    const same = items.map((i) => i.outerHTML).join("") === this.conditions.innerHTML;
    if (!same) this.conditions.replaceChildren(...items);
  }
}

/** What was measured, and of what, when it is not the first that comes to mind. */
function short(finding: Finding, findings: string[]): string {
  if (finding.unit === "level") return `${Math.round(finding.value ?? 0)} of 255`;
  const measured = measuredText(finding);
  return finding.name === findings[0] ? measured : `· ${title(finding.name).toLowerCase()} ${measured}`;
}
