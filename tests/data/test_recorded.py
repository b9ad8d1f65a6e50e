"""Traces written while they grow: read back as they were, also when the end is missing."""

import io
import os
from dataclasses import replace

import numpy as np
import pytest

from camvitals.data.recorded import Recorder, is_recorded, read_recorded
from camvitals.records import InputError, Trace

ABOUT = {"source": "a camera", "roi": "face", "skin": "otsu"}
ARRAYS = ("rgb", "pixels", "time", "box")


def trace_of(count, *, start=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return Trace(
        rng.normal(120, 10, (count, 2, 3)).astype(np.float32),
        rng.integers(0, 900, (count, 2)).astype(np.float32),
        start + np.cumsum(rng.uniform(0.02, 0.05, count)),
        ("skin", "background"),
        rng.normal(200, 50, (count, 4)).astype(np.float32),
    )


def cut(trace, first, last):
    """Samples first to last, as a monitor that forgets shows them."""
    return replace(trace, **{name: getattr(trace, name)[first:last] for name in ARRAYS})


def unseen(trace, last):
    """The same with its last samples withdrawn."""
    rgb, box = trace.rgb.copy(), trace.box.copy()
    rgb[-last:], box[-last:] = np.nan, np.nan
    return replace(trace, rgb=rgb, box=box)


def same(one, other):
    return all(np.array_equal(getattr(one, n), getattr(other, n), equal_nan=True) for n in ARRAYS)


def recorded(path, states, *, step=20):
    """A file of these states of all traces, with as many pictures each."""
    recorder = Recorder(path, about=ABOUT)
    for k, traces in enumerate(states):
        recorder.write(traces, np.arange(step) / 25 + k * step / 25, width=640, height=480)
    recorder.close()
    return path


def test_what_a_monitor_forgets_stays_in_the_file(tmp_path):
    whole = trace_of(100)
    states = [{3: cut(whole, max(0, last - 30), last)} for last in range(20, 101, 20)]
    traces, source, about = read_recorded(recorded(tmp_path / "a.traces", states))
    assert list(traces) == [3] and same(traces[3], whole)
    assert traces[3].names == whole.names
    assert (source.frames, source.width, source.name) == (100, 640, "a.traces")
    assert source.rate == pytest.approx(25) and source.duration == pytest.approx(4.0)
    assert about.items() >= ABOUT.items()


def test_what_was_withdrawn_later_is_withdrawn(tmp_path):
    whole = trace_of(100)
    after = unseen(cut(whole, 0, 60), 15)
    states = [{1: cut(whole, 0, 40)}, {1: cut(whole, 0, 58)}, {1: after}]
    traces, *_ = read_recorded(recorded(tmp_path / "a.traces", states))
    assert same(traces[1], after)


def test_people_come_and_go(tmp_path):
    one, two = trace_of(60, seed=1), trace_of(40, start=1.0, seed=2)
    states = [{1: cut(one, 0, 30)}, {1: one, 2: cut(two, 0, 20)}, {2: two}, {}]
    traces, *_ = read_recorded(recorded(tmp_path / "a.traces", states))
    assert same(traces[1], one) and same(traces[2], two)


def test_moments_and_points_are_kept(tmp_path):
    moments, points = np.ones((30, 3, 3), np.float32), np.ones((30, 7, 2), np.float32)
    whole = replace(trace_of(30), moments=moments, points=points)
    traces, *_ = read_recorded(recorded(tmp_path / "a.traces", [{1: whole}]))
    assert np.array_equal(traces[1].moments, moments) and traces[1].points.shape == (30, 7, 2)


def test_a_file_cut_off_anywhere_gives_what_was_whole(tmp_path):
    whole = trace_of(100)
    states = [{1: cut(whole, 0, last)} for last in range(20, 101, 20)]
    data = recorded(tmp_path / "a.traces", states).read_bytes()
    lengths = []
    for end in range(len(data) - 1, 0, -397):
        (tmp_path / "b.traces").write_bytes(data[:end])
        try:
            traces, source, _ = read_recorded(tmp_path / "b.traces")
        except InputError:
            assert lengths[-1] in (0, 20)
            lengths.append(0)
            continue
        lengths.append(len(traces[1].time))
        assert same(traces[1], cut(whole, 0, lengths[-1]))
        assert source.frames == lengths[-1]
    assert lengths == sorted(lengths, reverse=True) and {20, 40, 60, 80} <= set(lengths)


def test_the_end_that_is_missing_is_told(tmp_path):
    path = recorded(tmp_path / "a.traces", [{1: trace_of(20)}, {1: trace_of(40)}])
    path.write_bytes(path.read_bytes()[:-7])
    assert "cut off" in read_recorded(path)[1].warnings[0]


def test_a_disk_that_fills_up_costs_only_what_did_not_fit(tmp_path, monkeypatch):
    whole = trace_of(60)
    recorder = Recorder(tmp_path / "a.traces", about=ABOUT)
    recorder.write({1: cut(whole, 0, 30)}, np.arange(30.0), width=1, height=1)

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, "fsync", full)
        recorder.write({1: whole}, np.arange(30.0, 60.0), width=1, height=1)
    recorder.close()
    traces, *_ = read_recorded(tmp_path / "a.traces")
    assert same(traces[1], cut(whole, 0, 30))


def test_a_minute_takes_less_than_a_small_picture_a_second(tmp_path):
    whole = trace_of(1500)
    states = [{1: cut(whole, max(0, last - 750), last)} for last in range(50, 1501, 50)]
    assert recorded(tmp_path / "a.traces", states, step=50).stat().st_size < 60 * 3000


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "a.traces").write_text("mine")
    with pytest.raises(InputError, match="is there already; give another name"):
        Recorder(tmp_path / "a.traces", about=ABOUT)
    with pytest.raises(InputError, match="cannot be written"):
        Recorder(tmp_path / "no" / "a.traces", about=ABOUT)


def test_other_files_are_no_recordings(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"0000ftyp")
    array = io.BytesIO()
    np.save(array, np.arange(10))
    (tmp_path / "array.npy").write_bytes(array.getvalue())
    (tmp_path / "object.npy").write_bytes(b"")
    np.save(tmp_path / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert not is_recorded(tmp_path / "film.mp4")
    assert not is_recorded(tmp_path) and not is_recorded(0) and not is_recorded("nowhere")
    for name in ("array.npy", "object.npy"):  # the latter could run anything
        assert is_recorded(tmp_path / name)
        with pytest.raises(InputError, match="is no recording of traces"):
            read_recorded(tmp_path / name)


def test_a_recording_of_nothing_says_so(tmp_path):
    with pytest.raises(InputError, match="holds no picture yet"):
        read_recorded(recorded(tmp_path / "a.traces", []))
