"""Drawing an ECG from a pulse, with a network whose answer is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from camvitals.records import InputError, Wave
from camvitals.waves.ecg import (
    FINE_HZ,
    MARK,
    PARTS,
    RATE_HZ,
    beats_in,
    drawers,
    drawn,
    ecg_network,
    gives_ecg,
    marked,
    prepared,
)

LATE_S = 0.2  # of a pulse's top after its R peak


class TopsEarlier:
    """An R peak LATE_S before every top of the pulse; a triangle of 1 mV at every mark."""

    card = SimpleNamespace(name="tops")
    inputs = {"given": (1, "t", 1 + PARTS)}  # noqa: RUF012

    def __init__(self):
        self.calls = []

    def __call__(self, arrays):
        given = arrays["given"][0]
        self.calls.append(len(given))
        fine = np.interp(np.arange(len(given) * PARTS) / PARTS, np.arange(len(given)), given[:, 0])
        shifted = np.roll(fine, -round(LATE_S * FINE_HZ))
        top = (shifted > np.roll(shifted, 1)) & (shifted >= np.roll(shifted, -1)) & (shifted > 0.5)
        odds = np.where(top, 9.0, -12.0).reshape(given.shape[0], PARTS)
        ecg = np.convolve(given[:, 1:].ravel(), [0.5, 1.0, 0.5], mode="same")
        return {"rhythm": odds[None], "ecg": ecg.reshape(odds.shape)[None]}


def pulse(seconds=40.0, rate=30.0, bpm=70.0, start=3.0):
    time = start + np.arange(round(seconds * rate)) / rate
    return Wave(np.cos(2 * np.pi * bpm / 60 * (time - start - 0.5)), time, "pulse")


@pytest.mark.parametrize("rate", [12.0, 30.0, 60.0])
def test_beats_lie_where_the_network_says(rate):
    found = drawn(pulse(rate=rate), TopsEarlier())
    true = 3.5 - LATE_S + np.arange(46) * 60 / 70
    inner = (true > 4) & (true < 41)
    apart = np.abs(found.beats[:, None] - true[inner]).min(axis=0)
    assert apart.max() < 0.012  # half a sample of the network's own, and a part
    assert found.odds.min() > 0.9
    assert found.wave.unit.endswith(MARK) and found.wave.name == "ecg"
    peaks = found.wave.time[found.wave.values > 0.7]
    assert np.abs(peaks[:, None] - found.beats).min(axis=1).max() < 0.004


def test_chapters_do_not_show():
    network = TopsEarlier()
    long = drawn(pulse(seconds=63), network)
    assert max(network.calls) <= 32 * RATE_HZ
    gaps = np.diff(long.beats)[1:-1]  # at the ends the network sees the other end
    assert np.ptp(gaps) < 0.03 and len(long.beats) >= 72


def test_gaps_stay_gaps():
    whole = pulse(seconds=30)
    values = np.where((whole.time > 15) & (whole.time < 18), np.nan, whole.values)
    found = drawn(replace(whole, values=values), TopsEarlier())
    hole = (found.wave.time > 15.1) & (found.wave.time < 17.9)
    assert np.isnan(found.wave.values[hole]).all()
    assert not ((found.beats > 15.1) & (found.beats < 17.9)).any()
    assert np.isfinite(
        found.wave.values[~((found.wave.time > 14.9) & (found.wave.time < 18.1))]
    ).all()


def test_what_is_too_short_or_flat_gives_nothing():
    short = drawn(pulse(seconds=4), TopsEarlier())
    assert len(short.beats) == 0 and np.isnan(short.wave.values).all()
    flat = replace(pulse(), values=np.zeros(1200))
    assert len(drawn(flat, TopsEarlier()).beats) == 0
    with pytest.raises(InputError, match="8 samples a second"):
        prepared(pulse(rate=6))


def test_what_is_given_does_not_depend_on_unit_or_clock():
    fast, slow = (prepared(replace_scale(pulse(rate=rate))) for rate in (60.0, 15.0))
    (start, a), (_, b) = fast[0], slow[0]
    assert start == 3.0 and abs(a.std() - 1) < 1e-9
    inner = slice(50, 1900)
    np.testing.assert_allclose(a[inner], b[inner], atol=0.02)


def replace_scale(wave):
    return replace(wave, values=7 + 0.003 * wave.values)


def test_marks_hold_one_for_each_beat_at_its_time():
    beats = np.array([0.5, 1.2342, 3.9999, 9.0])
    marks = marked(beats, 200)
    assert marks.shape == (200, PARTS) and marks.sum() == pytest.approx(2)
    at = np.arange(1000) / FINE_HZ
    flat = marks.ravel()
    assert (flat[200:400] @ at[200:400]) == pytest.approx(1.2342)
    assert flat[125] == 1.0


def test_a_doubtful_beat_is_none_and_two_near_ones_are_one():
    share = np.zeros(2500)
    share[500:540] = 0.02  # 0.8 in all, over 160 ms
    share[1000:1010] = 0.02  # 0.2
    share[1500], share[1530] = 0.5, 0.5  # 120 ms apart
    beats, odds = beats_in(share.reshape(-1, PARTS))
    assert len(beats) == 2
    assert beats[0] == pytest.approx(519.5 / FINE_HZ, abs=0.005) and odds[0] == pytest.approx(0.8)


@pytest.mark.parametrize("name", drawers())
def test_what_ships_is_whole_and_small(name):
    from camvitals.runtime import check_golden
    from camvitals.waves.learned import MODELS

    network = ecg_network(name)
    path = MODELS / f"{name}.onnx"
    assert gives_ecg(name) and gives_ecg(str(path))
    assert path.stat().st_size < 2e6
    assert check_golden(network, path.with_suffix(".golden.npz")) < 1e-3
    assert MARK in network.card.outputs["ecg"]


def test_another_card_is_refused(tmp_path):
    if not drawers():
        pytest.skip("the package holds no network that draws")
    from camvitals.card import ModelCard
    from camvitals.waves.learned import MODELS

    source = MODELS / f"{drawers()[0]}.onnx"
    (tmp_path / "a.onnx").write_bytes(source.read_bytes())
    card = ModelCard.load(source.with_suffix(".json"))
    replace(card, rate=40.0).save(tmp_path / "a.json")
    with pytest.raises(InputError, match="rate 50 Hz"):
        ecg_network(str(tmp_path / "a.onnx"))


@pytest.fixture
def seen(tmp_path):
    """A trace whose crops a network looked at, and the network's path."""
    from made_network import green_of_crops

    from camvitals.records import Trace

    path = str(green_of_crops(tmp_path, task="ecg", gives="ecg", outputs={"pulse": "an ECG"}))
    time = np.arange(600) / 30
    look = np.exp(-0.5 * (np.mod(time, 0.8) / 0.05) ** 2)
    rgb, box = np.full((600, 1, 3), 100.0, np.float32), np.zeros((600, 4))
    trace = Trace(rgb, np.ones((600, 1)), time, ("skin",), box, pulses={path: look})
    return trace, path


def test_a_network_that_looks_itself_is_shown_likewise(seen):
    from camvitals.pipeline import Settings
    from camvitals.steps import finish
    from camvitals.waves.ecg import ecg_steps
    from camvitals.waves.learned import learned

    trace, path = seen
    assert gives_ecg(path)
    settings = Settings(path)
    assert (settings.ecg, settings.pulse) == (path, "auto")
    found = finish(ecg_steps(trace, pulse(), path))
    np.testing.assert_array_equal(found.wave.values, trace.pulses[path])
    assert found.wave.unit == MARK and len(found.beats) == 0
    with pytest.raises(InputError, match="is for ecg and gives ecg; a pulse method needs"):
        learned(path)
