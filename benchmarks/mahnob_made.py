"""Twelve made people in the layout of MAHNOB-HCI, each once at rest and once disturbed.

    python benchmarks/mahnob_made.py FOLDER

A person who is there already is not made again, so a second run goes on where one was stopped.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.recording import Recording
from camvitals.data.synthetic.layouts.layout import Person, Take
from camvitals.data.synthetic.layouts.mahnob_hci import MAHNOB_HCI
from camvitals.data.synthetic.recordings import made_recording
from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.traces import made_trace
from camvitals.records import Trace

SEED = 9_800_000  # of people whom no model was fitted on
PEOPLE = 12
SECONDS, RATE_HZ, SIZE_PX = 36.0, 61.0, (200, 150)  # the protocol looks at 35.02 s
SLOWEST_BPM, FASTEST_BPM, APART_BPM = 52.0, 108.0, 12.0
MANY, MANY_SEED, MANY_PX, MANY_CRF = 64, 9_810_000, (780, 580), 23  # without pictures
CELLS = ("forehead", "left_cheek", "right_cheek", "nose", "chin")
REST = {"motion": "still", "light": "daylight"}
# A lamp on 60 Hz flickers 120 times a second, which 61 pictures a second show as 2 Hz: 120 bpm.
LIGHT = "light", ("lamp", "screen", "changing")
MOTION = "motion", ("sway", "talk", "turn", "sway", "talk", "expression")
STEADY = "steady"


@dataclass(frozen=True, slots=True)
class Sitter(Person):
    """One person with two takes: at rest, then under changing light or with the head moving."""

    disturbed: Scenario

    def take(self, index: int) -> Take:
        """0: at rest; 1: disturbed."""
        return Take(self.disturbed if index else self.scenario)


def cast(
    *, people: int = PEOPLE, seed: int = SEED, size: tuple[int, int] = SIZE_PX, crf: int = 14
) -> list[Sitter]:
    """So many sitters, 52–108 bpm; half of the second takes have light that changes, half move.

    people: no multiple of 5.   seed: of the first.   size: of the pictures [px].
    """
    sitters = []
    for index in range(people):
        rng = np.random.default_rng([seed + index, 7])
        share = (index * 5 % people + rng.random()) / people  # rates go evenly over tones
        rate = SLOWEST_BPM + (FASTEST_BPM - SLOWEST_BPM) * share
        calm = draw(
            seed + index,
            duration=SECONDS,
            rate=RATE_HZ,
            size=size,
            heart_rate=round(rate, 2),
            heart_rate_slope=0.0,
            tone=1 + (index // 2 + 3 * (index % 2)) % 6,  # all six in both conditions
            clock="steady",
            codec="h264",
            crf=crf,
            mains=60,
            **REST,
        )
        field, kinds = (LIGHT, MOTION)[index % 2]
        other = float(np.clip(rate + rng.uniform(-APART_BPM, APART_BPM), 48.0, 120.0))
        kind = kinds[(index // 2 + index // 12) % len(kinds)]
        changed = {field: kind, "heart_rate": round(other, 2)}
        again = calm.again(seed + index + 500)
        sitters.append(Sitter(index + 1, calm, replace(again, **changed)))
    return sitters


def traces() -> list[Recording]:
    """Takes of many more people as colours, as a perfect finder has them in large pictures.

    The five regions of the face stand for the cells of a grid.
    """
    takes = []
    for sitter in cast(people=MANY, seed=MANY_SEED, size=MANY_PX, crf=MANY_CRF):
        for index, session in enumerate(130 * (sitter.number - 1) + k for k in (2, 4)):
            made = made_recording(sitter.take(index).scenario)
            takes.append(
                replace(
                    made,
                    subject=f"T{sitter.number:02d}",
                    session=str(session),
                    colours=partial(with_grid, sitter.take(index).scenario),
                    attributes={"condition": condition_of(sitter, str(session))},
                )
            )
    return takes


def with_grid(scenario: Scenario) -> Trace:
    """The trace of a scenario, the five regions of its face once more as cells."""
    trace, _ = made_trace(scenario)
    cells = [trace.names.index(name) for name in CELLS]
    both = [*range(len(trace.names)), *cells]
    names = (*trace.names, *(f"grid_{k:02d}" for k in range(len(cells))))
    return replace(trace, rgb=trace.rgb[:, both], pixels=trace.pixels[:, both], names=names)


def condition_of(sitter: Sitter, session: str) -> str:
    """`steady`, `light` or `motion`: what disturbs a session of that number."""
    second = int(session) % 130 == 4  # sections go up by two, people by 130
    if not second:
        return STEADY
    return LIGHT[0] if (sitter.number - 1) % 2 == 0 else MOTION[0]


def make(folder: Path, *, people: int = PEOPLE) -> Path:
    """The corpus of the first people in this folder, made where it is not there; the folder."""
    sessions = folder / "Sessions"
    sessions.mkdir(parents=True, exist_ok=True)
    for sitter in cast()[:people]:
        first = 130 * (sitter.number - 1) + 2
        if all((sessions / str(n)).is_dir() for n in (first, first + 2)):
            continue
        began = time.time(), time.process_time()
        with tempfile.TemporaryDirectory(dir=folder) as part:
            MAHNOB_HCI.write(Path(part), [sitter])
            for session in sorted((Path(part) / "Sessions").iterdir()):
                shutil.rmtree(sessions / session.name, ignore_errors=True)
                session.replace(sessions / session.name)
        taken = time.time() - began[0], time.process_time() - began[1]
        print(f"person {sitter.number}: {taken[0]:.0f} s, {taken[1]:.0f} s of them at work")
        sys.stdout.flush()
    return folder


if __name__ == "__main__":
    make(Path(sys.argv[1]))
