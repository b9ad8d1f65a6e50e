"""A cache: whole or not at all, the same bytes whatever happened, and nothing but what was seen."""

import dataclasses
import shutil
import subprocess
import sys
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import prepared_people as made
import pytest

from camvitals import InputError
from camvitals.data.cache import Cache
from camvitals.data.crops import Crops
from camvitals.data.lags import LAGS, read_lags, write_lags
from camvitals.data.prepare import prepare
from camvitals.data.prepared import PrepareSettings
from camvitals.face.crop import Square
from camvitals.records import Frame
from camvitals.video import open_video

KEY = "made/person~0/take 0/1"
CHANGES = {
    "size": 36,
    "box": "first",
    "extension": 0.5,
    "smooth": 2.0,
    "chunk": 5.0,
    "crops": False,
    "traces": False,
    "roi": "skin",
    "skin": "none",
    "grid": (3, 3),
    "moments": True,
    "points": True,
}


@pytest.fixture(scope="module")
def film_file(tmp_path_factory, face):
    """The pictures of `face` as an array file."""
    path = tmp_path_factory.mktemp("film") / "face.npy"
    np.save(path, face.images[: 3 * made.COUNT])
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory, film_file):
    """Three people with crops and traces, undisturbed."""
    folder = tmp_path_factory.mktemp("cache")
    settings = dataclasses.replace(made.QUICK, traces=True)
    outcomes = dict(prepare(made.people(film_file), folder, settings=settings, jobs=1))
    assert all(isinstance(outcome, Path) for outcome in outcomes.values())
    return Cache(folder)


def contents(folder):
    """Every file but the lock, by its path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_run_goes_on_to_the_same_bytes(film_file, tmp_path, jobs):
    script = [sys.executable, made.__file__, film_file, tmp_path / "killed", str(jobs)]
    ended = subprocess.run(script, capture_output=True, timeout=120, check=False)
    assert ended.returncode == -9, ended.stderr
    root = tmp_path / "killed" / made.QUICK.hash
    finished = {path.parent: path.stat().st_mtime_ns for path in root.glob("*/[!.]*/meta.json")}
    assert len(finished) < 3 and list(root.glob("*/.*.part"))
    for folder in ("killed", "whole"):
        list(prepare(made.people(film_file), tmp_path / folder, settings=made.QUICK, jobs=jobs))
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert len(Cache(tmp_path / "killed").recordings) == 3
    for path, written in finished.items():
        assert (path / "meta.json").stat().st_mtime_ns == written, "made again"


def test_every_setting_changes_the_hash():
    assert set(CHANGES) == {field.name for field in dataclasses.fields(PrepareSettings)}
    plain = PrepareSettings()
    changed = {name: dataclasses.replace(plain, **{name: to}) for name, to in CHANGES.items()}
    hashes = {plain.hash, *(settings.hash for settings in changed.values())}
    assert len(hashes) == 1 + len(CHANGES)
    assert PrepareSettings(chunk=10).hash == plain.hash == "f64048cbd9f8"  # else FORMAT must change


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"box": "oval"}, "no box 'oval'; choose one of tracked, first, aligned"),
        ({"size": 0}, "size needs 1 to 4096 but got 0"),
        ({"chunk": float("nan")}, "chunk needs"),
        ({"roi": "foot"}, "no roi 'foot'; choose one of face, frame"),
        ({"crops": False, "traces": False}, "crops or traces must be wanted"),
    ],
)
def test_settings_that_make_no_sense(wrong, told):
    with pytest.raises(InputError, match=told):
        PrepareSettings(**wrong)


def test_what_cannot_be_read_is_named_and_the_rest_is_done(film_file, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no video" * 99)
    wall = np.full((30, 60, 80, 3), 120, np.uint8)
    recordings = [
        made.person(film_file, 0, pictures=partial(open_video, str(tmp_path / "broken.mp4"))),
        made.person(film_file, 1, references=made.broken_references),
        made.person(film_file, 2, files=(tmp_path / "lost.mp4",)),
        made.person(film_file, 3, pictures=partial(open_video, wall, fps=made.RATE)),
        made.person(film_file, 0, session="good"),
    ]
    outcomes = dict(prepare(recordings, tmp_path / "out", settings=made.QUICK, jobs=2))
    told = [str(outcomes[k]) for k in range(4)]
    assert all(
        text.startswith(f"made person~{k}/take {k}/1 was skip") for k, text in enumerate(told)
    )
    for text, reason in zip(told, ("not a video", "line 7", "lost.mp4 is", "nobody"), strict=True):
        assert reason in text and "\n" not in text
    (only,) = Cache(tmp_path / "out").recordings
    assert only.name == "person~0/good"
    assert not list((tmp_path / "out").rglob("*.part"))


def test_chunks_hold_each_picture_once(cache, film_file):
    one = cache.recording(KEY)
    time = cache.time(KEY)
    np.testing.assert_array_equal(time, 100 + np.arange(made.COUNT) / made.RATE)
    assert one.chunks == (15, 15, 15) and one.frames == made.COUNT
    whole = cache.clip(KEY)
    assert whole.images.shape == (made.COUNT, 24, 24, 3)
    assert len(np.unique(whole.images.reshape(made.COUNT, -1), axis=0)) == made.COUNT
    for start, stop in ((3, 8), (14, 16), (10, 40), (15, 30)):
        clip = cache.clip(KEY, time[start], time[stop])
        np.testing.assert_array_equal(clip.images, whole.images[start:stop])
        np.testing.assert_array_equal(clip.time, time[start:stop])
    within = cache.clip(KEY, time[15], time[30]).images
    assert not within.flags.owndata and not within.flags.writeable


def test_gaps_leave_no_empty_chunk(tmp_path):
    crops = Crops(tmp_path, size=4, chunk=1.0, images=True)
    image = np.full((8, 8, 3), 50, np.uint8)
    times = [5.0, 5.999, 6.0, 9.5, 9.6]
    for time in times:
        crops.add(Frame.of_rgb(image, time), Square(4, 4, 8))
    assert crops.finish()["chunks"] == (2, 1, 2)


def test_what_was_not_the_person_is_black_in_files_too(tmp_path):
    crops = Crops(tmp_path, size=4, chunk=1.0, images=True)
    image = np.full((8, 8, 3), 50, np.uint8)
    for k in range(40):
        crops.add(Frame.of_rgb(image, k / 10), None if k == 3 else Square(4, 4, 8))
    crops.withdraw(1.45)
    crops.add(Frame.of_rgb(image, 4.0), Square(4, 4, 8))
    facts = crops.finish()
    images = np.concatenate([np.load(tmp_path / f"crops_{k:04d}.npy") for k in range(5)])
    seen = np.isfinite(np.load(tmp_path / "squares.npy")[:, 0])
    expected = [k != 3 and (k < 15 or k == 40) for k in range(41)]
    np.testing.assert_array_equal(seen, expected)
    np.testing.assert_array_equal(images.any(axis=(1, 2, 3)), expected)
    assert facts["seen"] == pytest.approx(15 / 41)


def test_memory_does_not_grow_with_the_recording(tmp_path):
    image = np.full((8, 8, 3), 50, np.uint8)

    def peak(count):
        folder = tmp_path / str(count)
        folder.mkdir()
        tracemalloc.start()
        crops = Crops(folder, size=64, chunk=1.0, images=True)
        for k in range(count):
            crops.add(Frame.of_rgb(image, k / 20), Square(4, 4, 8))
        crops.finish()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    picture = 64 * 64 * 3
    assert peak(800) - peak(80) < 40 * picture < 800 * picture / 10


def test_references_are_untouched_on_their_own_clocks(cache):
    for name, wave in made.references().items():
        stored = cache.references(KEY)[name]
        np.testing.assert_array_equal(stored.time, wave.time)
        np.testing.assert_array_equal(stored.values, wave.values)
        assert (stored.name, stored.unit) == (wave.name, wave.unit)


def test_lags_move_references_in_training_alone(film_file, tmp_path):
    recordings = [
        made.person(film_file, 0, split="train"),
        made.person(film_file, 0, session="later", split="test"),
    ]
    write_lags(tmp_path, {recordings[0].name: 0.25, recordings[1].name: 0.5})
    out = tmp_path / "out"
    first = dict(prepare(recordings, out, settings=made.QUICK, jobs=1))
    images = contents(first[0])
    again = prepare(recordings, out, settings=made.QUICK, lags=read_lags(tmp_path), jobs=1)
    assert dict(again) == first
    assert {n for n, b in contents(first[0]).items() if b != images[n]} == {"meta.json"}
    cache = Cache(out)
    plain, moved = (cache.references(KEY, training=t)["pulse"].time for t in (False, True))
    np.testing.assert_allclose(plain - moved, 0.25)
    assert cache.recording(KEY).lag == 0.25
    assert cache.recording("made/person~0/later").lag is None
    with pytest.raises(InputError, match="is for test; lags may be taken out in training alone"):
        cache.references("made/person~0/later", training=True)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"lags": {"a": 1}}', '{"lags": {"a": {"seconds": 1e999}}}']
)
def test_damaged_lags(tmp_path, text):
    assert read_lags(tmp_path) == {}
    (tmp_path / LAGS).write_text(text)
    with pytest.raises(InputError, match=r"cannot be read as lags|no number of seconds for a"):
        read_lags(tmp_path)


def test_another_file_makes_it_anew(film_file, tmp_path):
    source = tmp_path / "video"
    source.write_bytes(b"12345")
    recordings = [made.person(film_file, 0, files=(source,))]

    def made_at():
        ((_, folder),) = prepare(recordings, tmp_path / "out", settings=made.QUICK, jobs=1)
        return (folder / "time.npy").stat().st_ino

    first = made_at()
    assert made_at() == first
    source.write_bytes(b"1234567")
    assert made_at() != first


def test_a_span_is_all_there_is(film_file, tmp_path):
    recording = made.person(film_file, 0, span=(100.2, 100.9))
    list(prepare([recording], tmp_path, settings=made.QUICK, jobs=1))
    time = Cache(tmp_path).time(KEY)
    assert (time[0], len(time)) == (100.2, 21) and time[-1] < 100.9


def test_colours_alone(film_file, tmp_path):
    recording = made.person(film_file, 0, pictures=None, colours=made.colours, span=(2.0, 9.0))
    ((_, told),) = prepare([recording], tmp_path, settings=made.QUICK, jobs=1)
    assert "no traces are wanted" in str(told)
    list(prepare([recording], tmp_path, settings=PrepareSettings(), jobs=1))
    cache = Cache(tmp_path / PrepareSettings().hash)
    np.testing.assert_array_equal(cache.trace(KEY).time, made.colours().between(2, 9).time)
    np.testing.assert_array_equal(cache.time(KEY), cache.trace(KEY).time)
    assert cache.seen(KEY).all()
    assert len(list(cache.windows(3, hop=2))) == 3
    with pytest.raises(InputError, match="has no crops"):
        cache.clip(KEY)


@pytest.mark.parametrize("roi", ["frame", "finger"])
def test_without_a_face_crops_are_of_the_picture(film_file, tmp_path, roi):
    recording = made.person(film_file, 0, roi=roi)
    list(prepare([recording], tmp_path, settings=PrepareSettings(size=24), jobs=1))
    cache = Cache(tmp_path)
    np.testing.assert_array_equal(cache.squares(KEY)[0], [160, 120, 240, 0])
    assert cache.recording(KEY).roi == roi and cache.seen(KEY).all()
    assert len(cache.trace(KEY).time) == made.COUNT


def test_two_of_one_name_are_refused(film_file, tmp_path):
    with pytest.raises(InputError, match="two recordings are called made/person~0/take 0/1"):
        prepare([made.person(film_file, 0)] * 2, tmp_path, settings=made.QUICK)


def test_one_run_at_a_time(film_file, tmp_path):
    running = prepare(made.people(film_file), tmp_path, settings=made.QUICK, jobs=1)
    next(running)
    with pytest.raises(InputError, match="being prepared by another process"):
        next(prepare(made.people(film_file), tmp_path, settings=made.QUICK, jobs=1))
    running.close()
    assert len(dict(prepare(made.people(film_file), tmp_path, settings=made.QUICK, jobs=1))) == 3


def test_the_trace_is_that_of_measure(cache, film_file):
    from camvitals.face.collect import Collector

    collector = Collector()
    with made.pictures(film_file, 0) as video:
        for frame in video:
            collector.push(frame)
    (trace,) = collector.traces().values()
    stored = cache.trace(KEY)
    assert stored.names == trace.names and stored.moments is None
    for name in ("rgb", "pixels", "time", "box"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(trace, name))


def test_nothing_is_pickled(cache):
    files = [path for path in cache.folder.rglob("*") if path.is_file() and path.name != ".lock"]
    assert {path.suffix for path in files} == {".npy", ".npz", ".json"}
    for path in files:
        if path.suffix != ".json":
            np.load(path, allow_pickle=False)


def test_a_copy_under_another_name_is_refused(cache, tmp_path):
    shutil.copytree(cache.folder, tmp_path / "renamed")
    with pytest.raises(InputError, match=f"needs to be called {cache.folder.name}"):
        Cache(tmp_path / "renamed")
