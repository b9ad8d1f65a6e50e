"""The benchmarks of networks: what needs a card says so, and a call is what it is said to be."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from camvitals.models import MODELS
from camvitals.records import InputError
from camvitals.train.graph import card_of

FILE = Path(__file__).parents[2] / "benchmarks" / "runtime.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("benchmark_runtime", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_without_a_card_there_is_one_clear_line(bench):
    if torch.cuda.is_available():
        pytest.skip("there is a card")
    with pytest.raises(InputError, match=r"^--device cuda needs an NVIDIA GPU .*, or leave .*$"):
        bench.main(["--device", "cuda"])


def test_an_unknown_network_is_told(bench):
    with pytest.raises(InputError, match="no network 'nowhere'; choose of heartratenet-36"):
        bench.main(["--only", "nowhere"])


def tracenet(bench):
    subject = bench.Subject("tracenet", "", "tracenet", {"size": (6, 3)}, 300)
    card = card_of(MODELS["tracenet"], name="t", rate=30.0, regions=bench.REGIONS, length=300)
    return subject, card, np.full((2, 300, 6, 3), 100, np.float32)


def test_multiplications_are_those_of_the_layers(bench):
    """Of 16 channels: 4 in, 8 blocks of 5 taps and 16·32·2, one for liking, one for the head."""
    block = 5 * 16 + 2 * 16 * 32
    wanted = 2 * 300 * (6 * (4 * 16 + 4 * block + 16) + 4 * block + 16)
    assert bench.multiplications(*tracenet(bench)) == wanted


def test_half_precision_runs_without_a_card_too(bench, monkeypatch):
    """Where a card would be the processor, that is."""
    monkeypatch.setattr(torch.Tensor, "cuda", lambda self: self)
    monkeypatch.setattr(torch.nn.Module, "cuda", lambda self: self)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    subject, card, arrays = tracenet(bench)
    bench.CARD_FORMS["torch float16"](subject, card, {}, arrays)()


def test_late_calls_are_told_where_there_are_enough(bench):
    subject = tracenet(bench)[0]
    times = [1.0] * 99 + [5.0] * 2
    row = bench._row(subject, "torch", 1, 1, 10, times, floor=0.5, eager=2.0)
    assert (row["median_ms"], row["p99_ms"]) == (100, 500)
    assert (row["over_floor"], row["over_torch"], row["frames_per_second"]) == (2, 2, 10)
    few = bench._row(subject, "torch", 1, 1, 10, times[:20], floor=0.5, eager=2.0)
    assert np.isnan(few["p99_ms"])
    assert bench.shown(few)[6] == "–"
