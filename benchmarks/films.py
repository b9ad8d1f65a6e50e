"""Films with and without a pulse, coded more and more tightly. Run: python benchmarks/films.py.

Made people in scenes of which half are still, the hardest case: nothing else excuses a rate that is
not there. Each scene is drawn once, coded at every one of CRFS, and measured as a file. What counts
is how many rates are given where there is no pulse, and how many of the others are right.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from camvitals import Report, measure
from camvitals.data.synthetic.physiology import Physiology, simulate_physiology
from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.scene import frames
from camvitals.video import write_video

os.environ.setdefault("OMP_NUM_THREADS", "1")
SEED, SCENES = 9_500_000, 56
SECONDS, RATE = 20, 20
CRFS = (14, 20, 26, 32)
# No pulse in three of seven.
SUBJECTS: tuple[dict[str, Any] | None, ...] = (
    None,
    None,
    {"pulse": 0.0},
    None,
    {"subject": "painted-face"},
    None,
    {"subject": "still-picture"},
)
BITS = (0.0, 0.02, 0.08, 0.16, np.inf)  # edges of the table's rows [bit/px]
RIGHT_BPM = 5.0


@dataclass(frozen=True, slots=True)
class Film:
    """What `measure` said of one film: (n, 2) rate and truth [bpm] of the whole and of windows.

    A withheld rate is NaN, and so is the truth of what has no pulse.   bits: for each pixel.
    """

    alive: bool
    bits: float
    whole: np.ndarray
    windows: np.ndarray


def scene(k: int) -> tuple[Scenario, bool]:
    """The k-th scene, and whether it has a pulse; weak pulses now and then."""
    rng = np.random.default_rng(k)
    dead = SUBJECTS[k % len(SUBJECTS)]
    fixed: dict[str, Any] = {"size": (320, 240) if k % 3 else (640, 480)}
    fixed |= dead or {"pulse": float(rng.choice([1.0, 1.0, 0.7, 0.4]))}
    if k % 2:
        fixed["motion"] = "still"
    if k % 4 < 2:
        fixed["light"] = "daylight"
    return draw(SEED + k, duration=SECONDS, rate=RATE, **fixed), dead is None


def films(k: int) -> list[Film]:
    """One scene at every CRF."""
    scenario, alive = scene(k)
    images, times = zip(*frames(scenario), strict=True)
    body = simulate_physiology(scenario) if alive else None
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for crf in CRFS:
            path = Path(folder) / "film.mp4"
            write_video(path, images, time=times, codec="h264", crf=crf)
            found.append(_film(measure(path), body))
    return found


def _film(report: Report, body: Physiology | None) -> Film:
    source = report.source
    bits = (source.bit_rate or 0.0) / (source.width * source.height * source.rate)
    rolling = [reading for reading in report.rolling if reading.name == "heart_rate"]
    whole, *windows = (
        (
            np.nan if reading.value is None else reading.value,
            np.nan if body is None else body.rate_between(*reading.span),
        )
        for reading in (report.reading("heart_rate"), *rolling)
    )
    return Film(body is not None, bits, np.array([whole]), np.array(windows).reshape(-1, 2))


def told(some: Sequence[np.ndarray]) -> tuple[int, int, int]:
    """How many there are, how many have a rate, and how many a right one."""
    rate, truth = np.concatenate(some).T if some else np.zeros((2, 0))
    return len(rate), int(np.isfinite(rate).sum()), int((np.abs(rate - truth) <= RIGHT_BPM).sum())


def table(found: Sequence[Film]) -> Iterator[str]:
    """A row for each range of bits, and one for all."""
    yield (
        "| bit/px | films with a pulse | given | right | windows | given | right "
        "| films without | given | windows | given |"
    )
    yield "|---" * 11 + "|"
    for low, high in [*pairwise(BITS), (BITS[0], BITS[-1])]:
        some = [film for film in found if low <= film.bits < high]
        alive, dead = ([f for f in some if f.alive is wanted] for wanted in (True, False))
        cells = [
            *told([f.whole for f in alive]),
            *told([f.windows for f in alive]),
            *told([f.whole for f in dead])[:2],
            *told([f.windows for f in dead])[:2],
        ]
        yield f"| {low:g}–{high:g} | " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Draw, code, measure, tell."""
    with ProcessPoolExecutor() as pool:
        found = [film for part in pool.map(films, range(SCENES)) for film in part]
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
