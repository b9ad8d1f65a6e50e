"""What networks of SpO2 rest on, on the hands that each was tested on.

    python benchmarks/oximetry_explained.py KEEP    # writes results/oximetry_explained/

Trains what `oximetry_networks.py` trains once more, with the same numbers, and keeps the weights in
KEEP: each folder there can be given to `camvitals explain`, with the table of colours beside it.
Shape letters: W windows, C channels, B bands of frequency, K networks.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import oximetry_networks as networks
import torch
from oximetry_explained_page import page, write_drawings

from camvitals.evaluate.oxygen import Course, controls
from camvitals.models import model
from camvitals.records import Array
from camvitals.report.files import write_atomically
from camvitals.train.checkpoint import save_tensors
from camvitals.train.explain import shares
from camvitals.train.explain.explanation import Explanation, channels_of, explain
from camvitals.train.explain.subject import Scene, Subject
from camvitals.train.oxygen.instances import (
    Instance,
    Training,
    built,
    lowest,
    prepared,
    train_instance,
)
from camvitals.train.oxygen.splits import Split, leave_one_subject_out
from camvitals.train.oxygen.windows import (
    Take,
    Windows,
    fitted_lag,
    pulse_rates,
    relative_to_start,
)
from camvitals.train.weights import save_imported

RESULTS = Path(__file__).resolve().parents[1] / "results" / "oximetry_explained"
STRIDE_S = 30  # from one window that is explained to the next
CHECKED = 1  # windows of each subject for which the checks are made
RULES = ("epsilon", "epsilon-plus")
BANDS = ("level", "slow", "pulse", "harmonics", "rest")
BAND_OF = {"level (DC)": 0, "below 0.5 Hz": 1, "pulse": 2, "rest": 4}
PERCENT = 1.01
ORDER = ("spo2-fc", "spo2-hoffman", "spo2-m1", "spo2-ding", "spo2-m2", "spo2-m3")
LONG = Training(name="spo2-m1", epochs=60, patience=15, draws=1000)
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Told:
    """What was found of one network in all its test windows.

    parts, sizes: (W, C, B) relevance [points of SpO2] by the first of RULES, and its magnitudes.
    other: (W, B) magnitudes by the second.   answer: (W,) %.   checks: (passed, made) by name.
    slopes: (6, 3) points for 1 % of each colour's level, of the network of each subject left out.
    """

    name: str
    channels: tuple[str, ...]
    parts: Array
    sizes: Array
    other: Array
    answer: Array
    course: Course
    checks: dict[str, tuple[int, int]]
    slopes: Array


def explained() -> list[networks.Entrant]:
    """Networks that see the level: all of them by their own start, the best one as it is."""
    every = [one for one in networks.entrants() if not one.training.pulse_only]
    some = [one for one in every if one.from_start or one.training.name == "spo2-fc"]
    return sorted(some, key=lambda one: ORDER.index(one.training.name))


def tell(entrant: networks.Entrant, takes: tuple[Take, ...], keep: Path) -> Told:
    """Train, keep and explain one network, each subject left out in turn."""
    shown = relative_to_start(takes, until=networks.START_S) if entrant.from_start else takes
    windows = networks.windows_of(shown, entrant.training.name)
    x = prepared(windows, entrant.training)
    parts, rows, slopes = [], [], []
    counted: Counter[tuple[str, bool]] = Counter()
    for split in leave_one_subject_out(windows):
        lag = fitted_lag([t for t in takes if t.subject != split.name], lags=networks.LAGS_S)
        best = lowest(networks.instances(entrant, windows, x, split, lag))
        subject = _subject(entrant, best)
        _kept(keep / f"{entrant.name}.{split.name}", entrant, best, windows, split)
        test = split.test[windows.end[split.test] >= networks.START_S][::STRIDE_S]
        checked = set(test[np.linspace(0, len(test) - 1, CHECKED).round().astype(int)].tolist())
        for row in test.tolist():
            parts.append(_parts(subject, windows, row, check=row in checked, counted=counted))
        rows.append(test)
        slopes.append(level_slopes(best, entrant, windows.at(test)))
    chosen = windows.at(np.concatenate(rows))
    length = networks.LENGTH_S.get(entrant.training.name, 10.0)
    pulse = pulse_rates(chosen, length=max(length, 10.0), stride=networks.STRIDE_S)
    names = channels_of(model(entrant.training.name), parts[0][0].shape[0])
    return Told(
        entrant.name,
        names,
        np.stack([one[0] for one in parts]),
        np.stack([one[1] for one in parts]),
        np.stack([one[2] for one in parts]),
        np.array([one[3] for one in parts]),
        chosen.course(pulse),
        {name: (counted[name, True], _made(counted, name)) for name, _ in counted},
        np.stack(slopes),
    )


def _made(counted: Counter[tuple[str, bool]], name: str) -> int:
    return counted[name, True] + counted[name, False]


def _subject(entrant: networks.Entrant, best: Instance) -> Subject:
    architecture = model(entrant.training.name)
    return Subject(
        name=entrant.name,
        module=best.module,
        architecture=architecture,
        rate=networks.RATE_HZ,
        length=architecture.length,
        regions=("finger",),
        size=(1, 1),
        crop={},
    )


def _kept(
    place: Path, entrant: networks.Entrant, best: Instance, windows: Windows, split: Split
) -> None:
    """The weights with their card, and the colours of one hand that they never saw."""
    place.mkdir(parents=True, exist_ok=True)
    name = entrant.training.name
    save_tensors(place / "raw.safetensors", best.module.state_dict(), {})
    save_imported(
        place / "raw.safetensors",
        name,
        place / "best.safetensors",
        size=None,
        options={},
        facts={
            "rate": networks.RATE_HZ,
            "regions": ("finger",),
            "licence": "MIT",
            "training_data": f"Hoffman et al. 2022, all subjects but {split.name}",
        },
    )
    colours = windows.takes[windows.take[split.test[0]]].colours
    clock = np.arange(len(colours)) / networks.RATE_HZ
    header = "time_s,finger_r,finger_g,finger_b"
    table = np.column_stack([clock, colours])
    np.savetxt(place / "colours.csv", table, "%.5f", ",", header=header, comments="")


def _parts(
    subject: Subject,
    windows: Windows,
    row: int,
    *,
    check: bool,
    counted: Counter[tuple[str, bool]],
) -> tuple[Array, Array, Array, float]:
    """(C, B) relevance, (C, B) magnitudes, (B,) those of the second rule, and the answer."""
    scene = Scene(f"window {row}", windows.colours[row][:, None], 0.0, float("nan"))
    found = explain(subject, scene, rule=RULES[0], check=check)
    for one in found.checks:
        if one.passed is not None:
            counted[one.name, one.passed] += 1
    parts, sizes = _bands(found)
    other = _bands(explain(subject, scene, rule=RULES[1], check=False))[1].sum(axis=0)
    return parts, sizes, other, found.relevance.answer


def _bands(found: Explanation) -> tuple[Array, Array]:
    spectrum_CF = shares.spectrum(found.relevance, found.axes)
    parts = np.zeros((len(spectrum_CF), len(BANDS)))
    sizes = np.zeros_like(parts)
    for channel, spectrum in enumerate(spectrum_CF):
        told = shares.by_frequency(
            spectrum,
            rate=found.subject.rate,
            count=len(found.scene.images),
            frequency=found.frequency,
        )
        for name, share in told.items():
            band = BAND_OF.get(name, BANDS.index("harmonics"))
            parts[channel, band] += share.relevance
            sizes[channel, band] += np.nan_to_num(share.size) * np.abs(spectrum).sum()
    return parts, sizes


def level_slopes(best: Instance, entrant: networks.Entrant, windows: Windows) -> Array:
    """(3,) points of SpO2 that an answer rises by when one colour's level does by 1 %."""

    def answers(colours: Array) -> Array:
        x = prepared(replace(windows, colours=colours.astype(np.float32)), entrant.training)
        with torch.no_grad():
            return np.asarray(best.module.eval()(x)[:, 0].double().numpy())

    at, found = answers(windows.colours), np.zeros(3)
    for colour in range(3):
        more = windows.colours.copy()
        more[..., colour] *= PERCENT
        found[colour] = (answers(more) - at).mean()
    return found


def figures(told: Told) -> list[dict[str, str]]:
    """One row a figure: network, what, of what, value and 95 % interval over subjects."""
    size, course = told.sizes, told.course
    whole = size.sum(axis=(1, 2), keepdims=True)
    rows = [
        _figure(told.name, "share of size", name, (size / whole)[:, :, k].sum(axis=1), course)
        for k, name in enumerate(BANDS)
    ]
    reached = told.other.sum(axis=1) > 0  # by the second rule; else it explains nothing
    other = told.other[reached] / told.other[reached].sum(axis=1, keepdims=True)
    rows += [
        _figure(told.name, f"share of size, {RULES[1]}", name, other[:, k], course.at(reached))
        for k, name in enumerate(BANDS)
    ]
    rows += [
        _figure(told.name, "share of size", name, (size / whole)[:, k].sum(axis=1), course)
        for k, name in enumerate(told.channels)
    ]
    bands = told.parts.sum(axis=1)
    for k, name in enumerate(BANDS):
        change = _by_subject(_moves(bands[:, k], told.answer, course), course)
        rows.append(_row(told.name, "share of the answer's changes", name, change))
    rest = _by_subject(_moves(told.answer - bands.sum(axis=1), told.answer, course), course)
    rows.append(_row(told.name, "share of the answer's changes", "biases", rest))
    for k, name in enumerate((*BANDS, "answer")):
        values = told.answer if name == "answer" else bands[:, k]
        r = _by_subject(_correlations(values, course), course)
        rows.append(_row(told.name, "r within recordings", name, r))
        beyond = controls(values, course).beyond_clock
        rows.append(_plain(told.name, "r beyond the clock", name, beyond))
    for k, name in enumerate("RGB"):
        rows.append(_row(told.name, "points for 1 % of level", name, told.slopes[:, k]))
    for name, (passed, made) in told.checks.items():
        rows.append(_plain(told.name, f"check passed, of {made}", name, passed))
    return rows


def _people(course: Course) -> list[Array]:
    return [np.flatnonzero(course.subject == name) for name in np.unique(course.subject)]


def _moves(part: Array, answer: Array, course: Course) -> dict[str, float]:
    """By recording: covariance of a part with the answer over the answer's variance; they add up.

    What is left to 1 went with the biases.
    """
    found = {}
    for name in np.unique(course.recording):
        rows = course.recording == name
        a, b = part[rows] - part[rows].mean(), answer[rows] - answer[rows].mean()
        found[str(name)] = float((a * b).sum() / (b * b).sum())
    return found


def _correlations(values: Array, course: Course) -> dict[str, float]:
    """By recording: with the reference."""
    found = {}
    for name in np.unique(course.recording):
        rows = course.recording == name
        found[str(name)] = float(np.corrcoef(values[rows], course.spo2[rows])[0, 1])
    return found


def _by_subject(found: dict[str, float], course: Course) -> Array:
    owner = {str(r): str(s) for r, s in zip(course.recording, course.subject, strict=True)}
    names = sorted(set(owner.values()))
    return np.array([np.mean([v for r, v in found.items() if owner[r] == n]) for n in names])


def _figure(name: str, what: str, of: str, values: Array, course: Course) -> dict[str, str]:
    return _row(name, what, of, np.array([values[rows].mean() for rows in _people(course)]))


def _row(name: str, what: str, of: str, values: Array) -> dict[str, str]:
    """The mean over subjects, with an interval of subjects drawn again."""
    draws = np.random.default_rng(0).integers(0, len(values), (DRAWS, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
    return _plain(name, what, of, values.mean()) | {"low": f"{low:.4g}", "high": f"{high:.4g}"}


def _plain(name: str, what: str, of: str, value: float) -> dict[str, str]:
    return {
        "network": name, "figure": what, "of": of, "value": f"{value:.4g}", "low": "", "high": "",
    }  # fmt: skip


def longer(takes: tuple[Take, ...]) -> Array:
    """(7, mixed, 3) M1's mixing weights before, and after one that may last 60 epochs."""
    windows = networks.windows_of(relative_to_start(takes, until=networks.START_S), LONG.name)
    x = prepared(windows, LONG)
    spo2 = torch.tensor(np.asarray(windows.spo2)).float()
    torch.manual_seed(0)
    found = [networks.mix_of_module(built(LONG))]
    for split in leave_one_subject_out(windows):
        rows = (split.train, split.validation[:: networks.JUDGED])
        best = train_instance(x, spo2, rows, LONG, seed=0)
        print(f"longer, without {split.name}: epoch {best.epoch}, {best.rmse:.2f}", flush=True)
        found.append(networks.mix_of_module(best.module))
    return np.stack(found)


def digest_of(entrants: Sequence[networks.Entrant]) -> str:
    """Of all that moves a figure."""
    study = {
        "entrants": [asdict(one) for one in entrants],
        "long": asdict(LONG),
        "numbers": [STRIDE_S, CHECKED, RULES, BANDS, networks.INSTANCES, networks.LAGS_S],
    }
    return hashlib.sha256(json.dumps(study, sort_keys=True).encode()).hexdigest()[:12]


def main() -> None:
    """Train, explain, and write the page."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("keep", type=Path)
    ask.add_argument("--brief", action="store_true", help="without M1's long training")
    given = ask.parse_args()
    torch.set_num_threads(1)
    began, takes, rows = time.process_time(), networks.takes_of_hoffman(), []
    for entrant in explained():
        place = given.keep / f"{entrant.name}.rows.json"
        if place.exists():
            rows += json.loads(place.read_text())
            continue
        told = tell(entrant, takes, given.keep)
        found = figures(told)
        write_atomically(place, json.dumps(found))
        rows += found
        spent = time.process_time() - began
        print(f"{entrant.name}: {len(told.answer)} windows; {spent:.0f} s so far", flush=True)
    mix = None if given.brief else longer(takes)
    digest = digest_of(explained())
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "oximetry_explained.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, [*rows[0], "protocol_hash"], lineterminator="\n")
        out.writeheader()
        out.writerows(row | {"protocol_hash": digest} for row in rows)
    write_drawings(RESULTS, rows)
    seconds = time.process_time() - began
    write_atomically(RESULTS / "README.md", page(rows, mix, digest=digest, seconds=seconds))


if __name__ == "__main__":
    main()
