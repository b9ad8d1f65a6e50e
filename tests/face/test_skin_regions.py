import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camvitals.face.regions import (
    NAMES,
    box_shares,
    cell_shares,
    coverage,
    plain_cells,
    region_shares,
)
from camvitals.face.skin import MASKS, largest_component, opening, otsu_threshold, typical


def brute_component(mask):
    """Largest 4-connected part by flooding from every node."""
    left, best = mask.copy(), np.zeros_like(mask)
    while left.any():
        part = np.zeros_like(mask)
        todo = [tuple(np.argwhere(left)[0])]
        while todo:
            i, j = todo.pop()
            if 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1] and left[i, j]:
                left[i, j], part[i, j] = False, True
                todo += [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)]
        best = part if part.sum() > best.sum() else best
    return best


@given(st.integers(0, 2**31), st.floats(0.2, 0.8))
def test_the_largest_component_is_the_largest(seed, density):
    mask = np.random.default_rng(seed).random((12, 15)) < density
    ours, brute = largest_component(mask), brute_component(mask)
    assert ours.sum() == brute.sum()
    assert np.array_equal(brute_component(ours), ours)
    assert not (ours & ~mask).any()


def test_opening_drops_threads_and_keeps_blocks():
    mask = np.zeros((12, 12), dtype=bool)
    mask[2:7, 2:7] = True
    mask[9] = True
    opened = opening(mask)
    assert opened[2:7, 2:7].all() and opened.sum() == 25


def test_otsu_threshold_lies_between_two_heaps():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(10, 1, 3000), rng.normal(20, 1, 1000)])
    assert 13 < otsu_threshold(values) < 17
    assert otsu_threshold(np.full(5, 3.0)) == 3.0


def ycc(skin_luma, skin_cb, skin_cr):
    """A face-like disc before a grey wall, with noise; and the disc."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:60, :50]
    disc = ((y - 30) / 25) ** 2 + ((x - 25) / 18) ** 2 < 1
    planes = np.stack(
        [
            np.where(disc, skin_luma, 150.0),
            np.where(disc, skin_cb, 128.0),
            np.where(disc, skin_cr, 128.0),
        ]
    )
    return planes + rng.normal(0, 1, planes.shape), disc


TONES = {  # Y, Cb, Cr of the lightest to the darkest skin
    "light": (190, 112, 148),
    "medium": (140, 110, 152),
    "brown": (95, 112, 150),
    "dark": (50, 119, 141),
}


@pytest.mark.parametrize("name", ["otsu", "chroma"])
@pytest.mark.parametrize("tone", TONES)
def test_skin_of_all_tones_is_kept_and_the_wall_is_not(name, tone):
    planes, disc = ycc(*TONES[tone])
    mask = MASKS[name](planes)
    assert mask[disc].mean() > 0.95
    assert mask[~disc].mean() < 0.05


def test_skin_alone_is_not_split():
    planes = np.random.default_rng(0).normal(140, 1.0, (3, 40, 40))
    assert MASKS["otsu"](planes).all()


def test_glare_and_hair_are_not_typical():
    luma = np.random.default_rng(0).normal(120, 4, (40, 40))
    luma[:4], luma[-4:] = 30, 245
    kept = typical(luma, np.ones(luma.shape))
    assert not kept[:4].any() and not kept[-4:].any()
    assert kept[4:-4].mean() > 0.98


@given(st.floats(3, 20), st.floats(3, 20), st.floats(2, 12), st.floats(2, 12))
def test_coverage_has_the_area_of_the_polygon(x, y, width, height):
    corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
    share = coverage(corners, (40, 40))
    assert share.sum() == pytest.approx(width * height, rel=0.12, abs=1)
    turned = coverage(corners[::-1], (40, 40))
    np.testing.assert_allclose(turned, share, atol=1e-5)


def test_coverage_of_a_circle_and_beyond_the_window():
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert coverage(20 + 8 * circle, (40, 40)).sum() == pytest.approx(64 * np.pi, rel=0.02)
    half = coverage((-0.5, 20) + 8 * circle, (40, 40))
    assert half.sum() == pytest.approx(32 * np.pi, rel=0.03)
    assert not coverage((-50, 20) + 8 * circle, (40, 40)).any()


@pytest.fixture(scope="module")
def landmarks(portrait):
    from camvitals.face.crop import whole
    from camvitals.face.detect import Detector
    from camvitals.face.mesh import Mesh, square_of_detection
    from camvitals.records import Frame

    frame = Frame.of_rgb(portrait(100, 100, 120, size=(200, 200)), 0.0)
    found = Detector()(frame, whole(frame), threshold=0.5)[0]
    return Mesh()(frame, square_of_detection(found))[0]


def centre(share):
    y, x = np.mgrid[: share.shape[0], : share.shape[1]]
    return (x * share).sum() / share.sum(), (y * share).sum() / share.sum()


@pytest.mark.parametrize("by", ["landmarks", "box"])
def test_regions_lie_where_they_belong(landmarks, by):
    from camvitals.face.mesh import box_of

    shape = (200, 200)
    shares = (
        region_shares(landmarks, shape)
        if by == "landmarks"
        else box_shares(box_of(landmarks), shape)
    )
    assert set(shares) == set(NAMES)
    at = {name: centre(share) for name, share in shares.items()}
    assert at["forehead"][1] < at["nose"][1] < at["chin"][1]
    # the person's right is on the left of the picture
    assert at["right_cheek"][0] < at["nose"][0] < at["left_cheek"][0]
    parts = [shares[name] for name in NAMES if name != "skin"]
    assert np.sum(parts, axis=0).max() <= 1.3  # hardly any overlap
    assert all((part <= shares["skin"] + 0.51).all() for part in parts)
    eyes = landmarks[[33, 133, 263, 362]].mean(axis=0).round().astype(int)
    right_eye = landmarks[[33, 133, 159, 145]].mean(axis=0).round().astype(int)
    assert shares["skin"][right_eye[1], right_eye[0]] < 0.2
    assert eyes[1] < at["nose"][1]


def test_cells_share_out_the_face(landmarks):
    cells = cell_shares(landmarks, (200, 200), (3, 4))
    assert len(cells) == 12
    assert np.sum(cells, axis=0).max() < 1.1
    sizes = [cell.sum() for cell in cells]
    assert max(sizes) < 1.1 * min(sizes)
    assert centre(cells[0])[0] < centre(cells[3])[0]
    assert centre(cells[0])[1] < centre(cells[8])[1]


def test_plain_cells_share_out_the_window():
    cells = plain_cells((30, 40), (3, 4))
    np.testing.assert_allclose(np.sum(cells, axis=0), 1, atol=1e-5)
