"""ECGs drawn from real pulses, beside the ECGs that were recorded with them. Nothing is fitted."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real
FILE = Path(__file__).parents[2] / "benchmarks" / "pulse_ecg_real.py"


@pytest.fixture(scope="module")
def rows(real_data):
    pytest.importorskip("wfdb")
    spec = importlib.util.spec_from_file_location("pulse_ecg_real", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found = {row["recording"].split(",")[0]: row for row in module.rows(real_data)}
    if not found:
        pytest.skip("none of iphys, a103l and post is there")
    return found


def test_beats_of_a_finger(rows):
    row = rows["finger"]
    assert row["beats"] > 60
    assert abs(row["heart_rate"] - row["heart_rate_drawn"]) < 0.5
    assert row["f1_own_50"] > 0.95


def test_beats_of_a_face(rows):
    for name in ("face", "the same"):
        row = rows[name]
        assert abs(row["heart_rate"] - row["heart_rate_drawn"]) < 2
        assert row["f1_own_83"] > 0.9


def test_an_alarm_on_a_ward(rows):
    row = rows["ward"]
    assert row["f1_own_83"] > row["f1_floor"] + 0.2
