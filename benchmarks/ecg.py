"""What `read_ecg` makes of electrocardiograms: beats, quality, rate; of people and of made people.

    python benchmarks/ecg.py [people]

Real records are those of CAMVITALS_DATA (shared/data beside the project otherwise); nothing is
fitted on them. Made people, 200 unless told, have an ECG of their own for a minute, with noise of
20 µV to 1 mV of one of three kinds and, every other one, hum. Writes results/ecg/README.md.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from real import DATA

from camvitals.data.synthetic.physiology import Physiology, rate_between, simulate_physiology
from camvitals.data.synthetic.scenario import Scenario
from camvitals.evaluate.cells import Cell, Column, Row, Table
from camvitals.evaluate.metrics import METRICS, Metric, scores
from camvitals.evaluate.render import markdown_table
from camvitals.evaluate.waveform import match_beats
from camvitals.records import Array, Wave
from camvitals.report.files import write_atomically
from camvitals.vitals.ecg_clean import Ecg, read_ecg

RESULTS = Path(__file__).parents[1] / "results"
FIRST = 700_000  # number of the first made person; the weights of beats were fitted on others
NEAR_S, FAR_S = 0.05, 0.15  # the second is that of ANSI/AAMI EC57
BEATS = list("NLRBAaJSVrFejnE/fQ?")  # annotations that are beats
KINDS = ("white", "bursts of muscle", "moving electrode")
HEAD = """# R peaks, quality and rate of electrocardiograms

Made by `python benchmarks/ecg.py`; do not edit. What is measured: [ECG](../../docs/ecg.md).
"""


@dataclass(frozen=True, slots=True)
class Annotated:
    """A record of a person, its beats [s] as they were annotated."""

    name: str
    ecg: Wave
    beats: Array


def wave(values: Array, rate: float) -> Wave:
    """An ECG from 0 s on."""
    return Wave(np.asarray(values, dtype=float), np.arange(len(values)) / rate, "ecg", "mV")


def annotated() -> Iterator[Annotated]:
    """All records with annotated beats that are there."""
    folder = DATA / "reference"
    if (folder / "wfdb/100.dat").exists():
        import wfdb

        record = wfdb.rdrecord(str(folder / "wfdb/100"))
        marks = wfdb.rdann(str(folder / "wfdb/100"), "atr")
        beats = marks.sample[np.isin(marks.symbol, BEATS)] / record.fs
        for lead, values in zip(record.sig_name, record.p_signal.T, strict=True):
            yield Annotated(f"MIT-BIH 100, {lead}", wave(values, record.fs), beats)
    if (folder / "iphys/ECGData.mat").exists():
        from scipy.io import loadmat

        found = loadmat(folder / "iphys/ECGData.mat")["ECG"][0, 0]
        rate = float(found["fs"].squeeze())
        yield Annotated("iPhys", wave(found["data"].ravel(), rate), found["peaks"].ravel() / rate)
    for name, noise in (("118e24", 24), ("118e12", 12), ("118e06", 6), ("118e00", 0)):
        path = folder / f"heartpy/{name}.csv"
        if path.exists():
            beats = np.loadtxt(path.with_name(f"{name}_ann.csv"), delimiter=",").ravel() / 360
            values = wave(np.loadtxt(path, delimiter=","), 360)
            yield Annotated(f"MIT-BIH noise 118, {noise} dB", values, beats)


def of_records(records: list[Annotated]) -> Table:
    """One line for each record."""
    columns = (
        Column("beats", "beats", digits=0),
        Column("near", "F1 at 50 ms", digits=4),
        Column("far", "F1 at 150 ms", digits=4),
        Column("spread", "spread of the place", "ms", 1),
        Column("quality", "quality"),
        Column("right", "beats right"),
        Column("rate", "heart rate", "bpm", 1),
        Column("true", "annotated", "bpm", 1),
        Column("given", "spans of 10 s answered", "%", 0),
    )
    rows = []
    for record in records:
        found = read_ecg(record.ecg)
        near, far = (
            match_beats(found.beats.time, record.beats, within=within, latest=0)
            for within in (NEAR_S, FAR_S)
        )
        told = found.heart_rate
        rate = Cell(text="withheld")
        if told.value is not None and told.low is not None and told.high is not None:
            rate = Cell(told.value, told.low, told.high)
        true = 60 * (len(record.beats) - 1) / (record.beats[-1] - record.beats[0])
        given = 100 * float(np.mean([one.value is not None for one in found.rolling]))
        numbers = (
            *(Cell(float(len(record.beats))), Cell(near.f1), Cell(far.f1)),
            *(Cell(1e3 * float(near.time_error.std())), Cell(found.quality), Cell(near.precision)),
            *(rate, Cell(true), Cell(given)),
        )
        rows.append(Row(record.name, numbers))
    note = (
        "One person each, so no intervals over people; brackets are what the reading itself says. "
        "Quality is what is expected to be right of the beats that there should be."
    )
    return Table("records", "People, annotated beats", columns, tuple(rows), (note,), "record")


def made(number: int) -> tuple[Physiology, Ecg, str]:
    """The body of this number, what was read of its ECG, and the kind of noise."""
    rng = np.random.default_rng([number, 9])
    rate = float(rng.uniform(48, 150))
    body = simulate_physiology(
        Scenario(
            seed=number,
            duration=60.0,
            rate=30.0,
            ecg="own",
            heart_rate=rate,
            sdnn=min(30.0, 0.08 * 60e3 / rate),
            ectopic=0.05 if rng.random() < 0.3 else 0.0,
            rhythm="fibrillation" if rng.random() < 0.1 else "sinus",
        )
    )
    kind = KINDS[int(rng.integers(len(KINDS)))]
    size = float(np.exp(rng.uniform(np.log(0.02), np.log(1.0))))
    ecg = body.ecg + size * _noise(kind, len(body.time), body.rate, rng)
    if rng.random() < 0.5:
        hertz = rng.choice([50.0, 60.0]) + rng.uniform(-0.1, 0.1)
        ecg = ecg + rng.uniform(0.02, 0.5) * np.sin(2 * np.pi * hertz * body.time)
    return body, read_ecg(Wave(ecg, body.time, "ecg", "mV")), kind


def _noise(kind: str, count: int, rate: float, rng: np.random.Generator) -> Array:
    white = rng.standard_normal(count)
    if kind == "white":
        return white
    if kind == "bursts of muscle":
        part = round(2 * rate)
        return white * np.repeat(rng.random(count // part + 1) < 0.4, part)[:count]
    frequency = np.fft.rfftfreq(count, 1 / rate)
    slow = np.fft.irfft(np.fft.rfft(white) / np.maximum(frequency, 0.5) ** 0.75, count)
    return np.asarray(slow / slow.std())


def of_made(people: int) -> tuple[Table, Table]:
    """Quality against the share of right beats, and heart rates, of spans of ten seconds."""
    quality, right, rate, low, high, true, who = (list[float]() for _ in range(7))
    for number in range(FIRST, FIRST + people):
        body, found, _ = made(number)
        time = found.beats.time
        beats = body.r_peaks[(body.r_peaks > body.time[0]) & (body.r_peaks < body.time[-1])]
        hit = np.zeros(len(time), dtype=bool)
        hit[match_beats(time, beats, within=NEAR_S, latest=0).pairs[:, 0]] = True
        for one in found.rolling[1:51:5]:
            inside = (time >= one.span[0]) & (time <= one.span[1])
            count = int(((beats >= one.span[0]) & (beats <= one.span[1])).sum())
            quality.append(one.quality)
            right.append(float(hit[inside].sum() / max(count, inside.sum())))
            for into, value in ((rate, one.value), (low, one.low), (high, one.high)):
                into.append(np.nan if value is None else value)
            true.append(rate_between(body.r_peaks, *one.span))
            who.append(number)
    columns = [np.array(c) for c in (quality, right, rate, low, high, true, who)]
    return _calibration(columns[0], columns[1], columns[6]), _rates(columns[2:6], columns[6])


def _mean(values: Array, who: Array, metric: Metric = METRICS["mean_error"]) -> Cell:
    score = scores(values, np.zeros(len(values)), who, metrics={"mean": metric})["mean"]
    return Cell(score.value, score.low, score.high)


def _calibration(quality: Array, right: Array, who: Array) -> Table:
    rows = []
    for low in np.arange(0.0, 1.0, 0.1):
        some = (quality >= low) & ((quality < low + 0.1) | (low > 0.85))
        if some.sum() >= 10:
            cells = (
                Cell(float(some.sum())),
                Cell(float(quality[some].mean())),
                _mean(right[some], who[some]),
            )
            rows.append(Row(f"{low:.1f}–{low + 0.1:.1f}", cells))
    columns = (
        Column("spans", "spans of 10 s", digits=0),
        Column("quality", "mean quality"),
        Column("right", "beats found and right"),
    )
    notes = (f"{len(np.unique(who))} made people. In brackets: 95 % intervals over people.",)
    return Table("calibration", "Made people, quality", columns, tuple(rows), notes, "quality")


def _rates(told: list[Array], who: Array) -> Table:
    rate, low, high, true = told
    given, error = np.isfinite(rate), np.abs(rate - true)
    mean = np.array([np.mean(true[who != one]) for one in np.unique(who)])
    floor = np.abs(mean[np.searchsorted(np.unique(who), who)] - true)
    held = ((low <= true) & (true <= high)).astype(float)
    cells = (
        _mean(100.0 * given, who),
        _mean(error, who),
        _mean(np.where(given, 100.0 * (error <= 2), np.nan), who),
        _mean(np.where(given, 100.0 * held, np.nan), who),
    )
    columns = (
        Column("given", "answered", "%", 0),
        Column("mae", "MAE", "bpm"),
        Column("within", "within 2", "%", 0),
        Column("held", "in interval", "%", 0),
    )
    dash = Cell()
    rows = (
        Row("read_ecg", cells),
        Row("mean of the others", (Cell(100.0), _mean(floor, who), dash, dash), floor=True),
    )
    notes = (f"{len(np.unique(who))} made people. In brackets: 95 % intervals over people.",)
    return Table("rates", "Made people, heart rate of spans of 10 s", columns, rows, notes)


def main() -> None:
    """Write and print all tables."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    tables = list(of_made(people))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other people's readers
        records = list(annotated())
    if records:
        tables.insert(0, of_records(records))
    text = "\n\n".join([HEAD, *(markdown_table(table) for table in tables)]) + "\n"
    write_atomically(RESULTS / "ecg" / "README.md", text)
    print(text)


if __name__ == "__main__":
    main()
