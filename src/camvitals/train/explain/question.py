"""What is explained: one number of what a network gives.

Shape letters: N clips, T samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from camvitals.dsp.spectrum import HEART_BAND_HZ
from camvitals.models.architecture import Architecture
from camvitals.records import Array, InputError

Asked = Literal["pulse", "mean", "sample"]
ASKED: tuple[str, ...] = ("pulse", "mean", "sample")
WAVES = ("pulse", "derivative", "ecg")
AROUND_HZ = 0.15  # how far beside the pulse frequency a wave still counts as the pulse


@dataclass(frozen=True, slots=True)
class Question:
    """A weighted sum of the samples of a wave: Σ weights · wave.

    asked:  "pulse", the amplitude of the wave around its pulse frequency: the weights are the
        part of the wave itself in ±0.15 Hz around it, of unit norm, so that the sum is the norm of
        that part, grows with the pulse, and has nothing of the mean; "mean" over time; "sample",
        the wave at one time.
    weights: (N, T).   frequency: of the pulse [Hz], NaN where none was sought.
    unit: what the number is in.
    """

    asked: Asked
    weights: Tensor
    frequency: float
    unit: str

    def __call__(self, wave: Tensor) -> Tensor:
        """(N,) of (N, T)."""
        return (wave * self.weights.to(wave)).sum(1)


class Answer(nn.Module):
    """A network, the reading of its output, and the question put to it: input -> (N,)."""

    def __init__(self, module: nn.Module, architecture: Architecture) -> None:
        super().__init__()
        self.module, self._architecture = module, architecture
        self.question: Question | None = None

    def wave(self, given: Tensor) -> Tensor:
        """(N, T) of what the module takes; of pictures the mean of each."""
        told = self.module(given)
        if self._architecture.gives == "images":
            time = self._architecture.layout.index("T") + 1
            axes = tuple(k for k in range(1, told.ndim) if k != time)
            mean: Tensor = told.mean(axes)
            return mean
        return self._architecture.wave(told, given.shape[0])

    def forward(self, given: Tensor) -> Tensor:
        """(N,) numbers that are explained."""
        assert self.question is not None
        weights = self.question.weights
        asked = self.question
        if len(weights) == 1 and len(given) > 1:
            asked = Question(
                asked.asked, weights.expand(len(given), -1), asked.frequency, asked.unit
            )
        return asked(self.wave(given))


def ask(
    wave: Tensor, gives: str, *, rate: float, asked: str | None = None, at: int | None = None
) -> Question:
    """The question to put to a network.

    wave: (N, T) what it gives for the clip that is explained, without derivatives.
    gives: of the architecture.   rate: samples a second [Hz].
    asked: None takes "pulse" for waves of at least two seconds, "mean" for anything else.
    at: sample for "sample"; None is the middle.   Raises InputError where the question does not
    fit.
    """
    n, length = wave.shape
    long_enough = length >= 2 * rate
    chosen = asked or ("pulse" if long_enough and gives in (*WAVES, "images") else "mean")
    if chosen not in ASKED:
        raise InputError(f"no question {chosen!r}; choose one of {', '.join(ASKED)}")
    unit = "%" if gives == "spo2" else "bpm" if gives == "rate" else "arbitrary unit"
    if chosen == "pulse":
        if not long_enough:
            raise InputError(
                f"the pulse needs a wave of two seconds but this network gives {length} samples at "
                f"{rate:g} Hz; ask for mean or sample"
            )
        weights, frequency = _own_pulse(wave.detach().double().numpy(), rate)
        return Question("pulse", torch.from_numpy(weights), frequency, unit)
    weights = np.zeros((n, length))
    if chosen == "mean":
        weights[:] = 1 / length
        return Question("mean", torch.from_numpy(weights), float("nan"), unit)
    place = length // 2 if at is None else at
    if not 0 <= place < length:
        raise InputError(f"there is no sample {place}; the wave has {length}")
    weights[:, place] = 1
    return Question("sample", torch.from_numpy(weights), float("nan"), unit)


def pulse_frequency(wave: Array, rate: float) -> float:
    """Where a wave (T,) has most power in the heart's band, by a padded spectrum [Hz]."""
    values = np.nan_to_num(np.asarray(wave, dtype=float) - np.nanmean(wave))
    size = max(2 * len(values), round(rate * 60))
    power = np.abs(np.fft.rfft(values * np.hanning(len(values) + 2)[1:-1], size)) ** 2
    frequency = np.fft.rfftfreq(size, 1 / rate)
    inside = (frequency >= HEART_BAND_HZ[0]) & (frequency <= HEART_BAND_HZ[1])
    return float(frequency[inside][np.argmax(power[inside])])


def _own_pulse(wave: Array, rate: float) -> tuple[Array, float]:
    frequencies = [pulse_frequency(one, rate) for one in wave]
    spectrum = np.fft.rfft(wave - wave.mean(1, keepdims=True), axis=1)
    bins = np.fft.rfftfreq(wave.shape[1], 1 / rate)
    reach = max(AROUND_HZ, 0.75 * rate / wave.shape[1])  # a short clip has few frequencies
    for row, frequency in zip(spectrum, frequencies, strict=True):
        row[np.abs(bins - frequency) > reach] = 0
    part = np.fft.irfft(spectrum, wave.shape[1], axis=1)
    norm = np.linalg.norm(part, axis=1, keepdims=True)
    if not (norm > 0).all():
        raise InputError(
            "the network's wave is flat, so that no pulse of it can be explained; ask for mean"
        )
    return part / norm, float(np.mean(frequencies))
