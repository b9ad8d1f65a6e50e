"""The benchmarks of networks: what needs a card says so, and a call is what it is said to be."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from camvitals.models import MODELS
from camvitals.records import InputError
from camvitals.train.graph import card_of

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module("runtime")


def test_without_a_card_there_is_one_clear_line(bench):
    if torch.cuda.is_available():
        pytest.skip("there is a card")
    with pytest.raises(InputError, match=r"^--device cuda needs an NVIDIA GPU .*, or leave .*$"):
        bench.main(["--device", "cuda"])


def test_an_unknown_network_is_told(bench):
    with pytest.raises(InputError, match="no network 'nowhere'; choose of heartratenet-36"):
        bench.main(["--only", "nowhere"])


@pytest.fixture
def tracenet(bench):
    of = sys.modules["runtime_subject"]
    subject = of.Subject("tracenet", "", "tracenet", {"size": (6, 3)}, 300)
    card = card_of(MODELS["tracenet"], name="t", rate=30.0, regions=of.REGIONS, length=300)
    return subject, card, np.full((2, 300, 6, 3), 100, np.float32)


def test_multiplications_are_those_of_the_layers(bench, tracenet):
    """Of 16 channels: 4 in, 8 blocks of 5 taps and 16·32·2, one for liking, one for the head."""
    block = 5 * 16 + 2 * 16 * 32
    wanted = 2 * 300 * (6 * (4 * 16 + 4 * block + 16) + 4 * block + 16)
    assert bench.multiplications(*tracenet) == wanted


def test_half_precision_runs_without_a_card_too(tracenet, monkeypatch):
    """Where a card would be the processor, that is."""
    monkeypatch.setattr(torch.Tensor, "cuda", lambda self: self)
    monkeypatch.setattr(torch.nn.Module, "cuda", lambda self: self)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    subject, card, arrays = tracenet
    sys.modules["runtime_card"].CARD_FORMS["torch float16"](subject, card, {}, arrays)()


def test_late_calls_are_told_where_there_are_enough(bench, tracenet):
    subject = tracenet[0]
    times = [1.0] * 99 + [5.0] * 2
    row = bench._row(subject, "torch", 1, 1, 10, times, floor=0.5, eager=2.0)
    assert (row["median_ms"], row["p99_ms"]) == (100, 500)
    assert (row["over_floor"], row["over_torch"], row["frames_per_second"]) == (2, 2, 10)
    few = bench._row(subject, "torch", 1, 1, 10, times[:20], floor=0.5, eager=2.0)
    assert np.isnan(few["p99_ms"])
    assert bench.shown(few)[6] == "–"
