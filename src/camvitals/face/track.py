"""Who is where: faces found, followed, lost and found again, picture by picture.

Finding a face is dear and a little shaky, following it is cheap and smooth. So the networks look
at key frames only, about once a second and more often while something moves; in between the
brightness pattern is followed. What the networks say corrects the shape slowly, so that their
shake does not print a pattern of one key frame per second, which would look like 60 beats per
minute, on the traces. A face that a key frame does not find again is lost at once.
"""

from __future__ import annotations

import numpy as np

from camvitals.face.coarse import coarse
from camvitals.face.crop import Square, around, tiles, whole
from camvitals.face.detect import Detection, Detector, best_of, nearest, overlap
from camvitals.face.follow import Follower
from camvitals.face.lattice import step_for
from camvitals.face.mesh import (
    Mesh,
    box_of,
    roll_of,
    square_of_detection,
    square_of_landmarks,
)
from camvitals.face.skin import rgb_of
from camvitals.records import Array, Box, Face, Frame

CANDIDATE, NEW_SCORE, KNOWN_SCORE, PRESENCE = 0.5, 0.65, 0.3, 0.5
LEVEL = 0.25  # roll [rad] up to which the detector looks at the upright picture
CROP = 2.5  # side of the square searched around a known face, in face sizes
COARSE_CROP, COARSE_SCORE = 5.0, 0.55  # of faces too coarse for landmarks: small, they look sharp
# seconds between key frames: while the pattern stays the same, else, in motion, and at least
CALM_KEY_S, PERIOD_S, BUSY_S, SOONEST_S = 2.0, 1.5, 0.4, 0.2
MESH_S = 6.0  # landmarks are measured at least this often
SWEEP_S, SEEK_S = 8.0, 0.5  # the whole picture: with all in view, with somebody missing
HOLE_S = 0.5  # a pause of the source after which nothing is taken for granted
MOVED, ZOOMED, ROLLED = 0.12, 0.04, 0.06  # in face sizes, share, rad: time for a key frame
FADED, CHANGED = 0.1, 0.6  # loss of likeness that calls for a key frame; likeness of a cut
UNCHANGED = 0.97  # likeness of a face that only moved
SHAKE = 0.012  # size of the networks' own shake, in face sizes
DRAWN = 0.012  # change of shape, in face sizes, from which regions are drawn anew
FADE_S, CALM_S = 0.8, 3.0  # how long regions take to change: after motion, at rest
STALE_S = 20.0  # regions are drawn anew at least this often, for the light
OUTGROWN = 0.12  # change of size from which the window is laid anew
FORGET_S = 60.0  # after which somebody who comes back is somebody else
DARKEST = 16.0  # brightness 0–255 below which a camera shows noise, not skin
MOST_NODES = 5000  # more bring nothing on real, compressed video
TILES = 2  # parts of the picture looked at per sweep when nobody is seen; one otherwise


class Track:
    """One face over time.

    number: its identity.   visible: seen in the last frame.   confirmed: time the networks last
    saw it [s].   sightings: how often they did.   size: height of the face [px].
    redraw: the regions no longer fit.
    relaid: when the window was laid anew since the regions were drawn: how far its first node
    moved x, y [px], and the follower of the window before. None while it is the same window, and
    after a fresh start, when nothing is to be kept.   fresh: such a start was made.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.visible, self.redraw, self.fresh = False, True, True
        self.relaid: tuple[Array, Follower] | None = None
        self.confirmed, self.sightings, self.score = -np.inf, 0, 0.0
        self.follower: Follower
        self.drawn: Array  # the shape that the regions were drawn for
        self.next_key = self.next_mesh = -np.inf
        self._drawn_at = -np.inf
        self._usual: float | None = None
        self._key_place = np.zeros(2)
        self._expected = np.zeros(4)  # the detector's box relative to the window's place

    @property
    def points(self) -> Array:
        """(468, 2) landmarks, or (2, 2) box corners where there are none [px]."""
        return np.asarray(self.shape + self.follower.place)

    @property
    def shape(self) -> Array:
        """The points relative to the window's place [px]."""
        return self._shape

    @shape.setter
    def shape(self, shape: Array) -> None:
        self._shape = shape
        self._bounds = np.array(box_of(shape))
        self.size = max(float(self._bounds[3] - self._bounds[1]), 1.0)

    @property
    def box(self) -> Box:
        """Upright box around the points [px]."""
        x, y = self.follower.place
        x0, y0, x1, y1 = self._bounds
        return float(x0 + x), float(y0 + y), float(x1 + x), float(y1 + y)

    @property
    def roll(self) -> float:
        """Tilt of the eyes [rad]."""
        return roll_of(self.shape) if len(self.shape) > 2 else 0.0

    @property
    def boxed(self) -> bool:
        """Whether all that is known of it is its box."""
        return len(self.shape) <= 2

    @property
    def expected(self) -> Box:
        """Where the detector should see it [px]."""
        x0, y0, x1, y1 = self._expected + np.tile(self.follower.place, 2)
        return float(x0), float(y0), float(x1), float(y1)

    def face(self) -> Face:
        """The face as it is in the last frame."""
        landmarks = self.points if len(self.shape) > 2 else None
        return Face(self.box, self.score, landmarks, self.number)

    def follow(self, frame: Frame) -> None:
        """Go along with the face's motion."""
        self.follower.follow(frame)
        if self._usual is None:
            self._usual = self.follower.likeness

    def due(self, time: float) -> bool:
        """Whether it is time for a key frame."""
        likeness, usual = self.follower.likeness, self._usual or 1.0
        if likeness < CHANGED * usual or time >= self.next_key:
            return True
        if time < self.confirmed + SOONEST_S:
            return False
        return likeness < usual - FADED or self.moving

    @property
    def moving(self) -> bool:
        """Whether it has moved, grown or tilted notably since the last key frame."""
        far = float(np.abs(self.follower.place - self._key_place).max()) / self.size
        return far > MOVED or abs(self.follower.zoom) > ZOOMED or abs(self.follower.roll) > ROLLED

    def begin(self, frame: Frame, points: Array, detection: Detection) -> None:
        """Start, or start again, from what the networks say."""
        x0, y0, x1, y1 = box_of(points)
        step = step_for(frame, (x1 - x0) * (y1 - y0) * 1.1, most=MOST_NODES)
        self.follower = Follower(frame, _grown((x0, y0, x1, y1)), step)
        self.shape = points - self.follower.place
        self.drawn, self._usual = self.shape, None
        self.redraw, self.fresh, self.relaid = True, True, None
        self._confirm(frame.time, detection, shake=0.0, calm=False)

    def confirm(self, frame: Frame, detection: Detection, points: Array | None) -> None:
        """Take what the networks say into account; points is None when not measured."""
        shake = 0.0
        # the pattern tells whether the face changed at all: if not, it is the networks' shake
        calm = self.follower.likeness > UNCHANGED * (self._usual or 1.0) and not self.moving
        if points is not None:
            off = points - self.points
            shake = float(np.sqrt((off**2).sum(axis=1).mean())) / self.size
            still = calm and shake < 5 * SHAKE
            gain = 0.1 if still else float(np.clip((shake / SHAKE - 1) / 3, 0.1, 1.0))
            self.shape = self.shape + gain * off
        if not calm:
            self.follower.renew()
            self._usual = None
        self._relay(frame)
        self._confirm(frame.time, detection, shake=shake, calm=calm)
        apart = np.sqrt(((self.shape - self.drawn) ** 2).sum(axis=1).mean())
        stale = frame.time - self._drawn_at > STALE_S
        self.redraw |= bool(apart > DRAWN * self.size or stale)

    @property
    def redraw_span(self) -> float:
        """How long the change to newly drawn regions may take [s]: long unless it is pressing."""
        apart = float(np.sqrt(((self.shape - self.drawn) ** 2).sum(axis=1).mean()))
        return CALM_S if apart < 3 * DRAWN * self.size else FADE_S

    def regions_drawn(self, time: float) -> None:
        """Note that the regions fit the shape as it is now."""
        self.redraw, self.fresh, self.relaid = False, False, None
        self.drawn, self._drawn_at = self.shape, time

    def _confirm(self, time: float, detection: Detection, *, shake: float, calm: bool) -> None:
        busy = self.moving if self.sightings else False
        self.visible, self.confirmed, self.score = True, time, detection.score
        self.sightings += 1
        self._expected = np.asarray(detection.box) - np.tile(self.follower.place, 2)
        self._key_place = self.follower.place
        quick = busy or shake > 3 * SHAKE or self.sightings < 2
        rest = CALM_KEY_S if calm and self.sightings > 3 else PERIOD_S
        self.next_key = time + (BUSY_S if quick else rest)
        if shake > 2 * SHAKE:
            self.next_mesh = time

    def _relay(self, frame: Frame) -> None:
        """Lay the window anew when the face has outgrown it."""
        box, size = _grown(self.box), self.size
        x, y = self.follower.place
        rows, columns = self.follower.shape
        step = self.follower.step
        span = np.array([x, y, x + columns * step, y + rows * step])
        if np.abs(span - box).max() > OUTGROWN * size:
            x0, y0, x1, y1 = box
            new_step = step_for(frame, (x1 - x0) * (y1 - y0), most=MOST_NODES)
            points = self.points
            old = self.follower
            self.follower = Follower(frame, box, new_step)
            self.drawn = self.drawn + old.place - self.follower.place
            self.shape = points - self.follower.place
            self.relaid = (self.follower.place - old.place, old)
            self._usual, self.redraw = None, True


def _grown(box: Box) -> Box:
    x0, y0, x1, y1 = box
    dx, dy = 0.03 * (x1 - x0), 0.03 * (y1 - y0)
    return x0 - dx, y0 - dy, x1 + dx, y1 + dy


class Tracker:
    """All faces of a source, at most `most` at once.

    landmarks: False goes without the landmark network; regions then come from boxes.
    """

    def __init__(self, *, most: int = 4, landmarks: bool = True) -> None:
        self._most = most
        self._detect = Detector()
        self._mesh = Mesh() if landmarks else None
        self.tracks: list[Track] = []
        self._count = 0
        self._last = -np.inf
        self._next_sweep = -np.inf
        self._tile = 0

    def update(self, frame: Frame) -> None:
        """See the next frame; `tracks` then says who is where."""
        hole = frame.time - self._last > HOLE_S
        self._last = frame.time
        for track in [t for t in self.tracks if t.visible]:
            track.follow(frame)
            if hole or track.due(frame.time):
                self._key(track, frame)
        self._part()
        if frame.time >= self._next_sweep:
            self._sweep(frame)

    def _key(self, track: Track, frame: Frame) -> None:
        """Look whether a followed face is still there."""
        roll = track.roll if abs(track.roll) > LEVEL else 0.0
        square = around(track.expected, COARSE_CROP if track.boxed else CROP, roll)
        found = self._detect(frame, square, threshold=KNOWN_SCORE)
        detection = nearest(found, track.expected)
        cut = track.follower.likeness < CHANGED * (track._usual or 1.0)
        points = None
        if detection is not None:
            off = overlap(detection.box, np.array([track.expected]))[0] < 0.75
            if cut or off or track.moving or frame.time >= track.next_mesh:
                anew = cut or off or track.boxed
                points = self._measure(frame, detection, None if anew else track)
                cut |= track.boxed and points is not None and len(points) > 2  # sharp at last
                points = detection.corners if track.boxed and points is None else points
                detection = detection if points is not None else None
        if detection is None or self._dark(frame, track.box):
            self._lose(track, frame.time)
        elif cut and points is not None:
            track.begin(frame, points, detection)
        else:
            track.next_mesh = frame.time + MESH_S if points is not None else track.next_mesh
            track.confirm(frame, detection, points)

    def _measure(self, frame: Frame, detection: Detection, known: Track | None) -> Array | None:
        """The face's points, or None when the landmark network sees no face."""
        if self._mesh is None:
            return detection.corners
        if known is not None:
            square = square_of_landmarks(known.points)
        else:  # a first look to lay the crop rightly
            first, presence = self._mesh(frame, square_of_detection(detection))
            if presence < PRESENCE:
                return None
            square = square_of_landmarks(first)
        points, presence = self._mesh(frame, square)
        return points if presence >= PRESENCE else None

    def _dark(self, frame: Frame, box: Box) -> bool:
        """Whether there is too little light on a face."""
        x0, y0, x1, y1 = (int(v) for v in box)
        means = []
        for plane in frame.planes:
            fy, fx = plane.shape[0] / frame.height, plane.shape[1] / frame.width
            rows = slice(max(0, int(y0 * fy)), max(1, int(y1 * fy)), 4)
            columns = slice(max(0, int(x0 * fx)), max(1, int(x1 * fx)), 4)
            part = plane[rows, columns]
            means.append(float(part.mean()) if part.size else 0.0)
        return float(rgb_of(frame, np.array(means)) @ (0.299, 0.587, 0.114)) < DARKEST

    def _lose(self, track: Track, time: float) -> None:
        track.visible = False
        self._next_sweep = time
        if track.sightings < 2:
            self.tracks.remove(track)

    def _part(self) -> None:
        """When two tracks have come to follow one face, the younger gives way."""
        seen = [t for t in self.tracks if t.visible]
        for k, track in enumerate(seen):
            others = [t.box for t in seen[:k] if t.visible]
            if others and overlap(track.box, np.array(others)).max() > 0.4:
                track.visible = False
                if track.sightings < 3:
                    self.tracks.remove(track)

    def _sweep(self, frame: Frame) -> None:
        """Look over the whole picture for those who are new or missing."""
        seen = [t for t in self.tracks if t.visible]
        missing = [t for t in self.tracks if frame.time - t.confirmed < FORGET_S and not t.visible]
        self.tracks = [t for t in self.tracks if t.visible or t in missing]
        if len(seen) < self._most:
            first = self._next_sweep == -np.inf
            squares = [whole(frame)] if first else self._squares(frame, seen, missing)
            found = self._candidates(frame, squares)
            found = self._candidates(frame, tiles(frame)) if first and not found else found
            for detection in best_of(found)[: 2 * self._most]:
                self._meet(detection, frame)
        seeking = not any(t.visible for t in self.tracks)
        recent = any(not t.visible and frame.time - t.confirmed < 5 for t in self.tracks)
        self._next_sweep = frame.time + (SEEK_S if seeking or recent else SWEEP_S)

    def _candidates(self, frame: Frame, squares: list[Square]) -> list[Detection]:
        return [d for s in squares for d in self._detect(frame, s, threshold=CANDIDATE)]

    def _squares(self, frame: Frame, seen: list[Track], missing: list[Track]) -> list[Square]:
        """Where to look: the whole, where the missing were, and parts of the picture in turn."""
        squares = [whole(frame)] + [around(t.expected, CROP) for t in missing[-self._most :]]
        parts = tiles(frame)
        count = 1 if seen else TILES
        squares += [parts[(self._tile + k) % len(parts)] for k in range(count)]
        self._tile += count
        return squares

    def _meet(self, detection: Detection, frame: Frame) -> None:
        """A detection of a sweep: somebody known, somebody missing, or somebody new."""
        seen = [t for t in self.tracks if t.visible]
        if any(overlap(detection.box, np.array([t.expected, t.box])).max() > 0.2 for t in seen):
            return
        if len(seen) >= self._most or self._dark(frame, detection.box):
            return
        closer, points = self._closer(frame, detection)
        if closer is None or points is None:
            return
        track = self._missing(closer, frame.time)
        if track is not None and len(points) <= 2 and not track.boxed and self._mesh is not None:
            return  # somebody whose landmarks were seen is only out of focus
        if track is None:
            track = Track(self._count)
            self._count += 1
            self.tracks.append(track)
        track.begin(frame, points, closer)
        track.next_mesh = frame.time + MESH_S

    def _closer(self, frame: Frame, detection: Detection) -> tuple[Detection | None, Array | None]:
        """A detection once more with the square around the face: exact, and a check.

        With its points; its corners where the face is too coarse for landmarks.
        """
        again = self._detect(frame, around(detection.box, CROP), threshold=NEW_SCORE)
        closer = nearest(again, detection.box)
        points = None if closer is None else self._measure(frame, closer, None)
        if points is not None or not coarse(frame, detection.box):
            return closer, points
        wide = around(detection.box, COARSE_CROP)
        again = self._detect(frame, wide, threshold=COARSE_SCORE)
        closer = nearest(again, detection.box)
        return closer, None if closer is None else closer.corners

    def _missing(self, detection: Detection, time: float) -> Track | None:
        """The lost face that this is by place and size, or None."""
        width = detection.box[2] - detection.box[0]
        alone = not any(t.visible for t in self.tracks)
        best, least = None, np.inf
        for track in (t for t in self.tracks if not t.visible):
            x0, y0, x1, y1 = track.expected
            ratio = max(width, x1 - x0) / max(min(width, x1 - x0), 1.0)
            dx = (detection.box[0] + detection.box[2] - x0 - x1) / 2
            dy = (detection.box[1] + detection.box[3] - y0 - y1) / 2
            far = float(np.hypot(dx, dy)) / max(width, x1 - x0)
            reach = np.inf if alone and time - track.confirmed < 5 else 1.0
            if ratio < 1.6 and far < min(reach, least):
                best, least = track, far
        return best
