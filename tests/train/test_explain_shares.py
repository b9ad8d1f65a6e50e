"""Relevance added up: nothing is lost, and a share is where it was put."""

import numpy as np
import pytest
import torch
from torch import nn

from camvitals.records import InputError
from camvitals.train.explain import shares
from camvitals.train.explain.attribute import Case, Relevance, explainer
from camvitals.train.explain.explanation import face_of
from camvitals.train.explain.question import ask, pulse_frequency

RATE = 20.0


def relevance(given, slope):
    values = given * slope
    return Relevance(values, ((given, slope, 1.0),), 0.0, 0.0, 0.0, "lrp")


@pytest.mark.parametrize("count", [99, 100])
def test_frequencies_add_up_to_time_for_every_channel(count):
    rng = np.random.default_rng(0)
    found = relevance(rng.normal(size=(3, count)), rng.normal(size=(3, count)))
    spectrum = shares.spectrum(found, "CT")
    assert spectrum.shape == (3, count // 2 + 1)
    assert np.allclose(spectrum.sum(-1), found.values.sum(-1), rtol=1e-9, atol=1e-9)


def test_a_filter_on_the_pulse_is_seen_at_the_pulse():
    time = np.arange(200) / RATE
    given = 50 + np.sin(2 * np.pi * 1.3 * time) + np.sin(2 * np.pi * 2.1 * time)
    slope = np.sin(2 * np.pi * 1.3 * time)  # it looks for 1.3 Hz
    found = relevance(given[None], slope[None])
    parts = shares.by_frequency(shares.spectrum(found, "CT"), rate=RATE, count=200, frequency=1.3)
    assert parts["pulse"].signed == pytest.approx(1, abs=1e-6)
    slope = np.full(200, 0.01)  # it looks at the level
    found = relevance(given[None], slope[None])
    parts = shares.by_frequency(shares.spectrum(found, "CT"), rate=RATE, count=200, frequency=1.3)
    assert parts["level (DC)"].signed == pytest.approx(1, abs=1e-6)


def test_integrated_gradients_keep_their_sum_in_frequency():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv1d(2, 4, 5), nn.Tanh(), nn.Flatten(), nn.Linear(144, 1)).double()

    class Answer(nn.Module):
        def forward(self, x):
            return net(x)[:, 0]

    x = torch.randn(1, 2, 40, dtype=torch.float64)
    case = Case(x, torch.ones_like(x), "CT")
    found = explainer("integrated-gradients")(Answer(), case)
    assert shares.spectrum(found, "CT").sum() == pytest.approx(found.total, rel=1e-9)
    assert found.total == pytest.approx(found.expected, rel=1e-3)
    for rule in ("epsilon", "epsilon-plus-flat"):
        found = explainer("lrp", rule=rule)(Answer(), case)
        assert shares.spectrum(found, "CT").shape == (2, 21)
    with pytest.raises(InputError, match="no multipliers"):
        shares.spectrum(explainer("occlusion")(Answer(), case), "CT")


def test_shares_of_indices_and_of_regions():
    values = np.zeros((2, 3, 6, 6))
    values[:, 1] = 1
    values[0, 2, :2, :2] = -1
    parts = shares.by_index(values, "TCHW", "C", "RGB")
    assert parts["G"].relevance == 72
    assert parts["B"].size == pytest.approx(4 / 76)
    assert parts["B"].signed == pytest.approx(-4 / 68)
    regions = shares.by_region(values, "TCHW", shares.grid(6, 6))
    assert sum(one.relevance for one in regions.values()) == pytest.approx(68)
    assert regions["upper left"].relevance == pytest.approx(8 - 4)
    with pytest.raises(InputError, match="as many names"):
        shares.by_index(values, "TCHW", "C", "RG")


def test_regions_of_a_face_share_out_every_pixel():
    regions = face_of(12, 12)
    assert np.allclose(sum(regions.values()), 1)
    cheek = np.unravel_index(regions["left_cheek"].argmax(), (12, 12))
    assert cheek[1] > 6  # the left cheek of a person is at the right of the picture
    assert regions["forehead"][3, 6] > regions["chin"][3, 6]


def test_the_question_of_a_pulse_is_the_size_of_it_and_has_no_level():
    time = np.arange(200) / RATE
    wave = 7 + 3 * np.sin(2 * np.pi * 1.3 * time) + np.sin(2 * np.pi * 0.2 * time)
    question = ask(torch.tensor(wave[None]), "pulse", rate=RATE)
    assert question.asked == "pulse"
    assert question.frequency == pytest.approx(1.3, abs=0.02)
    size = float(question(torch.tensor(wave[None]))[0])
    assert size == pytest.approx(3 * np.sqrt(100), rel=0.02)
    assert float(question(torch.full((1, 200), 5.0, dtype=torch.float64))[0]) == pytest.approx(
        0, abs=1e-9
    )


def test_questions_that_fit_and_that_do_not():
    wave = torch.arange(10.0, dtype=torch.float64)[None]
    assert float(ask(wave, "rate", rate=RATE)(wave)[0]) == 4.5
    assert float(ask(wave, "pulse", rate=RATE, asked="sample", at=7)(wave)[0]) == 7
    for words, asked, more in (
        ("two seconds", "pulse", {}),
        ("choose one of", "why", {}),
        ("no sample 99", "sample", {"at": 99}),
    ):
        with pytest.raises(InputError, match=words):
            ask(wave, "pulse", rate=RATE, asked=asked, **more)
    with pytest.raises(InputError, match="flat"):
        ask(torch.zeros(1, 100), "pulse", rate=RATE)


def test_the_pulse_frequency_is_that_of_the_strongest_wave():
    time = np.arange(300) / 30
    assert pulse_frequency(np.sin(2 * np.pi * 1.1 * time) + time, 30.0) == pytest.approx(
        1.1, abs=0.05
    )
