"""What every journey ends with: the number put in, or the reason why there is none."""

from collections.abc import Callable

import pytest

from camvitals.records import Report

RIGHT_BPM = 3.0


@pytest.fixture(scope="session")
def assert_right() -> Callable[..., None]:
    """assert_right(report, bpm): a heart rate is given and within 3 bpm."""

    def check(report: Report, bpm: float) -> None:
        heart = report.reading("heart_rate")
        assert heart.value is not None, heart.why
        assert heart.value == pytest.approx(bpm, abs=RIGHT_BPM)

    return check


@pytest.fixture(scope="session")
def assert_honest() -> Callable[..., None]:
    """assert_honest(report, bpm): the heart rate is within 3 bpm, or withheld with a sentence."""

    def check(report: Report, bpm: float) -> None:
        heart = report.reading("heart_rate")
        if heart.value is None:
            assert len(heart.why.split()) > 4
        else:
            assert heart.value == pytest.approx(bpm, abs=RIGHT_BPM)

    return check


@pytest.fixture(scope="session")
def assert_silent() -> Callable[[Report], None]:
    """assert_silent(report): not one vital sign is given, over no window either; all say why."""

    def check(report: Report) -> None:
        given = [r for r in (*report.readings, *report.rolling) if r.value is not None]
        assert given == []
        assert all(len(r.why.split()) > 4 for r in report.readings)
        assert len(report.beats) == 0

    return check
