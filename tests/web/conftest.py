"""The real recordings: where they are, or why these tests are skipped."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("CAMVITALS_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no real recordings here: set CAMVITALS_DATA to their folder")
    return folder
