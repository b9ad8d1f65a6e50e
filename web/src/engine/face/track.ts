// Who is where: faces found, followed, lost and found again, picture by picture. See face/track.py.

import constants from "../constants.json";
import { coarse } from "./coarse";
import { type Square, around, tiles, whole } from "./crop";
import { type Detection, Detector, bestOf, overlap } from "./detect";
import { type Box, type Frame, type Points, rgbOf } from "./frame";
import { Mesh, squareOfDetection, squareOfLandmarks } from "./mesh";
import { Track } from "./one_track";

const C = constants["face.track"];

/** All faces of a source, at most `most` at once. */
export class Tracker {
  tracks: Track[] = [];
  private count = 0;
  private last = -Infinity;
  private nextSweep = -Infinity;
  private tile = 0;

  constructor(
    private readonly detector: Detector,
    private readonly mesh: Mesh,
    private readonly most = 4,
  ) {}

  /** See the next frame; `tracks` then says who is where. */
  async update(frame: Frame): Promise<void> {
    const hole = frame.time - this.last > C.HOLE_S;
    this.last = frame.time;
    for (const track of this.tracks.filter((t) => t.visible)) {
      track.follow(frame);
      if (hole || track.due(frame.time)) await this.key(track, frame);
    }
    this.part();
    if (frame.time >= this.nextSweep) await this.sweep(frame);
  }

  /** Look whether a followed face is still there. */
  private async key(track: Track, frame: Frame): Promise<void> {
    const roll = Math.abs(track.roll) > C.LEVEL ? track.roll : 0;
    const square = around(track.expected, track.boxed ? C.COARSE_CROP : C.CROP, roll);
    const found = await this.detector.find(frame, square, C.KNOWN_SCORE);
    let detection = nearest(found, track.expected);
    let cut = track.cut;
    let points: Points | null = null;
    if (detection) {
      const off = overlap(detection.box, track.expected) < 0.75;
      if (cut || off || track.moving || frame.time >= track.nextMesh) {
        points = await this.measure(frame, detection, cut || off || track.boxed ? null : track);
        if (track.boxed && points) cut = true; // sharp at last
        if (track.boxed && !points) points = cornersOf(detection);
        if (!points) detection = null;
      }
    }
    if (!detection || dark(frame, track.box)) this.lose(track, frame.time);
    else if (cut && points) track.begin(frame, points, detection);
    else {
      if (points) track.nextMesh = frame.time + C.MESH_S;
      track.confirm(frame, detection, points);
    }
  }

  /** The face's points, or null when the landmark network sees no face. */
  private async measure(frame: Frame, detection: Detection, known: Track | null): Promise<Points | null> {
    let square: Square;
    if (known) square = squareOfLandmarks(known.points);
    else {
      // a first look to lay the crop rightly
      const [first, presence] = await this.mesh.measure(frame, squareOfDetection(detection));
      if (presence < C.PRESENCE) return null;
      square = squareOfLandmarks(first);
    }
    const [points, presence] = await this.mesh.measure(frame, square);
    return presence >= C.PRESENCE ? points : null;
  }

  private lose(track: Track, time: number): void {
    track.visible = false;
    this.nextSweep = time;
    if (track.sightings < 2) this.remove(track);
  }

  private remove(track: Track): void {
    this.tracks = this.tracks.filter((t) => t !== track);
  }

  /** When two tracks have come to follow one face, the younger gives way. */
  private part(): void {
    const seen = this.tracks.filter((t) => t.visible);
    seen.forEach((track, k) => {
      const shared = seen.slice(0, k).some((t) => t.visible && overlap(track.box, t.box) > 0.4);
      if (!shared) return;
      track.visible = false;
      if (track.sightings < 3) this.remove(track);
    });
  }

  /** Look over the whole picture for those who are new or missing. */
  private async sweep(frame: Frame): Promise<void> {
    const seen = this.tracks.filter((t) => t.visible);
    const missing = this.tracks.filter((t) => frame.time - t.confirmed < C.FORGET_S && !t.visible);
    this.tracks = this.tracks.filter((t) => t.visible || missing.includes(t));
    if (seen.length < this.most) {
      const first = this.nextSweep === -Infinity;
      let found = await this.candidates(frame, first ? [whole(frame)] : this.squares(frame, seen, missing));
      if (first && found.length === 0) found = await this.candidates(frame, tiles(frame));
      for (const detection of bestOf(found).slice(0, 2 * this.most)) await this.meet(detection, frame);
    }
    const seeking = !this.tracks.some((t) => t.visible);
    const recent = this.tracks.some((t) => !t.visible && frame.time - t.confirmed < 5);
    this.nextSweep = frame.time + (seeking || recent ? C.SEEK_S : C.SWEEP_S);
  }

  private async candidates(frame: Frame, squares: Square[]): Promise<Detection[]> {
    const found: Detection[] = [];
    for (const square of squares) found.push(...(await this.detector.find(frame, square, C.CANDIDATE)));
    return found;
  }

  /** Where to look: the whole, where the missing were, and parts of the picture in turn. */
  private squares(frame: Frame, seen: Track[], missing: Track[]): Square[] {
    const parts = tiles(frame);
    const count = seen.length ? 1 : C.TILES;
    const turn = Array.from({ length: count }, (_, k) => parts[(this.tile + k) % parts.length]);
    this.tile += count;
    return [whole(frame), ...missing.slice(-this.most).map((t) => around(t.expected, C.CROP)), ...turn];
  }

  /** A detection of a sweep: somebody known, somebody missing, or somebody new. */
  private async meet(detection: Detection, frame: Frame): Promise<void> {
    const seen = this.tracks.filter((t) => t.visible);
    if (seen.some((t) => Math.max(overlap(detection.box, t.expected), overlap(detection.box, t.box)) > 0.2)) return;
    if (seen.length >= this.most || dark(frame, detection.box)) return;
    const [closer, points] = await this.closer(frame, detection);
    if (!closer || !points) return;
    let track = this.missing(closer, frame.time);
    if (track && points.length <= 4 && !track.boxed) return; // somebody who is only out of focus
    if (!track) {
      track = new Track(this.count++);
      this.tracks.push(track);
    }
    track.begin(frame, points, closer);
    track.nextMesh = frame.time + C.MESH_S;
  }

  /**
   * A detection once more with the square around the face: exact, and a check of the first sight.
   * With its points; its corners where the face is too coarse for landmarks.
   */
  private async closer(frame: Frame, detection: Detection): Promise<[Detection | null, Points | null]> {
    const again = await this.detector.find(frame, around(detection.box, C.CROP), C.NEW_SCORE);
    let closer = nearest(again, detection.box);
    const points = closer && (await this.measure(frame, closer, null));
    if (points || !coarse(frame, detection.box)) return [closer, points];
    const wide = await this.detector.find(frame, around(detection.box, C.COARSE_CROP), C.COARSE_SCORE);
    closer = nearest(wide, detection.box);
    return [closer, closer && cornersOf(closer)];
  }

  /** The lost face that this is by place and size, or null. */
  private missing(detection: Detection, time: number): Track | null {
    const [left, top, right, bottom] = detection.box;
    const width = right - left;
    const alone = !this.tracks.some((t) => t.visible);
    let best: Track | null = null;
    let least = Infinity;
    for (const track of this.tracks.filter((t) => !t.visible)) {
      const [x0, y0, x1, y1] = track.expected;
      const wide = Math.max(width, x1 - x0);
      const ratio = wide / Math.max(Math.min(width, x1 - x0), 1);
      const far = Math.hypot((left + right - x0 - x1) / 2, (top + bottom - y0 - y1) / 2) / wide;
      const reach = alone && time - track.confirmed < 5 ? Infinity : 1;
      if (ratio < 1.6 && far < Math.min(reach, least)) [best, least] = [track, far];
    }
    return best;
  }
}

/** Corners of a detection's box, in place of landmarks. */
function cornersOf({ box }: Detection): Points {
  return Float64Array.from(box);
}

/** Whether there is too little light on a face. */
function dark(frame: Frame, [x0, y0, x1, y1]: Box): boolean {
  const means = frame.planes.map((plane) => {
    const [fy, fx] = [plane.rows / frame.height, plane.columns / frame.width];
    const span = (low: number, high: number, factor: number, length: number) => [
      Math.max(0, Math.trunc(Math.trunc(low) * factor)),
      Math.min(length, Math.max(1, Math.trunc(Math.trunc(high) * factor))),
    ];
    const [top, bottom] = span(y0, y1, fy, plane.rows);
    const [left, right] = span(x0, x1, fx, plane.columns);
    let total = 0;
    let count = 0;
    for (let r = top; r < bottom; r += 4) {
      for (let c = left; c < right; c += 4) {
        total += plane.data[plane.offset + r * plane.stride + c * plane.step];
        count++;
      }
    }
    return count ? total / count : 0;
  });
  const [red, green, blue] = rgbOf(frame, means[0], means[1], means[2]);
  return 0.299 * red + 0.587 * green + 0.114 * blue < C.DARKEST;
}

/** The detection that overlaps the box most, if any does by a quarter. */
function nearest(found: Detection[], box: Box): Detection | null {
  let best: Detection | null = null;
  let most = 0.25;
  for (const detection of found) {
    const share = overlap(detection.box, box);
    if (share > most) [best, most] = [detection, share];
  }
  return best;
}
