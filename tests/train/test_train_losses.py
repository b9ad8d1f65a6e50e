"""Losses against closed forms, and that none looks at its neighbours."""

import math

import pytest
import torch

from camvitals.records import InputError
from camvitals.train.losses import LOSSES, SHARED
from camvitals.train.selfsupervised import contrast_spectra

RATE = 30.0
LENGTH = 300


def sine(bpm, length=LENGTH, phase=0.0):
    return torch.sin(2 * math.pi * bpm / 60 * torch.arange(length) / RATE + phase)


def loss(name, wave, target=None, bpm=None, **options):
    heart = torch.full((len(wave),), float("nan")) if bpm is None else torch.as_tensor(bpm)
    given = wave if target is None else target
    return LOSSES[name](wave, given, rate=RATE, heart_rate=heart.float(), speed=None, **options)


def test_errors_are_those_of_the_formulas():
    wave = torch.tensor([[1.0, 2, 3], [0, 0, 0]])
    target = torch.tensor([[1.0, 0, 6], [3, 0, 0]])
    assert loss("mse", wave, target).tolist() == pytest.approx([13 / 3, 3])
    assert loss("mae", wave, target).tolist() == pytest.approx([5 / 3, 1])
    assert loss("rmse", wave, target).tolist() == pytest.approx([math.sqrt(13 / 3), math.sqrt(3)])


def test_rmse_has_a_slope_where_all_is_right():
    wave = torch.zeros(1, 5, requires_grad=True)
    loss("rmse", wave, torch.zeros(1, 5)).sum().backward()
    assert torch.isfinite(wave.grad).all()


def test_negative_pearson_is_0_for_the_same_shape_1_for_another_2_for_the_opposite():
    wave = torch.stack([3 * sine(60) + 7, -2 * sine(60) + 1, sine(60, phase=math.pi / 2)])
    found = loss("negative_pearson", wave, sine(60).expand(3, -1))
    assert found.tolist() == pytest.approx([0, 2, 1], abs=1e-5)


def test_negative_pearson_of_a_flat_wave_is_1_and_has_a_finite_slope():
    wave = torch.zeros(1, 50, requires_grad=True)
    found = loss("negative_pearson", wave, sine(60, 50)[None])
    found.sum().backward()
    assert found.item() == 1
    assert torch.isfinite(wave.grad).all()


@pytest.mark.parametrize("logits", ["log", "power"])
def test_frequency_is_least_at_the_truth(logits):
    wave = torch.stack([sine(bpm) for bpm in range(50, 180, 5)])
    found = loss("frequency", wave, bpm=torch.full((len(wave),), 100.0), logits=logits)
    assert found.argmin() == 10


def test_frequency_as_published_starts_near_the_log_of_its_bins():
    noise = torch.randn(8, LENGTH, generator=torch.Generator().manual_seed(0))
    found = loss("frequency", noise, bpm=torch.full((8,), 90.0), logits="power")
    assert found.mean().item() == pytest.approx(math.log(200), abs=0.02)


def test_frequency_and_snr_say_nothing_where_the_rate_is_not_known():
    wave = torch.stack([sine(60), sine(60)])
    bpm = torch.tensor([float("nan"), 60.0])
    assert loss("frequency", wave, bpm=bpm)[0] == 0
    assert loss("snr", wave, bpm=bpm)[0] == 0
    assert loss("snr", wave, bpm=bpm)[1] < -5


def test_snr_falls_as_the_pulse_grows_over_the_noise():
    noise = torch.randn(LENGTH, generator=torch.Generator().manual_seed(1))
    wave = torch.stack([strength * sine(75) + noise for strength in (0.1, 0.3, 1, 3, 10)])
    found = loss("snr", wave, bpm=torch.full((5,), 75.0))
    assert (found.diff() < 0).all()


def test_snr_counts_the_harmonic_as_pulse():
    wave = torch.stack([sine(70) + sine(140), sine(70) + sine(175)])
    found = loss("snr", wave, bpm=torch.full((2,), 70.0))
    assert found[0] < -5 < found[1]


def test_contrast_of_one_rate_and_another_is_minus_their_spectra_apart():
    # A whole number of beats in every half, so that each spectrum is one bin of 1
    wave = torch.stack([sine(60, 600), sine(120, 600)])
    bins = contrast_spectra(wave, rate=RATE, windows=1).shape[2]
    found = loss("contrast", wave)
    assert found.tolist() == pytest.approx([-2 / bins] * 2, rel=1e-3)


def test_contrast_of_two_clips_of_one_rate_is_nothing():
    wave = torch.stack([sine(60, 600), sine(60, 600, phase=1.0)])
    assert loss("contrast", wave).abs().max() < 1e-6


def test_contrast_over_windows_is_the_mean_over_pairs():
    wave = torch.randn(2, 3, 200, generator=torch.Generator().manual_seed(2))
    torch.manual_seed(5)
    found = LOSSES["contrast"](wave, wave, rate=RATE, windows=2)
    torch.manual_seed(5)
    one, two = contrast_spectra(wave, rate=RATE, windows=2)

    def apart(a, b):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if a is not b or i != j]
        return torch.stack([(a[i] - b[j]).square().mean() for i, j in pairs]).mean()

    expected = [apart(one, one) - apart(one, two), apart(two, two) - apart(one, two)]
    assert found.tolist() == pytest.approx(torch.stack(expected).tolist(), rel=1e-4)


def test_contrast_needs_pairs():
    with pytest.raises(InputError, match="pairs of clips but got 3"):
        loss("contrast", torch.randn(3, 300))


def test_sinc_bandwidth_is_the_share_outside_its_band():
    wave = torch.stack([sine(90), sine(270), sine(90) + sine(270)])
    assert loss("sinc_bandwidth", wave).tolist() == pytest.approx([0, 1, 0.5], abs=0.03)


def test_sinc_sparsity_is_the_share_off_the_peak():
    one, two = sine(70, 3000), sine(120, 3000)
    wave = torch.stack([one, one + two * math.sqrt(0.5)])
    assert loss("sinc_sparsity", wave).tolist() == pytest.approx([0, 1 / 3], abs=0.02)


def test_sinc_variance_is_least_when_rates_spread_evenly():
    spread = torch.stack([sine(bpm, 3000) for bpm in range(41, 180, 4)])
    alike = torch.stack([sine(110, 3000)] * 8)
    # all at the middle: the cumulative sum steps there from 0 to 1, so that ∫(u − step)² = 1/12
    assert loss("sinc_variance", alike).tolist() == pytest.approx([1 / 12] * 8, rel=0.05)
    assert loss("sinc_variance", spread).max() < 1e-3


def test_sinc_moves_its_band_with_the_speed():
    wave, speed = sine(190, 3000)[None], torch.tensor([1.4])
    plain = LOSSES["sinc_bandwidth"](wave, wave, rate=RATE)
    assert plain.item() > 0.9
    assert LOSSES["sinc_bandwidth"](wave, wave, rate=RATE, speed=speed).item() < 0.05


def test_sinc_is_the_sum_of_its_parts():
    wave = torch.randn(3, 300, generator=torch.Generator().manual_seed(3))
    parts = sum(loss(f"sinc_{part}", wave) for part in ("bandwidth", "sparsity", "variance"))
    assert torch.allclose(loss("sinc", wave), parts)


@pytest.mark.parametrize("name", LOSSES)
def test_each_clip_has_its_own_number(name):
    generator = torch.Generator().manual_seed(4)
    wave, target = torch.randn(2, 6, 300, generator=generator)
    bpm = torch.tensor([50.0, 60, 70, 80, 90, 100])
    torch.manual_seed(0)
    before = loss(name, wave, target, bpm)
    changed = wave.clone()
    changed[0] = 5 * sine(66)
    torch.manual_seed(0)
    after = loss(name, changed, target, bpm)
    assert before.shape == (6,)
    assert torch.isfinite(before).all()
    assert before[0] != after[0]
    others = slice(1, 6) if name not in SHARED else slice(2, 6)
    if name not in ("sinc", "sinc_variance"):
        assert torch.equal(before[others], after[others])
    else:
        assert name in SHARED


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_a_slope(name):
    wave = torch.randn(4, 300, generator=torch.Generator().manual_seed(6)).requires_grad_()
    loss(name, wave, torch.stack([sine(70)] * 4), torch.full((4,), 70.0)).mean().backward()
    assert torch.isfinite(wave.grad).all()
    assert wave.grad.abs().max() > 0


def test_a_rate_too_low_for_the_spectrum_is_told():
    with pytest.raises(InputError, match=r"needs 8\.0 samples a second but got 7"):
        LOSSES["snr"](torch.randn(1, 100), None, rate=7.0, heart_rate=torch.tensor([60.0]))
