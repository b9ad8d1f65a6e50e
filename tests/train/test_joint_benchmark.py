"""benchmarks/enhancement_joint: the pulse read before and after joint training, by level."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from camvitals.records import InputError
from camvitals.train.enhance.make import Pairs, make_person
from camvitals.train.enhance.quality import ORIGINAL

FOLDER = Path(__file__).parents[2] / "benchmarks"
RATE = 30.0


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module("enhancement_joint")


class Reads:
    """A network that says the reference, or noise, whatever it is shown."""

    def __init__(self, wave):
        self.wave = wave

    def taker(self, keep):
        assert keep is None
        return lambda: self

    def take(self, image, time):
        assert image.shape == (16, 16, 3) and 0 <= time < 4

    def pulse(self, time):
        return self.wave[: len(time)]


def test_a_peak_is_read_to_a_quarter_of_a_bpm(bench):
    time = np.arange(96) / RATE
    for bpm in (50.0, 71.3, 140.0):
        assert bench.rate_at_peak(np.sin(2 * np.pi * bpm / 60 * time), rate=RATE) == pytest.approx(
            bpm, abs=1.5
        )


def test_who_says_the_reference_is_right_and_the_page_says_so(bench, tmp_path):
    pairs = Pairs(size=16, rate=RATE, length=96, levels=("face-8",))
    for seed in (6_000_001, 6_000_003):
        make_person(tmp_path, seed, kind="patch", pairs=pairs)
    people = bench.people_in(tmp_path)
    rows = []
    for one in people:
        noise = np.random.default_rng(0).normal(size=96)
        networks = {"alone": Reads(noise), "apart": Reads(noise), "joint": Reads(one.pulse)}
        rows += bench.rows_of(networks, one)
    assert {row["level"] for row in rows} == {ORIGINAL, "face-8"}
    assert all(row["r"] == pytest.approx(1) for row in rows if row["network"] == "joint")
    assert max(abs(row["r"]) for row in rows if row["network"] != "joint") < 0.6
    text = bench.page(rows, people)
    assert "less that of *apart*" in text and "2 drawn heads" in text
    line = next(one for one in text.splitlines() if one.startswith("| face-8 |"))
    assert line.split("|")[4].strip().startswith("1.00 [1.00")


def test_a_network_without_a_name_is_told(bench):
    with pytest.raises(InputError, match=r"give WORDS=FILE\.onnx"):
        bench.networks_in(["plain.onnx"])
