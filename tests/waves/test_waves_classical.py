"""Closed-form cases of the methods on mean colour."""

import numpy as np
import pytest
from made_pulse import BLOOD_VECTOR, SKIN, WALL

from camvitals.dsp.clean import bandpass
from camvitals.dsp.moving import samples
from camvitals.dsp.spectrum import peak, spectrum
from camvitals.records import InputError
from camvitals.waves.blind import ica, pca
from camvitals.waves.classical import chrom, green, pos
from camvitals.waves.subspace import lgi, omit, pbv, ssr

RATE = 30.0
TIME = np.arange(600) / RATE
PULSE = 0.01 * np.sin(2 * np.pi * 1.25 * TIME)
FLICKER = 0.05 * np.sin(2 * np.pi * 2.0 * TIME + 1)


def likeness(a, b):
    return np.corrcoef(a, b)[0, 1]


def tinted(change):
    return SKIN * (1 + change)


@pytest.mark.parametrize("method", [green, pos, chrom, pbv, ica])
def test_blood_darkens_and_the_wave_rises(method):
    wave = method(tinted(-PULSE[:, None] * BLOOD_VECTOR), rate=RATE)
    assert likeness(wave, PULSE) > 0.98


def test_pos_finds_the_frequency_of_a_skin_pulse():
    wave = pos(SKIN * np.exp(PULSE[:, None] * BLOOD_VECTOR), rate=RATE)
    frequency, power = spectrum(wave, rate=RATE)
    assert peak(frequency, power, low=0.65, high=4)[0] == pytest.approx(1.25, abs=0.01)


def test_pos_keeps_the_size_of_the_pulse_to_both_ends():
    wave = pos(tinted(-PULSE[:, None] * BLOOD_VECTOR), rate=RATE)
    middle = np.abs(wave[200:400]).max()
    for end in (wave[:24], wave[-24:]):
        assert np.abs(end).max() == pytest.approx(middle, rel=0.1)


def test_pos_equals_its_definition_window_by_window():
    rgb = tinted(-PULSE[:, None] * BLOOD_VECTOR + FLICKER[:, None])
    length, total, count = 48, np.zeros(600), np.zeros(600)
    for start in range(600 - length + 1):
        c = rgb[start : start + length] / rgb[start : start + length].mean(axis=0)
        s1, s2 = c[:, 1] - c[:, 2], -2 * c[:, 0] + c[:, 1] + c[:, 2]
        h = s1 + s1.std() / s2.std() * s2
        total[start : start + length] += h - h.mean()
        count[start : start + length] += 1
    mean = total / count
    np.testing.assert_allclose(pos(rgb, rate=RATE), mean.mean() - mean, atol=1e-12)


@pytest.mark.parametrize("method", [pos, lgi, omit])
def test_pure_brightness_is_no_pulse(method):
    assert np.abs(method(tinted(FLICKER[:, None]), rate=RATE)).max() < 1e-10


def test_chrom_cancels_a_dominating_equal_modulation():
    both = FLICKER[:, None] - 0.01 * PULSE[:, None] * BLOOD_VECTOR
    assert chrom(tinted(both), rate=RATE).std() < 1e-2 * FLICKER.std()
    assert green(tinted(both), rate=RATE).std() == pytest.approx(FLICKER.std(), rel=0.01)


@pytest.mark.parametrize("method", [pos, chrom, ica, pca])
def test_slow_light_is_put_aside(method):
    slow = 0.03 * np.sin(2 * np.pi * 0.2 * TIME)
    rgb = tinted(-PULSE[:, None] * BLOOD_VECTOR) * (1 + slow)[:, None]
    wave = bandpass(method(rgb, rate=RATE), rate=RATE, low=0.65, high=4)
    assert likeness(wave, PULSE) > 0.95


def test_pbv_takes_the_channel_mix_of_a_given_signature():
    rng = np.random.default_rng(2)
    noise = np.outer(rng.normal(0, 0.02, 600), [1.0, 0.9, 1.2])
    rgb = tinted(noise - PULSE[:, None] * BLOOD_VECTOR)
    assert likeness(pbv(rgb, rate=RATE, signature=BLOOD_VECTOR), PULSE) > 0.99
    assert likeness(green(rgb, rate=RATE), PULSE) < 0.5


def test_lgi_and_omit_remove_their_direction():
    rgb = SKIN + np.outer(PULSE, [3.0, -5.0, 4.0])
    away = SKIN / np.linalg.norm(SKIN)
    part = np.array([3.0, -5.0, 4.0])
    part = part - away * (away @ part)
    for method in (lgi, omit):
        np.testing.assert_allclose(method(rgb, rate=RATE), -part[1] * PULSE, atol=2e-3)


def test_ica_separates_a_pulse_from_flicker_in_the_same_band():
    mix = -PULSE[:, None] * BLOOD_VECTOR + 0.2 * FLICKER[:, None] * [1.0, 0.9, 1.1]
    mix += np.random.default_rng(0).normal(0, 3e-4, (600, 3))
    wave = ica(tinted(mix), rate=RATE)
    assert max(abs(likeness(wave, PULSE)), abs(likeness(wave, FLICKER))) > 0.98
    assert wave.std() == pytest.approx(1.0, abs=1e-6)


def test_ica_and_pca_rise_as_green_falls_against_red():
    rng = np.random.default_rng(9)
    for _ in range(10):
        mix = rng.normal(0, 1, (3, 3))
        colour = tinted(np.stack([PULSE, FLICKER, rng.normal(0, 0.01, 600)], axis=1) @ mix * 0.1)
        for method in (ica, pca):
            wave = bandpass(method(colour, rate=RATE), rate=RATE, low=0.65, high=4)
            chroma = (colour / SKIN) @ [1.0, -1.0, 0.0]
            darkening = bandpass(chroma, rate=RATE, low=0.65, high=4)
            assert wave @ darkening > 0


def test_pca_component_must_exist():
    with pytest.raises(InputError, match="component 1, 2 or 3 but got 4"):
        pca(tinted(PULSE[:, None] * BLOOD_VECTOR), rate=RATE, component=4)


def test_two_sr_follows_the_rotation_of_the_skin_colours():
    rng = np.random.default_rng(4)
    tone = rng.normal(0, 1, (300, 1)) * [14, 9, 7] + rng.normal(0, 2, (300, 3))
    skin = (SKIN + tone) * np.exp(-PULSE[:, None, None] * BLOOD_VECTOR)
    skin = skin * (1 + 0.3 * FLICKER)[:, None, None]
    moments = np.einsum("tni,tnj->tij", skin, skin) / 300
    wave = ssr(moments, rate=RATE)
    assert likeness(wave, PULSE) > 0.95
    np.testing.assert_allclose(ssr(7 * moments, rate=RATE), wave, atol=1e-9)


def test_two_sr_equals_its_definition_window_by_window():
    rng = np.random.default_rng(4)
    skin = (SKIN + rng.normal(0, 8, (300, 3))) * np.exp(-PULSE[:, None, None] * BLOOD_VECTOR)
    moments = np.einsum("tni,tnj->tij", skin, skin)[:120] / 300
    value, vector = np.linalg.eigh(moments)
    value, vector = value[:, ::-1], vector[:, :, ::-1]
    vector[:, :, 0] *= np.sign(vector[:, :, 0].sum(axis=1))[:, None]
    total, count, stride = np.zeros(120), np.zeros(120), 30
    for stop in range(stride, 121):
        start = stop - stride
        turned = np.zeros((stride, 3))
        for t in range(start, stop):
            for k in (1, 2):
                size = np.sqrt(value[t, 0] / value[start, k])
                u = vector[start, :, k]
                turned[t - start] += size * (vector[t, :, 0] @ u) * u
        p = turned[:, 0] - turned[:, 0].std() / turned[:, 1].std() * turned[:, 1]
        total[start:stop] += p - p.mean()
        count[start:stop] += 1
    mean = total / count
    np.testing.assert_allclose(ssr(moments, rate=RATE), mean - mean.mean(), atol=1e-8)


def test_negative_colours_are_refused():
    with pytest.raises(InputError, match="mean colours >= 0"):
        pos(tinted(PULSE[:, None] * BLOOD_VECTOR) - SKIN, rate=RATE)


@pytest.mark.parametrize("method", [pos, chrom])
def test_short_signal_names_the_way_out(method):
    rgb = np.tile(WALL, (27, 1))
    message = r"needs 1.6 s of signal but got 0.90 s; record longer or pass a shorter window="
    with pytest.raises(InputError, match=message):
        method(rgb, rate=RATE)
    assert method(rgb, rate=RATE, window=0.8).shape == (27,)


@pytest.mark.parametrize(("rate", "count"), [(30.0, 48), (29.97, 48), (20.0, 32), (61.0, 98)])
def test_a_window_is_rounded_up(rate, count):
    assert samples(1.6, rate=rate) == count
