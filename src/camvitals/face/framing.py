"""Which square of each picture holds the one person a recording is of, for crops to learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from camvitals.face.crop import Square, around
from camvitals.face.mesh import MARGIN, box_of, square_of_landmarks
from camvitals.face.regions import POLYGONS, SHARES
from camvitals.face.track import Track
from camvitals.records import Array, Box, InputError

CHEEKS = {"left-cheek": "left_cheek", "right-cheek": "right_cheek"}
BOXES = ("tracked", "first", "aligned", *CHEEKS)
LEAP = 0.25  # of the side: what differs by more is another sight of the face, not its shake
HOLE_S = 0.5  # after which nothing is taken for granted


class Framing:
    """The square around the person seen most so far, picture after picture.

    box: "first" keeps the square of the first picture; "tracked" goes along with the face, upright;
        "aligned" goes along and turns with the line of the eyes; "left-cheek" and "right-cheek",
        the person's own, go along as "tracked" does, around that cheek, lid to corner of the mouth.
    extension: share by which the square is larger than the longer side of the face's box (0.3 is
        that of HeartRateNet: 15 % on each side).
    smooth: time constant [s] of its size, its tilt and its place on the face. With the face's own
        motion it goes at once: what is smoothed is only what the networks say anew now and then.
    """

    def __init__(self, box: str, *, extension: float, smooth: float) -> None:
        self._box, self._scale, self._smooth = box, 1 + extension, smooth
        self._presence: dict[int, float] = {}
        self._track: Track | None = None
        self._first: Square | None = None
        self._square: Square | None = None
        self._time = -np.inf

    def update(self, tracks: list[Track], time: float) -> tuple[Square | None, float]:
        """The square in this picture, None when the person is not seen, and a time [s]: what was
        framed after it proved not to be the person; infinity when nothing did.

        tracks: everybody in the picture, as the tracker has them.
        """
        for track in (t for t in tracks if t.visible):
            width = track.box[2] - track.box[0]
            self._presence[track.number] = self._presence.get(track.number, 0.0) + width
        seen_before = self._track if self._square is not None else None
        lost = np.inf
        if seen_before is not None and not (seen_before in tracks and seen_before.visible):
            lost = self._withdrawn(seen_before)
            self._square = None
        leader = max(tracks, key=lambda t: self._presence.get(t.number, 0.0), default=None)
        if leader is None or not leader.visible:
            self._track, self._square = leader, None
            return None, lost
        self._square = self._framed(leader, time)
        self._track, self._follower, self._time = leader, leader.follower, time
        self._place, self._roll = leader.follower.place, leader.follower.roll
        return self._square, lost

    def finish(self) -> float:
        """As the time that `update` gives, once there are no more pictures."""
        unsure = self._track is not None and self._square is not None and self._track.sightings < 2
        return self._withdrawn(self._track) if unsure and self._track is not None else np.inf

    def _withdrawn(self, track: Track) -> float:
        """What was seen once only was nobody, else it was somebody when it was last confirmed."""
        if track.sightings > 1:
            return track.confirmed
        self._first = None
        return float(np.nextafter(track.confirmed, -np.inf))

    def _framed(self, track: Track, time: float) -> Square:
        if self._box == "first":
            self._first = self._first or self._raw(track)
            return self._first
        raw, old = self._raw(track), self._square
        if old is None or track is not self._track or time - self._time > HOLE_S:
            return raw
        old = self._carried(old, track, time)
        apart = max(abs(raw.x - old.x), abs(raw.y - old.y), abs(raw.side - old.side))
        if apart > LEAP * raw.side:
            return raw
        gain = 1 - float(np.exp(-(time - self._time) / self._smooth)) if self._smooth else 1.0
        return Square(
            old.x + gain * (raw.x - old.x),
            old.y + gain * (raw.y - old.y),
            old.side + gain * (raw.side - old.side),
            old.roll + gain * _turn(old.roll, raw.roll),
        )

    def _carried(self, old: Square, track: Track, time: float) -> Square:
        """The last square as the face's pattern has moved and turned since."""
        moved: Array = self._follower.place - self._place
        turned = 0.0
        if self._box == "aligned" and track.confirmed < time:  # else the pattern may be a new one
            turned = track.follower.roll - self._roll
        return replace(
            old, x=old.x + float(moved[0]), y=old.y + float(moved[1]), roll=old.roll + turned
        )

    def _raw(self, track: Track) -> Square:
        """The square by what is known of the face now: its shape, and its pattern since."""
        scale = self._scale * (1 + track.follower.zoom)
        if self._box in CHEEKS:
            return around(_cheek(track, CHEEKS[self._box]), scale)
        if self._box != "aligned" or len(track.shape) <= 2:
            return around(track.box, scale)
        square = square_of_landmarks(track.points)
        roll = square.roll + track.follower.roll
        return replace(square, side=square.side * scale / MARGIN, roll=roll)


def _cheek(track: Track, region: str) -> Box:
    """The upright box around a cheek [px]: its landmarks, or its share of the face's box."""
    if len(track.shape) > 2:
        return box_of(track.points[list(POLYGONS[region])])
    x0, y0, x1, y1 = track.box
    left, top, right, bottom = SHARES[region]
    width, height = x1 - x0, y1 - y0
    return x0 + left * width, y0 + top * height, x0 + right * width, y0 + bottom * height


def _turn(start: float, stop: float) -> float:
    """The shorter way round from one angle to another [rad]."""
    return float((stop - start + np.pi) % (2 * np.pi) - np.pi)


def framing_of(crop: object) -> tuple[str, float, float]:
    """The box, extension and smooth of `Framing` that a card asks for."""
    known = {"box": "tracked", "extension": 0.3, "smooth": 1.0}
    asked = dict(crop) if isinstance(crop, dict) else {}
    if set(asked) - set(known):
        raise InputError(f"a crop has {', '.join(known)} but the card says {sorted(asked)}")
    whole = known | asked
    return str(whole["box"]), float(str(whole["extension"])), float(str(whole["smooth"]))
