"""Degraded video as an axis of evaluation: the same people, windows and truth at every level."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from camvitals.data.degrade import AS_IS
from camvitals.data.recording import Recording
from camvitals.data.synthetic.recordings import made_film, made_recording
from camvitals.data.synthetic.scenario import draw
from camvitals.data.synthetic.scene import frames
from camvitals.evaluate.degraded_table import by_level
from camvitals.evaluate.entrant import entrants
from camvitals.evaluate.protocol import PROTOCOLS, Protocol, protocol
from camvitals.evaluate.result import Result, columns_of
from camvitals.evaluate.run import evaluate
from camvitals.evaluate.table import tables_of
from camvitals.records import InputError
from camvitals.video import open_video, write_video

LEVELS = ("face-16", "crf-36")
PLAIN = {"size": (160, 120), "light": "daylight", "motion": "still", "tone": 2, "pulse": 2.0}
SCENES = [draw(seed, duration=10.5, rate=12.0, clock="jitter", **PLAIN) for seed in (1, 2)]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("colours")


@pytest.fixture(scope="module")
def result(room: Path) -> Result:
    films = [made_film(scene) for scene in SCENES]
    chosen = protocol("ours", degrade=LEVELS)
    return evaluate(films, methods=("auto", "green"), protocol=chosen, jobs=1, traces=room)


def test_every_level_has_the_same_windows_and_truth(result: Result, room: Path) -> None:
    assert result.skipped == ()
    assert "codec" not in result.strata  # nobody coded them before
    plain = result.of(method="auto", **{"stratum.degradation": AS_IS})
    assert len(plain) == 2
    for level in LEVELS:
        rows = result.of(method="auto", **{"stratum.degradation": level})
        assert list(rows.columns["recording"]) == [f"1/{level}", f"2/{level}"]
        assert list(rows.columns["subject"]) == ["1", "2"]
        for name in ("start", "stop", "reference"):
            assert np.array_equal(rows.columns[name], plain.columns[name])
    assert not list(room.iterdir())  # films on their way are gone


def test_a_level_moves_what_methods_say(result: Result) -> None:
    said = {
        level: result.of(method="auto", **{"stratum.degradation": level}).columns["estimate"]
        for level in (AS_IS, *LEVELS)
    }
    truth = result.of(method="auto", **{"stratum.degradation": AS_IS}).columns["reference"]
    assert said[AS_IS] == pytest.approx(truth, abs=5)
    assert not np.array_equal(said["face-16"], said[AS_IS])
    assert np.isnan(said["crf-36"]).sum() >= np.isnan(said[AS_IS]).sum()


def test_the_result_is_told_and_comes_back(result: Result, tmp_path: Path) -> None:
    keys = [table.key for table in tables_of(result, "heart_rate", draws=20)]
    assert "heart_rate.degradation" in keys
    again = Result.load(result.save(tmp_path / "a.json"))
    assert again.protocol == result.protocol
    assert again.protocol.degrade == LEVELS


def test_the_hash_moves_with_the_levels_and_not_without() -> None:
    hashes = {protocol("ours", degrade=levels).hash for levels in ((), ("crf-30",), LEVELS)}
    assert len(hashes) == 3
    assert protocol("heartratenet", degrade=()).hash.startswith("1d667971a843")
    assert "degrade" not in PROTOCOLS["ours"].settings
    chosen = protocol("ours", degrade=("crf-36", "h264-crf-36", "face-16"))
    assert chosen == protocol("ours", degrade=LEVELS)
    assert "Degraded: every recording as it is, and at face-16, crf-36." in chosen.text
    assert Protocol.from_settings(chosen.settings) == chosen
    (told,) = PROTOCOLS["ours"].differences(chosen)
    assert told == "degrade none / ['face-16', 'crf-36']"


def test_an_unknown_level_is_told_before_the_work() -> None:
    with pytest.raises(InputError, match="no degradation 'smaller'"):
        protocol("ours", degrade=("smaller",))


def test_recordings_without_pictures_are_told() -> None:
    chosen = protocol("ours", degrade=("crf-36",))
    colours = made_recording(SCENES[0])
    with pytest.raises(InputError, match="needs recordings with videos but all of these hold"):
        evaluate([colours], methods=("green",), protocol=chosen, jobs=1)


def test_one_that_cannot_be_degraded_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    wall = np.full((160, 48, 64, 3), 90, np.uint8)
    blank = replace(
        made_film(SCENES[0]), subject="wall", pictures=partial(open_video, wall, fps=15.0)
    )
    colours = replace(made_recording(SCENES[0]), subject="colours")
    film = tmp_path / "film.mkv"
    write_video(film, frames(SCENES[1]), time=None, codec="ffv1")
    fine = replace(made_film(SCENES[1]), pictures=partial(open_video, film), files=(film,))
    gone = replace(fine, subject="gone", files=(tmp_path / "gone.mkv",))
    chosen = protocol("ours", degrade=("face-16",))
    takes: list[Recording] = [blank, colours, fine, gone]
    traces = tmp_path / "colours"
    found = evaluate(takes, methods=("green",), protocol=chosen, jobs=1, traces=traces)
    why = {one.recording: one.why for one in found.skipped}
    assert list(why) == ["wall", "colours", "gone"]
    assert "no face is found" in why["wall"]
    assert "holds colours but no pictures" in why["colours"]
    assert "gone.mkv is missing" in why["gone"]
    assert set(found.columns["recording"]) == {"2", "2/face-16"}
    assert sorted(path.suffix for path in traces.iterdir()) == [".npz", ".npz"]  # both are kept


def made_result() -> Result:
    """Three people, four windows each, by a method that loses one window and 2 bpm at crf-36."""
    rows = []
    for level, lost in ((AS_IS, 0.0), ("crf-36", 2.0)):
        for person in "abc":
            for k in range(4):
                withheld = level != AS_IS and k == 0
                rows.append(
                    {
                        "corpus": "made",
                        "recording": person if level == AS_IS else f"{person}/{level}",
                        "subject": person,
                        "method": "m",
                        "vital": "heart_rate",
                        "start": 10.0 * k,
                        "stop": 10.0 * k + 10,
                        "estimate": np.nan if withheld else 71.0 + lost,
                        "reference": 70.0,
                        "stratum.degradation": level,
                    }
                )
    columns = columns_of(rows, ["degradation"])
    return Result(protocol("ours", degrade=("crf-36",)), columns)


def test_the_table_pairs_windows_with_those_as_they_are() -> None:
    found = made_result()
    answers = entrants(found, "heart_rate")
    table = by_level(answers, "heart_rate", ("crf-36",), draws=50)
    assert table is not None
    assert [row.name for row in table.rows] == ["m, as is", "m, crf-36"]
    plain, worse = (
        {c.key: cell for c, cell in zip(table.columns, row.cells, strict=True)}
        for row in table.rows
    )
    assert (plain["coverage"].value, plain["mae"].value, plain["right"].value) == (100, 1, 100)
    assert (worse["coverage"].value, worse["mae"].value, worse["right"].value) == (75, 3, 75)
    assert (worse["mae_change"].value, worse["right_change"].value) == (2, -25)
    assert worse["both"].value == 9
    assert (worse["mae_change"].low, worse["mae_change"].high) == (2, 2)


def test_without_degradation_there_is_no_such_table() -> None:
    found = replace(made_result(), protocol=PROTOCOLS["ours"])
    keys = [table.key for table in tables_of(found, "heart_rate", draws=20)]
    assert "heart_rate.degradation" not in keys
