"""The rasteriser against areas, ramps and orders that are known in closed form."""

import numpy as np
import pytest

from camvitals.data.synthetic import render

SIZE = (16, 12)  # width, height


def square(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=float)


def seen(corners: np.ndarray, depth: float = 10.0) -> render.Facets:
    return render.facets_of(corners, np.full(4, depth), np.array([[0, 1, 2, 3]]))


def test_a_quad_covers_the_pixels_whose_centres_it_holds() -> None:
    samples = render.at_centres(seen(square(2.2, 3.4, 7.6, 5.6)), *SIZE)
    rows, columns = np.divmod(samples.at, SIZE[0])
    assert set(rows) == {3, 4, 5} and set(columns) == set(range(2, 8))
    assert len(samples.at) == 18
    assert np.allclose(samples.weights.sum(axis=1), 1, atol=1e-6)


def test_what_is_interpolated_is_exact_below_a_pixel() -> None:
    corners = square(2.2, 3.4, 12.6, 10.1)
    samples = render.at_centres(seen(corners), *SIZE)
    place = samples.interpolate(corners.astype(np.float32))
    rows, columns = np.divmod(samples.at, SIZE[0])
    assert np.allclose(place, np.stack([columns, rows], axis=1) + 0.5, atol=1e-4)


def test_a_quad_that_faces_away_is_not_seen() -> None:
    assert len(render.at_centres(seen(square(2, 3, 7, 6)[::-1]), *SIZE).at) == 0


@pytest.mark.parametrize("nearer", [0, 1])
def test_the_nearer_quad_hides_the_other_whatever_their_order(nearer: int) -> None:
    points = np.concatenate([square(1, 1, 9, 9), square(4, 4, 14, 11)])
    depth = np.repeat([5.0, 6.0] if nearer == 0 else [6.0, 5.0], 4)
    facets = render.facets_of(points, depth, np.array([[0, 1, 2, 3], [4, 5, 6, 7]]))
    samples = render.at_centres(facets, *SIZE)
    shared = samples.at == 6 * SIZE[0] + 6
    assert samples.corners[shared].min() // 4 == nearer
    assert len(np.unique(samples.at)) == len(samples.at) == 64 + 70 - 25


def test_samples_in_outlines_measure_the_covered_share() -> None:
    edge = np.zeros(SIZE[::-1], dtype=bool)
    edge[:, 5] = True
    samples = render.at_edges(seen(square(-1, -1, 5.5, 13)), edge)
    assert np.array_equal(np.bincount(samples.at // 4), np.full(SIZE[1], 2))


def test_a_texture_is_bilinear() -> None:
    rows, columns = np.mgrid[0:6, 0:9]
    texture = np.stack([2.0 * columns + rows, 0 * rows + 7.0], axis=-1).astype(np.float32)
    x, y = np.array([0.25, 3.5, 7.9]), np.array([4.75, 0.0, 2.125])
    sampled = render.sample_texture(texture, x, y)
    assert np.allclose(sampled[:, 0], 2 * x + y, atol=1e-5) and np.allclose(sampled[:, 1], 7)


def test_outlines_are_changes_of_part_and_jumps_of_depth() -> None:
    part, depth = np.zeros((5, 8), dtype=int), np.zeros((5, 8))
    part[:, 6:], depth[:, 3:] = 1, 2.0
    columns = np.flatnonzero(render.edges_of(part, depth, 1.0).all(axis=0))
    assert columns.tolist() == [2, 3, 5, 6]
