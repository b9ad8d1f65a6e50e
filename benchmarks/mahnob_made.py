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
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Person, Take
from camvitals.data.synthetic.layouts.mahnob_hci import MAHNOB_HCI
from camvitals.data.synthetic.scenario import Scenario, draw

SEED = 9_800_000  # of people whom no model was fitted on
PEOPLE = 12
SECONDS, RATE_HZ, SIZE_PX = 36.0, 61.0, (200, 150)  # the protocol looks at 35.02 s
SLOWEST_BPM, FASTEST_BPM, APART_BPM = 52.0, 108.0, 12.0
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


def cast() -> list[Sitter]:
    """The twelve, 52–108 bpm; of the second takes six have light that changes, six move."""
    people = []
    for index in range(PEOPLE):
        seed = SEED + index
        rng = np.random.default_rng([seed, 7])
        share = (index * 5 % PEOPLE + rng.random()) / PEOPLE  # all rates among slow and fast tones
        rate = SLOWEST_BPM + (FASTEST_BPM - SLOWEST_BPM) * share
        calm = draw(
            seed,
            duration=SECONDS,
            rate=RATE_HZ,
            size=SIZE_PX,
            heart_rate=round(rate, 2),
            heart_rate_slope=0.0,
            tone=1 + (index // 2 + 3 * (index % 2)) % 6,  # all six in both conditions
            clock="steady",
            codec="h264",
            crf=14,
            mains=60,
            **REST,
        )
        field, kinds = (LIGHT, MOTION)[index % 2]
        other = float(np.clip(rate + rng.uniform(-APART_BPM, APART_BPM), 48.0, 120.0))
        changed = {field: kinds[index // 2 % len(kinds)], "heart_rate": round(other, 2)}
        people.append(Sitter(index + 1, calm, replace(calm.again(seed + 500), **changed)))
    return people


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
