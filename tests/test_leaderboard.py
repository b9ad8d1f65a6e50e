"""The committed leaderboard: no method is missing, no protocol unknown, no page out of date."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from camvitals.evaluate.entrant import FLOOR_NAMES
from camvitals.evaluate.example import example
from camvitals.evaluate.leaderboard import HEAD, lines_of, page, read, to_csv
from camvitals.evaluate.protocol import PROTOCOLS, WINDOWS_S, protocol
from camvitals.records import InputError
from camvitals.waves.auto import AUTO
from camvitals.waves.run import METHODS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
BOARDS = ("made", "real_face", "finger", "oximetry")


@pytest.fixture(scope="module")
def command() -> ModuleType:
    """benchmarks/leaderboard.py, which imports its neighbours."""
    path = ROOT / "benchmarks" / "leaderboard.py"
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location("leaderboard", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def test_the_boards_are_those_that_are_made(command):
    assert tuple(board.name for board in command.BOARDS) == BOARDS
    others = {path.name for path in RESULTS.glob("oxygen_*")}  # of benchmarks of their own
    others |= {path.name for path in RESULTS.iterdir() if path.is_dir()}  # trained networks
    wanted = {f"{n}.csv" for n in BOARDS} | {"README.md"}
    assert {path.name for path in RESULTS.iterdir()} - others == wanted


@pytest.mark.parametrize("name", BOARDS)
def test_every_registered_method_has_a_row(name):
    lines = read(RESULTS / f"{name}.csv")
    for corpus in {line["corpus"] for line in lines}:
        rows = [one for one in lines if (one["corpus"], one["vital"]) == (corpus, "heart_rate")]
        methods = {line["method"] for line in rows if line["floor"] == "no"}
        missing = {AUTO, *METHODS} - methods
        assert not missing, f"{missing}: run python benchmarks/leaderboard.py {name}"
        assert {line["method"] for line in rows} - methods == set(FLOOR_NAMES.values())


@pytest.mark.parametrize("name", BOARDS)
def test_a_row_has_a_number_or_a_reason(name):
    for line in read(RESULTS / f"{name}.csv"):
        if line["floor"] == "no":
            assert bool(line["mae"]) != bool(line["why"]), line["method"]


def test_every_method_has_a_number_somewhere():
    lines = [line for name in BOARDS for line in read(RESULTS / f"{name}.csv")]
    assert {line["method"] for line in lines if line["mae"]} >= {AUTO, *METHODS}


@pytest.mark.parametrize("name", BOARDS)
def test_every_row_is_of_a_known_protocol(name):
    known = {
        protocol(one, window=window).hash for one in PROTOCOLS for window in ("", None, *WINDOWS_S)
    }
    assert {line["protocol_hash"] for line in read(RESULTS / f"{name}.csv")} <= known


def test_the_page_is_what_the_files_say(command):
    made = page(command.BOARDS, RESULTS, preface=command.PREFACE)
    assert (RESULTS / "README.md").read_text("utf-8") == made


def test_nothing_of_the_recordings_is_there():
    for path in RESULTS.iterdir():
        assert path.stat().st_size < 100_000


def test_lines_are_sorted_by_charged_error_and_read_back(tmp_path):
    lines = lines_of(example(subjects=6, windows=4), draws=50)
    charged = [float(line["charged_mae"]) for line in lines if line["floor"] == "no"]
    assert charged == sorted(charged)
    assert [line["floor"] for line in lines] == ["no"] * 4 + ["yes"] * 4
    file = tmp_path / "made.csv"
    file.write_text(to_csv(lines), "utf-8")
    assert [tuple(line) for line in read(file)] == [HEAD] * len(lines)
    assert read(file)[0]["mae"] == lines[0]["mae"]


def test_another_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no leaderboard"):
        read(tmp_path / "made.csv")
    (tmp_path / "made.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="other columns"):
        read(tmp_path / "made.csv")
