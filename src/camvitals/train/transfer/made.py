"""Made people before films, as AMIGOS has them: forty of them, sixteen films each.

A person keeps face, skin, room and light from film to film; the heart beats faster in one than in
another. Only the pictures that are asked for are drawn, each at its own time of a 25 Hz clock, and
no codec touches them.
Shape letters: T pictures, S rows and columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from camvitals.data.synthetic.camera import Camera
from camvitals.data.synthetic.physiology import Physiology, simulate_physiology
from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.scene import Scene
from camvitals.face.area import area_mean
from camvitals.face.crop import Square
from camvitals.records import Array, Frame, InputError, Wave
from camvitals.train.transfer.labels import centred_labels, published_labels
from camvitals.train.transfer.samples import Samples, joined

ECG_HZ, FRAMES_HZ = 128.0, 25.0  # of AMIGOS
DURATION_S = 60.0
BETWEEN = (74.0, 12.0)  # mean and deviation of people's heart rates [bpm]
WITHIN_BPM, SLOPE = 5.0, 6.0  # deviation between films; of the slope in one [bpm/min]
RANGE_BPM = (52.0, 118.0)
FACE = 1.6  # side of the crop over what the features of a face span
MOTIONS = ("still", "expression", "talk")
LIGHTS = ("daylight", "lamp")


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is made.

    size: side of the drawn picture [px].   crop: of the faces [px].
    still: nobody moves or talks.   pulse: how many times stronger than in life it is.
    """

    people: int = 40
    films: int = 16
    seed: int = 0
    size: int = 160
    crop: int = 65
    still: bool = False
    pulse: float = 1.0

    def __post_init__(self) -> None:
        if min(self.people, self.films) < 1 or self.size % 2 or self.crop < 16:
            raise InputError("a cast needs people, films >= 1, an even size and a crop >= 16 px")

    def scenario(self, person: int, film: int) -> Scenario:
        """What is recorded of a person, from 1, before a film, from 1."""
        rng = np.random.default_rng([self.seed, 71, person])
        base = float(np.clip(rng.normal(*BETWEEN), *RANGE_BPM))
        motion, light = str(rng.choice(MOTIONS)), str(rng.choice(LIGHTS))
        own = np.random.default_rng([self.seed, 73, person, film])
        rate = float(np.clip(base + own.normal(0, WITHIN_BPM), *RANGE_BPM))
        return draw(
            1_000_000 * (self.seed + 1) + person,
            duration=DURATION_S,
            rate=FRAMES_HZ,
            heart_rate=round(rate, 2),
            heart_rate_slope=round(float(np.clip(own.normal(0, SLOPE), -12, 12)), 2),
            size=(self.size, self.size),
            motion="still" if self.still else motion,
            pulse=self.pulse,
            light=light,
            clock="steady",
            codec="ffv1",
            ectopic=0.0,
            sdnn=float(rng.uniform(15, 40)),
        )

    def ones(self) -> Iterator[tuple[int, int]]:
        """(person, film) of all."""
        return ((p, f) for p in range(1, self.people + 1) for f in range(1, self.films + 1))


def at_rate(scenario: Scenario, heart_rate: float) -> Scenario:
    """The same person in the same light, whose heart beats at another steady rate [bpm]."""
    return replace(scenario, heart_rate=heart_rate, heart_rate_slope=0.0)


def ecg_of(body: Physiology) -> Wave:
    """The ECG [mV] as AMIGOS stores it, 128 Hz from the first picture on."""
    time = np.arange(int(body.duration * ECG_HZ) + 1) / ECG_HZ
    return Wave(np.interp(time, body.time, body.ecg), time, "ecg", "mV")


def drawn(scenario: Scenario, time_T: Array, *, crop: int) -> Array:
    """(T, S, S, 3) uint8 RGB: the face at these times, cut out where it truly is."""
    scene, camera = Scene(scenario), Camera(scenario)
    out = np.empty((len(time_T), crop, crop, 3), np.uint8)
    for k, (light, time) in enumerate(zip(scene.lights(time_T), time_T, strict=True)):
        points = np.stack(list(scene.landmarks(float(time))[0].values()))
        x, y = (points.max(axis=0) + points.min(axis=0)) / 2
        square = Square(float(x), float(y), FACE * float(np.ptp(points, axis=0).max()))
        frame = Frame.of_rgb(camera.picture(light, float(time)), float(time))
        out[k] = area_mean(frame, square, crop)
    return out


def made_samples(cast: Cast, *, count: int, length: int = 1, every: int = 1) -> Samples:
    """Samples of every film: `count` of each, of `length` pictures `every` frames apart."""
    return joined([_film(cast, p, f, count, length, every) for p, f in cast.ones()])


def _film(cast: Cast, person: int, film: int, count: int, length: int, every: int) -> Samples:
    scenario = cast.scenario(person, film)
    rng = np.random.default_rng([cast.seed, 79, person, film, length])
    last = int(DURATION_S * FRAMES_HZ) - (length - 1) * every
    first = np.sort(rng.choice(last, count, replace=False))
    index = first[:, None] + every * np.arange(length)
    time = index / FRAMES_HZ
    ecg = ecg_of(simulate_physiology(scenario))
    images = drawn(scenario, time.ravel(), crop=cast.crop)
    return Samples(
        images=images.reshape(count, length, *images.shape[1:]),
        time=time,
        person=np.full(count, f"P{person:02d}"),
        video=np.full(count, f"P{person:02d}/{film:02d}"),
        published=published_labels(ecg, index[:, length // 2], rate=FRAMES_HZ),
        clean=centred_labels(ecg, time.mean(axis=1)),
    )
