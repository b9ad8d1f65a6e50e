"""Made people as system A recorded theirs: at rest and after exercise, 12 fps beside 2000 Hz.

22 people give 56 videos: everybody sits still and comes back from exercise, and those from the
eleventh on are seen once more, later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.simulate import CRF
from camvitals.dsp.peaks import upsample

RATE_HZ, FINER = 2000, 8  # the body's own clock has an eighth
BEFORE_S, AFTER_S = 0.7, 0.6  # that the ECG runs before and after the video
BOOTED_S = 41.25  # of the common axis, when the first of the two starts
SESSIONS = ("rest", "exercise")
LATER, LATER_FROM = "later", 11
LATER_S = 90.0  # after the end of exercise
CALM_BPM = 95.0  # nobody rests at more
RECOVERY_S = 45.0
RAISED_BPM = (35.0, 65.0)
LEFT_BPM = 8.0  # above rest, minutes after
FASTEST_BPM = 185.0


def take(person: Person, index: int) -> Take:
    """0 is at rest, 1 right after exercise, 2 one and a half minutes later."""
    made = person.take(index).scenario
    rest = _resting(made.heart_rate)
    if index == 0:
        slope = 0.0 if rest != made.heart_rate else made.heart_rate_slope
        asked = {"heart_rate": rest, "heart_rate_slope": slope}
        return Take(_changed(made, rest, **asked))
    since = 0.0 if index == 1 else LATER_S
    rng = np.random.default_rng([person.scenario.seed, 97])
    raised = min(float(rng.uniform(*RAISED_BPM)), FASTEST_BPM - rest - LEFT_BPM)
    time = np.arange(0.0, made.duration + 5, 5)
    course = rest + LEFT_BPM + raised * np.exp(-(time + since) / RECOVERY_S)
    breath = min(made.breath_rate * (1.4 if index == 1 else 1.15), 40.0)
    points = tuple((float(t), round(float(bpm), 3)) for t, bpm in zip(time, course, strict=True))
    return Take(_changed(made, course[0], heart_rate_course=points, breath_rate=breath))


def _resting(bpm: float) -> float:
    """A drawn heart rate as one at rest: what is too fast for that is spread over 50–95 bpm."""
    return bpm if bpm <= CALM_BPM else 50.0 + 0.6 * min(bpm - CALM_BPM, 75.0)


def _changed(made: Scenario, fastest: float, **asked: object) -> Scenario:
    sdnn = min(made.sdnn, 0.06 * 60e3 / fastest)
    return dataclasses.replace(made, sdnn=sdnn, clock="steady", **asked)  # type: ignore[arg-type]


def write(folder: Path, people: Sequence[Person]) -> None:
    """P01/rest, P01/exercise and, from P11 on, P11/later."""
    for person in people:
        sessions = (*SESSIONS, LATER) if person.number >= LATER_FROM else SESSIONS
        for index, session in enumerate(sessions):
            place = folder / f"P{person.number:02d}" / session
            place.mkdir(parents=True)
            _write_take(place, take(person, index))


def _write_take(place: Path, made: Take) -> None:
    from camvitals.video import write_video

    scenario = made.scenario
    crf = CRF["h264"] if scenario.crf is None else scenario.crf
    write_video(place / "video.mp4", made.frames(), time=None, crf=crf)
    body = made.body
    fine = upsample(body.ecg, factor=FINER)
    time = body.time[0] + np.arange(len(fine)) / RATE_HZ
    first = round((-BEFORE_S - body.time[0]) * RATE_HZ)
    count = round((BEFORE_S + scenario.duration + AFTER_S) * RATE_HZ)
    ecg = fine[first : first + count]
    np.savetxt(place / "ecg.csv", ecg, "%.4f", header="ecg_mv", comments="")
    start = BOOTED_S + time[first] - made.time[0] + BEFORE_S
    samples, seconds = float(scenario.rate).as_integer_ratio()
    rows = [
        "stream,first_s,samples,seconds",
        f"video,{BOOTED_S + BEFORE_S:.6f},{samples},{seconds}",
        f"ecg,{start:.6f},{RATE_HZ},1",
    ]
    (place / "clocks.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


ECG_VIDEO = Layout(
    rate=12.0, size=(640, 480), takes=len(SESSIONS), write=write, take=take, more_from=LATER_FROM
)
