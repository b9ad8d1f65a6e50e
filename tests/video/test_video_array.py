import numpy as np
import pytest

from camvitals.records import Frame, InputError
from camvitals.video import open_video


def read(source, **options):
    with open_video(source, **options) as video:
        frames = list(video)
    return frames, video.source


def test_array_with_clock_or_rate(shades):
    images = np.stack(shades(6))
    frames, source = read(images, fps=29.97)
    assert np.allclose([f.time for f in frames], np.arange(6) / 29.97)
    assert np.array_equal(frames[3].rgb(), images[3])
    assert np.shares_memory(frames[3].planes[0], images)
    assert (source.frames, source.width, source.height) == (6, 64, 48)
    assert source.rate == pytest.approx(29.97)
    assert source.duration == pytest.approx(6 / 29.97)
    with open_video(images, fps=10) as video:
        assert video.expected == 6


def test_times_that_are_no_times_cost_their_frame(shades):
    time = [0.0, 0.1, np.nan, 0.2, 0.15, np.inf, 0.3]
    frames, source = read(np.stack(shades(7)), time=time)
    assert [f.time for f in frames] == [0.0, 0.1, 0.2, 0.3]
    assert source.warnings == (
        "3 of 7 frames came with a time that repeats, goes back or is not a number; "
        "they were left out",
    )


def test_iterables_of_pairs_images_and_frames(shades):
    images = shades(4)
    pairs = zip(images, [0, 0.2, 0.3, 0.4], strict=True)
    frames, source = read(pairs)
    assert [f.time for f in frames] == [0, 0.2, 0.3, 0.4]
    assert (source.width, source.height, source.warnings) == (64, 48, ())
    assert [f.time for f in read(iter(images), fps=10)[0]] == [0, 0.1, 0.2, 0.3]
    assert [f.time for f in read(images, time=[3, 4, 5, 9])[0]] == [3, 4, 5, 9]
    made = (Frame.of_rgb(image, k / 5) for k, image in enumerate(images))
    assert len(read(made)[0]) == 4


def test_endless_iterables_are_not_kept(shades):
    image = shades(1)[0]

    def endless():
        time = 0.0
        while True:
            yield image, time
            time += 0.04

    frames, source = read(endless(), stop=2.0)
    assert len(frames) == 50
    assert source.rate == pytest.approx(25)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (np.zeros((3, 4, 4, 3), np.uint8), {}, "pass time= in seconds, or fps="),
        (np.zeros((3, 4, 4, 3), np.uint8), {"fps": 0}, "fps needs a rate > 0"),
        (np.zeros((3, 4, 4, 3), np.uint8), {"fps": float("nan")}, "fps needs a rate > 0"),
        (np.zeros((3, 4, 4, 3), np.uint8), {"fps": 3, "time": [1]}, "not both"),
        (np.zeros((3, 4, 4, 3), np.uint8), {"time": [0, 1]}, "time needs shape 3 but got 2"),
        (np.zeros((3, 4, 4, 3), np.uint8), {"time": "soon"}, "one number of seconds per frame"),
        (np.full((3, 4, 4, 3), np.nan), {"fps": 3}, "needs uint8 RGB"),
        (np.zeros((3, 4, 4), np.uint8), {"fps": 3}, "images needs shape"),
        (np.zeros((0, 4, 4, 3), np.uint8), {"fps": 3}, "at least one picture"),
        (np.zeros((3, 0, 4, 3), np.uint8), {"fps": 3}, "needs pixels"),
        ([np.zeros((4, 4, 3), np.uint8)], {}, r"needs \(image, time\) pairs"),
        ([(np.zeros((4, 4), np.uint8), 0.0)], {}, "image needs shape"),
        ([("picture.png", 0.0)], {}, "needs to be a numpy array but is str"),
    ],
)
def test_wrong_arrays_are_refused(source, options, message):
    with pytest.raises(InputError, match=message):
        read(source, **options)
