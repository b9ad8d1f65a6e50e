"""A plain folder of videos: with a truth, with half of one, with none."""

import shutil

import numpy as np
import pytest

from camvitals.data.corpora import corpus
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.simulate import simulate
from camvitals.records import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("videos")
    (path / "ann" / "day 2").mkdir(parents=True)
    person = Scenario(seed=1, duration=1, rate=10, size=(64, 48), tone=5, light="lamp")
    simulate(path / "ann" / "day 2" / "rest.mp4", person)
    wall = Scenario(seed=1, duration=1, rate=10, size=(64, 48), subject="wall")
    simulate(path / "wall.mkv", wall)
    shutil.copy(path / "wall.mkv", path / "plain.mkv")
    return path


def takes_of(folder):
    return {take.name: take for take in corpus("face-video").read(folder)}


def test_people_are_the_first_folder_or_the_name_of_the_video(folder):
    takes = takes_of(folder)
    assert sorted(takes) == ["ann/day 2/rest", "plain", "wall"]
    assert [takes[n].subject for n in sorted(takes)] == ["ann", "plain", "wall"]


def test_strata_come_from_the_scenario(folder):
    told = takes_of(folder)["ann/day 2/rest"].attributes
    assert (told["tone"], told["light"], told["codec"]) == ("5", "lamp", "h264")


def test_beat_intervals_stand_at_the_beat_that_ends_them(folder):
    rr = takes_of(folder)["ann/day 2/rest"].reference("rr")
    assert np.allclose(np.diff(rr.time), rr.values[1:] / 1e3)


def test_a_wall_and_a_video_without_a_truth_have_no_references(folder):
    takes = takes_of(folder)
    assert takes["wall"].references() == {} == takes["plain"].references()
    assert takes["wall"].attributes["subject"] == "wall"
    assert takes["plain"].attributes == {}


def test_half_a_truth_is_named(folder, tmp_path):
    shutil.copytree(folder / "ann", tmp_path / "ann")
    (tmp_path / "ann" / "day 2" / "rest.truth.csv").unlink()
    (take,) = takes_of(tmp_path).values()
    assert [path.name for path in take.missing()] == ["rest.truth.csv"]
    with pytest.raises(InputError, match=r"rest\.truth\.csv"):
        take.references()


def test_names_stay_apart_and_hidden_files_out(tmp_path):
    for name in ("a.mp4", "a.avi", ".b.mp4", "c.txt"):
        (tmp_path / name).write_bytes(b"0")
    assert sorted(takes_of(tmp_path)) == ["a.avi", "a.mp4"]
