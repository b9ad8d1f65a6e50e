"""The right answer for one synthetic recording, kept beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.physiology import MARGIN_S, Physiology, simulate_physiology
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import Array, InputError

WAVES = ("pulse", "ecg", "breath", "spo2")
FORMATS = ("%.3f", "%.5f", "%.5f", "%.5f", "%.3f")
MARKS = ("r_peaks", "feet", "pulse_peaks")


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a recording: the scenario, what the body did, when the pictures were taken.

    physiology: of the person (the first, where there are more); waves and beats have the clock of
        the pictures.   frames: (T,) s, their time stamps.
    """

    scenario: Scenario
    physiology: Physiology
    frames: Array

    @classmethod
    def of(cls, scenario: Scenario, frames: Array) -> Truth:
        """The truth of a scenario whose pictures have these time stamps [s]."""
        return cls(scenario, simulate_physiology(scenario), np.asarray(frames, dtype=float))

    @property
    def alive(self) -> bool:
        """True when there is a pulse to be found; otherwise every vital sign must be withheld."""
        return self.scenario.alive

    @property
    def beats(self) -> Array:
        """(K,) s: R peaks; each pulse follows one transit time later."""
        return self.physiology.r_peaks

    @property
    def heart_rate(self) -> float:
        """Beats per minute from the first to the last beat in the recording."""
        return self.physiology.heart_rate

    @property
    def breath_rate(self) -> float:
        """Breaths per minute over the recording."""
        return self.physiology.breath_rate

    @property
    def sdnn(self) -> float:
        """Standard deviation of the normal intervals [ms]."""
        return self.physiology.sdnn

    @property
    def rmssd(self) -> float:
        """Root mean square of the differences of successive normal intervals [ms]."""
        change = np.diff(self.physiology.normal_intervals)
        return float(np.sqrt(np.mean(change**2))) if len(change) else 0.0

    @property
    def spo2(self) -> float:
        """Mean oxygen saturation over the recording [%]."""
        time = np.linspace(0, self.scenario.duration, 1001)
        return float(self.physiology.spo2_at(time).mean())

    def rate_between(self, start: float, stop: float) -> float:
        """Mean heart rate [bpm] over a span [s], counting parts of beats at both ends."""
        return self.physiology.rate_between(start, stop)

    def save(self, path: Path | str) -> Path:
        """Write NAME.truth.json and NAME.truth.csv beside NAME.ext; returns the JSON's path.

        The CSV holds time [s], pulse, ecg [mV], breath and spo2 [%]. Each file appears whole or not
        at all.
        """
        beside, waves = _paths(path)
        body = self.physiology
        columns = np.column_stack([body.time, *(getattr(body, name) for name in WAVES)])
        with _atomic(waves) as partial:
            header = ",".join(("time", *WAVES))
            np.savetxt(partial, columns, FORMATS, ",", header=header, comments="")
        found = {
            "scenario": json.loads(self.scenario.to_json()),
            "alive": self.alive,
            "heart_rate_bpm": _number(self.heart_rate),
            "sdnn_ms": self.sdnn,
            "rmssd_ms": self.rmssd,
            "breath_rate_per_min": self.breath_rate,
            "spo2_percent": self.spo2,
            "rate_hz": body.rate,
            "frames_s": np.round(self.frames, 6).tolist(),
            **{name: np.round(getattr(body, name), 6).tolist() for name in MARKS},
            "ectopic": body.ectopic.tolist(),
            "rhythm": body.rhythm,
        }
        with _atomic(beside) as partial:
            partial.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
        return beside

    @classmethod
    def load(cls, path: Path | str) -> Truth:
        """The truth saved beside a recording; its own file names do as well.

        Raises InputError when a file is missing or is not such a truth.
        """
        beside, waves = _paths(path)
        try:
            found = json.loads(beside.read_text(encoding="utf-8"))
            columns = np.loadtxt(waves, delimiter=",", skiprows=1, ndmin=2)
            scenario = Scenario.from_dict(found["scenario"])
            body = Physiology(
                time=-MARGIN_S + np.arange(len(columns)) / found["rate_hz"],  # free of rounding
                rate=found["rate_hz"],
                **{name: columns[:, 1 + k] for k, name in enumerate(WAVES)},
                **{name: np.array(found[name], dtype=float) for name in MARKS},
                ectopic=np.array(found["ectopic"], dtype=bool),
                breath_rate=found["breath_rate_per_min"],
                duration=scenario.duration,
                rhythm=scenario.rhythm,
            )
            return cls(scenario, body, np.array(found["frames_s"]))
        except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(
                f"a truth needs {beside.name} and {waves.name} as simulate wrote them, but: {error}"
            ) from error


def _paths(path: Path | str) -> tuple[Path, Path]:
    path = Path(path)
    name = path.name
    stem = name.rsplit(".truth.", 1)[0] if ".truth." in name else path.stem
    return path.with_name(f"{stem}.truth.json"), path.with_name(f"{stem}.truth.csv")


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


@contextmanager
def _atomic(path: Path) -> Iterator[Path]:
    """A partial file beside `path` that takes its name when all is written, and goes otherwise."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
