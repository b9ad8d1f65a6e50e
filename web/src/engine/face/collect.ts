// Frames in, traces out: mean skin colours of everybody in the picture. See face/collect.py.

import { InputError, clip, rounded } from "../arrays";
import constants from "../constants.json";
import type { Trace } from "../trace";
import { Blend, skinRegions } from "./average";
import { Backdrop } from "./backdrop";
import { type Box, type Frame, type Points, rgbOf } from "./frame";
import type { Track } from "./one_track";
import { Picture } from "./picture";
import { Record } from "./record";
import { NAMES, boxShares, outlines, regionShares } from "./regions";
import type { Tracker } from "./track";

const { AWAY_S } = constants["face.collect"];

/** A face in the last frame, to draw it. */
export interface Face {
  /** Number of the person, the same as long as they are followed. */
  track: number;
  box: Box;
  score: number;
  /** Names of regions -> x, y of their corners [px]; none of a face too coarse for landmarks. */
  outlines: { [name: string]: Points };
}

/** What the collector looks at: faces, or the picture as it is. */
export type Roi = "face" | "frame" | "skin" | "finger";

export class Collector {
  readonly names: readonly string[];
  private people = new Map<number, Person>();
  private readonly backdrop = new Backdrop();
  private readonly picture: Picture | null;
  private time = -Infinity;

  /** keep: seconds of trace kept at least; Infinity keeps all. */
  constructor(
    private readonly tracker: Tracker | null,
    roi: Roi,
    private readonly keep: number,
  ) {
    if (roi === "face" && !tracker) throw new InputError("roi face needs a tracker; open the networks first");
    this.picture = roi === "face" ? null : new Picture(roi);
    this.names = this.picture ? this.picture.names : [...NAMES, "background"];
  }

  /** See the next frame, later than the last. */
  async push(frame: Frame): Promise<void> {
    if (!(frame.time > this.time)) {
      throw new InputError(
        `frames must come in increasing time but ${frame.time.toFixed(3)} s follows ` +
          `${this.time.toFixed(3)} s; sort them or drop the late one`,
      );
    }
    this.time = frame.time;
    if (this.picture) this.pushPicture(frame, this.picture);
    else await this.pushFaces(frame, this.tracker!);
  }

  /** The traces so far of everybody who was seen twice, in the order in which they appeared. */
  traces(): Trace[] {
    return [...this.people.values()]
      .filter((person) => person.confirmed && person.record.length)
      .map((person) => person.record.trace());
  }

  /** The faces in the last frame. */
  faces(): Face[] {
    const seen = this.tracker && !this.picture ? this.tracker.tracks.filter((t) => t.visible) : [];
    return seen.map((t) => ({ track: t.number, box: t.box, score: t.score, outlines: t.boxed ? {} : outlines(t.points) }));
  }

  private pushPicture(frame: Frame, picture: Picture): void {
    const person = this.personOf(0);
    person.confirmed = true;
    const { rgb, pixels } = picture.means(frame);
    person.record.append(frame.time, rgb, pixels, pixels[0] > 0 ? picture.box : null);
  }

  private personOf(number: number): Person {
    let person = this.people.get(number);
    if (!person) {
      person = new Person(new Record(this.names, this.keep));
      this.people.set(number, person);
    }
    return person;
  }

  private async pushFaces(frame: Frame, tracker: Tracker): Promise<void> {
    await tracker.update(frame);
    this.forget(new Set(tracker.tracks.map((t) => t.number)), frame.time);
    let behind: [Float64Array, number] | null = null;
    if (tracker.tracks.length) {
      behind = this.backdrop.mean(
        frame,
        tracker.tracks.filter((t) => t.visible).map((t) => t.box),
      );
    }
    for (const track of tracker.tracks) {
      const person = this.personOf(track.number);
      person.confirmed = track.sightings > 1;
      if (track.visible) this.see(frame, track, person, behind);
      else person.miss(frame.time, track.confirmed);
    }
  }

  /** Drop who proved to be nobody, and who left longer ago than anything is kept. */
  private forget(known: Set<number>, time: number): void {
    for (const [number, person] of this.people) {
      const lasting = person.confirmed && person.last > time - this.keep;
      if (!known.has(number) && !lasting) this.people.delete(number);
    }
  }

  private see(frame: Frame, track: Track, person: Person, behind: [Float64Array, number] | null): void {
    const planes = track.follower.patch();
    if (track.redraw || !person.blend) draw(frame, planes, track, person);
    const { values, pixels } = person.blend!.means(planes, track.follower.outside, frame.time);
    const means = Float64Array.of(...values, ...(behind ? behind[0] : [NaN, NaN, NaN]));
    const counts = Float64Array.of(...pixels, behind ? behind[1] : 0);
    const rgb = new Float64Array(means.length);
    for (let k = 0; k < rgb.length; k += 3) rgb.set(rgbOf(frame, means[k], means[k + 1], means[k + 2]), k);
    person.seen = true;
    person.last = frame.time;
    person.record.append(frame.time, rgb, counts, track.box);
  }
}

/** Lay the regions on the face as it is now; the first time at once, then gradually. */
function draw(frame: Frame, planes: Parameters<typeof skinRegions>[1], track: Track, person: Person): void {
  const { shape, step } = track.follower;
  const nodes = track.shape.map((v) => (v - 1) / step);
  const shares = nodes.length > 4 ? regionShares(nodes, shape) : boxShares(nodes as unknown as Box, shape);
  const regions = skinRegions(frame, planes, shape, shares, NAMES);
  if (track.fresh || !person.blend) person.blend = new Blend(regions, step);
  else {
    if (track.relaid) person.blend.replace(shifted(person.blend, track, frame.time), step);
    person.blend.change(regions, frame.time, track.redrawSpan);
  }
  track.regionsDrawn(frame.time);
}

class Person {
  confirmed = false;
  seen = false;
  /** Time of the last sample seen. */
  last = -Infinity;
  blend: Blend | null = null;
  constructor(readonly record: Record) {}

  /** Not seen in this frame; what followed the last confirmed sight is withdrawn. */
  miss(time: number, confirmed: number): void {
    if (this.seen) {
      this.record.withdraw(confirmed);
      this.seen = false;
      this.last = confirmed;
    }
    if (time - this.last < AWAY_S) this.record.append(time, null, null, null);
  }
}

/** The present weights in the nodes of the window as it is laid now. */
function shifted(blend: Blend, track: Track, time: number): Float32Array[] {
  const [shift, old] = track.relaid!;
  const { step, shape } = track.follower;
  const [rows, columns] = old.shape;
  return blend.settle(time).weights.map((weights) => {
    const out = new Float32Array(shape[0] * shape[1]);
    for (let i = 0; i < shape[0]; i++) {
      const r = rounded((i * step + shift[1]) / old.step);
      for (let j = 0; j < shape[1]; j++) {
        const c = rounded((j * step + shift[0]) / old.step);
        const inside = r >= 0 && r < rows && c >= 0 && c < columns;
        if (inside) out[i * shape[1] + j] = weights[clip(r, 0, rows - 1) * columns + c];
      }
    }
    return out;
  });
}
