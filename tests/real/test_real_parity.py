"""Published conventions recomputed with plain loops, and the floors of the oximetry recordings."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from scipy import signal, sparse
from scipy.sparse.linalg import spsolve

from camvitals.evaluate.floors import clock, constant_mean
from camvitals.evaluate.metrics import METRICS, standard_error
from camvitals.evaluate.predictions import Predictions, score_predictions
from camvitals.evaluate.protocol import PROTOCOLS

pytestmark = pytest.mark.real
BAND = (0.6, 3.3)
PUBLISHED = replace(PROTOCOLS["rppg-toolbox"], band=BAND, usable=0.0)  # it leaves nothing out


@pytest.fixture(scope="module")
def dump(real_data):
    path = real_data / "predictions/deepphys_pure_to_ubfc.npz"
    if not path.is_file():
        pytest.skip(f"no predictions at {path}")
    return path


def scored(dump, protocol, **options):
    predictions = Predictions.load(dump, method="deepphys", corpus="ubfc-rppg-2")
    return score_predictions(predictions, protocol=protocol, **options)


def smoothed(x):
    """Detrended with λ = 100, by the matrix of the definition."""
    n = len(x)
    second = sparse.diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(n - 2, n))
    return x - spsolve((sparse.eye(n) + 100**2 * (second.T @ second)).tocsc(), x)


def filtered(x, fs):
    b, a = signal.butter(1, [BAND[0] / fs * 2, BAND[1] / fs * 2], btype="bandpass")
    return signal.filtfilt(b, a, smoothed(np.cumsum(x.astype(float))))


def periodogram(x, fs):
    length = 1
    while length < len(x):
        length *= 2
    return signal.periodogram(x, fs=fs, nfft=length, detrend=False)


def rate_by_fft(x, fs):
    frequency, power = periodogram(x, fs)
    best = None
    for f, p in zip(frequency, power, strict=True):
        if BAND[0] <= f <= BAND[1] and (best is None or p > best[1]):
            best = (f, p)
    return 60 * best[0]


def rate_by_peaks(x, fs):
    return 60 * fs / np.mean(np.diff(signal.find_peaks(x)[0]))


def ratio(x, bpm, fs):
    wanted = rest = 0.0
    for f, p in zip(*periodogram(x, fs), strict=True):
        near = [m * bpm / 60 - 0.1 <= f <= m * bpm / 60 + 0.1 for m in (1, 2)]
        wanted += p * sum(near)
        if BAND[0] <= f <= BAND[1] and not any(near):
            rest += p
    return 10 * np.log10(wanted / rest)


def largest_correlation(x, y):
    found = 0.0
    for lag in range(len(x) - 1):
        found = max(found, abs(np.corrcoef(x, np.roll(y, lag))[0, 1]))
    return found


@pytest.fixture(scope="module")
def waves(dump):
    """Sampling rate, and every prediction with its label, summed up, detrended and filtered."""
    archive = np.load(dump, allow_pickle=False)
    fs = float(archive["fs"])
    names = sorted(key.split("/")[1] for key in archive if key.startswith("labels/"))
    kinds = ("predictions", "labels")
    return fs, [tuple(filtered(archive[f"{kind}/{n}"], fs) for kind in kinds) for n in names]


def test_rppg_toolbox_by_fft(dump, waves):
    fs, pairs = waves
    rows = []
    for wave, label in pairs:
        true = rate_by_fft(label, fs)
        rows.append((rate_by_fft(wave, fs), true, ratio(wave, true, fs)))
    result = scored(dump, PUBLISHED)
    estimate, reference = result.columns["estimate"], result.columns["reference"]
    assert len(result) == 42
    mine, true, snr = (np.array([row[k] for row in rows]) for k in range(3))
    np.testing.assert_allclose(estimate, mine, atol=1e-6)
    np.testing.assert_allclose(reference, true, atol=1e-6)
    np.testing.assert_allclose(result.columns["snr_toolbox"], snr, atol=1e-6)
    for k in (0, 13, 41):  # each takes its 1 978 lags one by one
        macc = largest_correlation(*pairs[k])
        assert result.columns["macc"][k] == pytest.approx(macc, abs=1e-6)
    error = mine - true
    expected = {
        "mae": np.mean(np.abs(error)),
        "rmse": np.sqrt(np.mean(error**2)),
        "mape": 100 * np.mean(np.abs(error / true)),
        "pearson_r": np.corrcoef(mine, true)[0, 1],
    }
    for name, value in expected.items():
        assert METRICS[name].function(estimate, reference) == pytest.approx(value, abs=1e-6)
    r, count = expected["pearson_r"], len(error)
    spread = {
        "mae": np.std(np.abs(error)) / np.sqrt(count),
        "rmse": np.sqrt(np.std(error**2) / np.sqrt(count)),
        "mape": 100 * np.std(np.abs(error / true)) / np.sqrt(count),
        "pearson_r": np.sqrt((1 - r**2) / (count - 2)),
    }
    for name, value in spread.items():
        assert standard_error(name, estimate, reference) == pytest.approx(value, abs=1e-6)


def test_rppg_toolbox_by_peaks(dump, waves):
    fs, pairs = waves
    rows = [[rate_by_peaks(wave, fs) for wave in pair] for pair in pairs]
    found = scored(dump, replace(PUBLISHED, estimator="peaks"), waves=False).columns
    np.testing.assert_allclose(found["estimate"], [row[0] for row in rows], atol=1e-6)
    np.testing.assert_allclose(found["reference"], [row[1] for row in rows], atol=1e-6)


def test_the_score_of_one_set_of_predictions_depends_on_the_protocol(dump):
    result = {
        name: scored(dump, PROTOCOLS[name], waves=False).columns
        for name in ("rppg-toolbox", "heartratenet", "li2014", "ours")
    }
    mae = {
        name: METRICS["mae"].function(found["estimate"], found["reference"])
        for name, found in result.items()
    }
    assert max(mae.values()) > 2 * min(mae.values())
    right = np.abs(result["ours"]["estimate"] - result["ours"]["reference"]) <= 5
    quality = result["ours"]["quality"]
    assert quality[right].mean() > quality[~right].mean() + 0.1


def saturation(folder):
    """(N,) SpO2, mean of the four oximeters, of whom and at which second; lines without it go."""
    values, subjects, seconds = [], [], []
    for file in sorted(folder.glob("1*.csv")):
        with file.open(encoding="utf-8-sig") as lines:
            rows = list(csv.reader(lines))[1:]
        table = [[float(row[k] or "nan") for k in (1, 2, 4, 5)] for row in rows]
        mean = np.array([np.mean(row) for row in table])
        known = np.isfinite(mean)
        values.append(mean[known])
        subjects.append(np.full(known.sum(), file.stem))
        seconds.append(np.flatnonzero(known) - np.flatnonzero(known)[0])
    return np.concatenate(values), np.concatenate(subjects), np.concatenate(seconds).astype(float)


def test_a_clock_beats_the_mean_on_induced_hypoxemia(real_data):
    folder = real_data / "oximetry/gt"
    if not folder.is_dir():
        pytest.skip(f"no oximetry at {folder}")
    truth, subject, second = saturation(folder)
    assert len(np.unique(subject)) == 6
    expected = {"mean": (7.59, 9.03), "elapsed": (5.09, 7.40), "fraction": (3.23, 4.93)}
    found = {
        "mean": constant_mean(truth, subject),
        "elapsed": clock(truth, subject, subject, second, by="elapsed"),
        "fraction": clock(truth, subject, subject, second, by="fraction"),
    }
    for name, (mae, rmse) in expected.items():
        assert METRICS["mae"].function(found[name], truth) == pytest.approx(mae, abs=0.006)
        assert METRICS["rmse"].function(found[name], truth) == pytest.approx(rmse, abs=0.006)
    low = truth < 90
    for name, seen, clear in (("elapsed", 0.89, 0.72), ("fraction", 0.91, 0.85)):
        told = found[name] < 90
        asked = np.isfinite(found[name])
        assert told[low & asked].mean() == pytest.approx(seen, abs=0.006)
        assert (~told)[~low & asked].mean() == pytest.approx(clear, abs=0.006)
