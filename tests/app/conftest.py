"""A server of one's own, on a free port, in a thread of the tests."""

from contextlib import ExitStack
from typing import Any

import pytest
from app_served import Served, running, settings_in


@pytest.fixture
def serving(tmp_path):
    """serving(limits={…}, token=…, …): a server with these settings, ended with the test."""
    with ExitStack() as stack:

        def serve(**more: Any) -> Served:
            return stack.enter_context(running(settings_in(tmp_path / "served", **more)))

        yield serve


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One server for the tests of a file that leave it as it was."""
    # whatever else this computer does, nothing is dropped as too old
    limits = {"stale_s": 60.0, "monitors": 1}
    with running(settings_in(tmp_path_factory.mktemp("served"), limits=limits)) as found:
        yield found
