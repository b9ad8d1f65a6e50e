"""Bad regions outvoted (SAMC, Lam & Kuno), and the nodding head (Balakrishnan)."""

import numpy as np
import pytest
from made_pulse import BLOOD_VECTOR, SKIN

from camvitals.dsp.clean import bandpass
from camvitals.dsp.spectrum import peak, spectrum
from camvitals.records import InputError
from camvitals.waves.classical import chrom, green
from camvitals.waves.many import lam_kuno, pair_sources, samc, vote
from camvitals.waves.motion import balakrishnan, steady

RATE = 30.0
TIME = np.arange(360) / RATE
BLOOD = np.sin(2 * np.pi * 1.2 * TIME)


def rate_bpm(wave):
    frequency, power = spectrum(wave, rate=RATE)
    return 60 * peak(frequency, power, low=0.65, high=4)[0]


@pytest.fixture
def patches():
    """Sixteen patches; four of them shaken at 2.1 Hz, 20 times as strongly as the pulse."""
    rng = np.random.default_rng(6)
    change = -0.004 * BLOOD[:, None, None] * BLOOD_VECTOR + rng.normal(0, 1e-3, (360, 16, 3))
    shake = 0.08 * np.sin(2 * np.pi * 2.1 * TIME + 0.3)
    change[:, :4] += shake[:, None, None] * BLOOD_VECTOR
    return SKIN * (1 + change)


@pytest.mark.parametrize("method", [samc, lam_kuno])
def test_a_quarter_of_bad_regions_is_survived(patches, method):
    assert rate_bpm(method(patches, rate=RATE)) == pytest.approx(72, abs=1)
    plain = {samc: chrom, lam_kuno: green}[method]
    assert rate_bpm(plain(patches.mean(axis=1), rate=RATE)) == pytest.approx(126, abs=2)


def test_pairs_are_drawn_once_each_and_by_seed(patches):
    waves, rates, clear = pair_sources(patches, rate=RATE, pairs=30, seed=1)
    assert waves.shape == (360, 30)
    assert rates.shape == clear.shape == (30,)
    _, every, _ = pair_sources(patches, rate=RATE, pairs=10_000, seed=1)
    assert len(every) == 16 * 15 // 2
    _, other, _ = pair_sources(patches, rate=RATE, pairs=30, seed=2)
    assert not np.array_equal(rates, other)


def test_the_vote_goes_to_the_crowd_not_to_the_loudest():
    rates = np.r_[np.full(6, 71.6), np.full(3, 72.4), np.full(2, 126.0), np.full(9, 50.0)]
    clear = np.r_[np.full(9, 0.5), np.full(2, 0.9), np.full(9, 0.1)]
    assert vote(rates, clear) == pytest.approx(72, abs=2.5)


@pytest.mark.parametrize("method", [samc, lam_kuno])
def test_one_region_is_not_many(patches, method):
    for given in (patches[:, :1], patches[:, 0]):
        with pytest.raises(InputError, match="at least 2 regions"):
            method(given, rate=RATE)


def test_points_that_jump_are_put_aside():
    vertical = np.cumsum(np.full((50, 6), 0.1), axis=0)
    vertical[20:, 2] += 30
    assert steady(vertical).shape == (50, 5)
    np.testing.assert_array_equal(steady(vertical[:, :2]), vertical[:, :2])


def test_head_motion_reads_up_and_down_only():
    rng = np.random.default_rng(0)
    nod = 0.05 * BLOOD[:, None] * rng.uniform(0.5, 1.5, 12)
    y = nod + rng.normal(0, 0.01, (360, 12))
    x = 3 * np.sin(2 * np.pi * 2.2 * TIME)[:, None] + np.zeros(12)
    wave = balakrishnan(np.stack([x, y], axis=-1), rate=RATE)
    assert rate_bpm(wave) == pytest.approx(72, abs=0.5)
    assert abs(np.corrcoef(wave, bandpass(BLOOD, rate=RATE, low=0.75, high=5))[0, 1]) > 0.95


@pytest.mark.parametrize("seed", range(4))
def test_a_burst_of_motion_does_not_choose_the_axes(seed):
    rng = np.random.default_rng(seed)
    y = 0.05 * BLOOD[:, None] * rng.uniform(0.5, 1.5, 12) + rng.normal(0, 0.1, (360, 12))
    y[100:160] += rng.normal(0, 2, (60, 12))
    points = np.stack([0 * y, y], axis=-1)
    likeness = [
        abs(np.corrcoef(balakrishnan(points, rate=RATE, drop=drop)[200:], BLOOD[200:])[0, 1])
        for drop in (0.25, 0.0)
    ]
    assert likeness[0] > 0.8 > likeness[1]


def test_too_few_points_are_refused():
    with pytest.raises(InputError, match="at least 3 points"):
        balakrishnan(np.zeros((360, 2, 2)), rate=RATE)
