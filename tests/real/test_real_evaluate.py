"""Real recordings through the whole evaluation."""

from pathlib import Path

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.evaluate.protocol import PROTOCOLS, protocol
from camvitals.evaluate.run import evaluate

pytestmark = pytest.mark.real


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_real_face_is_scored_alike_by_all_protocols(real_data: Path, name: str) -> None:
    takes = corpus("face-trace").read(real_data / "face-trace")
    result = evaluate(takes, methods=["auto", "pos"], protocol=PROTOCOLS[name], jobs=1)
    heart = result.of(vital="heart_rate").columns
    assert set(heart["method"]) == {"auto", "pos"}
    error = np.abs(heart["estimate"] - heart["reference"])
    assert np.isfinite(error).mean() > 0.9
    assert np.nanmedian(error) < 5.0
    assert result.skipped == ()


def test_fingers_of_unknown_offset_are_scored_whole(real_data: Path) -> None:
    takes = corpus("finger-hrv").read(real_data / "finger-hrv")
    result = evaluate(takes, protocol=protocol("ours", window=None), jobs=1)
    heart = result.of(vital="heart_rate").columns
    error = np.abs(heart["estimate"] - heart["reference"])
    assert len(error) >= 8
    assert np.isfinite(error).mean() > 0.7
    assert np.nanmedian(error) < 3.0
