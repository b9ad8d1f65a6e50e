"""A video in, vital signs out: the library on one screen."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from camvitals.dsp.clean import rate_of
from camvitals.face.collect import Collector
from camvitals.records import Array, InputError, Report, Source, Trace, Wave, withheld
from camvitals.report.capture import capture
from camvitals.video import open_video
from camvitals.vitals.heart import HeartRates, heart_rates
from camvitals.waves.auto import AUTO, SHORTEST_S, SLOWEST_HZ, pulse, stretches
from camvitals.waves.evidence import weigh
from camvitals.waves.run import METHODS

FASTEST_HZ = 60.0
BRIEF_S = 2.0
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What to measure with: pulse method, region of interest, skin mask."""

    method: str = AUTO
    roi: str = "face"
    skin: str = "otsu"

    def __post_init__(self) -> None:
        if self.method != AUTO and self.method not in METHODS:
            known = ", ".join([AUTO, *METHODS])
            raise InputError(f"no method {self.method!r}; choose one of {known}")

    def collector(self, *, keep: float | None = None) -> Collector:
        """A collector of what the method needs; keep: seconds remembered, None for all."""
        needs = METHODS[self.method].needs if self.method != AUTO else "rgb"
        return Collector(
            roi=self.roi,
            skin=self.skin,
            keep=keep,
            grid=(5, 5) if needs == "grid" else None,
            moments=needs == "moments",
            points=needs == "points",
        )


def measure(
    source: Any,
    *,
    method: str = AUTO,
    roi: str = "face",
    skin: str = "otsu",
    fps: float | None = None,
    time: Array | None = None,
    progress: Progress | None = None,
) -> Report:
    """Vital signs of the person seen most in a video.

    source: path, URL, camera number, folder of pictures, or (T, H, W, 3) uint8 RGB array.
    method: "auto" or a name of waves.METHODS.   roi: face, skin, frame or finger.
    skin:   otsu, chroma or none.
    fps, time: clock of pictures that carry none: rate [Hz] or (T,) s.
    progress: called with (frames read, frames expected or None).
    Raises InputError for what is no readable video; a weak signal gives withheld readings.
    """
    settings = Settings(method, roi, skin)
    return measure_people(source, settings=settings, fps=fps, time=time, progress=progress)[0]


def measure_people(
    source: Any,
    *,
    settings: Settings,
    fps: float | None = None,
    time: Array | None = None,
    progress: Progress | None = None,
) -> tuple[Report, ...]:
    """One report for every person in a video, the one seen most first; at least one report."""
    collector = settings.collector()
    with open_video(source, fps=fps, time=time) as video:
        for count, frame in enumerate(video, start=1):
            collector.push(frame)
            if progress is not None:
                progress(count, video.expected)
        facts = video.source
    return reports_of(collector.traces(), facts, settings=settings)


def reports_of(
    traces: dict[int, Trace], source: Source, *, settings: Settings
) -> tuple[Report, ...]:
    """One report for every trace that was seen for BRIEF_S at least, the one seen most first."""
    ranked = sorted(traces.items(), key=lambda item: -_seen(item[1]))
    lasting = [item for item in ranked if _seen(item[1]) >= BRIEF_S] or ranked[:1]
    if not lasting:
        return (_nobody(source, settings),)
    found = (measure_trace(trace, source=source, settings=settings) for _, trace in lasting)
    return tuple(
        replace(report, person=track) for (track, _), report in zip(lasting, found, strict=True)
    )


def measure_trace(trace: Trace, *, source: Source, settings: Settings) -> Report:
    """Vital signs of one person's colour traces."""
    method = settings.method
    span = (float(trace.time[0]), float(trace.time[-1])) if len(trace.time) else (0.0, 0.0)
    missing = _unmeasurable(trace)
    found = [] if missing else stretches(trace, method=method, rate=analysis_rate(trace))
    if not found and not missing:
        missing = (
            f"the skin was never in view for {SHORTEST_S:g} s without a break; "
            "keep the face in the picture"
        )
    evidence = [weigh(candidates) for candidates in found]
    hearts = heart_rates(evidence, method=method, span=span, missing=missing)
    wave = pulse(found, evidence, hearts.rates)
    return Report(
        readings=(hearts.whole,),
        rolling=hearts.rolling,
        waves=(wave,) if wave is not None else (),
        trace=trace,
        source=source,
        capture=capture(trace, source),
        settings=asdict(settings),
        versions=versions(),
    )


def analysis_rate(trace: Trace) -> float:
    """The uniform clock of the analysis: that of the pictures, FASTEST_HZ at most."""
    return min(rate_of(trace.time), FASTEST_HZ)


def versions() -> dict[str, str]:
    """Versions of the software that a number depends on."""
    packages = ("camvitals", "numpy", "av", "onnxruntime")
    return {name: version(name) for name in packages} | {"python": platform.python_version()}
