"""Frames in, traces out: mean skin colours of everybody in the picture.

The same object serves a file and a camera: it is told one frame at a time and can be asked for the
traces so far at any time. Shape letters: R regions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from camvitals.face.average import Blend, colour_moments, skin_regions
from camvitals.face.backdrop import Backdrop
from camvitals.face.enhance import Enhanced, Enhancer
from camvitals.face.picture import KINDS, Picture
from camvitals.face.points import COUNT, Points
from camvitals.face.record import Record
from camvitals.face.regions import (
    NAMES,
    box_shares,
    cell_names,
    cell_shares,
    plain_cells,
    region_shares,
)
from camvitals.face.skin import MASKS, rgb_of
from camvitals.face.takers import Crops, Takers
from camvitals.face.track import Track, Tracker
from camvitals.records import Array, Face, Frame, InputError, Trace

AWAY_S = 10.0  # unseen samples are kept for this long; after that the clock of the trace jumps


class Collector:
    """Mean colours of skin regions over time, for each person.

    roi:    "face" (forehead, left_cheek, right_cheek, nose, chin, skin), or one region `skin`:
            "frame" (the whole picture), "skin" (its skin-coloured part), "finger" (on the lens).
    keep:   seconds of trace kept at least; None keeps all.
    skin:   name of the mask that reduces regions to skin: "otsu", "chroma", "none".
    grid:   rows, columns of further regions grid_00, grid_01, … on the face or picture.
    background: also region `background`, what is away from people (roi "face" only).
    moments, points: also keep Trace.moments of `skin`; Trace.points (roi "face" only).
    max_people: faces followed at once.
    takers: name -> what makes, for every person anew, that which takes the crops of the face (of
            the middle of the picture for another roi) and makes Trace.pulses of them.
    enhancer: what makes better pictures of faces, of which the colours of their regions are then
            taken (roi "face" only).
    """

    def __init__(  # noqa: PLR0913  one for each thing to collect
        self,
        *,
        roi: str = "face",
        keep: float | None = None,
        skin: str = "otsu",
        grid: tuple[int, int] | None = None,
        background: bool = True,
        moments: bool = False,
        points: bool = False,
        max_people: int = 4,
        takers: Takers | None = None,
        enhancer: Enhancer | None = None,
    ) -> None:
        _check(roi, skin, grid)
        self._skin, self._grid, self._keep = skin, grid, keep
        self._moments = moments
        self._points = points and roi == "face"
        self._takers = takers or {}
        self._enhancer = enhancer
        self._people: dict[int, _Person] = {}
        self._tracker: Tracker | None = None
        self._picture: Picture | None = None
        self._backdrop: Backdrop | None = None
        self._time = -np.inf
        if roi == "face":
            self._tracker = Tracker(most=max_people)
            self._backdrop = Backdrop() if background else None
            extra = ("background",) if background else ()
            self.names = (*NAMES, *extra, *cell_names(grid))
        else:
            self._picture = Picture(roi, skin=skin, grid=grid)
            self.names = self._picture.names

    def push(self, frame: Frame) -> None:
        """See the next frame. Raises InputError when its time does not come after the last."""
        if frame.time <= self._time:
            raise InputError(
                f"frames must come in increasing time but {frame.time:.3f} s follows "
                f"{self._time:.3f} s; sort them or drop the late one"
            )
        self._time = frame.time
        if self._picture is not None:
            self._push_picture(frame, self._picture)
        elif self._tracker is not None:
            self._push_faces(frame, self._tracker)

    def traces(self) -> dict[int, Trace]:
        """Number of the person -> trace so far, in the order in which they appeared.

        A person seen by a single key frame only is not yet one. What was taken for a face since
        it was last found is withdrawn when it is not found again.
        """
        return {
            number: person.trace()
            for number, person in self._people.items()
            if person.confirmed and len(person.record)
        }

    @property
    def faces(self) -> list[Face]:
        """The faces in the last frame, with landmarks, to draw them."""
        if self._tracker is None:
            return []
        return [track.face() for track in self._tracker.tracks if track.visible]

    @property
    def tracks(self) -> list[Track]:
        """Everybody in the last frame, the missing ones too; none unless roi is "face"."""
        return [] if self._tracker is None else self._tracker.tracks

    def _person(self, *, points: bool) -> _Person:
        count = COUNT if points else 0
        record = Record(self.names, keep=self._keep, moments=self._moments, points=count)
        person = _Person(record, points=points, crops=Crops(self._takers) if self._takers else None)
        if self._enhancer is not None:
            person.enhanced = Enhanced(self._enhancer, skin=self._skin, keep=self._keep)
        return person

    def _push_picture(self, frame: Frame, picture: Picture) -> None:
        person = self._people.get(0)
        if person is None:
            person = self._people[0] = self._person(points=False)
        person.confirmed = True
        rgb, pixels = picture.means(frame)
        values: dict[str, Array] = {"rgb": rgb, "pixels": pixels}
        if self._moments:
            values["moments"] = colour_moments(frame, *picture.moments(frame.time))
        if pixels[0] > 0:
            values["box"] = np.array(picture.box)
        if person.crops is not None:
            person.crops.see_picture(frame)
        person.record.append(frame.time, **values)

    def _push_faces(self, frame: Frame, tracker: Tracker) -> None:
        tracker.update(frame)
        known = {track.number for track in tracker.tracks}
        if known != self._people.keys():
            self._forget(known, frame.time)
        backdrop = None
        if self._backdrop is not None and tracker.tracks:
            boxes = [track.box for track in tracker.tracks if track.visible]
            backdrop = self._backdrop.mean(frame, boxes)
        for track in tracker.tracks:
            person = self._people.get(track.number)
            if person is None:
                person = self._people[track.number] = self._person(points=self._points)
            person.confirmed = track.sightings > 1
            if person.crops is not None:
                person.crops.see_face(frame, track)
            if person.enhanced is not None:
                person.enhanced.see(frame, track)
            if track.visible:
                self._see(frame, track, person, backdrop)
            else:
                person.miss(frame.time, track.confirmed)

    def _forget(self, known: set[int], time: float) -> None:
        """Drop who proved to be nobody, and who left longer ago than anything is kept."""
        oldest = -np.inf if self._keep is None else time - self._keep
        self._people = {
            number: person
            for number, person in self._people.items()
            if number in known or (person.confirmed and person.last > oldest)
        }

    def _see(
        self, frame: Frame, track: Track, person: _Person, backdrop: tuple[Array, float] | None
    ) -> None:
        planes = track.follower.patch()
        if track.redraw or person.blend is None:
            self._draw(frame, planes, track, person)
        assert person.blend is not None
        outside = track.follower.outside
        means, pixels = person.blend.means(planes, outside, frame.time)
        if backdrop is not None:
            at = len(NAMES)
            means = np.concatenate([means[:at], backdrop[0][None], means[at:]])
            pixels = np.concatenate([pixels[:at], [backdrop[1]], pixels[at:]])
        values = {"rgb": rgb_of(frame, means.T).T, "pixels": pixels, "box": np.array(track.box)}
        if self._moments:
            at = NAMES.index("skin")
            squares = person.blend.moments(planes, at, frame.time)
            values["moments"] = colour_moments(frame, squares, means[at])
        if person.points is not None:
            values["points"] = person.points.follow(frame, track.box)
        person.seen, person.last = True, frame.time
        person.record.append(frame.time, **values)

    def _draw(self, frame: Frame, planes: Array, track: Track, person: _Person) -> None:
        """Lay the regions on the face as it is now; the first time at once, then gradually."""
        nodes = (track.shape - 1.0) / track.follower.step
        shape = track.follower.shape
        if len(nodes) > 2:
            shares = region_shares(nodes, shape)
            cells = [] if self._grid is None else cell_shares(nodes, shape, self._grid)
        else:
            x0, y0, x1, y1 = nodes.ravel()
            shares = box_shares((x0, y0, x1, y1), shape)
            cells = [] if self._grid is None else plain_cells(shape, self._grid)
        names = cell_names(self._grid)
        shares |= {n: cell * shares["skin"] for n, cell in zip(names, cells, strict=True)}
        regions = skin_regions(frame, planes, shares, skin=self._skin, names=(*NAMES, *names))
        step = track.follower.step
        if track.fresh or person.blend is None:
            person.blend = Blend(regions, step)
        else:
            if track.relaid is not None:
                person.blend.replace(_moved(person.blend, track, frame.time), step)
            person.blend.change(regions, time=frame.time, span=track.redraw_span)
        track.regions_drawn(frame.time)


class _Person:
    """What is kept of one person."""

    def __init__(self, record: Record, *, points: bool, crops: Crops | None) -> None:
        self.record, self.crops = record, crops
        self.confirmed, self.seen = False, False
        self.last = -np.inf  # time of the last sample seen
        self.blend: Blend | None = None
        self.points = Points() if points else None
        self.enhanced: Enhanced | None = None

    def trace(self) -> Trace:
        """What was seen so far."""
        trace = self.record.trace()
        trace = trace if self.enhanced is None else self.enhanced.colour(trace)
        return trace if self.crops is None else replace(trace, pulses=self.crops.pulses(trace.time))

    def miss(self, time: float, confirmed: float) -> None:
        """Not seen in this frame; what followed the last confirmed sight is withdrawn."""
        if self.seen:
            self.record.withdraw(after=confirmed)
            self.seen, self.last = False, confirmed
            if self.points is not None:
                self.points.forget()
        if time - self.last < AWAY_S:
            self.record.append(time)


def _moved(blend: Blend, track: Track, time: float) -> Array:
    """(R, I, J) the present weights in the nodes of the window as it is laid now."""
    assert track.relaid is not None
    shift, old = track.relaid
    weights = blend.settle(time).weights
    rows, columns = (
        (np.arange(n) * track.follower.step + offset) / old.step
        for n, offset in zip(track.follower.shape, (shift[1], shift[0]), strict=True)
    )
    r, c = (np.rint(v).astype(int) for v in (rows, columns))
    inside = ((r >= 0) & (r < old.shape[0]))[:, None] & ((c >= 0) & (c < old.shape[1]))
    r, c = np.clip(r, 0, old.shape[0] - 1), np.clip(c, 0, old.shape[1] - 1)
    return np.asarray(weights[:, r[:, None], c] * inside)


def _check(roi: str, skin: str, grid: tuple[int, int] | None) -> None:
    if roi != "face" and roi not in KINDS:
        raise InputError(f"no roi {roi!r}; choose face, {', '.join(KINDS)}")
    if skin not in MASKS:
        raise InputError(f"no skin mask {skin!r}; choose {', '.join(MASKS)}")
    if grid is not None and (min(grid) < 1 or grid[0] * grid[1] > 400):
        raise InputError(f"grid needs 1 to 400 cells but got {grid[0]} × {grid[1]}")
