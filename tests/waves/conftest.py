"""The made pulse, once for all tests here."""

from collections.abc import Callable

import pytest
from made_pulse import Made, make


@pytest.fixture(scope="session")
def made() -> Made:
    return make()


@pytest.fixture(scope="session")
def maker() -> Callable[..., Made]:
    return make
