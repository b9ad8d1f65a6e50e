from dataclasses import replace

import numpy as np
import pytest

from camvitals.evaluate.protocol import PROTOCOLS, protocol
from camvitals.evaluate.windows import Clock, all_rates, check_rate, rates, ready, windows_of
from camvitals.records import InputError, Wave

RATE = 30.0
HEARTRATENET = PROTOCOLS["heartratenet"]


def sine(bpm: float, seconds: float, *, first: float = 0.0, rate: float = RATE) -> Wave:
    time = first + np.arange(round(seconds * rate)) / rate
    return Wave(np.sin(2 * np.pi * bpm / 60 * time), time, "pulse")


@pytest.mark.parametrize(
    ("stop", "starts"),
    [(9.9, []), (10.0, [0]), (20.0 - 0.01, [0, 10]), (29.0, [0, 10])],
)
def test_windows_follow_one_another(stop: float, starts: list[float]) -> None:
    found = windows_of(HEARTRATENET, 0.0, stop, step=1 / RATE)
    assert list(found[:, 0]) == starts
    assert list(found[:, 1]) == [start + 10 for start in starts]


def test_windows_overlap_where_the_protocol_says_so() -> None:
    found = windows_of(PROTOCOLS["ours"], 100.0, 121.0, step=1 / RATE)
    assert list(found[:, 0]) == [100, 105, 110]


def test_a_span_is_all_or_nothing() -> None:
    li = PROTOCOLS["li2014"]
    assert windows_of(li, 0.0, 40.0, step=1 / RATE)[0] == pytest.approx([306 / 61, 2136 / 61])
    assert len(windows_of(li, 0.0, 30.0, step=1 / RATE)) == 0
    whole = windows_of(protocol("li2014", window=None), 3.0, 9.0, step=1 / RATE)
    assert whole.tolist() == [[3.0, 9.0]]


def test_a_wave_of_the_clock_gives_its_own_samples_wherever_it_starts() -> None:
    clock, wave = Clock(0.0, RATE), sine(60, 12, first=4.0)
    cut = clock.cut(wave, np.array([[0.0, 10.0]]))
    assert cut.shape == (1, 300)
    assert np.isnan(cut[0, :120]).all()
    assert list(cut[0, 120:]) == list(wave.values[:180])


def test_another_wave_is_interpolated_and_its_gaps_stay() -> None:
    clock, wave = Clock(0.0, RATE), sine(60, 12, rate=200.0)
    values = wave.values.copy()
    values[800:1000] = np.nan
    cut = clock.cut(Wave(values, wave.time, "pulse"), np.array([[0.0, 10.0]]))[0]
    time = np.arange(300) / RATE
    assert np.isnan(cut[(time > 4.01) & (time < 4.98)]).all()
    known = np.isfinite(cut)
    assert known.sum() >= 268
    assert cut[known] == pytest.approx(np.sin(2 * np.pi * time)[known], abs=1e-3)


def test_small_gaps_are_bridged_and_large_ones_are_not() -> None:
    values = np.stack([sine(72, 10).values] * 2)
    values[0, 100:115], values[1, 100:160] = np.nan, np.nan
    made, share = ready(HEARTRATENET, values, rate=RATE)
    assert share == pytest.approx([0.95, 0.8])
    assert np.isfinite(made[0]).all()
    assert np.isnan(made[1]).all()


@pytest.mark.parametrize("name", ["rppg-toolbox", "li2014", "heartratenet"])
def test_every_estimator_reads_a_sine(name: str) -> None:
    windows = np.array([[0.0, 30.0], [30.0, 60.0]])
    found, share = rates(PROTOCOLS[name], sine(84, 60), windows, Clock(0.0, RATE))
    assert found == pytest.approx([84, 84], abs=1.0)
    assert share == pytest.approx([1, 1])


def test_many_waves_at_once_are_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    waves = [sine(bpm, 60) for bpm in (55, 84, 130)]
    windows = windows_of(HEARTRATENET, 0.0, 60.0, step=1 / RATE)
    alone = [rates(HEARTRATENET, wave, windows, Clock(0.0, RATE))[0] for wave in waves]
    monkeypatch.setattr("camvitals.evaluate.windows.SAMPLES_AT_ONCE", 2000)
    together, _ = all_rates(HEARTRATENET, waves, windows, Clock(0.0, RATE))
    assert together == pytest.approx(np.array(alone), abs=1e-6)


def test_a_flat_wave_has_no_rate() -> None:
    flat = Wave(np.zeros(600), np.arange(600) / RATE, "pulse")
    found, _ = rates(HEARTRATENET, flat, np.array([[0.0, 10.0]]), Clock(0.0, RATE))
    assert np.isnan(found).all()


def test_a_band_needs_pictures_enough() -> None:
    with pytest.raises(
        InputError, match=r"needs more than 8 pictures a second, but there were 7\.0"
    ):
        check_rate(HEARTRATENET, 7.0)
    check_rate(replace(HEARTRATENET, band=(0.7, 3.0)), 7.0)
