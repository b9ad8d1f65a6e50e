import json
import sys
from pathlib import Path

import pytest

from camvitals.cli import main
from camvitals.evaluate.result import Result


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["camvitals", *words])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five made people by two methods, of which `auto` answers."""
    path = tmp_path_factory.mktemp("evaluate") / "a.json"
    with pytest.MonkeyPatch.context() as patch:
        words = ("--methods", "auto,green", "--jobs", "1", "--out", str(path))
        assert run(patch, "evaluate", "made", "5", *words, "--csv", str(path.parent / "a.csv")) == 0
    return path


def test_a_result_is_written_and_told(
    result: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Result.load(result).names("method") == ("auto", "green")
    assert (result.parent / "a.csv").is_file()
    words = ("--methods", "green", "--protocol", "heartratenet", "--jobs", "1")
    assert run(monkeypatch, "evaluate", "made", "2", *words) == 0
    told = capsys.readouterr().out
    assert "protocol heartratenet 1d667971a843" in told
    assert "green" in told
    assert "floor:" in told


def test_films_made_worse_are_told_by_level(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    module = sys.modules["camvitals.cli.evaluate"]
    monkeypatch.setattr(module, "FILM_S", 10.5)
    monkeypatch.setattr(module, "MADE_HZ", 12.0)
    monkeypatch.setattr(module, "FILM", {"size": (160, 120)})
    out = tmp_path / "a.json"
    words = ("--degrade", "face-16,h264-crf-36", "--methods", "green", "--jobs", "1")
    assert run(monkeypatch, "evaluate", "made", "1", *words, "--out", str(out)) == 0
    told = capsys.readouterr().out
    assert "by degradation" in told
    assert "green, crf-36" in told
    assert Result.load(out).names("stratum.degradation") == ("as is", "face-16", "crf-36")


def test_what_was_skipped_is_named_and_moves_the_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from camvitals.data.recording import Recording
    from camvitals.data.synthetic.recordings import made_corpus
    from camvitals.data.synthetic.scenario import Scenario

    def takes(*_: object) -> tuple[Recording, ...]:
        fine = made_corpus([Scenario(seed=1, duration=12, rate=30)])
        gone = Recording("made", "gone", dict, colours=int, files=(tmp_path / "a.avi",))  # type: ignore[arg-type]
        return (*fine, gone)

    monkeypatch.setattr(sys.modules["camvitals.cli.evaluate"], "_takes", takes)
    assert run(monkeypatch, "evaluate", "made", "2", "--methods", "green", "--jobs", "1") == 1
    said = capsys.readouterr()
    assert "skipped made gone" in said.err
    assert "a.avi is missing or empty" in said.err
    assert "green" in said.out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("nowhere", "."), "no corpus 'nowhere'"),
        (("made", "many"), "made needs how many people"),
        (("made", "1", "--window", "12"), "--window needs 10, 30, 60 or whole"),
        (("made", "1", "--split", "half"), "--split needs train, val or test"),
        (("made", "1", "--protocol", "mine"), "no protocol 'mine'"),
        (("made", "1", "--methods", "posx"), "no method 'posx'"),
        (("made", "1", "--degrade", "face-16,worse"), "no degradation 'worse'"),
        (("made", "1", "--degrade", "crf-60"), "the crf of h264 needs 0 to 51 but got 60"),
        (("made", "1", "--out", "/nowhere/a.json"), "needs the folder /nowhere"),
    ],
)
def test_wrong_wishes_are_refused(
    words: tuple[str, ...],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, "evaluate", *words) == 2
    assert why in capsys.readouterr().err


def test_two_results_are_compared(
    result: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "compare", str(result), str(result), "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["methods"] for row in rows] == [["auto", "auto"], ["green", "green"]]
    assert rows[0]["difference"] == 0
    assert run(monkeypatch, "compare", str(result), str(result)) == 0
    assert "Holm" in capsys.readouterr().out


def test_a_missing_result_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "compare", "a.json", "b.json") == 2
    assert "no result at a.json" in capsys.readouterr().err
