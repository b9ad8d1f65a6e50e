"""Degradations: what each takes away, what it leaves, and that it says what it cannot do."""

import pickle
from functools import partial

import numpy as np
import pytest

from camvitals.data.degrade import (
    AS_IS,
    AXES,
    DEGRADATIONS,
    Degradation,
    degradation,
    degrade_clip,
    level_index,
)
from camvitals.data.degrade_size import reduced
from camvitals.data.degrade_video import degrade_video, degraded, face_width, kept, untouched
from camvitals.data.recording import Recording
from camvitals.data.synthetic.recordings import made_film, made_recording
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.scene import frames
from camvitals.records import InputError
from camvitals.video import open_video, write_video

RATE = 30.0
SCENE = Scenario(seed=3, duration=1.5, rate=12.0, size=(160, 120), clock="jitter")
ORDERED = (AXES["crf"], ("vp9-crf-20", "vp9-crf-60"), ("h265-crf-20", "h265-crf-45"))
LESS = (("mpeg4-q-2", "mpeg4-q-31"), ("mjpeg-q-2", "mjpeg-q-31"), ("h264-800k", "h264-60k"))


@pytest.fixture(scope="module")
def clip():
    """(12, 48, 48, 3): grey texture that moves, under noise; no colour for 4:2:0 to lose."""
    rng = np.random.default_rng(0)
    texture = 90 + 70 * rng.random((48, 60))
    moved = np.stack([texture[:, k : k + 48] for k in range(12)])
    grey = moved + rng.normal(0, 3, moved.shape)
    return np.repeat(np.clip(grey, 16, 235)[..., None], 3, axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def film():
    """The pictures of a made person, and their times."""
    images, times = zip(*frames(SCENE), strict=True)
    return np.stack(images), np.array(times)


def loss(one, other):
    return float(np.mean((one.astype(float) - other) ** 2))


def shown(path, **how):
    with open_video(path, **how) as video:
        pairs = [(frame.rgb().copy(), frame.time) for frame in video]
    return np.stack([image for image, _ in pairs]), np.array([time for _, time in pairs])


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_named_level_is_what_its_name_says(name):
    assert DEGRADATIONS[name].name == name
    assert degradation(name) == DEGRADATIONS[name] == degradation(DEGRADATIONS[name])


@pytest.mark.parametrize(
    ("name", "same"), [("h264-crf-30", "crf-30"), ("face-48", "face-48"), ("vp9-300k", "vp9-300k")]
)
def test_other_numbers_are_read_too(name, same):
    assert degradation(name).name == same


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("smaller", "no degradation 'smaller'; name a face size"),
        ("face-", "no degradation"),
        ("crf-36 ", "no degradation"),
        ("av1-crf-30", "no degradation"),
        ("face-1", "a face size needs 2 to 4096 px but got 1"),
        ("crf-52", "the crf of h264 needs 0 to 51 but got 52"),
        ("vp9-crf-64", "the crf of vp9 needs 0 to 63 but got 64"),
        ("mpeg4-q-1", "the quantiser of mpeg4 needs 2 to 31 but got 1"),
        ("h264-0k", "a bit rate needs 8000 to 1e.08 bit/s but got 0"),
    ],
)
def test_a_name_that_is_none_is_told(name, why):
    with pytest.raises(InputError, match=why):
        degradation(name)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "needs an encoder of h264, .* but got ''"),
        ({"face": 16, "encoder": "h264", "crf": 30}, "a face size or an encoder, not both"),
        ({"encoder": "h264"}, "h264 needs one of crf, quantiser and bit_rate but got 0"),
        ({"encoder": "h264", "crf": 3, "bit_rate": 10**6}, "but got 2"),
        ({"encoder": "mpeg4", "crf": 3}, "mpeg4 has no crf"),
        ({"encoder": "vp9", "quantiser": 3}, "vp9 has no quantiser"),
    ],
)
def test_what_does_not_go_together_is_told(options, why):
    with pytest.raises(InputError, match=why):
        Degradation(**options)


def test_an_enhancer_is_told_the_place_on_the_axis():
    for names in AXES.values():
        assert [level_index(name) for name in names] == [0, 1, 2, 3, 4]
    with pytest.raises(InputError, match="crf-20 is no quality level of an enhancer; those are"):
        level_index("crf-20")


def test_fewer_pixels_keep_every_mean_and_lose_detail_level_by_level(clip):
    lost = [loss(clip, degrade_clip(clip, name, rate=RATE)) for name in AXES["face"]]
    assert lost[:2] == [0, 0]  # there are but 48
    assert 0 < lost[2] < lost[3] < lost[4]
    for name in AXES["face"]:
        means = degrade_clip(clip, name, rate=RATE).mean(axis=(1, 2))
        assert means == pytest.approx(clip.mean(axis=(1, 2)), abs=0.7)


def test_a_face_of_so_many_pixels_is_as_if_the_picture_were_scaled(clip):
    assert np.array_equal(
        degrade_clip(clip, "face-8", rate=RATE, face=24.0),
        degrade_clip(clip, "face-16", rate=RATE),
    )
    flat = np.full((2, 30, 41, 3), (200, 120, 90), np.uint8)
    assert np.array_equal(reduced(flat, 0.2), flat)


def test_cells_are_means_and_the_way_back_is_linear():
    ramp = np.tile(np.arange(64, dtype=np.uint8)[None, None, :, None], (1, 4, 1, 3))
    back = reduced(ramp, 0.25)[0, 0, :, 0]
    assert np.abs(back[8:-8].astype(float) - np.arange(64)[8:-8]).max() <= 1  # a line stays one
    large = np.random.default_rng(1).integers(0, 256, (1, 8, 600, 3), np.uint8)
    half = np.random.default_rng(1).integers(0, 256, (1, 8, 600, 3), np.uint8)
    assert np.array_equal(reduced(large, 0.5), reduced(half, 0.5))
    pairs = large[:, :, :, 0].reshape(1, 4, 2, 300, 2).mean(axis=(2, 4))
    assert reduced(large, 0.5)[0, 0, 0, 0] == pytest.approx(pairs[0, 0, 0], abs=1)


@pytest.mark.parametrize("names", [*ORDERED, *LESS])
def test_a_stronger_level_loses_more(names, clip):
    lost = [loss(clip, degrade_clip(clip, name, rate=RATE)) for name in names]
    assert lost == sorted(lost)
    assert lost[-1] > 2 * lost[0]


def test_at_crf_0_nothing_but_chroma_is_lost(clip):
    assert loss(clip, degrade_clip(clip, "crf-0", rate=RATE)) < 1.5  # 219 steps of grey, not 256


@pytest.mark.parametrize("name", ["crf-30", "h265-crf-30", "vp9-crf-40", "mpeg4-q-12", "face-8"])
def test_any_size_comes_back_as_it_was_and_always_the_same(name, clip):
    odd = clip[:, :23, :17]
    found = degrade_clip(odd, name, rate=RATE)
    assert found.shape == odd.shape
    assert found.dtype == np.uint8
    assert not np.array_equal(found, odd)
    assert np.array_equal(found, degrade_clip(odd, name, rate=RATE))


@pytest.mark.parametrize(
    ("images", "options", "why"),
    [
        (np.zeros((2, 8, 8, 3)), {}, "a clip needs uint8 pictures but is float64"),
        (np.zeros((0, 8, 8, 3), np.uint8), {}, "a clip needs uint8 pictures"),
        (np.zeros((2, 8, 8), np.uint8), {}, "images"),
        (np.zeros((2, 8, 8, 3), np.uint8), {"rate": 0.0}, "needs a rate > 0 Hz but got 0"),
        (np.zeros((2, 8, 8, 3), np.uint8), {"face": 0.0}, "a face wider than 0 px but got 0"),
    ],
)
def test_a_clip_that_is_none_is_told(images, options, why):
    with pytest.raises(InputError, match=why):
        degrade_clip(images, "crf-30", **({"rate": RATE} | options))


def test_the_face_of_a_film_is_found_and_given_its_size(film, tmp_path):
    images, times = film
    width = face_width(partial(open_video, images, time=times))
    assert 25 < width < 55  # 15 cm at a focal length of 1.2 heights and about 60 cm
    path = tmp_path / "small.mkv"
    assert degrade_video(partial(open_video, images, time=times), path, "face-8") == len(images)
    found, clock = shown(path)
    assert np.array_equal(found, reduced(images, 8 / width))  # lossless, RGB
    assert clock == pytest.approx(times, abs=6e-4)


def test_a_film_through_an_encoder_keeps_its_times(film, tmp_path):
    images, times = film
    write_video(tmp_path / "film.mkv", images, time=times, codec="ffv1")
    for again in "ab":
        degrade_video(tmp_path / "film.mkv", tmp_path / f"{again}.mp4", "crf-36")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    found, clock = shown(tmp_path / "a.mp4")
    assert clock == pytest.approx(times, abs=1e-3)
    assert 3 < loss(images, found) < 300


def test_what_cannot_be_degraded_is_told(tmp_path):
    wall = np.full((6, 64, 64, 3), 90, np.uint8)
    source = partial(open_video, wall, fps=10.0)
    with pytest.raises(InputError, match="no face is found in its first 10 s"):
        degrade_video(source, tmp_path / "a.mkv", "face-8")
    with pytest.raises(InputError, match=r"face-8 is kept lossless and needs \.mkv or \.avi"):
        degrade_video(source, tmp_path / "a.mp4", "face-8")
    with pytest.raises(InputError, match="there is no file"):
        degrade_video(tmp_path / "none.mp4", tmp_path / "a.mp4", "crf-30")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("level", ["face-8", "vp9-crf-50"])
def test_a_recording_keeps_its_times_and_its_truth(level, film, tmp_path):
    images, times = film
    assert np.diff(times).std() > 1e-3  # jitter
    source = kept(made_film(SCENE), folder=tmp_path, note=lambda share: None)
    worse = pickle.loads(pickle.dumps(degraded(source, level, folder=tmp_path)))
    assert (worse.name, worse.attributes["degradation"]) == (f"3/{level}", level)
    assert worse.subject == source.subject
    assert np.array_equal(worse.reference("pulse").values, source.reference("pulse").values)
    with worse.pictures() as video:
        pairs = [(frame.rgb().copy(), frame.time) for frame in video]
    assert np.array_equal([time for _, time in pairs], times)
    assert 1 < loss(images, np.stack([image for image, _ in pairs])) < 400
    assert untouched(source).attributes["degradation"] == AS_IS


def test_pictures_after_the_span_are_left_out(film, tmp_path):
    images, times = film
    take = Recording(
        "c", "s", dict, pictures=partial(open_video, images, time=times), span=(0, times[6])
    )
    with degraded(take, "crf-30", folder=tmp_path).pictures() as video:
        assert len(list(video)) == 6


def test_colours_cannot_be_degraded(tmp_path):
    with pytest.raises(InputError, match="made 3 holds colours but no pictures"):
        degraded(made_recording(SCENE), "crf-30", folder=tmp_path)
