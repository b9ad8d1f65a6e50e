// Who is who: reports come in the order of presence, faces with the number of their track.

import type { Face } from "../engine/face/collect";
import type { View } from "../engine/watcher";

interface Seen {
  /** [s] and width of the face [px], picture after picture. */
  times: number[];
  widths: number[];
}

/** Follows the faces of the last seconds, and ranks them as reports are ranked: by width summed over pictures. */
export class People {
  private seen = new Map<number, Seen>();

  /** keep: seconds that the reports speak of. */
  constructor(public keep: number) {}

  clear(): void {
    this.seen.clear();
  }

  see({ time, faces }: View): void {
    for (const { track, box } of faces) {
      const person = this.seen.get(track) ?? { times: [], widths: [] };
      this.seen.set(track, person);
      person.times.push(time);
      person.widths.push(box[2] - box[0]);
    }
    for (const [track, { times, widths }] of this.seen) {
      const old = times.findIndex((t) => t >= time - this.keep);
      if (old < 0) this.seen.delete(track);
      else if (old > 64) {
        times.splice(0, old);
        widths.splice(0, old);
      }
    }
  }

  /** Tracks, the one present most first. */
  ranked(): number[] {
    const presence = ({ widths }: Seen): number => widths.reduce((a, b) => a + b, 0);
    return [...this.seen].sort(([, a], [, b]) => presence(b) - presence(a)).map(([track]) => track);
  }

  /** 1, 2 … of a face: the number of its card. */
  numberOf({ track }: Face): number {
    return this.ranked().indexOf(track) + 1;
  }

  /** When person 1, 2 … was last in the picture [s]; null for who was not seen. */
  lastSeen(person: number): number | null {
    const track = this.ranked()[person - 1];
    const times = track === undefined ? undefined : this.seen.get(track)?.times;
    return times?.at(-1) ?? null;
  }
}
