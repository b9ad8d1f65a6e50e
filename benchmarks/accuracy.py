"""How right, beside floors, on made and on real recordings. Run: python benchmarks/accuracy.py.

Every method is scored through `measure_trace`, as a person would get it (withheld when not
trusted), and by its bare spectral peak (always an answer), as papers do. Intervals are 95 %, by
bootstrap over subjects. Options: made, real, film (people drawn and measured as files; slow).
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import made
import numpy as np
import real

from camvitals import InputError, Settings, Source, Trace, measure_trace
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.dsp.clean import rate_of, runs
from camvitals.dsp.spectrum import HEART_BAND_HZ, peak, spectrum
from camvitals.evaluate.metrics import agreement, bootstrap
from camvitals.pipeline import measure_people
from camvitals.records import Array, Wave
from camvitals.waves.learned import shipped
from camvitals.waves.run import METHODS, wave_of

os.environ.setdefault("OMP_NUM_THREADS", "1")
METHODS_ON_TRACES = ("auto", *shipped(), *(m for m in METHODS if METHODS[m].needs != "grid"))
METHODS_ON_COLOURS = ("auto", *shipped(), *(m for m in METHODS if METHODS[m].needs == "rgb"))
SOURCE = Source("made", width=640, height=480, rate=30.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """One recording or window under one method: rates in bpm, NaN where there is none."""

    method: str
    subject: str
    strata: tuple[str, ...]
    truth: float
    trusted: float
    bare: float
    low: float = np.nan
    high: float = np.nan


def bare_wave(trace: Trace | None, method: str) -> Wave | None:
    """One method's wave, or None: `auto` has no bare form, and some cannot run on every trace."""
    if method == "auto" or trace is None:
        return None
    try:
        return wave_of(trace, method=method, rate=min(60.0, rate_of(trace.time)))
    except InputError:
        return None


def bare_rate(wave: Wave | None, start: float, stop: float) -> float:
    """The spectral peak of a wave over a span [bpm], NaN without one."""
    if wave is None:
        return np.nan
    inside = wave.values[(wave.time >= start) & (wave.time <= stop)]
    whole = runs(np.isfinite(inside))
    if not whole or whole[0].stop - whole[0].start < 100:
        return np.nan
    frequency, power = spectrum(inside[whole[0]], rate=rate_of(wave.time))
    return 60 * peak(frequency, power, low=HEART_BAND_HZ[0], high=HEART_BAND_HZ[1])[0]


def on_made(scenario: Scenario) -> list[Answer]:
    """Every method on one made recording: the heart rate of the whole."""
    trace, truth = made_trace(scenario)
    strata = (
        f"tone {scenario.tone}",
        scenario.motion,
        f"light {scenario.light}",
        scenario.codec,
        "45–90 bpm"
        if scenario.heart_rate < 90
        else "90–135"
        if scenario.heart_rate < 135
        else "135–180",
    )
    answers = []
    for method in METHODS_ON_TRACES:
        reading = measure_trace(trace, source=SOURCE, settings=Settings(method)).readings[0]
        true = truth.rate_between(*reading.span) if truth.alive else np.nan
        given = np.nan if reading.value is None else reading.value
        bare = bare_rate(bare_wave(trace, method), 0.0, scenario.duration)
        limits = (np.nan, np.nan) if reading.low is None else (reading.low, reading.high)
        answers.append(Answer(method, str(scenario.seed), strata, true, given, bare, *limits))
    return answers


def on_film(scenario: Scenario) -> list[Answer]:
    """`auto` and plain methods on one made person drawn, encoded and measured as a file."""
    from camvitals.data.synthetic.simulate import simulate

    suffix = {"h264": ".mp4", "vp9": ".webm", "mpeg4": ".mp4"}[scenario.codec]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip{suffix}"
        truth = simulate(path, scenario)
        report = measure_people(str(path), settings=Settings())[0]
    reading, trace = report.readings[0], report.trace
    strata = (scenario.motion, f"light {scenario.light}", f"tone {scenario.tone}", scenario.codec)
    seed, true = str(scenario.seed), truth.rate_between(*reading.span)
    given = np.nan if reading.value is None else reading.value
    answers = [Answer("auto", seed, strata, true, given, np.nan)]
    for method in ("green", "chrom", "pos", "omit"):
        bare = bare_rate(bare_wave(trace, method), *reading.span)
        answers.append(Answer(method, seed, strata, true, np.nan, bare))
    return answers


def on_real(recorded: real.RealTrace) -> list[Answer]:
    """Every method that needs only colours, in 10-s windows, one in five of the sliding ones."""
    answers = []
    for method in METHODS_ON_COLOURS:
        source = Source(recorded.name)
        report = measure_trace(recorded.trace, source=source, settings=Settings(method))
        wave = bare_wave(recorded.trace, method)
        for reading in report.rolling[::5]:
            true = recorded.rate_between(*reading.span)
            if not np.isfinite(true):
                continue
            given = np.nan if reading.value is None else reading.value
            bare = bare_rate(wave, *reading.span)
            limits = (np.nan, np.nan) if reading.low is None else (reading.low, reading.high)
            strata = (recorded.group, f"{recorded.group} {recorded.name}")
            answers.append(Answer(method, recorded.subject, strata, true, given, bare, *limits))
    return answers


def table(title: str, answers: Sequence[Answer], methods: Iterable[str]) -> None:
    """One line a method: trusted answers, then the bare peak."""
    print(f"\n{title}")
    print(
        "| method | coverage | MAE [95 %] | RMSE | within 5 | r | bare MAE [95 %] | bare within 5 |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for method in methods:
        chosen = [a for a in answers if a.method == method and np.isfinite(a.truth)]
        if chosen:
            print(f"| {method} | {_line(chosen)} |")


def _line(chosen: Sequence[Answer]) -> str:
    truth = np.array([a.truth for a in chosen])
    subject = np.array([a.subject for a in chosen])
    cells = []
    for estimate in (np.array([a.trusted for a in chosen]), np.array([a.bare for a in chosen])):
        found = agreement(estimate, truth)
        mae = _mae(estimate, truth, subject)
        cells.append((found, mae))
    (trusted, mae), (bare, bare_mae) = cells
    share = f"{bare.within:.0%}" if bare.coverage else "–"
    return (
        f"{trusted.coverage:.0%} | {mae} | {trusted.rmse:.2f} | {trusted.within:.0%} | "
        f"{trusted.r:.2f} | {bare_mae} | {share}"
    )


def _mae(estimate: Array, truth: Array, subject: Array) -> str:
    error = np.abs(estimate - truth)
    if not np.isfinite(error).any():
        return "–"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        low, high = bootstrap(lambda index: float(np.nanmean(error[index])), subject, draws=500)
    return f"{np.nanmean(error):.2f} [{low:.2f}–{high:.2f}]"


def strata_table(title: str, answers: Sequence[Answer], methods: Sequence[str]) -> None:
    """One line a stratum: `auto` as trusted, and the bare peak of the other methods."""
    names = sorted({s for a in answers for s in a.strata})
    print(f"\n{title}")
    print(
        "| stratum | n | " + " | ".join(["auto coverage", "auto MAE", "auto within 5"]), end=" | "
    )
    print(" | ".join(f"{m} bare MAE" for m in methods if m != "auto") + " |")
    print("|---" * (5 + len(methods) - 1) + "|")
    for name in names:
        cells = []
        inside = [a for a in answers if name in a.strata and np.isfinite(a.truth)]
        for method in methods:
            chosen = [a for a in inside if a.method == method]
            truth = np.array([a.truth for a in chosen])
            if method == "auto":
                found = agreement(np.array([a.trusted for a in chosen]), truth)
                cells += [str(found.count), f"{found.coverage:.0%}", f"{found.mae:.2f}"]
                cells.append(f"{found.within:.0%}")
            else:
                cells.append(f"{agreement(np.array([a.bare for a in chosen]), truth).mae:.2f}")
        print(f"| {name} | " + " | ".join(cells) + " |")


def floors(answers: Sequence[Answer]) -> None:
    """What needs no camera: the mean of all references, and the reference one window before."""
    auto = [a for a in answers if a.method == "auto" and np.isfinite(a.truth)]
    truth = np.array([a.truth for a in auto])
    subject = np.array([a.subject for a in auto])
    mean = np.array(
        [truth[subject != s].mean() if (subject != s).any() else np.nan for s in subject]
    )
    same = np.r_[False, subject[1:] == subject[:-1]]
    before = np.where(same, np.r_[np.nan, truth[:-1]], np.nan)
    print(f"floor, mean of the other subjects: MAE {_mae(mean, truth, subject)}")
    if np.isfinite(before).any():
        print(f"floor, the reference of the previous window: MAE {_mae(before, truth, subject)}")
    inside = [a.low <= a.truth <= a.high for a in auto if np.isfinite(a.trusted)]
    if inside and np.isfinite(auto[0].low):
        print(f"auto's 95 % intervals hold the truth in {np.mean(inside):.0%} of {len(inside)}")


def run_made() -> None:
    """The made test set, and the recordings without a pulse."""
    with ProcessPoolExecutor() as pool:
        answers = [a for part in pool.map(on_made, made.alive(), chunksize=5) for a in part]
        none = [a for part in pool.map(on_made, made.dead(), chunksize=5) for a in part]
    table(f"Made, {made.COUNT} recordings of 30 s", answers, METHODS_ON_TRACES)
    floors(answers)
    strata_table("Made, by stratum", answers, ("auto", "green", "chrom", "pos", "omit"))
    for method in ("auto", "pos"):
        given = [a for a in none if a.method == method and np.isfinite(a.trusted)]
        total = sum(a.method == method for a in none)
        print(f"\nwithout a pulse, {method}: {len(given)} heart rates given in {total} recordings")


def run_real() -> None:
    """The real recordings: traces with references, then videos as files."""
    with ProcessPoolExecutor() as pool:
        answers = [a for part in pool.map(on_real, real.traces()) for a in part]
    for group in ("face trace", "finger", "oximetry"):
        chosen = [a for a in answers if group in a.strata]
        table(f"Real, {group}, 10-s windows", chosen, METHODS_ON_COLOURS)
        floors(chosen)
    strata_table("Real, by recording", answers, ("auto", "green", "chrom", "pos", "omit", "ica"))
    print("\n| video | reference | auto | quality | " + " | ".join(METHODS_ON_COLOURS[1:]) + " |")
    print("|---" * (4 + len(METHODS_ON_COLOURS) - 1) + "|")
    for name in (*real.DOCUMENTED, *real.UNDOCUMENTED):
        report = measure_people(str(real.DATA / name), settings=Settings())[0]
        reading = report.readings[0]
        told = "withheld" if reading.value is None else f"{reading.value:.1f}"
        reference = real.DOCUMENTED.get(name, "–")
        waves = [bare_wave(report.trace, m) for m in METHODS_ON_COLOURS[1:]]
        cells = " | ".join(f"{bare_rate(wave, *reading.span):.1f}" for wave in waves)
        print(f"| {Path(name).name} | {reference} | {told} | {reading.quality:.2f} | {cells} |")


def run_film() -> None:
    """Made people as files: rendered, encoded, found, followed, measured."""
    with ProcessPoolExecutor() as pool:
        answers = [a for part in pool.map(on_film, made.filmed()) for a in part]
    methods = ("auto", "green", "chrom", "pos", "omit")
    table("Made people as video files of 15 s", answers, methods)
    strata_table("The same, by stratum", answers, methods)


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["made", "real"]
    for part in wanted:
        {"made": run_made, "real": run_real, "film": run_film}[part]()
