"""Tests between methods against scipy and scikit-posthocs; gaps by hand."""

import numpy as np
import pytest
from scipy import stats

from camvitals.evaluate.metrics import METRICS
from camvitals.evaluate.statistics import (
    compare,
    critical_difference,
    gap,
    holm,
    paired_difference,
    wilcoxon,
)
from camvitals.records import InputError

MAE = METRICS["mae"]


def errors(subjects=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.gamma(2, 1.5, (subjects, 1)) + rng.gamma(2, 0.5, (subjects, 4)) + [0, 0, 0.5, 2]


def test_holm_by_hand():
    np.testing.assert_allclose(
        holm(np.array([0.01, 0.04, 0.03, np.nan])), [0.03, 0.06, 0.06, np.nan]
    )
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1, 1])


def test_wilcoxon_is_that_of_scipy():
    x = errors()
    p, count = wilcoxon(x[:, 0], x[:, 3])
    assert p == pytest.approx(stats.wilcoxon(x[:, 0], x[:, 3]).pvalue)
    assert count == 20


def test_wilcoxon_of_six_clear_wins_by_hand():
    p, _ = wilcoxon(np.zeros(6), np.arange(1.0, 7.0))
    assert p == pytest.approx(2 / 2**6)


def test_wilcoxon_leaves_out_what_one_did_not_answer():
    x = errors()
    first = x[:, 0].copy()
    first[:5] = np.nan
    assert wilcoxon(first, x[:, 1]) == wilcoxon(x[5:, 0], x[5:, 1])
    assert wilcoxon(x[:, 0], x[:, 0]) == (1.0, 20)


def test_comparison_is_that_of_scipy_and_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs")
    x, names = errors(), ("a", "b", "c", "d")
    found = compare(x, names)
    oracle = stats.friedmanchisquare(*x.T)
    assert found.friedman == pytest.approx(oracle.statistic)
    assert found.p == pytest.approx(oracle.pvalue)
    nemenyi = posthocs.posthoc_nemenyi_friedman(x).to_numpy()
    signed = posthocs.posthoc_wilcoxon(x.T, p_adjust="holm")
    for pair in found.pairs:
        i, j = names.index(pair.first), names.index(pair.second)
        assert pair.nemenyi == pytest.approx(nemenyi[i, j], abs=1e-6)
        assert pair.holm == pytest.approx(signed.to_numpy()[i, j])
        assert pair.difference == pytest.approx(np.median(x[:, i] - x[:, j]))


def test_friedman_with_ties_is_that_of_scipy():
    x = np.round(errors())
    assert compare(x, "abcd").friedman == pytest.approx(stats.friedmanchisquare(*x.T).statistic)


def test_ranks_by_hand():
    x = np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [2.0, 2.0, 9.0], [np.nan, 1.0, 2.0]])
    found = compare(x, ("a", "b", "c"))
    np.testing.assert_allclose(found.ranks, [3.5 / 3, 6.5 / 3, 8 / 3])
    assert found.count == 3
    assert found.pairs[2].count == 4  # b and c both answered the last


@pytest.mark.parametrize(("methods", "quantile"), [(2, 1.960), (4, 2.569), (10, 3.164)])
def test_critical_difference_is_that_of_the_printed_table(methods, quantile):
    expected = quantile * np.sqrt(methods * (methods + 1) / (6 * 30))  # Demšar (2006), table 5a
    assert critical_difference(methods, 30) == pytest.approx(expected, rel=5e-4)


def test_a_comparison_needs_subjects():
    with pytest.raises(InputError, match="2 subjects that all answered, got 2 and 1"):
        compare(np.array([[1.0, 2.0], [np.nan, 2.0]]), ("a", "b"))


def test_difference_of_methods_that_share_their_errors_is_sharp():
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(30), 10)
    shared = np.repeat(rng.gamma(2, 4, 30), 10)
    first, second, true = shared, shared + 1 + 0.1 * rng.random(300), np.zeros(300)
    value, low, high = paired_difference(MAE, first, second, true, subject)
    assert -1.1 < low <= value <= high < -1.0


def groups(apart, seed=0, subjects=24):
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(subjects), 20)
    stratum = np.array(["a", "b", "c"])[subject % 3]
    size = np.where(stratum == "c", 2.0 + apart, 2.0) * np.repeat(rng.gamma(20, 0.05, subjects), 20)
    return size * rng.standard_normal(len(subject)), np.zeros(len(subject)), subject, stratum


def test_gap_by_hand():
    error = np.array([1.0, 3.0, 2.0, 2.0, 6.0, 4.0, 99.0])
    stratum = np.array(["a", "a", "b", "b", "c", "c", ""])
    found = gap(MAE, error, np.zeros(7), np.array([1, 2, 3, 4, 5, 6, 7]), stratum)
    np.testing.assert_allclose(found.values, [2, 2, 5])
    assert (found.value, found.worst) == (3, "c")
    within = gap(METRICS["within_3"], error, np.zeros(7), np.arange(7), stratum)
    assert (within.value, within.worst) == (1, "c")


def test_a_real_gap_stands_out_from_chance_and_a_random_one_does_not():
    wide = gap(MAE, *groups(apart=3.0), draws=400)
    assert wide.low > wide.chance
    assert wide.p < 0.01
    assert wide.worst == "c"
    values = [gap(MAE, *groups(apart=0.0, seed=s), draws=100).p for s in range(40)]
    assert np.mean(np.array(values) < 0.1) < 0.25
    assert np.mean(values) == pytest.approx(0.5, abs=0.15)


def test_strata_within_subjects_have_a_gap_but_no_deal():
    error, true, subject, _ = groups(apart=0.0)
    stratum = np.where(np.arange(len(error)) % 2, "still", "talk")
    found = gap(MAE, error, true, subject, stratum)
    expected = abs(np.abs(error[::2]).mean() - np.abs(error[1::2]).mean())
    assert found.value == pytest.approx(expected)
    assert found.low <= found.value <= found.high
    assert np.isnan(found.p)
