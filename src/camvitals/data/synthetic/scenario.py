"""Everything that makes one synthetic recording, and scenarios drawn at random.

A recording is a pure function of its `Scenario`: the same scenario gives the same samples.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from camvitals.records import InputError

MOTIONS = ("still", "sway", "turn", "talk", "expression")
LIGHTS = ("daylight", "lamp", "changing", "dim", "screen")
CODECS = ("h264", "vp9", "mpeg4", "mjpeg", "ffv1")
CLOCKS = ("steady", "jitter", "halved", "dropped", "ntsc")
SUBJECTS = ("face", "still-picture", "painted-face", "wall", "noise")
CAMERAS = ("webcam", "phone", "machine")
RHYTHMS = ("sinus", "fibrillation")
ECGS = ("textbook", "own")

CRF_CODECS = {"h264": 51, "vp9": 63}  # those that have a crf, and its largest value

Course = tuple[tuple[float, float], ...]

RANGES: dict[str, tuple[float, float, str]] = {
    "duration": (0.5, 86400, "s"),
    "rate": (1, 1000, "Hz"),
    "heart_rate": (30, 220, "bpm"),
    "heart_rate_slope": (-60, 60, "bpm/min"),
    "sdnn": (0, 200, "ms"),
    "lf_hf": (0.05, 20, "(ratio)"),
    "breath_rate": (4, 45, "breaths/min"),
    "ectopic": (0, 0.3, "(share of beats)"),
    "spo2": (60, 100, "%"),
    "tone": (1, 6, "(Fitzpatrick)"),
    "motion_scale": (0, 5, "(factor)"),
    "sway_px": (0, 200, "px"),
    "sway_hz": (0.01, 5, "Hz"),
    "pulse": (0, 5, "(factor)"),
    "mains": (50, 60, "Hz"),
    "people": (1, 4, "(people)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One synthetic recording, exactly reproducible.

    seed, duration [s], rate [Hz]: no recording without them; rate is that of the steady clock.
    heart_rate: mean [bpm], 30–220, and heart_rate_slope [bpm/min] around the middle; or
        heart_rate_course: (time s, bpm) points joined by lines, which replaces both.
    sdnn: standard deviation of the normal intervals about that course [ms]; lf_hf: ratio of its
        power near 0.1 Hz to that at the breathing rate.
    breath_rate: [breaths/min].   ectopic: share of premature beats, 0–0.3.
    spo2: [%], or spo2_course: (time s, %) points.
    tone: Fitzpatrick type 1–6.   camera: one of CAMERAS.
    motion: one of MOTIONS; motion_scale multiplies its amplitude; a sway is sway_px wide [px,
        centre to turning point] at sway_hz [Hz].
    light: one of LIGHTS.   mains: 50 or 60 Hz; a lamp flickers at twice that.
    codec: one of CODECS; crf (lower is better) or bit_rate [bit/s]; None leaves it to the writer.
    size: (width, height) px, even.   pulse: factor on the blood volume pulse; 0 removes it.
    rhythm: one of RHYTHMS; fibrillating atria beat without order, whatever sdnn and lf_hf.
    ecg: one of ECGS: the same for everybody, or one's own, whose shape the seed draws, which turns
        with the breath, and whose pulses follow by a pre-ejection period that filling shortens.
    heart: seed of one's own ECG and transit time, for several recordings of a person; None is seed.
    clock: one of CLOCKS.   subject: one of SUBJECTS; only a face lives.   people: faces in view.
    Raises InputError for a value out of range.
    """

    seed: int
    duration: float
    rate: float
    heart_rate: float = 72.0
    heart_rate_slope: float = 0.0
    heart_rate_course: Course = ()
    sdnn: float = 40.0
    lf_hf: float = 1.5
    breath_rate: float = 15.0
    ectopic: float = 0.0
    spo2: float = 98.0
    spo2_course: Course = ()
    tone: int = 2
    camera: str = "webcam"
    motion: str = "still"
    motion_scale: float = 1.0
    sway_px: float = 8.0
    sway_hz: float = 0.25
    light: str = "daylight"
    mains: int = 50
    codec: str = "h264"
    crf: int | None = None
    bit_rate: int | None = None
    size: tuple[int, int] = (640, 480)
    pulse: float = 1.0
    clock: str = "steady"
    subject: str = "face"
    people: int = 1
    rhythm: str = "sinus"
    ecg: str = "textbook"
    heart: int | None = None

    def __post_init__(self) -> None:
        for name, (low, high, unit) in RANGES.items():
            _within(name, getattr(self, name), low, high, unit)
        for name, known in CHOICES.items():
            _one_of(name, getattr(self, name), known)
        for name in ("seed", "tone", "people", "mains"):
            _whole(name, getattr(self, name))
        if self.heart is not None:
            _whole("heart", self.heart)
        _course("heart_rate_course", self.heart_rate_course, RANGES["heart_rate"])
        _course("spo2_course", self.spo2_course, RANGES["spo2"])
        self._check_rates()
        self._check_picture()

    def _check_rates(self) -> None:
        for name in ("seed", "heart"):
            if (getattr(self, name) or 0) < 0:
                raise InputError(
                    f"scenario.{name} needs a whole number >= 0 but got {getattr(self, name)}"
                )
        if self.mains not in (50, 60):
            raise InputError(f"scenario.mains needs 50 or 60 Hz but got {self.mains}")
        fastest = max(self.heart_rate_between(0.0, self.duration))
        slowest = min(self.heart_rate_between(0.0, self.duration))
        if not 30 <= slowest <= fastest <= 220:
            raise InputError(
                f"the heart rate must stay in 30–220 bpm but goes from {slowest:.0f} to "
                f"{fastest:.0f}; use a smaller heart_rate_slope or a shorter duration"
            )
        if self.sdnn > 0.2 * 60e3 / fastest:
            raise InputError(
                f"scenario.sdnn must be at most a fifth of the shortest beat interval "
                f"({60e3 / fastest:.0f} ms) but got {self.sdnn:g} ms; use a smaller sdnn"
            )

    def _check_picture(self) -> None:
        fits = isinstance(self.size, tuple) and len(self.size) == 2
        if not fits or any(not isinstance(n, int) or n < 16 or n % 2 for n in self.size):
            raise InputError(f"scenario.size needs two even numbers >= 16 px but got {self.size}")
        if self.crf is not None:
            if self.codec not in CRF_CODECS:
                raise InputError(
                    f"scenario.crf needs codec {' or '.join(CRF_CODECS)} but the codec is "
                    f"{self.codec}; use bit_rate instead"
                )
            _within("crf", self.crf, 0, CRF_CODECS[self.codec], f"for {self.codec}")
            if self.bit_rate is not None:
                raise InputError("a scenario needs crf or bit_rate, not both; leave one out")
        if self.bit_rate is not None and self.bit_rate <= 0:
            raise InputError(f"scenario.bit_rate needs bit/s > 0 but got {self.bit_rate}")

    @property
    def alive(self) -> bool:
        """True when the pictures hold a pulse: a face, and the pulse not removed."""
        return self.subject == "face" and self.pulse > 0

    def heart_rate_at(self, time: Any) -> Any:
        """The intended heart rate [bpm] at these times [s], before variability; an array."""
        if self.heart_rate_course:
            return np.interp(time, *np.transpose(self.heart_rate_course))
        middle = np.asarray(time, dtype=float) - self.duration / 2
        return self.heart_rate + self.heart_rate_slope * middle / 60

    def spo2_at(self, time: Any) -> Any:
        """The oxygen saturation [%] at these times [s]; an array."""
        if self.spo2_course:
            return np.interp(time, *np.transpose(self.spo2_course))
        return np.full(np.shape(time), float(self.spo2))

    def heart_rate_between(self, start: float, stop: float) -> list[float]:
        """The intended rates [bpm] at both ends [s] and at the points of the course between."""
        inside = [t for t, _ in self.heart_rate_course if start < t < stop]
        return [float(self.heart_rate_at(t)) for t in (start, *inside, stop)]

    def again(self, seed: int) -> Scenario:
        """Another recording of the same person, who keeps an ECG of their own; another seed."""
        heart = self.seed if self.ecg == "own" and self.heart is None else self.heart
        return dataclasses.replace(self, seed=seed, heart=heart)

    def person(self, index: int) -> Scenario:
        """The scenario of one of the people in view: 0 is this one, the others are drawn from it.

        Another person has another seed, heart rate, breathing rate and tone; light, camera, clock
        and picture are shared.
        """
        if not 0 <= index < self.people:
            raise InputError(f"person needs 0–{self.people - 1} but got {index}")
        if index == 0:
            return dataclasses.replace(self, people=1)
        rng = np.random.default_rng([self.seed, 104729, index])
        away = float(rng.uniform(9, 25)) * (1 if index % 2 else -1)
        heart_rate = self.heart_rate + away
        if not 45 <= heart_rate <= 160:
            heart_rate = float(np.clip(self.heart_rate - away, 45, 160))
        return dataclasses.replace(
            self,
            people=1,
            heart=None,
            seed=int(rng.integers(2**31)),
            heart_rate=round(heart_rate, 2),
            heart_rate_slope=0.0,
            heart_rate_course=(),
            breath_rate=round(float(rng.uniform(11, 20)), 2),
            tone=int(rng.integers(1, 7)),
        )

    def to_json(self) -> str:
        """The scenario as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Scenario:
        """The scenario that `to_json` wrote. Raises InputError for anything else."""
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InputError(f"a scenario needs JSON but got {text[:40]!r} ({error})") from error
        return cls.from_dict(found)

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Scenario:
        """The scenario of these fields; lists become tuples."""
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(found, dict) or set(found) - names or not REQUIRED.issubset(found):
            raise InputError(
                f"a scenario needs {', '.join(sorted(REQUIRED))} and may have the other fields of "
                f"Scenario, but got {sorted(found) if isinstance(found, dict) else found!r}"
            )
        return cls(**{name: _as_tuple(value) for name, value in found.items()})


REQUIRED = {"seed", "duration", "rate"}
CHOICES = {
    "camera": CAMERAS,
    "motion": MOTIONS,
    "light": LIGHTS,
    "codec": CODECS,
    "clock": CLOCKS,
    "subject": SUBJECTS,
    "rhythm": RHYTHMS,
    "ecg": ECGS,
}


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(v) for v in value) if isinstance(value, list | tuple) else value


def _within(name: str, value: Any, low: float, high: float, unit: str) -> None:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise InputError(f"scenario.{name} needs {low:g} to {high:g} {unit} but got {value!r}")


def _whole(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(f"scenario.{name} needs a whole number but got {value!r}")


def _one_of(name: str, value: Any, known: Iterable[str]) -> None:
    if value not in known:
        raise InputError(f"scenario.{name} needs one of {', '.join(known)} but got {value!r}")


def _course(name: str, course: Course, allowed: tuple[float, float, str]) -> None:
    low, high, unit = allowed
    try:
        times = [float(t) for t, _ in course]
        values = [float(v) for _, v in course]
    except (TypeError, ValueError) as error:
        raise InputError(f"scenario.{name} needs (time s, value) pairs; got {course!r}") from error
    rising = all(a < b for a, b in itertools.pairwise(times))
    if not rising or not all(map(math.isfinite, times)):
        raise InputError(f"scenario.{name} needs increasing times but got {times}")
    for value in values:
        _within(name, value, low, high, unit)


def draw(seed: int, *, duration: float, rate: float, **fixed: Any) -> Scenario:
    """A random scenario; any run of successive seeds covers the conditions evenly.

    duration [s], rate [Hz], and any field of Scenario in `fixed` are taken as given.
    Heart rate, tone, motion, light and breathing follow a five-dimensional Kronecker sequence in
    the seed (Roberts, 2018), so that n scenarios are stratified jointly; the rest is independent:
    heart rate uniform 45–160 bpm (median 80: half of them 60–100), slope normal with 4 bpm/min,
    tone uniform 1–6; motion still 35 %, sway 25, turn 10, talk 20, expression 10, scale 0.3–1.5;
    light daylight 35 %, lamp 25, changing 15, dim 10, screen 15; breathing uniform 8–28 /min;
    sdnn log-uniform 10–90 ms, at most a tenth of the mean interval; lf_hf log-uniform 0.3–4;
    ectopic beats in one of ten (1–8 %); spo2 beta-like 90–100, mostly 96–99; clock steady 60 %,
    jitter 20, dropped 10, ntsc 10; h264 70 %, vp9 10, mpeg4 10, mjpeg 10, with crf 10–28 for the
    first two; mains 50 or 60; camera uniform.
    """
    rng = np.random.default_rng([seed, 7919])
    even = np.modf(0.5 + (seed % 2**32) * _KRONECKER)[0]
    heart_rate = float(np.interp(even[0], [0, 0.25, 0.75, 1], [45, 60, 100, 160]))
    most = 0.1 * 60e3 / heart_rate
    slope = float(np.clip(4 * rng.standard_normal(), -12, 12))
    codec = _pick(rng.random(), CODECS[:4], (0.7, 0.1, 0.1, 0.1))
    drawn: dict[str, Any] = {
        "heart_rate": round(heart_rate, 2),
        "heart_rate_slope": round(float(np.clip(slope, *(_room(heart_rate, duration)))), 3),
        "tone": 1 + min(5, int(even[1] * 6)),
        "motion": _pick(even[2], MOTIONS, (0.35, 0.25, 0.10, 0.20, 0.10)),
        "light": _pick(even[3], LIGHTS, (0.35, 0.25, 0.15, 0.10, 0.15)),
        "breath_rate": round(8 + 20 * float(even[4]), 2),
        "motion_scale": round(float(rng.uniform(0.3, 1.5)), 3),
        "sway_px": round(float(rng.uniform(3, 16)), 2),
        "sway_hz": round(float(np.exp(rng.uniform(np.log(0.12), np.log(1.2)))), 3),
        "sdnn": round(min(most, float(np.exp(rng.uniform(np.log(10), np.log(90))))), 2),
        "lf_hf": round(float(np.exp(rng.uniform(np.log(0.3), np.log(4)))), 3),
        "ectopic": round(float(rng.uniform(0.01, 0.08)), 3) if rng.random() < 0.1 else 0.0,
        "spo2": round(100 - 10 * float(rng.beta(2, 8)), 1),
        "clock": _pick(rng.random(), ("steady", "jitter", "dropped", "ntsc"), (0.6, 0.2, 0.1, 0.1)),
        "mains": int(rng.choice([50, 60])),
        "camera": str(rng.choice(CAMERAS)),
        "codec": codec,
        "crf": int(rng.integers(10, 29)),
    }
    wanted = drawn | fixed
    if wanted["codec"] not in CRF_CODECS or wanted.get("bit_rate") is not None:
        wanted["crf"] = fixed.get("crf")
    return Scenario(seed=seed, duration=duration, rate=rate, **wanted)


def _room(heart_rate: float, duration: float) -> tuple[float, float]:
    """The slopes [bpm/min] that keep a recording's heart rate within 40–180 bpm."""
    minutes = duration / 120
    return -(heart_rate - 40) / minutes, (180 - heart_rate) / minutes


def _pick(position: float, names: tuple[str, ...], shares: tuple[float, ...]) -> str:
    return names[min(len(names) - 1, int(np.searchsorted(np.cumsum(shares), position)))]


# Powers of 1/φ₅, where φ₅ is the real root of x⁶ = x + 1: the evenest additive recurrence known.
_KRONECKER = 1.1347241384015194 ** -np.arange(1.0, 6.0)
