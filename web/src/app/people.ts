// Who is who: reports come in the order of presence, faces with the number of their track.

import type { Face } from "../engine/face/collect";
import type { View } from "../engine/watcher";

interface Seen {
  /** [s] and width of the face [px], picture after picture. */
  times: number[];
  widths: number[];
  /** Of the widths. */
  sum: number;
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
      const person = this.seen.get(track) ?? { times: [], widths: [], sum: 0 };
      this.seen.set(track, person);
      person.times.push(time);
      person.widths.push(box[2] - box[0]);
      person.sum += box[2] - box[0];
    }
    for (const [track, person] of this.seen) {
      const old = person.times.findIndex((t) => t >= time - this.keep);
      if (old < 0) this.seen.delete(track);
      else if (old > 0) {
        person.times.splice(0, old);
        for (const width of person.widths.splice(0, old)) person.sum -= width;
      }
    }
  }

  /** Tracks, the one present most first. */
  ranked(): number[] {
    return [...this.seen].sort(([, a], [, b]) => b.sum - a.sum).map(([track]) => track);
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
