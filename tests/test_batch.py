"""Many files at once: order, faults of one, dead processes, names."""

import multiprocessing
import os

import numpy as np
import pytest

from camvitals import InputError, Settings
from camvitals.batch import measure_files
from camvitals.video import write_video

SETTINGS = Settings(roi="frame", skin="none")
COUNT = 40


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Three small grey clips of 40, 41 and 42 frames, all called clip.avi, and one that is none."""
    folder = tmp_path_factory.mktemp("clips")
    paths = []
    for k in range(3):
        path = folder / f"d{k}" / "clip.avi"
        path.parent.mkdir()
        images = np.full((COUNT + k, 32, 32, 3), 90 + k, np.uint8)
        write_video(path, images, time=np.arange(COUNT + k) / 10, codec="mjpeg")
        paths.append(str(path))
    (folder / "text.mp4").write_text("no video")
    return [*paths, str(folder / "text.mp4")]


class Deadly(str):
    """A file name that kills the process that is told it."""

    def __reduce__(self):
        return os._exit, (3,)


def frames_of(outcomes):
    return {i: o[0].source.frames for i, o in outcomes.items() if not isinstance(o, InputError)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_file_has_its_outcome_whatever_the_others_are(clips, jobs):
    order = [clips[0], clips[3], clips[2], "missing.mp4", clips[1]]
    outcomes = dict(measure_files(order, settings=SETTINGS, jobs=jobs))
    assert frames_of(outcomes) == {0: COUNT, 2: COUNT + 2, 4: COUNT + 1}
    assert "text.mp4 is not a video" in str(outcomes[1])
    assert "'missing.mp4'" in str(outcomes[3])


def test_the_same_alone_and_together(clips):
    alone = dict(measure_files(clips[:3], settings=SETTINGS, jobs=1))
    together = dict(measure_files(clips[:3], settings=SETTINGS, jobs=3))
    for index, reports in alone.items():
        assert [r.readings for r in together[index]] == [r.readings for r in reports]
        assert together[index][0].settings["roi"] == "frame"


def test_files_of_one_name_are_told_apart_by_their_path(clips):
    reports = dict(measure_files(clips[:3], settings=SETTINGS, jobs=1))
    assert [reports[i][0].source.name for i in range(3)] == clips[:3]
    (_, (only,)) = next(measure_files(clips[:1], settings=SETTINGS))
    assert only.source.name == "clip.avi"


def test_a_process_that_dies_costs_one_file(clips):
    order = [clips[0], Deadly(clips[1]), clips[2], clips[3]]
    outcomes = dict(measure_files(order, settings=SETTINGS, jobs=2))
    assert frames_of(outcomes) == {0: COUNT, 2: COUNT + 2}
    assert "its process died" in str(outcomes[1]) and "\n" not in str(outcomes[1])
    assert "text.mp4 is not a video" in str(outcomes[3])


def test_a_process_killed_once_costs_nothing(clips):
    killed = []

    def kill(_):
        if not killed and (children := multiprocessing.active_children()):
            killed.append(children[0].pid)
            children[0].kill()

    outcomes = dict(measure_files(clips[:3], settings=SETTINGS, jobs=2, progress=kill))
    assert killed
    assert frames_of(outcomes) == {0: COUNT, 1: COUNT + 1, 2: COUNT + 2}


def test_a_fault_of_our_own_is_one_line_and_stops_no_other(clips, monkeypatch):
    from camvitals import batch

    whole = batch.measure_people

    def faulty(source, **more):
        if source == clips[1]:
            raise ZeroDivisionError("two\nlines")
        return whole(source, **more)

    monkeypatch.setattr(batch, "measure_people", faulty)
    outcomes = dict(measure_files(clips[:3], settings=SETTINGS, jobs=1))
    assert set(frames_of(outcomes)) == {0, 2}
    told = str(outcomes[1])
    assert "ZeroDivisionError: two lines" in told and "report it" in told and "\n" not in told


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_goes_from_none_to_all(clips, jobs):
    told = []
    list(measure_files(clips, settings=SETTINGS, jobs=jobs, progress=told.append))
    assert told == sorted(told)
    assert told[0] >= 0 and told[-1] == pytest.approx(len(clips), abs=1e-3)
    if jobs == 1:
        assert any(share % 1 for share in told)


def test_leaving_early_ends_the_processes(clips):
    outcomes = measure_files(clips[:3] * 4, settings=SETTINGS, jobs=2)
    next(outcomes)
    assert multiprocessing.active_children()
    outcomes.close()
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("jobs", [0, -2])
def test_no_jobs_are_refused_before_the_work(clips, jobs):
    with pytest.raises(InputError, match=r"whole number >= 1 but got"):
        measure_files(clips, settings=SETTINGS, jobs=jobs)


def test_nothing_to_do():
    assert list(measure_files([], settings=SETTINGS)) == []
