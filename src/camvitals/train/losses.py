"""Losses with a label: each gives one number for each clip, and never looks at its neighbours.

Shape letters: N clips, T samples, F frequencies.
All take (wave (N, T), target (N, T), *, rate, heart_rate, speed) and return (N,). A clip whose
target is flat, or whose rate is not known where a loss asks for it, has the loss of no likeness
(1 for `negative_pearson`) or 0; give it weight 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from camvitals.records import InputError
from camvitals.train.selfsupervised import contrast, sinc, sinc_bandwidth, sinc_sparsity
from camvitals.train.selfsupervised import sinc_variance as _variance

Loss = Callable[..., Tensor]
EPSILON = 1e-8
RATES_BPM = (40.0, 239.0)  # both included, a bin each bpm


def mse(wave: Tensor, target: Tensor, **_: object) -> Tensor:
    """Mean squared error."""
    return ((wave - target) ** 2).mean(dim=1)


def mae(wave: Tensor, target: Tensor, **_: object) -> Tensor:
    """Mean absolute error."""
    return (wave - target).abs().mean(dim=1)


def rmse(wave: Tensor, target: Tensor, **_: object) -> Tensor:
    """Root of the mean squared error plus 1e-8, which keeps its slope finite at 0."""
    return (mse(wave, target) + EPSILON).sqrt()


def negative_pearson(wave: Tensor, target: Tensor, **_: object) -> Tensor:
    """1 minus the correlation: 0 for the same shape, 2 for its opposite (Yu et al., 2019)."""
    x = wave - wave.mean(dim=1, keepdim=True)
    y = target - target.mean(dim=1, keepdim=True)
    size = (x.square().sum(dim=1) * y.square().sum(dim=1)).clamp_min(EPSILON**2).sqrt()
    return 1 - (x * y).sum(dim=1) / size


def frequency(
    wave: Tensor,
    target: Tensor,  # noqa: ARG001  as the others take it
    *,
    rate: float,
    heart_rate: Tensor,
    logits: str = "log",
    **_: object,
) -> Tensor:
    """Cross-entropy of the true heart rate among the powers at 40, 41, …, 239 bpm.

    logits: "log": minus the log of the share of power at the true rate, a proper cross-entropy;
        "power": the shares themselves are the logits (Špetlík et al., 2018, as published), so that
        it starts near log 200 = 5.3 and moves little.
    """
    share = _powers(wave, rate, 1.0)
    share = share / share.sum(dim=1, keepdim=True).clamp_min(EPSILON)
    low, high = RATES_BPM
    known = (heart_rate >= low - 0.5) & (heart_rate <= high + 0.5)
    at = (torch.where(known, heart_rate, low) - low).round().long().clamp(0, share.shape[1] - 1)
    if logits == "log":
        scores = (share + EPSILON).log()
    elif logits == "power":
        scores = share
    else:
        raise InputError(f"frequency needs logits log or power but got {logits!r}")
    found = torch.nn.functional.cross_entropy(scores, at, reduction="none")
    return torch.where(known, found, 0.0)


def snr(
    wave: Tensor,
    target: Tensor,  # noqa: ARG001  as the others take it
    *,
    rate: float,
    heart_rate: Tensor,
    half_width: float = 0.1,
    **_: object,
) -> Tensor:
    """Minus the signal-to-noise ratio [dB] (de Haan & Jeanne, 2013).

    Power within ±half_width Hz of the true heart rate and its double against the rest of 40–239
    bpm, of the Hann-windowed wave.
    """
    power = _powers(wave, rate, 0.5)
    bpm = torch.linspace(*RATES_BPM, power.shape[1], device=wave.device)
    known = torch.isfinite(heart_rate)
    true = torch.where(known, heart_rate, 60.0)[:, None]
    near = ((bpm - true).abs() <= 60 * half_width) | ((bpm - 2 * true).abs() <= 60 * half_width)
    total = power.sum(dim=1).clamp_min(EPSILON)
    signal = torch.where(near, power, 0.0).sum(dim=1) / total
    ratio = 10 * torch.log10((signal + 1e-6) / ((1 - signal).clamp_min(0) + 1e-6))
    return torch.where(known, -ratio, 0.0)


def _powers(wave: Tensor, rate: float, step_bpm: float) -> Tensor:
    """(N, F) Hann-windowed power at evenly spaced rates."""
    x = wave - wave.mean(dim=1, keepdim=True)
    cosine, sine = _basis(wave.shape[1], float(rate), step_bpm, str(wave.device))
    return (x @ cosine) ** 2 + (x @ sine) ** 2


@lru_cache(maxsize=16)
def _basis(length: int, rate: float, step_bpm: float, device: str) -> tuple[Tensor, Tensor]:
    low, high = RATES_BPM
    if 2 * high / 60 > rate:
        raise InputError(
            f"this loss looks up to {high:g} bpm, which needs {2 * high / 60:.1f} samples a second "
            f"but got {rate:g}; use a higher clip.rate"
        )
    bpm = torch.linspace(low, high, round((high - low) / step_bpm) + 1, dtype=torch.float64)
    angle = 2 * torch.pi / 60 / rate * torch.arange(length, dtype=torch.float64)[:, None] * bpm
    window = torch.hann_window(length + 2, periodic=False, dtype=torch.float64)[1:-1, None]
    window = window / window.sum()
    return tuple((window * part).float().to(device) for part in (angle.cos(), angle.sin()))  # type: ignore[return-value]


LOSSES: dict[str, Loss] = {
    "mse": mse,
    "mae": mae,
    "rmse": rmse,
    "negative_pearson": negative_pearson,
    "frequency": frequency,
    "snr": snr,
    "contrast": contrast,
    "sinc": sinc,
    "sinc_bandwidth": sinc_bandwidth,
    "sinc_sparsity": sinc_sparsity,
    "sinc_variance": _variance,
}

# What cannot be said of one clip alone: which others a clip's number depends on.
SHARED = {
    "contrast": "the other clip of its pair, from which it must differ",
    "sinc_variance": "all clips of the batch, whose rates must spread",
    "sinc": "all clips of the batch, by its variance",
}
