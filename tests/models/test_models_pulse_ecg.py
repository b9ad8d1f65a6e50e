"""PulseECG: its shape, what depends on what, and that it learns from made people."""

import numpy as np
import pytest
import torch

from camvitals.models.pulse_ecg import PulseECG
from camvitals.train.pulse_ecg import Training, blurred, fit, losses, ship
from camvitals.train.pulse_people import Clips, Stretch, person, stretches
from camvitals.waves.ecg import CHAPTER_S, FINE_HZ, MARGIN_S, RATE_HZ, ecg_network


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    return PulseECG().eval()


def given(n=2, length=200, seed=0):
    rng = np.random.default_rng(seed)
    pulse = rng.standard_normal((n, length, 1))
    return torch.tensor(np.concatenate([pulse, np.zeros((n, length, 5))], axis=2)).float()


def test_it_is_as_small_as_it_says(module):
    assert sum(p.numel() for p in module.parameters()) == 209_482
    odds, ecg = module(given(length=137))
    assert odds.shape == ecg.shape == (2, 137, 5)


def test_the_rhythm_knows_nothing_of_the_marks(module):
    told = given()
    marked = told.clone()
    marked[:, 50, 3] = 1.0
    with torch.no_grad():
        (odds, plain), (same, drawn) = module(told), module(marked)
    assert torch.equal(odds, same)
    changed = (drawn - plain).abs().amax(dim=(0, 2)) > 0
    assert changed[50] and not changed[:-1][np.abs(np.arange(199) - 50) > 128].any()


def test_it_does_not_look_beyond_the_margin_of_a_chapter(module):
    length = round((CHAPTER_S + 2 * MARGIN_S) * RATE_HZ)
    told = given(n=1, length=2 * length)
    margin = round(MARGIN_S * RATE_HZ)
    with torch.no_grad():
        whole = module(told)
        part = module(told[:, 300 : 300 + length])
    inner = slice(margin, length - margin)
    for a, b in zip(whole, part, strict=True):
        torch.testing.assert_close(a[:, 300:][:, inner], b[:, inner], rtol=1e-4, atol=1e-5)


def test_a_clip_does_not_depend_on_its_neighbours(module):
    with torch.no_grad():
        for both, alone in zip(module(given()), module(given()[:1]), strict=True):
            torch.testing.assert_close(both[:1], alone, rtol=1e-4, atol=1e-5)


def test_a_blurred_mark_is_still_one_beat():
    marks = torch.zeros(1, 500)
    marks[0, 200] = 0.3
    marks[0, 201] = 0.7
    soft = blurred(marks, 0.010)
    assert soft.shape == (1, 500) and soft.sum() == pytest.approx(1, abs=1e-4)
    assert (soft[0] @ torch.arange(500.0)) == pytest.approx(200.7, abs=1e-3)


@pytest.fixture(scope="module")
def found() -> Stretch:
    """A made person whose pulse is found; their ECG lies on the clock of the network."""
    still = {"ectopic": 0.0, "rhythm": "sinus", "motion": "still", "clock": "steady"}
    one = person(11, duration=20.0, rate=30.0, **still)
    assert abs(one.heart.value - 60 / np.diff(one.beats).mean()) < 2
    (stretch,) = stretches(one)
    return stretch


def test_a_person_is_shown_as_in_use(found):
    at = np.round(found.beats * FINE_HZ).astype(int)
    tops = np.clip(at[:, None] + np.arange(-3, 4), 0, len(found.ecg) - 1)
    assert (found.ecg[tops].max(axis=1) > 0.4).all()
    assert len(found.ecg) == 5 * len(found.pulse) and found.pulse.std() == pytest.approx(1)
    assert found.trusted.mean() > 0.5


def test_clips_keep_marks_and_ecg_together(found):
    batch = Clips([found], 300, late_s=0.05).batch(8, np.random.default_rng(0))
    for given_, ecg in zip(batch["given"], batch["ecg"], strict=True):
        at = np.flatnonzero(given_[:, 1:].ravel() > 0.5)
        at = at[(at > 3) & (at < 1490)]
        assert len(at) and (ecg.ravel()[at[:, None] + np.arange(-3, 4)].max(axis=1) > 0.4).all()
    late = batch["given"][..., 1:] - batch["marks"]
    assert np.abs(late).sum() > 0


def test_it_learns_goes_on_and_ships(found, tmp_path):
    training = Training(width=8, drawing=8, epochs=2, steps=3, batch=2, seconds=6, held_out=2)
    begun = fit(Training(**{**vars_of(training), "epochs": 1}), [found], [found], tmp_path / "a")
    assert begun.training is False
    said: list[str] = []
    module = fit(training, [found], [found], tmp_path / "a", tell=said.append)
    assert len(said) == 1 and len((tmp_path / "a/curve.csv").read_text().split()) == 3
    example = np.zeros((128, 6), np.float32)
    example[:, 0] = found.pulse[:128]
    told = ship(module, tmp_path / "ecg-a.onnx", example, metrics={}, recipe="0" * 64)
    assert max(told.apart.values()) < 1e-4 and told.free == ("batch", "time")
    assert ecg_network(str(told.path)).card == told.card


def vars_of(training):
    from dataclasses import asdict

    return asdict(training)


def test_the_losses_fall_with_the_right_answer(module):
    batch = {"given": given(), "marks": torch.zeros(2, 200, 5), "ecg": torch.zeros(2, 200, 5)}
    batch["marks"][:, 40, 2] = 1.0

    class Right(torch.nn.Module):
        def forward(self, told):
            odds = torch.logit(blurred(batch["marks"].flatten(1), 0.01).clamp(1e-6, 1 - 1e-6))
            return odds.reshape(2, 200, 5), batch["ecg"]

    _, rhythm, drawing = losses(module, batch, blur_s=0.01)
    _, best, none = losses(Right(), batch, blur_s=0.01)
    assert best < rhythm and none == 0 < drawing
