"""Waves that another system predicted, scored under any protocol.

Shape letters: T samples of a recording, W windows, N samples of a window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.dsp.clean import bandpass
from camvitals.evaluate.estimators import rates_of
from camvitals.evaluate.protocol import Protocol
from camvitals.evaluate.reference import Reference
from camvitals.evaluate.result import SCORES, Excluded, Result, columns_of
from camvitals.evaluate.windows import Clock, check_rate, likeness, rates, ready, windows_of
from camvitals.records import Array, InputError, Wave, check
from camvitals.report.software import versions
from camvitals.vitals.beats import Beats, beats
from camvitals.vitals.heart import Windows, by_beats

HEART = "heart_rate"
WAVES, LABELS = "predictions/", "labels/"
DIFFERENCES = {"DiffNormalized": True, "Standardized": False, "Raw": False}


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predicted pulse waves and the contact pulses beside them, on one uniform clock.

    predicted, reference: by recording, (T,) of one length.   rate: samples per second [Hz].
    difference: True where both are first differences, to be summed up.
    subjects: of recordings that are not named by their subject.   strata: name to word, likewise.
    """

    predicted: Mapping[str, Array]
    reference: Mapping[str, Array]
    rate: float
    difference: bool
    method: str = "predicted"
    corpus: str = ""
    subjects: Mapping[str, str] = field(default_factory=dict)
    strata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise InputError(f"predictions need rate > 0 Hz but got {self.rate:g}")
        lacking = sorted(set(self.predicted) ^ set(self.reference))
        if lacking or not self.predicted:
            told = f"{lacking[0]!r} has one only" if lacking else "there are none"
            raise InputError(f"each recording needs a prediction and a label, but {told}")
        for name, wave in self.predicted.items():
            check(f"label of {name}", self.reference[name], (len(wave),))

    @classmethod
    def load(cls, path: str | Path, *, method: str = "predicted", corpus: str = "") -> Predictions:
        """Predictions from an .npz with predictions/NAME, labels/NAME, fs and label_type.

        label_type: DiffNormalized, Standardized or Raw, as rPPG-Toolbox calls them. Its own dumps
        are pickles, which could run anything; write them as .npz where they were made.
        """
        file = Path(path)
        try:
            with np.load(file, allow_pickle=False) as archive:
                held = {name: archive[name] for name in archive.files}
        except (OSError, ValueError) as error:
            raise InputError(f"{file} is not an .npz of arrays ({error}); write one") from error
        missing = [name for name in ("fs", "label_type") if name not in held]
        if missing:
            raise InputError(f"{file} needs {' and '.join(missing)}; write them beside the waves")
        kind = str(held["label_type"])
        if kind not in DIFFERENCES:
            known = ", ".join(DIFFERENCES)
            raise InputError(f"{file} has label_type {kind!r}; it needs one of {known}")
        waves, labels = (
            {k.removeprefix(part): v for k, v in held.items() if k.startswith(part)}
            for part in (WAVES, LABELS)
        )
        rate = float(held["fs"])
        return cls(waves, labels, rate, DIFFERENCES[kind], method=method, corpus=corpus)


def score_predictions(
    predictions: Predictions, *, protocol: Protocol, waves: bool = True
) -> Result:
    """The result of predictions under a protocol: one row a window, with wave columns if `waves`.

    Where the protocol reads reports, of which there is none here, a rate is that of `by_beats`: the
    mean rate of the beats of the predicted wave, or its spectral peak where they do not agree; its
    quality is the mean probability that these beats are right, and nothing is withheld. The label
    is the reference; windows in which it is not sound are left out as the protocol says (usable=0
    leaves none out, as rPPG-Toolbox does).
    """
    check_rate(protocol, predictions.rate)
    rows: list[dict[str, Any]] = []
    left_out: list[Excluded] = []
    for name in sorted(predictions.predicted):
        found = _Recording.of(predictions, name, protocol)
        without = Counter(found.why[w] for w in np.flatnonzero(np.isnan(found.truth)))
        if len(found.windows) == 0:
            without["the recording is shorter than a window"] += 1
        left_out += [
            Excluded(predictions.corpus, name, HEART, why, count) for why, count in without.items()
        ]
        rows += found.rows(predictions, waves=waves)
    strata = sorted({key for words in predictions.strata.values() for key in words})
    columns = columns_of(rows, strata)
    return Result(protocol, columns, tuple(left_out), versions=versions())


@dataclass(frozen=True, slots=True)
class _Recording:
    """One recording on its way to rows: windows (W, 2) s, truth (W,) bpm, why (W,) it is NaN."""

    name: str
    predicted: Wave
    label: Wave
    protocol: Protocol
    clock: Clock
    windows: Array
    truth: Array
    why: list[str]

    @classmethod
    def of(cls, predictions: Predictions, name: str, protocol: Protocol) -> _Recording:
        rate = predictions.rate
        clock = Clock(0.0, rate)
        predicted, label = (
            _wave(held[name], rate=rate, difference=predictions.difference)
            for held in (predictions.predicted, predictions.reference)
        )
        length = len(predicted.values) / rate
        windows = windows_of(protocol, 0.0, length, step=1 / rate)
        truth, why = _truth(protocol, label, windows, clock)
        return cls(name, predicted, label, protocol, clock, windows, truth, why)

    def rows(self, predictions: Predictions, *, waves: bool) -> list[dict[str, Any]]:
        known = np.isfinite(self.truth)
        windows, truth = self.windows[known], self.truth[known]
        if len(windows) == 0:
            return []
        estimate, quality = self._answers(windows)
        scores = self._scores(windows, truth) if waves else np.zeros((len(windows), 0))
        words = {
            "corpus": predictions.corpus,
            "recording": self.name,
            "subject": predictions.subjects.get(self.name, self.name),
            "method": predictions.method,
            "vital": HEART,
        }
        words |= {f"stratum.{k}": v for k, v in predictions.strata.get(self.name, {}).items()}
        return [
            words
            | {"start": start, "stop": stop, "reference": true, "estimate": given, "quality": q}
            | {"why": "" if np.isfinite(given) else "the predicted wave has no peak there"}
            | dict(zip(SCORES, row, strict=False))
            for (start, stop), true, given, q, row in zip(
                windows.tolist(),
                truth.tolist(),
                estimate.tolist(),
                quality.tolist(),
                scores.tolist(),
                strict=True,
            )
        ]

    def _answers(self, windows: Array) -> tuple[Array, Array]:
        """(w,) rates [bpm] and (w,) qualities, NaN where the protocol has none."""
        if self.protocol.estimator != "report":
            found = rates(self.protocol, self.predicted, windows, self.clock)[0]
            return found, np.full(len(windows), np.nan)
        wave = self._seen(self.predicted)
        cut = self.clock.cut(wave, windows)
        peak = rates_of(cut, estimator="fft_refined", rate=self.clock.rate, band=self.protocol.band)
        none = np.zeros(len(windows))
        start, stop = windows.T
        found_beats = beats(wave)
        by_peak = Windows(peak, none, none, none, none.astype(bool), none.astype(bool), start, stop)
        return by_beats(by_peak, found_beats).rate, _quality(found_beats, windows)

    def _scores(self, windows: Array, truth: Array) -> Array:
        """(w, SCORES) of the waves as the estimator sees them."""
        mine, theirs = (
            ready(self.protocol, self.clock.cut(self._seen(wave), windows), rate=self.clock.rate)[0]
            for wave in (self.predicted, self.label)
        )
        return likeness(mine, theirs, truth, rate=self.clock.rate)

    def _seen(self, wave: Wave) -> Wave:
        """A wave as reports have it, where the protocol itself filters nothing."""
        if self.protocol.order or len(wave.values) < 2:
            return wave
        low, high = self.protocol.band
        return Wave(
            bandpass(wave.values, rate=self.clock.rate, low=low, high=high), wave.time, "pulse"
        )


def _wave(values: Array, *, rate: float, difference: bool) -> Wave:
    x = np.asarray(values, dtype=float).ravel()
    if not np.all(np.isfinite(x)):
        raise InputError("predictions need finite waves; cut them where they have gaps")
    return Wave(np.cumsum(x) if difference else x, np.arange(len(x)) / rate, "pulse")


def _truth(
    protocol: Protocol, label: Wave, windows: Array, clock: Clock
) -> tuple[Array, list[str]]:
    """(W,) heart rates of the label [bpm], NaN where it is not sound, and (W,) why not."""
    reference = Reference.of_waves({"pulse": label})
    same = protocol.reference == "same"
    truth = rates(protocol, label, windows, clock)[0] if same else np.full(len(windows), np.nan)
    whys = [""] * len(windows)
    for w, (start, stop) in enumerate(windows.tolist()):
        if not same:
            truth[w] = reference.value(HEART, start, stop)
        if protocol.usable > 0:
            sound, whys[w] = reference.usable(start, stop, least=protocol.usable)
            truth[w] = truth[w] if sound else np.nan
    return truth, [why or "the label has no rate there" for why in whys]


def _quality(found: Beats, windows_W2: Array) -> Array:
    """(W,) mean quality of the beats in each window; 0 without any."""
    total = np.r_[0.0, np.cumsum(found.quality)]
    first, last = (np.searchsorted(found.time, edge) for edge in windows_W2.T)
    return np.asarray((total[last] - total[first]) / np.maximum(last - first, 1))
