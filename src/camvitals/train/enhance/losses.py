"""Losses of enhancers and of the recovery behind them; each gives one number for each clip.

Yu et al., ICCV 2019, and Deng & Ramakrishnan, 2022. Faults of the released training code that are
mended here:
* it *adds* PSNR = 10·log10(1 / MSE) to what is minimised, which rewards a large error; `psnr` here
  is its negative.
* the first of the four parts is read by the head of the whole face, so that its own never learns;
  recipes build the recovery with `own_first_part=True`.
* `reg` of the perceptual terms is not defined there; it is the mean square here, or L1.

Pictures are −1…1 unless said otherwise.
Shape letters: N clips, T frames, H rows, W columns, h, w of cells.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from camvitals.models.rppgnet import Recovered
from camvitals.records import InputError
from camvitals.train.losses import negative_pearson

EPSILON = 1e-8
PSNR_FLOOR = 1e-7  # of the mean square, as released: 70 dB at most
CELL = 8  # pixels along each side whose mean colour is compared
WRITTEN = 0.2  # percent of the colour: the pulse that an enhancer is to show
BAND_HZ = (0.6, 4.5)
PARTS = ("part1", "part2", "part3", "part4")


def rmse(found: Tensor, wanted: Tensor) -> Tensor:
    """(N,) root of the mean square plus 1e-8: the source's own words."""
    return (mse(found, wanted) + EPSILON).sqrt()


def mse(found: Tensor, wanted: Tensor) -> Tensor:
    """(N,) mean square."""
    return (found.float() - wanted.float()).square().flatten(1).mean(1)


def l1(found: Tensor, wanted: Tensor) -> Tensor:
    """(N,) mean absolute difference."""
    return (found.float() - wanted.float()).abs().flatten(1).mean(1)


def psnr(found: Tensor, wanted: Tensor) -> Tensor:
    """(N,) minus the peak signal-to-noise ratio [dB] of pictures in −1…1: less is better."""
    return 10 * torch.log10(mse(found, wanted) / 4 + PSNR_FLOOR)


KINDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "rmse": rmse,
    "l1": l1,
    "mse": mse,
    "psnr": psnr,
}


def apart(found: Tensor, wanted: Tensor, *, kind: str) -> Tensor:
    """(N,) how far clips are apart. Raises InputError for an unknown kind."""
    if kind not in KINDS:
        raise InputError(f"no kind {kind!r} of loss; choose one of {', '.join(KINDS)}")
    return KINDS[kind](found, wanted)


def recovery(found: Recovered, pulse: Tensor, skin: Tensor, alive: Tensor) -> Tensor:
    """0.1·BCE(skin) + 0.5·(Σ NP(parts) + NP(auxiliary)) + NP(whole), NP = 1 − correlation.

    pulse: (N, T).   skin: (N, T, H, W), 0 or 1, at the size of the pictures.
    alive: (N,) bool; where there is no pulse only the skin counts.
    """
    small = F.avg_pool2d(skin.float(), 2).round()
    face = F.binary_cross_entropy(found.skin.float(), small, reduction="none").flatten(1).mean(1)
    parts = [getattr(found, name) for name in (*PARTS, "auxiliary")]
    heard = 0.5 * torch.stack([negative_pearson(part.float(), pulse) for part in parts]).sum(0)
    heard = heard + negative_pearson(found.pulse.float(), pulse)
    return 0.1 * face + torch.where(alive, heard, 0.0)


def perceptual(found: Recovered, wanted: Recovered, alive: Tensor, *, kind: str) -> Tensor:
    """0.1·reg(skin) + 0.5·Σ NP(parts) + NP(whole) + reg(F64) + reg(F32) against the clean clip.

    wanted: of the uncompressed clip, without gradients.   kind: of `reg`, "mse" or "l1".
    """
    reg = 0.1 * apart(found.skin, wanted.skin, kind=kind)
    reg = reg + apart(found.shallow, wanted.shallow, kind=kind)
    reg = reg + apart(found.deep, wanted.deep, kind=kind)
    pairs = [(getattr(found, name), getattr(wanted, name)) for name in PARTS]
    heard = 0.5 * torch.stack([negative_pearson(a.float(), b.float()) for a, b in pairs]).sum(0)
    heard = heard + negative_pearson(found.pulse.float(), wanted.pulse.float())
    return reg + torch.where(alive, heard, 0.0)


def colours(found: Tensor, wanted: Tensor) -> Tensor:
    """(N,) percent by which the colours of cells of 8×8 px change otherwise over time.

    Of each cell the mean colour relative to its own mean over the clip; of that, what is not
    common to R, G and B, as light and movement are. Root of the mean square.
    """
    return 100 * (mse(_chroma(found), _chroma(wanted)) + EPSILON).sqrt()


def _chroma(clip: Tensor) -> Tensor:
    """(N, 3, T, h, w) relative changes of the colours of cells, less their mean over R, G, B."""
    n, c, t, h, w = clip.shape
    unit = (clip.transpose(1, 2).reshape(n * t, c, h, w) + 1) / 2
    cells = F.avg_pool2d(unit, CELL).reshape(n, t, c, h // CELL, w // CELL).transpose(1, 2)
    change = cells / cells.mean(2, keepdim=True).clamp_min(0.02) - 1
    return change - change.mean(1, keepdim=True)


def shown_pulse(clip: Tensor, skin: Tensor) -> Tensor:
    """(N, T) the pulse that the mean colour of the skin shows: red less green, both relative.

    clip: (N, 3, T, H, W).   skin: (N, T, H, W), 0 or 1. Blood takes green light away, so that it
    rises with the blood volume, as the reference does.
    """
    share = skin[:, None].float()
    mean = ((clip + 1) / 2 * share).sum((3, 4)) / share.sum((3, 4)).clamp_min(1)
    change = mean / mean.mean(2, keepdim=True).clamp_min(0.02) - 1
    return change[:, 0] - change[:, 1]


def shown(clip: Tensor, skin: Tensor, pulse: Tensor, alive: Tensor) -> Tensor:
    """(N,) 1 − correlation of `shown_pulse` with the reference; 0 where there is no pulse."""
    return torch.where(alive, negative_pearson(shown_pulse(clip, skin), pulse), 0.0)


def written(clip: Tensor, skin: Tensor, pulse: Tensor, alive: Tensor, *, rate: float) -> Tensor:
    """(N,) how far the skin's course is from a pulse of WRITTEN percent, over that: 1 for silence.

    In the band of pulses alone. Unlike the correlation of `shown` it asks for silence where there
    is no pulse, and for less of one the less is known of it: a wrong pulse costs more than none.
    rate: of the clip [Hz].
    """
    course = 100 * _in_band(shown_pulse(clip, skin), rate)
    wanted = _in_band(pulse, rate)
    spread = wanted.square().mean(1, keepdim=True).sqrt().clamp_min(EPSILON)
    wanted = torch.where(alive[:, None], WRITTEN * wanted / spread, 0.0)
    return rmse(course, wanted) / WRITTEN


def _in_band(wave: Tensor, rate: float) -> Tensor:
    """(N, T) what of it lies in BAND_HZ."""
    frequency = torch.fft.rfftfreq(wave.shape[1], 1 / rate, device=wave.device)
    inside = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    kept: Tensor = torch.fft.irfft(torch.fft.rfft(wave.float()) * inside, n=wave.shape[1])
    return kept
