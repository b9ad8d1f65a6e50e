// One face over time. See class Track of face/track.py.

import { clip } from "../arrays";
import constants from "../constants.json";
import type { Detection } from "./detect";
import { Follower, type Place } from "./follow";
import type { Box, Frame, Points } from "./frame";
import { stepFor } from "./lattice";
import { boxAround, rollOf } from "./mesh";

const C = constants["face.track"];

export class Track {
  /** Seen in the last frame. */
  visible = false;
  /** The regions no longer fit. */
  redraw = true;
  fresh = true;
  /** When the window was laid anew: how far its first node moved, and the follower before. */
  relaid: [Place, Follower] | null = null;
  /** Time the networks last saw it [s], and how often they did. */
  confirmed = -Infinity;
  sightings = 0;
  score = 0;
  follower!: Follower;
  nextKey = -Infinity;
  nextMesh = -Infinity;
  /** Height of the face [px]. */
  size = 1;
  private drawn!: Points;
  private drawnAt = -Infinity;
  private own!: Points;
  private bounds: Box = [0, 0, 0, 0];
  private usual: number | null = null;
  private keyPlace: Place = [0, 0];
  private expectedBox: Box = [0, 0, 0, 0];

  constructor(readonly number: number) {}

  /** Landmarks relative to the window's place [px]. */
  get shape(): Points {
    return this.own;
  }

  set shape(shape: Points) {
    this.own = shape;
    this.bounds = boxAround(shape);
    this.size = Math.max(this.bounds[3] - this.bounds[1], 1);
  }

  /** Landmarks [px]. */
  get points(): Points {
    return moved(this.own, this.follower.place);
  }

  get box(): Box {
    return movedBox(this.bounds, this.follower.place);
  }

  get roll(): number {
    return this.own.length > 4 ? rollOf(this.own) : 0;
  }

  /** Whether all that is known of it is its box. */
  get boxed(): boolean {
    return this.own.length <= 4;
  }

  /** Where the detector should see it [px]. */
  get expected(): Box {
    return movedBox(this.expectedBox, this.follower.place);
  }

  follow(frame: Frame): void {
    this.follower.follow(frame);
    this.usual ??= this.follower.likeness;
  }

  /** Whether the picture has changed so much that it is a cut. */
  get cut(): boolean {
    return this.follower.likeness < C.CHANGED * (this.usual || 1);
  }

  /** Whether it is time for a key frame. */
  due(time: number): boolean {
    if (this.cut || time >= this.nextKey) return true;
    if (time < this.confirmed + C.SOONEST_S) return false;
    return this.follower.likeness < (this.usual || 1) - C.FADED || this.moving;
  }

  /** Whether it has moved, grown or tilted notably since the last key frame. */
  get moving(): boolean {
    const { place, zoom, roll } = this.follower;
    const far = Math.max(Math.abs(place[0] - this.keyPlace[0]), Math.abs(place[1] - this.keyPlace[1])) / this.size;
    return far > C.MOVED || Math.abs(zoom) > C.ZOOMED || Math.abs(roll) > C.ROLLED;
  }

  /** Start, or start again, from what the networks say. */
  begin(frame: Frame, points: Points, detection: Detection): void {
    const box = boxAround(points);
    const step = stepFor(frame, (box[2] - box[0]) * (box[3] - box[1]) * 1.1, C.MOST_NODES);
    this.follower = new Follower(frame, grown(box), step);
    this.shape = relative(points, this.follower.place);
    this.drawn = this.shape;
    this.usual = null;
    this.redraw = this.fresh = true;
    this.relaid = null;
    this.confirmAt(frame.time, detection, 0, false);
  }

  /** Take what the networks say into account; points is null when not measured. */
  confirm(frame: Frame, detection: Detection, points: Points | null): void {
    let shake = 0;
    // the pattern tells whether the face changed at all: if not, it is the networks' shake
    const calm = this.follower.likeness > C.UNCHANGED * (this.usual || 1) && !this.moving;
    if (points) {
      const now = this.points;
      const off = points.map((v, i) => v - now[i]);
      shake = distance(points, now) / this.size;
      const still = calm && shake < 5 * C.SHAKE;
      const gain = still ? 0.1 : clip((shake / C.SHAKE - 1) / 3, 0.1, 1);
      this.shape = this.own.map((v, i) => v + gain * off[i]);
    }
    if (!calm) {
      this.follower.renew();
      this.usual = null;
    }
    this.relay(frame);
    this.confirmAt(frame.time, detection, shake, calm);
    const apart = distance(this.own, this.drawn);
    if (apart > C.DRAWN * this.size || frame.time - this.drawnAt > C.STALE_S) this.redraw = true;
  }

  /** How long the change to newly drawn regions may take [s]: long unless it is pressing. */
  get redrawSpan(): number {
    return distance(this.own, this.drawn) < 3 * C.DRAWN * this.size ? C.CALM_S : C.FADE_S;
  }

  /** Note that the regions fit the shape as it is now. */
  regionsDrawn(time: number): void {
    this.redraw = this.fresh = false;
    this.relaid = null;
    this.drawn = this.own;
    this.drawnAt = time;
  }

  private confirmAt(time: number, detection: Detection, shake: number, calm: boolean): void {
    const busy = this.sightings ? this.moving : false;
    this.visible = true;
    this.confirmed = time;
    this.score = detection.score;
    this.sightings++;
    const [x, y] = this.follower.place;
    this.expectedBox = movedBox(detection.box, [-x, -y]);
    this.keyPlace = this.follower.place;
    const quick = busy || shake > 3 * C.SHAKE || this.sightings < 2;
    const rest = calm && this.sightings > 3 ? C.CALM_KEY_S : C.PERIOD_S;
    this.nextKey = time + (quick ? C.BUSY_S : rest);
    if (shake > 2 * C.SHAKE) this.nextMesh = time;
  }

  /** Lay the window anew when the face has outgrown it. */
  private relay(frame: Frame): void {
    const box = grown(this.box);
    const old = this.follower;
    const [x, y] = old.place;
    const [rows, columns] = old.shape;
    const span = [x, y, x + columns * old.step, y + rows * old.step];
    if (Math.max(...span.map((v, i) => Math.abs(v - box[i]))) <= C.OUTGROWN * this.size) return;
    const step = stepFor(frame, (box[2] - box[0]) * (box[3] - box[1]), C.MOST_NODES);
    const points = this.points;
    this.follower = new Follower(frame, box, step);
    const shift: Place = [this.follower.place[0] - x, this.follower.place[1] - y];
    this.drawn = relative(this.drawn, shift);
    this.shape = relative(points, this.follower.place);
    this.relaid = [shift, old];
    this.usual = null;
    this.redraw = true;
  }
}

function moved(points: Points, [x, y]: Place): Points {
  return points.map((v, i) => v + (i % 2 ? y : x));
}

function relative(points: Points, [x, y]: Place): Points {
  return moved(points, [-x, -y]);
}

function movedBox([x0, y0, x1, y1]: Box, [x, y]: Place): Box {
  return [x0 + x, y0 + y, x1 + x, y1 + y];
}

/** Root mean square distance of points. */
function distance(one: Points, other: Points): number {
  let total = 0;
  for (let i = 0; i < one.length; i++) total += (one[i] - other[i]) ** 2;
  return Math.sqrt(total / (one.length / 2));
}

function grown([x0, y0, x1, y1]: Box): Box {
  const [dx, dy] = [0.03 * (x1 - x0), 0.03 * (y1 - y0)];
  return [x0 - dx, y0 - dy, x1 + dx, y1 + dy];
}
