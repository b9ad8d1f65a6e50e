"""Made people as recordings: a corpus without files, whose truth is exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from camvitals.data.recording import Recording
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.data.synthetic.truth import Truth
from camvitals.records import Trace, Wave
from camvitals.video import Video, open_video

CORPUS = "made"
STEP_BPM = 30


def made_recording(scenario: Scenario) -> Recording:
    """The trace of a scenario, which is made when it is asked for, and the truth about it.

    The subject is the seed. References: pulse, ecg, breath, spo2, and rr, each beat interval.
    Strata: tone, light, motion, codec, rate (30 bpm wide).
    """
    return Recording(
        corpus=CORPUS,
        subject=str(scenario.seed),
        references=partial(_references, scenario),
        colours=partial(_colours, scenario),
        attributes={
            "tone": str(scenario.tone),
            "light": scenario.light,
            "motion": scenario.motion,
            "codec": scenario.codec,
            "rate": _band(scenario.heart_rate),
        },
    )


def made_film(scenario: Scenario) -> Recording:
    """The pictures of a scenario as its camera gives them, and the truth about it.

    They are drawn whenever the recording is opened, which takes long, and no codec changes them.
    Otherwise as `made_recording`, without the stratum codec.
    """
    made = made_recording(scenario)
    strata = {name: word for name, word in made.attributes.items() if name != "codec"}
    return replace(made, colours=None, pictures=partial(_pictures, scenario), attributes=strata)


def made_corpus(scenarios: Iterable[Scenario]) -> tuple[Recording, ...]:
    """One recording for each scenario."""
    return tuple(made_recording(scenario) for scenario in scenarios)


def _colours(scenario: Scenario) -> Trace:
    return made_trace(scenario)[0]


def _pictures(scenario: Scenario) -> Video:
    from camvitals.data.synthetic.scene import frames

    return open_video(frames(scenario))


def _references(scenario: Scenario) -> Mapping[str, Wave]:
    if not scenario.alive:
        return {}
    body = Truth.of(scenario, np.zeros(0)).physiology
    waves = {
        "pulse": Wave(body.pulse, body.time, "pulse"),
        "ecg": Wave(body.ecg, body.time, "ecg", "mV"),
        "breath": Wave(body.breath, body.time, "breath"),
        "spo2": Wave(body.spo2, body.time, "spo2", "%"),
    }
    intervals = 1e3 * np.diff(body.r_peaks)
    return waves | {"rr": Wave(intervals, body.r_peaks[1:], "rr", "ms")}


def _band(rate_bpm: float) -> str:
    """The thirty bpm in which a rate lies, as 60–90 bpm."""
    low = int(rate_bpm // STEP_BPM) * STEP_BPM
    return f"{low}–{low + STEP_BPM} bpm"
