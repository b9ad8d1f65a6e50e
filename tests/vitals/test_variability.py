import re
import warnings

import numpy as np
import pytest

from camvitals.vitals.beats import Beats, beats
from camvitals.vitals.variability import NAMES, NEEDS_S, artefacts, variability


def exact(time, *, jitter=0.0):
    """Beats known without doubt at these times."""
    n = len(time)
    zero = np.zeros(n, dtype=int)
    return Beats(time, np.ones(n), zero, np.full(n, jitter), 0, (float(time[0]), float(time[-1])))


def swinging(duration, *, seed=0, period=0.9, lf_ms=30.0, hf_ms=25.0, noise_ms=15.0):
    """Beat times on whole milliseconds whose intervals swing at 0.09 and 0.25 Hz."""
    rng = np.random.default_rng(seed)
    times = [0.0]
    while times[-1] < duration:
        t = times[-1]
        swing = lf_ms * np.sin(2 * np.pi * 0.09 * t) + hf_ms * np.sin(2 * np.pi * 0.25 * t)
        times.append(t + period + 1e-3 * (swing + noise_ms * rng.standard_normal()))
    return np.round(np.array(times), 3)


def values(found):
    return {reading.name: reading.value for reading in found}


def neurokit(time):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2 as nk

        at = np.round(1000 * time).astype(int)
        tables = (
            nk.hrv_time(at, sampling_rate=1000),
            nk.hrv_nonlinear(at, sampling_rate=1000),
        )
        return {
            k: float(v.iloc[0]) for table in tables for k, v in table.items() if np.ndim(v) == 1
        }


@pytest.mark.parametrize("seed", [0, 1])
def test_time_domain_is_neurokits_on_the_same_intervals(seed):
    time = swinging(300, seed=seed)
    mine, theirs = values(variability(exact(time))), neurokit(time)
    for name in ("SDNN", "RMSSD", "pNN50", "SD1", "SD2"):
        assert mine[f"hrv_{name.lower()}"] == pytest.approx(theirs[f"HRV_{name}"], rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_bands_are_neurokits_over_the_same_segments(seed):
    time = swinging(241, seed=seed)  # three segments of 120 s in both
    mine = values(variability(exact(time)))
    grid = np.arange(time[1], time[-1], 0.25)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neurokit2 as nk

        tachogram = nk.signal_interpolate(
            time[1:], 1e3 * np.diff(time), x_new=grid, method="quadratic"
        )
        psd = nk.signal_psd(tachogram, sampling_rate=4, method="welch", window=120, normalize=False)
    frequency, power = psd["Frequency"].to_numpy(), psd["Power"].to_numpy()
    for name, low, high in (("hrv_lf", 0.04, 0.15), ("hrv_hf", 0.15, 0.4)):
        inside = (frequency >= low) & (frequency < high)
        theirs = power[inside].sum() * (frequency[2] - frequency[1])
        assert mine[name] == pytest.approx(theirs, rel=0.05)


def test_bands_hold_half_the_squared_swing():
    time = swinging(600, lf_ms=40, hf_ms=30, noise_ms=0)
    found = values(variability(exact(time)))
    assert found["hrv_lf"] == pytest.approx(40**2 / 2, rel=0.05)
    assert found["hrv_hf"] == pytest.approx(30**2 / 2, rel=0.05)
    assert found["hrv_lf_hf"] == pytest.approx((40 / 30) ** 2, rel=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_withheld_below_its_length_and_given_above(name):
    need = NEEDS_S[name]
    short = {r.name: r for r in variability(exact(swinging(need - 4)))}[name]
    long = {r.name: r for r in variability(exact(swinging(need + 4)))}[name]
    assert short.value is None and f"needs {need:.0f} s of clean beats" in short.why
    assert long.low <= long.value <= long.high


def test_jitter_is_taken_off_and_widens_the_interval_downwards():
    time, rng = swinging(300, hf_ms=10), np.random.default_rng(1)
    true = values(variability(exact(time)))
    noisy = time + 0.006 * rng.standard_normal(len(time))
    naive = values(variability(exact(noisy)))
    told = {r.name: r for r in variability(exact(noisy, jitter=0.006))}
    for name in ("hrv_rmssd", "hrv_sd1", "hrv_hf", "hrv_pnn50"):
        assert abs(told[name].value - true[name]) < 0.5 * abs(naive[name] - true[name])
        assert told[name].low <= true[name] <= told[name].high
    assert told["hrv_sdnn"].value < naive["hrv_sdnn"]


def test_withheld_where_jitter_is_most_of_it():
    time, rng = swinging(120, hf_ms=5, noise_ms=5), np.random.default_rng(1)
    noisy = time + 0.02 * rng.standard_normal(len(time))
    found = {r.name: r for r in variability(exact(noisy, jitter=0.02))}
    assert found["hrv_rmssd"].value is None
    assert "timing noise" in found["hrv_rmssd"].why and "±20 ms" in found["hrv_rmssd"].why


def test_ectopic_and_doubled_beats_are_left_out():
    time = swinging(300)
    clean = values(variability(exact(time)))
    moved = time.copy()
    moved[[60, 150, 240]] -= 0.3
    extra = np.sort(np.r_[moved, moved[100] + 0.4])
    found = values(variability(exact(extra)))
    raw = 1e3 * np.sqrt(np.mean(np.diff(np.diff(extra)) ** 2))
    assert raw > 1.5 * clean["hrv_rmssd"]
    assert found["hrv_rmssd"] == pytest.approx(clean["hrv_rmssd"], rel=0.08)
    assert found["hrv_hf"] == pytest.approx(clean["hrv_hf"], rel=0.15)
    marked = np.flatnonzero(artefacts(np.diff(extra)))
    assert set(marked) >= {59, 60, 100, 101, 150, 151, 240, 241}
    assert len(marked) <= 10


def test_strong_breathing_and_a_metronome_are_no_artefacts():
    assert artefacts(np.diff(swinging(120, hf_ms=120))).mean() < 0.02
    assert not artefacts(np.full(50, 0.8)).any()


def test_no_difference_across_a_gap():
    time = np.r_[swinging(60), 200 + swinging(60, period=1.1, seed=1)]
    run = (time >= 200).astype(int)
    n = len(time)
    found = values(variability(Beats(time, np.ones(n), run, np.zeros(n), 0, (0.0, 260.0))))
    steps = [np.diff(np.diff(time[run == k])) for k in (0, 1)]
    rmssd = 1e3 * np.sqrt(np.mean(np.concatenate(steps) ** 2))
    assert found["hrv_rmssd"] == pytest.approx(rmssd, rel=1e-9)
    assert found["hrv_lf"] is None  # neither stretch is 120 s


def test_doubtful_beats_are_counted_and_too_many_refused():
    time = swinging(120)
    quality = np.ones(len(time))
    quality[::4] = 0.2
    n = len(time)
    found = variability(Beats(time, quality, np.zeros(n, int), np.zeros(n), 0, (0.0, 120.0)))
    assert all(r.value is None and "80% clean" in r.why for r in found)


def test_nothing_from_nothing():
    none = np.zeros(0)
    found = variability(Beats(none, none, none.astype(int), none, 0, (0.0, 5.0)))
    assert [r.name for r in found] == list(NAMES)
    assert all(r.value is None and "record longer" in r.why for r in found)


@pytest.mark.parametrize("snr_db", [20.0, 8.0])
def test_a_pulse_wave_gives_the_variability_of_its_beats(made_pulse, snr_db):
    wave, true = made_pulse(rate=30.0, duration=130.0, snr_db=snr_db)
    found = {r.name: r for r in variability(beats(wave))}
    target = values(variability(exact(true)))
    for name in ("hrv_sdnn", "hrv_rmssd", "hrv_sd2", "hrv_lf", "hrv_hf"):
        assert found[name].low <= target[name] <= found[name].high
    assert found["hrv_rmssd"].value == pytest.approx(target["hrv_rmssd"], rel=0.15)
    assert found["hrv_sdnn"].value == pytest.approx(target["hrv_sdnn"], rel=0.08)


@pytest.mark.parametrize(("name", "most"), [("hrv_rmssd", 0.5), ("hrv_hf", 0.2)])
def test_bands_need_more_trustworthy_beats_than_intervals(name, most):
    time, rng = swinging(300, hf_ms=10), np.random.default_rng(1)
    for jitter in np.arange(1, 30) / 1e3:
        noisy = time + jitter * rng.standard_normal(len(time))
        found = {r.name: r for r in variability(exact(noisy, jitter=jitter))}[name]
        if found.value is None:
            break
        assert found.quality >= 0.7
    share = float(re.search(r"would be (\d+)% timing noise", found.why)[1]) / 100
    assert most - 0.02 < share < most + 0.15
