from dataclasses import replace

import numpy as np
import pytest

from camvitals.evaluate.predictions import Predictions, score_predictions
from camvitals.evaluate.protocol import PROTOCOLS
from camvitals.evaluate.result import SCORES
from camvitals.records import InputError

RATE = 30.0
TRUE_BPM = {"a": 66.0, "b": 81.0, "c": 93.0}


def pulse(bpm, seconds=42.0, noise=0.0, seed=0):
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * bpm / 60 * time
    wave = np.exp(1.5 * np.cos(phase + 0.3 * np.sin(phase)))
    return wave + noise * np.random.default_rng(seed).standard_normal(len(time))


def made(**options):
    labels = {name: pulse(bpm) for name, bpm in TRUE_BPM.items()}
    waves = {name: pulse(bpm, noise=0.4, seed=1) for name, bpm in TRUE_BPM.items()}
    return Predictions(waves, labels, RATE, False, corpus="made", **options)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_finds_a_clear_pulse(protocol):
    result = score_predictions(made(), protocol=PROTOCOLS[protocol])
    true = np.array([TRUE_BPM[name] for name in result.columns["recording"]])
    assert result.names("recording") == ("a", "b", "c")
    np.testing.assert_allclose(result.columns["reference"], true, atol=1.0)
    np.testing.assert_allclose(result.columns["estimate"], true, atol=1.0)
    for name in SCORES:
        assert np.isfinite(result.columns[name]).all()
    assert result.excluded == ()


def test_differences_are_summed_up():
    def differences(waves):
        steps = {name: np.r_[np.diff(wave), 0.0] for name, wave in waves.items()}
        return {name: step / step.std() for name, step in steps.items()}

    plain = made()
    other = Predictions(differences(plain.predicted), differences(plain.reference), RATE, True)
    for protocol in ("rppg-toolbox", "ours"):
        a, b = (
            score_predictions(one, protocol=PROTOCOLS[protocol], waves=False)
            for one in (plain, other)
        )
        np.testing.assert_allclose(a.columns["estimate"], b.columns["estimate"], atol=0.05)


def test_subjects_and_strata_go_with_the_recording():
    words = {"a": {"tone": "1"}, "c": {"tone": "6"}}
    predictions = made(subjects={"a": "x", "b": "x"}, strata=words)
    found = score_predictions(predictions, protocol=PROTOCOLS["rppg-toolbox"], waves=False)
    assert list(found.columns["subject"]) == ["x", "x", "c"]
    assert list(found.columns["stratum.tone"]) == ["1", "", "6"]


def test_a_recording_shorter_than_a_window_is_told():
    short = {"a": pulse(66, seconds=7.0)}
    protocol = PROTOCOLS["heartratenet"]
    found = score_predictions(Predictions(short, short, RATE, False), protocol=protocol)
    assert len(found) == 0
    assert (found.excluded[0].recording, found.excluded[0].why) == (
        "a",
        "the recording is shorter than a window",
    )


def test_what_was_saved_is_read(tmp_path):
    plain = made()
    arrays = {f"predictions/{k}": v for k, v in plain.predicted.items()}
    arrays |= {f"labels/{k}": v for k, v in plain.reference.items()}
    np.savez(tmp_path / "dump.npz", fs=RATE, label_type="Standardized", **arrays)
    found = Predictions.load(tmp_path / "dump.npz")
    assert (found.rate, found.difference) == (RATE, False)
    np.testing.assert_array_equal(found.predicted["b"], plain.predicted["b"])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"predictions/a": np.zeros(9)}, "needs fs and label_type"),
        ({"fs": 30, "label_type": "Diff"}, "has label_type 'Diff'; it needs one of"),
        ({"fs": 30, "label_type": "Raw"}, "but there are none"),
        ({"fs": 30, "label_type": "Raw", "labels/a": np.zeros(9)}, "'a' has one only"),
        (
            {"fs": 30, "label_type": "Raw", "labels/a": np.zeros(9), "predictions/a": np.ones(8)},
            "label of a needs shape 8 but got 9",
        ),
        ({"fs": 30, "label_type": np.array([{}])}, "is not an .npz of arrays"),
    ],
)
def test_what_is_no_dump_is_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "dump.npz", **arrays)
    with pytest.raises(InputError, match=message):
        Predictions.load(tmp_path / "dump.npz")


def test_a_label_that_stops_leaves_windows_out():
    whole = made()
    flat = whole.reference["a"].copy()
    flat[round(18 * RATE) :] = flat[0]
    broken = Predictions(whole.predicted, {**whole.reference, "a": flat}, RATE, False)
    protocol = PROTOCOLS["heartratenet"]
    found = score_predictions(broken, protocol=protocol, waves=False)
    assert {one.recording for one in found.excluded} == {"a"}
    assert found.of(recording="a").columns["stop"].max() < 21
    kept = score_predictions(broken, protocol=replace(protocol, usable=0.0), waves=False)
    assert len(kept) > len(found)
