"""Reports made by construction: a 72-bpm pulse, breath at 15 a minute, and what may go wrong."""

from collections.abc import Callable

import numpy as np
import pytest

from camvitals.records import Finding, Reading, Report, Source, Trace, Wave, withheld
from camvitals.waves.ecg import UNIT

RATE = 30.0
REGIONS = ("forehead", "left_cheek", "right_cheek", "skin", "background")


def made_trace(
    *, seconds: float = 60.0, rate: float = RATE, bpm: float = 72.0, pulse: float = 0.004
) -> Trace:
    time = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(7)
    beat = pulse * np.sin(2 * np.pi * bpm / 60 * time)
    colour = np.array([180.0, 130.0, 110.0])
    strength = np.array([0.35, 1.0, 0.55])
    skin = colour * (1 + beat[:, None] * strength)
    rgb = np.repeat(skin[:, None], len(REGIONS), axis=1)
    rgb[:, -1] = (90.0, 95.0, 100.0)
    rgb += 0.05 * rng.standard_normal(rgb.shape)
    centre = 300 + 0.3 * rng.standard_normal((len(time), 2))
    box = np.concatenate([centre - 70, centre + 70], axis=1)
    pixels = np.full(rgb.shape[:2], 2000.0)
    return Trace(rgb.astype(np.float32), pixels, time, REGIONS, box)


def reading(name: str, value: float, unit: str, width: float, quality: float = 0.93) -> Reading:
    return Reading(name, value, unit, value - width, value + width, quality, "pos", (0.0, 60.0))


def made_readings() -> tuple[Reading, ...]:
    return (
        reading("heart_rate", 72.04, "bpm", 0.8),
        reading("respiration_rate", 15.1, "breaths/min", 1.1, 0.61),
        reading("hrv_sdnn", 41.3, "ms", 6.0, 0.55),
        reading("hrv_rmssd", 33.8, "ms", 7.0, 0.5),
        reading("hrv_sd1", 23.9, "ms", 4.0, 0.5),
        reading("hrv_sd2", 53.2, "ms", 7.0, 0.5),
        withheld(
            "hrv_lf",
            "ms²",
            "LF power needs 120 s of beats but there are 60 s.",
            method="welch",
            span=(0.0, 60.0),
        ),
    )


def made_rolling(seconds: float) -> tuple[Reading, ...]:
    out = []
    for start in np.arange(0.0, max(seconds - 10, 0) + 0.5, 1.0):
        span = (float(start), float(start + 10))
        if 20 <= start < 27:
            out.append(withheld("heart_rate", "bpm", "The head moved.", method="pos", span=span))
        else:
            value = 72 + 3 * np.sin(start / 9)
            out.append(Reading("heart_rate", value, "bpm", value - 2, value + 2, 0.8, "pos", span))
    return tuple(out)


def made_oxygen(seconds: float) -> tuple[Reading, ...]:
    starts = np.arange(0.0, max(seconds - 10, 0) + 0.5, 1.0).tolist()
    return tuple(
        Reading("spo2", 95 - s / 20, "%", 93 - s / 20, 97 - s / 20, 0.6, "multi", (s, s + 10))
        for s in starts
    )


def made_report(
    *,
    seconds: float = 60.0,
    person: int = 0,
    name: str = "clip.mp4",
    oxygen: bool = False,
    ecg: bool = False,
) -> Report:
    trace = made_trace(seconds=seconds)
    rng = np.random.default_rng(3)
    count = int(seconds * 1.2) + 2
    swing = 0.04 * np.sin(2 * np.pi * 0.25 * np.arange(count) / 1.2)
    beats = np.cumsum(60 / 72 + swing + 0.012 * rng.standard_normal(count))
    beats = beats[beats < seconds - 0.1]
    phase = np.interp(trace.time, beats, np.arange(len(beats)))
    values = np.cos(2 * np.pi * phase) + 0.35 * np.cos(4 * np.pi * phase + 1)
    values[(trace.time > 25) & (trace.time < 27)] = np.nan
    pulse = Wave(values, trace.time, "pulse")
    breath = Wave(np.sin(2 * np.pi * 0.25 * trace.time), trace.time, "breath")
    source = Source(
        name, 1280, 720, len(trace.time), len(trace.time), seconds, RATE, 0.0004, "h264",
        "yuv420p", 2.4e6, 0, ("The clock of this file starts at 3.2 s.",),
    )  # fmt: skip
    return Report(
        made_readings(),
        source,
        rolling=made_rolling(seconds) + (made_oxygen(seconds) if oxygen else ()),
        waves=(pulse, breath, *([made_ecg(beats - 0.2, seconds)] if ecg else [])),
        beats=beats,
        trace=trace,
        capture=(
            Finding("frame_rate", RATE, "Hz", True),
            Finding("compression", 0.02, "bit/px", False, "Record with a higher bit rate."),
        ),
        person=person,
        settings={"method": "pos", "window_s": 10.0, "band_hz": [0.65, 4.0]},
        versions={"camvitals": "0.1.0", "numpy": "2.4"},
    )


def made_ecg(r_peaks: np.ndarray, seconds: float) -> Wave:
    """R waves of 1 mV and T waves of 0.3 mV after them."""
    time = np.arange(round(seconds * 250)) / 250
    away = time[:, None] - r_peaks
    values = np.exp(-0.5 * (away / 0.012) ** 2) + 0.3 * np.exp(-0.5 * ((away - 0.25) / 0.04) ** 2)
    return Wave(values.sum(axis=1), time, "ecg", UNIT)


def bare_report() -> Report:
    """Everything withheld, nothing else there."""
    readings = tuple(
        withheld(name, unit, "No face was seen in any frame.", method="pos", span=(0.0, 0.0))
        for name, unit in (("heart_rate", "bpm"), ("respiration_rate", "breaths/min"))
    )
    return Report(readings, Source("dark.avi"))


def empty_trace(length: int = 0) -> Trace:
    return Trace(
        np.full((length, 1, 3), np.nan, np.float32),
        np.zeros((length, 1)),
        np.arange(float(length)),
        ("skin",),
        np.full((length, 4), np.nan),
    )


@pytest.fixture
def make_trace() -> Callable[..., Trace]:
    return made_trace


@pytest.fixture
def make_empty_trace() -> Callable[..., Trace]:
    return empty_trace


@pytest.fixture
def make_report() -> Callable[..., Report]:
    return made_report


@pytest.fixture
def bare() -> Report:
    return bare_report()
