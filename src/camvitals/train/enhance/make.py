"""Pairs of a clean and a degraded clip of made people, written once to train from often.

    FOLDER/people/0001234567/      one for each person, complete when meta.json is there
        original.npy                (T, S, S, 3) uint8 RGB crops, never encoded
        face-16.npy, crf-30.npy …   the same of the degraded video
        skin.npy                    (S, S) uint8, 1 on skin
        pulse.npy                   (T,) the reference at each picture
        meta.json                   seed, kind, levels, rate, size, heart rate …

Two kinds of people: "head" is a drawn head before a room, degraded as a whole picture and cropped
afterwards along its true movement, as a tracker would; "patch" a face put together from colours
(`train.patches`) at 128 px, degraded and brought to the size. One in six has no pulse, so that an
enhancer learns to leave those alone.

Shape letters: T pictures, S rows and columns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from camvitals.data.degrade import degrade_clip
from camvitals.data.degrade_size import cells, resized
from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.scene import DISTANCE_CM, FOCAL, Scene, frames
from camvitals.data.synthetic.traces import REGIONS
from camvitals.data.synthetic.truth import Truth
from camvitals.face.area import area_mean
from camvitals.face.crop import Square
from camvitals.records import Array, Frame, InputError
from camvitals.report.files import write_atomically
from camvitals.train.clips import MARGIN_S, MadeClips
from camvitals.train.enhance.pairs import META, PEOPLE, PULSE, SKIN
from camvitals.train.enhance.quality import CRFS, FACES_PX, ORIGINAL, QUALITIES, quality_number

KINDS = ("head", "patch")
LENGTH = 96  # pictures of a clip
PATCH_PX = 128
HEAD_PX = (200, 280)  # sides of the picture that a head is drawn in: faces of about 60–85 px
FACE_CM = 15.0
PERFUSED = 0.3  # of the mean over skin, from which a pixel counts as skin
DEAD = 6  # one in so many has no pulse
HARD = tuple(
    [f"face-{width}" for width in FACES_PX if width < 64] + [f"crf-{c}" for c in CRFS if c]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """What to make.

    size: of the crops [px].   rate: [Hz].   length: pictures of a clip.
    levels: to make of every person, names of `quality.QUALITIES` without the original; () draws
        `few` of those that do harm.
    """

    size: int = 64
    rate: float
    length: int
    levels: tuple[str, ...] = ()
    few: int = 3

    def __post_init__(self) -> None:
        if self.size < 8 or self.length < 2 or not self.rate > 0:
            raise InputError("pairs need size >= 8 px, length >= 2 pictures and rate > 0 Hz")
        if not self.levels and not 1 <= self.few <= len(HARD):
            raise InputError(f"pairs need few from 1 to {len(HARD)} but got {self.few}")
        for level in self.levels:
            if quality_number(level) == 0:
                raise InputError("pairs are with the original; name degraded levels alone")


@dataclass(frozen=True, slots=True)
class _Filmed:
    """Pictures (T, H, W, 3) of a person, how they are cropped, and the truth about them.

    squares: of each picture; None: the whole.   face: its width [px].   skin: (S, S).
    start: of the clip [s of the scenario].
    """

    scenario: Scenario
    images: Array
    squares: list[Square] | None
    face: float
    skin: Array
    pulse: Array
    start: float


def make_person(folder: Path | str, seed: int, *, kind: str, pairs: Pairs) -> Path:
    """Write one person's clips, unless they are there; returns the folder.

    seed: of the person; nobody of one seed may be trained and tested on.   Raises InputError for
    an unknown kind, and where the disk is full.
    """
    if kind not in KINDS:
        raise InputError(f"people are {' or '.join(KINDS)} but got {kind!r}")
    place = Path(folder) / PEOPLE / f"{seed:010d}"
    if (place / META).exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, 89])
    levels = pairs.levels or tuple(str(x) for x in rng.choice(HARD, pairs.few, replace=False))
    film = _head(seed, pairs, rng) if kind == "head" else _patch(seed, pairs)
    np.save(place / f"{ORIGINAL}.npy", _cropped(film.images, film.squares, pairs))
    for level in levels:
        worse = degrade_clip(film.images, level, rate=pairs.rate, face=film.face)
        np.save(place / f"{level}.npy", _cropped(worse, film.squares, pairs))
    np.save(place / SKIN, film.skin)
    np.save(place / PULSE, film.pulse.astype(np.float32))
    write_atomically(place / META, _meta(film, kind, levels, pairs))
    return place


def _meta(film: _Filmed, kind: str, levels: tuple[str, ...], pairs: Pairs) -> str:
    scenario, span = film.scenario, pairs.length / pairs.rate
    truth = Truth.of(scenario, np.zeros(0))
    rate = truth.rate_between(film.start, film.start + span) if scenario.alive else None
    said = {
        "seed": scenario.seed,
        "kind": kind,
        "levels": list(levels),
        "rate": pairs.rate,
        "size": pairs.size,
        "length": pairs.length,
        "heart_rate": rate,
        "face_px": round(film.face, 1),
    }
    strata = {name: getattr(scenario, name) for name in ("tone", "light", "motion", "camera")}
    return json.dumps(said | strata, indent=1) + "\n"


def _scenario(seed: int, pairs: Pairs, size: tuple[int, int]) -> Scenario:
    pulse = 0.0 if seed % DEAD == 0 else 1.0
    span = pairs.length / pairs.rate + 2 * MARGIN_S  # heads are drawn as far as they are needed
    return draw(
        seed, duration=span, rate=pairs.rate, size=size, codec="ffv1", clock="steady", pulse=pulse
    )


def _head(seed: int, pairs: Pairs, rng: np.random.Generator) -> _Filmed:
    side = 2 * int(rng.integers(HEAD_PX[0] // 2, HEAD_PX[1] // 2 + 1))
    scenario = _scenario(seed, pairs, (side, side))
    images, times = zip(*islice(frames(scenario), pairs.length), strict=True)
    scene = Scene(scenario)
    away = -float(scene.sitters[0].poses.stance.place[2]) or DISTANCE_CM
    face = FACE_CM * FOCAL * side / away
    scale, off = rng.uniform(1.45, 1.9) * face, rng.uniform(-0.06, 0.06, 2) * face
    squares = []
    for time in times:
        marks = scene.landmarks(time)[0]
        middle = (marks["left_eye"] + marks["right_eye"] + 2 * marks["mouth"]) / 4
        x, y = middle + off
        squares.append(Square(float(x), float(y), float(scale)))
    skin = _skin_of_head(scenario, squares, times, pairs.size)
    body = Truth.of(scenario, np.zeros(0)).physiology
    pulse = np.interp(times, body.time, body.pulse)
    return _Filmed(scenario, np.stack(list(images)), squares, face, skin, pulse, float(times[0]))


def _skin_of_head(
    scenario: Scenario, squares: list[Square], times: Sequence[float], size: int
) -> Array:
    """(S, S) skin in the middle of the clip, which the crop goes along with."""
    at = len(times) // 2
    perfused = Scene(replace(scenario, pulse=1.0)).perfusion(times[at]) > PERFUSED
    picture = np.repeat((255 * perfused).astype(np.uint8)[..., None], 3, axis=2)
    crop = area_mean(Frame.of_rgb(picture, times[at]), squares[at], size)
    return np.asarray((crop[..., 0] > 127).astype(np.uint8))


def _patch(seed: int, pairs: Pairs) -> _Filmed:
    corpus = MadeClips(size=PATCH_PX)
    scenario = _scenario(seed, pairs, (640, 480))
    from camvitals.data.synthetic.traces import made_trace

    trace, truth = made_trace(scenario)
    time = MARGIN_S + np.arange(pairs.length) / pairs.rate
    images = corpus.images(trace, time, np.random.default_rng([seed, 53]))
    lit = np.zeros_like(trace.rgb)
    lit[:, : len(REGIONS) - 1] = 255.0
    bright = corpus.images(replace(trace, rgb=lit), time[:1], np.random.default_rng([seed, 53]))
    whole = cells(PATCH_PX, pairs.size)
    skin = (resized(bright, whole, whole)[0, ..., 0] > 160).astype(np.uint8)
    body = truth.physiology
    pulse = np.interp(time, body.time, body.pulse)
    return _Filmed(scenario, images, None, float(PATCH_PX), skin, pulse, MARGIN_S)


def _cropped(images: Array, squares: list[Square] | None, pairs: Pairs) -> Array:
    """(T, S, S, 3) uint8."""
    if squares is None:
        whole = cells(images.shape[1], pairs.size)
        small = resized(images, whole, whole)
        return np.asarray((np.clip(small, 0, 255) + 0.5).astype(np.uint8))
    made = zip(images, squares, strict=True)
    return np.stack([area_mean(Frame.of_rgb(one, 0.0), at, pairs.size) for one, at in made])


FIRST = {"head": 12_000_000, "patch": 13_000_000}  # seeds of people to train on
TEST = 15_000_000  # and of heads to test on


def make_people(
    folder: Path | str, *, heads: int, patches: int, size: int, rate: float, test: bool = False
) -> None:
    """Write so many people, in turns; goes on where it was stopped.

    test: people of other seeds, each at all levels.
    """
    pairs = Pairs(size=size, rate=rate, length=LENGTH, levels=QUALITIES[1:] if test else ())
    for number in range(max(heads, patches)):
        if number < heads:
            first = TEST if test else FIRST["head"]
            make_person(folder, first + number, kind="head", pairs=pairs)
        if number < patches and not test:
            make_person(folder, FIRST["patch"] + number, kind="patch", pairs=pairs)
