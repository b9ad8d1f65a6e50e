"""Losses without a label: what is known of any pulse, and that two people do not share one.

Shape letters: N clips, S places of a face, T samples, F frequencies, K windows.
A clip's number depends on its neighbours only where the idea itself does (`losses.SHARED`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from camvitals.records import InputError

CONTRAST_BPM = (40.0, 250.0)
SINC_HZ = (2 / 3, 3.0)
SINC_BINS = 5400
HALF_WIDTH_HZ = 0.1
EPSILON = 1e-8


def contrast(
    wave: Tensor,
    target: Tensor,  # noqa: ARG001  as the others take it
    *,
    rate: float,
    windows: int = 4,
    **_: object,
) -> Tensor:
    """Contrast-Phys (Sun & Li, 2022): stretches of one clip share a spectrum, two clips do not.

    wave: (N, T), or (N, S, T) at several places; clips 0 and 1, 2 and 3 … are pairs of people, so
        that N is even. windows: stretches of half the length drawn at random from each signal.
    Mean squared difference of the spectra of 40–250 bpm, each of sum 1: within the clip, minus
    between the pair. The mean over a pair is the published loss. Raises InputError for an odd N.
    """
    if len(wave) % 2:
        raise InputError(f"contrast needs pairs of clips but got {len(wave)}; use an even batch")
    spectra = contrast_spectra(wave, rate=rate, windows=windows)
    other = spectra.reshape(-1, 2, *spectra.shape[1:]).flip(1).reshape(spectra.shape)
    count = spectra.shape[1]
    # mean over pairs of mean over F of (a - b)², from sums; a signal paired with itself adds 0
    within = _apart(spectra, spectra) * count / max(count - 1, 1)
    return within - _apart(spectra, other)


def contrast_spectra(wave: Tensor, *, rate: float, windows: int) -> Tensor:
    """(N, S·K, F) spectra of sum 1 of random halves of each signal; 40–250 bpm."""
    half = wave.shape[-1] // 2
    signals = wave if wave.ndim == 3 else wave[:, None]
    starts = torch.randint(0, signals.shape[2] - half + 1, (*signals.shape[:2], windows))
    index = (starts[..., None] + torch.arange(half)).to(wave.device).flatten(2)
    pieces = signals.gather(2, index).reshape(len(wave), -1, half)
    pieces = pieces - pieces.mean(dim=2, keepdim=True)
    frequency = torch.fft.rfftfreq(half, 1 / rate) * 60
    inside = (frequency >= CONTRAST_BPM[0]) & (frequency <= CONTRAST_BPM[1])
    if not inside.any():
        raise InputError(f"contrast needs clips of over 3 s but got {signals.shape[2] / rate:.1f}")
    power = torch.fft.rfft(pieces, dim=2).abs().square()[..., inside.to(wave.device)]
    spectra: Tensor = power / power.sum(dim=2, keepdim=True).clamp_min(EPSILON)
    return spectra


def _apart(one: Tensor, two: Tensor) -> Tensor:
    """(N,) mean squared difference over all pairs of (N, M, F) and (N, M, F), and over F."""
    squares = one.square().sum(2).mean(1) + two.square().sum(2).mean(1)
    return (squares - 2 * (one.mean(1) * two.mean(1)).sum(1)) / one.shape[2]


def sinc_bandwidth(
    wave: Tensor,
    _target: Tensor | None = None,
    *,
    rate: float,
    speed: Tensor | None = None,
    **_: object,
) -> Tensor:
    """SiNC (Speth et al., 2023): the share of power outside 2/3–3 Hz."""
    frequency, power = _density(wave, rate)
    return torch.where(_band(frequency, speed, len(wave)), 0.0, power).sum(1)


def sinc_sparsity(
    wave: Tensor,
    _target: Tensor | None = None,
    *,
    rate: float,
    speed: Tensor | None = None,
    **_: object,
) -> Tensor:
    """SiNC: the share of the power in the band that is over 0.1 Hz from its peak."""
    frequency, power = _density(wave, rate)
    inside = torch.where(_band(frequency, speed, len(wave)), power, 0.0)
    peak = frequency[inside.argmax(dim=1)][:, None]
    far = torch.where((frequency - peak).abs() > HALF_WIDTH_HZ, inside, 0.0)
    return far.sum(1) / inside.sum(1).clamp_min(EPSILON)


def sinc_variance(
    wave: Tensor,
    _target: Tensor | None = None,
    *,
    rate: float,
    speed: Tensor | None = None,
    **_: object,
) -> Tensor:
    """SiNC: how far the mean spectrum of the batch is from an even one; all clips share it.

    Mean squared difference of the two cumulative sums over the band.
    """
    frequency, power = _density(wave, rate)
    band = _band(frequency, speed, len(wave))
    inside = torch.where(band, power, 0.0)
    mean = (inside / inside.sum(1, keepdim=True).clamp_min(EPSILON)).mean(0)
    even = (band / band.sum(1, keepdim=True)).mean(0)
    looked = band.any(0)
    apart = (mean.cumsum(0) - even.cumsum(0))[looked].square().mean()
    return apart.expand(len(wave))


def sinc(
    wave: Tensor,
    _target: Tensor | None = None,
    *,
    rate: float,
    speed: Tensor | None = None,
    **_: object,
) -> Tensor:
    """SiNC: bandwidth, sparsity and variance, summed.

    speed: (N,) how many times faster than in life a clip is played; the band goes along.
    """
    parts = (sinc_bandwidth, sinc_sparsity, sinc_variance)
    return torch.stack([part(wave, rate=rate, speed=speed) for part in parts]).sum(0)


def _density(wave: Tensor, rate: float) -> tuple[Tensor, Tensor]:
    """(F,) Hz and (N, F) power of sum 1, of at least SINC_BINS padded samples."""
    length = max(SINC_BINS, wave.shape[1])
    x = wave - wave.mean(dim=1, keepdim=True)
    power = torch.fft.rfft(x, length, dim=1).abs().square()
    frequency = torch.fft.rfftfreq(length, 1 / rate, device=wave.device)
    return frequency, power / power.sum(1, keepdim=True).clamp_min(EPSILON)


def _band(frequency: Tensor, speed: Tensor | None, n: int) -> Tensor:
    """(N, F) True inside the band of each clip."""
    scale = frequency.new_ones(n) if speed is None else speed.to(frequency)
    low, high = SINC_HZ[0] * scale[:, None], SINC_HZ[1] * scale[:, None]
    return (frequency >= low) & (frequency <= high)
