"""Running windows, blind sources, adaptive filters, matrix completion."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from camvitals.dsp.adaptive import history, nlms, rls
from camvitals.dsp.blind import jade, principal, whiten
from camvitals.dsp.completion import complete
from camvitals.dsp.moving import (
    overlap_add,
    project,
    starts,
    window_covariance,
    window_mean,
)
from camvitals.records import InputError

RNG = np.random.default_rng(12)


def test_running_means_and_covariances_equal_those_of_each_window():
    x = RNG.normal(0, 1, (40, 2, 3))
    mean, covariance = window_mean(x, 7), window_covariance(x, 7)
    assert len(mean) == 34
    for at in (0, 13, 33):
        part = x[at : at + 7]
        np.testing.assert_allclose(mean[at], part.mean(axis=0), atol=1e-12)
        for r in range(2):
            expected = np.cov(part[:, r].T, bias=True)
            np.testing.assert_allclose(covariance[at, r], expected, atol=1e-12)


def test_projection_is_the_mean_over_covering_windows():
    x, w = RNG.normal(0, 1, (20, 3)), RNG.normal(0, 1, (16, 3))
    total, count = np.zeros(20), np.zeros(20)
    for at in range(16):
        total[at : at + 5] += (x[at : at + 5] - x[at : at + 5].mean(axis=0)) @ w[at]
        count[at : at + 5] += 1
    np.testing.assert_allclose(project(x, w, 5), total / count, atol=1e-12)


@pytest.mark.parametrize("total", [48, 49, 100, 899])
def test_overlapping_pieces_of_a_signal_give_it_back(total):
    x = RNG.normal(0, 1, (total, 2))
    first = starts(total, 48)
    assert first[0] == 0
    assert first[-1] == total - 48
    pieces = np.stack([x[at : at + 48] for at in first])
    np.testing.assert_allclose(overlap_add(pieces, first, total), x, atol=1e-12)


def test_unknown_pieces_leave_a_hole():
    pieces = np.ones((3, 10))
    pieces[1:] = np.nan
    out = overlap_add(pieces, np.array([0, 5, 10]), 20)
    np.testing.assert_array_equal(out[:10], 1)
    assert np.isnan(out[10:]).all()


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_jade_finds_the_sources(channels):
    t = np.arange(4000)
    kinds = [
        np.sin(0.11 * t),
        np.sign(np.sin(0.037 * t)),
        RNG.laplace(0, 1, 4000),
        RNG.uniform(-1, 1, 4000),
    ]
    sources = np.stack(kinds[:channels], axis=1)
    mixing = ortho_group.rvs(channels, random_state=3) * np.arange(1, channels + 1)
    found = jade(sources @ mixing)
    likeness = np.abs(np.corrcoef(found.T, sources.T)[:channels, channels:])
    assert likeness.max(axis=0).min() > 0.99
    assert len(set(likeness.argmax(axis=0))) == channels


def test_jade_side_by_side_equals_one_by_one():
    x = RNG.laplace(0, 1, (500, 6, 3)) @ RNG.normal(0, 1, (3, 3))
    together = jade(x)
    for k in range(6):
        alone = jade(x[:, k])
        likeness = np.abs(np.einsum("tk,tk->k", alone, together[:, k])) / 500
        np.testing.assert_allclose(likeness, 1, atol=1e-3)


def test_whitening_gives_unit_variance_and_leaves_nothing_where_nothing_is():
    x = RNG.normal(0, 1, (300, 2)) @ RNG.normal(0, 5, (2, 3))
    z = whiten(x)
    np.testing.assert_allclose(z.T @ z / 300, np.diag([1.0, 1, 0]), atol=1e-9)


def test_principal_components_come_in_order_and_keep_the_power():
    x = RNG.normal(0, 1, (300, 3)) * [1.0, 5.0, 2.0]
    power = principal(x).var(axis=0)
    assert (np.diff(power) < 0).all()
    assert power.sum() == pytest.approx(x.var(axis=0).sum())


def test_history_has_the_latest_first():
    np.testing.assert_array_equal(
        history(np.array([1.0, 2, 3]), 3), [[1, 1, 1], [2, 1, 1], [3, 2, 1]]
    )


def test_nlms_learns_a_filter():
    x = RNG.normal(0, 1, 4000)
    taps = np.array([0.5, -0.3, 0.2])
    np.testing.assert_allclose(nlms(history(x, 3) @ taps, x), taps, atol=1e-6)


def test_nlms_follows_its_recursion():
    x, d = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    first = 0.05 * 3 / 1.001
    second = first + 0.05 * (4 - 2 * first) * 2 / 4.001
    np.testing.assert_allclose(nlms(d, x, taps=1), [second])


def test_rls_equals_weighted_least_squares():
    x, d, forgetting, start = RNG.normal(0, 1, 60), RNG.normal(0, 1, 60), 0.95, 2.0
    errors = rls(d[:, None], x[:, None], taps=2, forgetting=forgetting, start=start)
    past = history(x, 2)
    for t in (5, 30, 59):
        weight = forgetting ** np.arange(t - 1, -1, -1.0)
        prior = forgetting**t / start * np.eye(2)
        normal = (past[:t].T * weight) @ past[:t] + prior
        solved = np.linalg.solve(normal, (past[:t].T * weight) @ d[:t])
        assert errors[t, 0] == pytest.approx(d[t] - past[t] @ solved, abs=1e-9)


def test_rls_stays_bounded_when_the_reference_stands_still():
    x = np.r_[RNG.normal(0, 1, 100), np.zeros(20_000), RNG.normal(0, 1, 100)]
    errors = rls(0.5 * x[:, None], x[:, None])
    assert np.isfinite(errors).all()
    assert np.abs(errors[-50:]).max() < 1e-2


@pytest.mark.parametrize("filtered", [nlms, rls])
def test_filters_refuse_signals_of_different_length(filtered):
    with pytest.raises(InputError, match="both signals of one shape"):
        filtered(np.zeros((10, 1)), np.zeros((9, 1)))


def test_completion_disbelieves_spoilt_entries_and_restores_them():
    rng = np.random.default_rng(1)
    clean = np.outer(np.sin(0.2 * np.arange(200)), rng.uniform(0.8, 1.2, 12))
    spoilt = rng.random(clean.shape) < 0.1
    given = clean + 0.05 * rng.normal(0, 1, clean.shape) + spoilt * rng.normal(0, 4, clean.shape)
    found = complete(given)
    assert found.rank == 1
    assert found.trusted.mean() == pytest.approx(0.7, abs=0.01)
    assert found.trusted[spoilt].mean() < 0.1
    left, size, right = np.linalg.svd(given, full_matrices=False)
    plain = size[0] * np.outer(left[:, 0], right[0])
    likeness = [np.corrcoef(m[spoilt], clean[spoilt])[0, 1] for m in (found.low_rank, plain)]
    assert likeness[0] > max(0.6, likeness[1])
