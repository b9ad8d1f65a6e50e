"""The committed HeartRateNet: its files belong together, and its table is that of its windows."""

import csv
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from camvitals.evaluate.protocol import PROTOCOLS
from camvitals.runtime import check_golden, load

PLACE = Path(__file__).parents[1] / "results" / "heartratenet"
PAGE = (PLACE / "README.md").read_text("utf-8")
ROWS = re.findall(
    r"^\| ([\w-]+) \| ([\d.]+) \[.*?\| ([\d.]+) \[.*?\| ([\d.]+) \[.*?\| ([\d.]+) \[", PAGE, re.M
)


@pytest.fixture(scope="module")
def errors():
    """method -> motion -> errors [bpm]; "" is all."""
    found = defaultdict(lambda: defaultdict(list))
    with (PLACE / "test.csv").open() as file:
        for row in csv.DictReader(file):
            away = abs(float(row["estimate"]) - float(row["reference"]))
            for motion in ("", row["stratum.motion"]):
                found[Path(row["method"]).stem][motion].append(away)
    return found


def test_the_table_is_that_of_the_windows(errors):
    wanted = ["heartratenet-36", "auto", "regionpulse", "green", "pos", "chrom"]
    assert [row[0] for row in ROWS] == wanted
    for method, *told in ROWS:
        known = errors[method]
        wanted = [np.mean(known[motion]) for motion in ("", "still", "sway", "talk")]
        assert np.array(told, dtype=float) == pytest.approx(wanted, abs=0.006)
        assert len(known[""]) == 64


def test_the_protocol_is_the_one_of_today():
    assert PROTOCOLS["heartratenet"].hash[:12] in PAGE


def test_the_network_gives_its_golden_tensors():
    network = load(PLACE / "heartratenet-36.onnx")
    check_golden(network, PLACE / "heartratenet-36.golden.npz")
    assert network.card.training_data.startswith("8,000 made people")


def test_weights_and_network_are_the_same():
    torch = pytest.importorskip("torch")
    from camvitals.models import model
    from camvitals.train.checkpoint import load_weights

    architecture = model("heartratenet")
    module = architecture.build(size=(36, 36)).eval()
    load_weights(module, PLACE / "heartratenet-36.safetensors")
    images = np.random.default_rng(0).integers(0, 256, (1, 20, 36, 36, 3)).astype(np.float32)
    given = architecture.prepare(torch.from_numpy(images))
    with torch.no_grad():
        wanted = module(given).numpy()
    network = load(PLACE / "heartratenet-36.onnx")
    (name,) = network.inputs
    assert network({name: given.numpy()})["derivative"] == pytest.approx(wanted, abs=1e-4)
