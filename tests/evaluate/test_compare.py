from dataclasses import replace

import numpy as np
import pytest

from camvitals.evaluate.compare import compare
from camvitals.evaluate.example import example
from camvitals.evaluate.protocol import protocol
from camvitals.evaluate.result import Result
from camvitals.records import InputError

FIRST = example(subjects=12, windows=8)


def worse(result: Result, bpm: float) -> Result:
    columns = dict(result.columns)
    error = columns["estimate"] - columns["reference"]
    columns["estimate"] = columns["estimate"] + np.where(error > 0, bpm, -bpm)
    return replace(result, columns=columns)


def test_a_constant_difference_is_found_exactly() -> None:
    found = compare(FIRST, worse(FIRST, 1.5))
    assert [one.methods for one in found] == [(m, m) for m in FIRST.names("method")]
    for one in found:
        assert one.difference == pytest.approx(-1.5)
        assert (one.low, one.high) == pytest.approx((-1.5, -1.5))
        assert one.p < 0.005
        assert one.p < one.holm <= 4 * one.p
        assert one.subjects == 12


def test_the_same_does_not_differ() -> None:
    assert all(one.difference == 0 and one.p == 1 for one in compare(FIRST, FIRST))


def test_only_windows_that_both_answered_count() -> None:
    columns = dict(FIRST.columns)
    given = np.isfinite(columns["estimate"])
    first_given = np.flatnonzero(given & (columns["method"] == "pos"))[0]
    columns["estimate"] = columns["estimate"].copy()
    columns["estimate"][first_given] = np.nan
    less = replace(FIRST, columns=columns)
    whole, part = (
        next(one for one in compare(FIRST, other) if one.methods[0] == "pos")
        for other in (FIRST, less)
    )
    assert part.windows == whole.windows - 1
    assert part.covered[1] < part.covered[0]


def test_rows_need_not_stand_in_the_same_order() -> None:
    order = np.random.default_rng(0).permutation(len(FIRST))
    shuffled = FIRST.where(order)
    assert all(one.difference == 0 for one in compare(FIRST, shuffled))


def test_other_protocols_are_refused_unless_asked_for() -> None:
    other = replace(FIRST, protocol=protocol("heartratenet"))
    with pytest.raises(InputError, match=r"differ: step 5.0 / 10.0; estimator report / fft_re"):
        compare(FIRST, other)
    assert compare(FIRST, other, across=True)


def test_other_references_and_other_recordings_are_refused() -> None:
    columns = dict(FIRST.columns)
    moved = replace(FIRST, columns=columns | {"reference": columns["reference"] + 1})
    with pytest.raises(InputError, match=r"references of \d+ of \d+ windows differ"):
        compare(FIRST, moved)
    elsewhere = replace(FIRST, columns=columns | {"start": columns["start"] + 0.5})
    with pytest.raises(InputError, match="no window in common"):
        compare(FIRST, elsewhere)


def test_methods_that_only_one_has_are_compared_all_with_all() -> None:
    found = compare(FIRST.of(method="pos"), FIRST.where(FIRST.columns["method"] != "pos"))
    assert [one.methods for one in found] == [("pos", m) for m in ("auto", "chrom", "green")]
