"""A video in, vital signs out: the library on one screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from camvitals.data.recorded import is_recorded
from camvitals.face.collect import Collector
from camvitals.face.enhance import Enhancer, enhancer
from camvitals.face.picture import KINDS
from camvitals.face.skin import MASKS
from camvitals.records import Array, InputError, Reading, Report, Source, Trace, Wave, withheld
from camvitals.report import enhanced
from camvitals.report.capture import bits_share, capture
from camvitals.report.software import versions
from camvitals.steps import Steps, finish
from camvitals.video import open_video
from camvitals.video.memory import hand_back
from camvitals.vitals.beats import Beats, beats, no_beats
from camvitals.vitals.breath import respiration
from camvitals.vitals.drawn import shown
from camvitals.vitals.heart import (
    Windows,
    by_beats,
    expected_rate,
    heart_rates,
    held_against,
    together,
    windows_of,
)
from camvitals.vitals.oxygen import Oxygen, calibration_of, saturation, told
from camvitals.vitals.posterior import heart_model
from camvitals.vitals.second import LEAST_BITS, Look, enhanced_of, looked_twice
from camvitals.vitals.variability import UNITS, variability
from camvitals.waves.auto import (
    AUTO,
    Part,
    alone,
    candidates_steps,
    combine,
    joined,
    parts_of,
)
from camvitals.waves.ecg import drawers, ecg_steps, ecg_versions, gives_ecg
from camvitals.waves.evidence import weigh_steps
from camvitals.waves.learned import is_learned, shipped, takers_of, versions_of
from camvitals.waves.recorded import measure_recorded
from camvitals.waves.run import METHODS, find
from camvitals.waves.view import clock_rate, people, too_short, too_short_for, unmeasurable

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What to measure with: pulse method, region of interest, skin mask; the rest as in `measure`.

    A method that gives an ECG is one beside the pulse, which is then measured by auto.
    """

    method: str = AUTO
    roi: str = "face"
    skin: str = "otsu"
    oxygen: Oxygen = None
    enhance: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "oxygen", calibration_of(self.oxygen, roi=self.roi))
        if not (self.method in (AUTO, *METHODS) or self.ecg or is_learned(self.method)):
            known = ", ".join([AUTO, *METHODS, *shipped(), *drawers()])
            raise InputError(
                f"no method {self.method!r}; choose one of {known}, or give an ONNX file"
            )
        if self.roi != "face" and self.roi not in KINDS:
            raise InputError(f"no roi {self.roi!r}; choose face, {', '.join(KINDS)}")
        if self.skin not in MASKS:
            raise InputError(f"no skin mask {self.skin!r}; choose {', '.join(MASKS)}")
        if self.roi != "face" and self.needs in ("background", "points"):
            raise InputError(f"{self.method} needs roi 'face' but got {self.roi!r}; choose face")
        if self.roi == "finger" and self.needs == "grid":
            raise InputError(f"{self.method} needs a face, but a finger fills the picture evenly")
        if self.enhance is not None:
            self._check_enhancer()

    def _check_enhancer(self) -> None:
        """Raise InputError for what cannot be measured from enhanced colours."""
        if self.roi != "face":
            raise InputError(f"an enhancer needs roi 'face' but got {self.roi!r}; choose face")
        if self.oxygen is not None:
            raise InputError("oxygen is calibrated on colours as recorded; leave out the enhancer")
        if takers_of([self.method]) or self.needs in ("grid", "moments"):
            raise InputError(f"{self.method} looks at the pictures as recorded; use another method")
        object.__setattr__(self, "enhance", str(self.enhance))
        enhancer(str(self.enhance))

    @property
    def enhancer(self) -> Enhancer | None:
        """What makes better pictures of faces, or None."""
        return None if self.enhance is None else enhancer(self.enhance)

    @property
    def ecg(self) -> str:
        """The network that gives an ECG, or ""."""
        return self.method if gives_ecg(self.method) else ""

    @property
    def pulse(self) -> str:
        """The method that the pulse is measured by."""
        return AUTO if self.ecg else self.method

    @property
    def needs(self) -> str:
        """What the method needs of a trace besides its colours."""
        return find(self.pulse).needs if self.pulse != AUTO else "rgb"

    def told(self) -> dict[str, Any]:
        """The settings in words and numbers, for the report."""
        words = asdict(replace(self, oxygen=None, enhance=None)) | {"oxygen": told(self.oxygen)}
        words["enhance"] = None if self.enhancer is None else self.enhancer.told
        return {name: value for name, value in words.items() if value is not None}

    def collector(self, *, keep: float | None = None) -> Collector:
        """A collector of what the method needs; keep: seconds remembered, None for all."""
        return Collector(
            roi=self.roi,
            skin=self.skin,
            keep=keep,
            grid=(5, 5) if self.needs == "grid" else None,
            moments=self.needs == "moments",
            points=self.needs == "points",
            takers=takers_of([self.method], keep=keep),
            enhancer=self.enhancer,
        )


def measure(  # noqa: PLR0913  one for each thing to choose
    source: Any,
    *,
    method: str = AUTO,
    roi: str = "face",
    skin: str = "otsu",
    oxygen: Oxygen = None,
    enhance: str | None = None,
    fps: float | None = None,
    time: Array | None = None,
    progress: Progress | None = None,
) -> Report:
    """Vital signs of the person seen most in a video.

    source: path, URL, camera number, folder of pictures, or (T, H, W, 3) uint8 RGB array; or a
        file of traces that `camvitals live` recorded, whose roi and skin are then those.
    method: "auto", a name of waves.METHODS, or an ONNX file, see waves.learned; or a name that
        begins with ecg-, which draws an ECG from the pulse, see waves.ecg.
    roi:    face, skin, frame or finger.
    skin:   otsu, chroma or none.
    oxygen: a calibration or its file, for the saturation; "uncalibrated" for a ratio of colours.
    enhance: an ONNX file that makes better pictures of faces, see face.enhance.
    fps, time: clock of pictures that carry none: rate [Hz] or (T,) s.
    progress: called with (frames read, frames expected or None).
    Raises InputError for what is no readable video; a weak signal gives withheld readings.
    """
    settings = Settings(method, roi, skin, oxygen, enhance)
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
    if is_recorded(source):
        return measure_recorded(source, settings=settings, by=reports_of, fps=fps, time=time)
    traces, facts = _seen_in(source, settings, fps=fps, time=time, progress=progress)
    hand_back()  # what decoded and looked is gone: what counts now needs no memory beside it
    return reports_of(traces, facts, settings=settings)


def _seen_in(
    source: Any,
    settings: Settings,
    *,
    fps: float | None,
    time: Array | None,
    progress: Progress | None,
) -> tuple[dict[int, Trace], Source]:
    """The traces of everybody in a video, and its facts."""
    collector = settings.collector()
    with open_video(source, fps=fps, time=time) as video:
        for count, frame in enumerate(video, start=1):
            collector.push(frame)
            if progress is not None:
                progress(count, video.expected)
        facts = video.source
    if facts.frames == 0:
        told = "; ".join(facts.warnings) or "it has none"
        raise InputError(
            f"{facts.name} gave no picture to measure: {told}; record or copy it again"
        )
    return collector.traces(), facts


def reports_of(
    traces: dict[int, Trace], source: Source, *, settings: Settings
) -> tuple[Report, ...]:
    """One report for every trace seen for BRIEF_S at least, the one seen most first.

    At least one report: where nobody stayed that long, that of whoever stayed longest, or nobody's.
    """
    return finish(reports_steps(traces, source, settings=settings))


def reports_steps(
    traces: dict[int, Trace], source: Source, *, settings: Settings
) -> Steps[tuple[Report, ...]]:
    """As `reports_of`, in steps of a few milliseconds each."""
    reports: list[Report] = []
    for trace in people(traces, source):
        report = yield from report_steps(trace, source=source, settings=settings)
        reports.append(replace(report, person=len(reports) + 1))
    return tuple(reports)


def measure_trace(trace: Trace, *, source: Source, settings: Settings) -> Report:
    """Vital signs of one person's colour traces."""
    return finish(report_steps(trace, source=source, settings=settings))


def report_steps(trace: Trace, *, source: Source, settings: Settings) -> Steps[Report]:
    """As `measure_trace`, in steps of a few milliseconds each."""
    heart, rolling, wave, found_beats = yield from heart_steps(
        trace, source=source, settings=settings
    )
    yield
    breath, breath_wave = respiration(
        wave, found_beats, colour=_brightness(trace), motion=_height(trace)
    )
    yield
    oxygen, oxygen_rolling = _oxygen(trace, heart, rolling, settings)
    waves, ecg_rate = yield from _ecg_steps(trace, wave, (heart, *rolling), settings)
    report = Report(
        readings=(heart, breath, *oxygen, *ecg_rate, *_variability(found_beats, heart, trace)),
        rolling=rolling + oxygen_rolling,
        waves=waves if breath_wave is None else (*waves, breath_wave),
        beats=found_beats.time,
        trace=trace,
        source=source,
        capture=capture(trace, source),
        settings=settings.told(),
        versions=versions() | versions_of(settings.pulse) | ecg_versions(settings.ecg),
    )
    return enhanced.told(report, settings.enhancer)


def heart_steps(trace: Trace, *, source: Source, settings: Settings) -> Steps[Look]:
    """The heart's part of the report: heart rate, its rolling readings, pulse and beats.

    With an enhancer its colours are looked at too, for what those of the recording leave untold;
    not of a film whose bits held nothing that could be enhanced.
    """
    first = yield from _look_steps(trace, source=source, settings=settings)
    if trace.enhanced is None or bits_share(source) < LEAST_BITS:
        return first
    second = yield from _look_steps(enhanced_of(trace), source=source, settings=settings)
    return looked_twice(first, second)


def _look_steps(trace: Trace, *, source: Source, settings: Settings) -> Steps[Look]:
    """The heart's part from the colours of a trace as they are."""
    parts, missing = _parts(trace, settings.pulse)
    yield
    windows, wave = yield from _pulse_steps(parts, trace)
    yield
    found_beats = _beats(wave, expected_rate(windows))
    yield
    heart, rolling = heart_rates(
        by_beats(windows, found_beats),
        found_beats,
        method=settings.pulse,
        span=(float(trace.time[0]), float(trace.time[-1])),
        missing=missing,
        coded=bits_share(source),
        lamps=parts[0].lamps if parts else (),
    )
    if heart.value is None:
        found_beats = no_beats(heart.span)
    return heart, rolling, wave, found_beats


def pulse_of(trace: Trace, *, settings: Settings) -> Wave:
    """The pulse of the report, without its readings; NaN throughout where there is none.

    The same samples as `measure_trace(…).wave("pulse")`, sooner where one method is named; of
    enhanced colours where there are any.
    """
    trace = enhanced_of(trace)
    parts, _ = _parts(trace, settings.pulse)
    if settings.pulse == AUTO or not parts:
        return finish(_pulse_steps(parts, trace))[1]
    return joined([(part.time[0], alone(part)) for part in parts], rate=parts[0].rate)


def _parts(trace: Trace, method: str) -> tuple[list[Part], str]:
    """The gapless parts of a trace, or the sentence that says why there are none."""
    missing = unmeasurable(trace) or too_short_for(trace, method)
    if missing:
        return [], missing
    parts = parts_of(trace, method=method, rate=clock_rate(trace))
    return parts, "" if parts else too_short(trace)


def _pulse_steps(parts: list[Part], trace: Trace) -> Steps[tuple[Windows, Wave]]:
    """What every window says of the heart rate, and the pulse, part after part."""
    windows, pieces = [], []
    for part in parts:
        found, piece = yield from _part_steps(part)
        windows.append(found)
        pieces.append((part.time[0], piece))
        if len(parts) > 1:
            hand_back()
        yield
    wave = joined(pieces, rate=parts[0].rate) if parts else _no_wave(trace)
    return together(windows), wave


def _part_steps(part: Part) -> Steps[tuple[Windows, Array]]:
    """The same of one part; what it was found from is let go before the next."""
    candidates = yield from candidates_steps(part)
    evidence = yield from weigh_steps(candidates)
    windows = windows_of([evidence], heart_model())
    if part.learned:
        others, _ = yield from _part_steps(replace(part, wave=None, learned=False))
        windows = held_against(windows, others)
    return windows, combine(candidates, evidence, windows.rate)


def _no_wave(trace: Trace) -> Wave:
    return Wave(np.full(len(trace.time), np.nan), trace.time, "pulse")


def _beats(wave: Wave, rate_bpm: float | None) -> Beats:
    if rate_bpm is None:
        return no_beats((float(wave.time[0]), float(wave.time[-1])))
    return beats(wave, rate_hz=rate_bpm / 60)


def _variability(found: Beats, heart: Reading, trace: Trace) -> tuple[Reading, ...]:
    if heart.value is not None:
        return variability(found, pictures=trace.time)
    why = "variability is measured from beats, and the heart rate itself is withheld"
    return tuple(
        withheld(name, unit, why, method="beats", span=heart.span) for name, unit in UNITS.items()
    )


def _oxygen(
    trace: Trace, heart: Reading, rolling: tuple[Reading, ...], settings: Settings
) -> tuple[tuple[Reading, ...], tuple[Reading, ...]]:
    """The saturation where it is asked for, of the whole and sliding; else nothing."""
    chosen = calibration_of(settings.oxygen, roi=settings.roi)
    if chosen is None:
        return (), ()
    whole, windows = saturation(
        trace, oxygen=chosen, rate=clock_rate(trace), heart=heart, pulses=rolling
    )
    return (whole,), windows


def _ecg_steps(
    trace: Trace, pulse: Wave, rates: tuple[Reading, ...], settings: Settings
) -> Steps[tuple[tuple[Wave, ...], tuple[Reading, ...]]]:
    """The waves of the heart, and the rate of the ECG where one is asked for.

    rates: the heart rate over all, and over windows.
    """
    if not settings.ecg:
        return (pulse,), ()
    drawn = yield from ecg_steps(trace, pulse, settings.ecg)
    wave, reading = shown(drawn, rates[0], rates[1:], method=settings.ecg)
    return (pulse, wave), (reading,)


def _brightness(trace: Trace) -> Wave:
    """Raw green of the skin, for its baseline."""
    return Wave(trace.region(trace.main)[:, 1], trace.time, "skin", "level")


def _height(trace: Trace) -> Wave:
    """Vertical place of the face, in face heights."""
    heights = trace.box[:, 3] - trace.box[:, 1]
    height = float(np.nanmedian(heights)) if np.isfinite(heights).any() else 1.0
    return Wave(trace.box[:, 1] / height, trace.time, "height", "face heights")
