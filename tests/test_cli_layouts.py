"""`camvitals simulate --layout`: made people as the owners of a corpus lay theirs out."""

import sys

import pytest

from camvitals import cli
from camvitals.data.corpora import corpus
from camvitals.records import InputError


@pytest.fixture
def run(monkeypatch, capsys):
    """run("simulate", …): exit code, standard output, standard error."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["camvitals", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err

    return call


def test_a_corpus_in_a_public_layout(run, tmp_path):
    out = tmp_path / "made"
    small = ("--duration", 0.5, "--size", "64x48")
    ended = run("simulate", out, "--subjects", 2, "--layout", "cohface", *small)
    assert ended == (0, f"{out}: 2 people in the layout of cohface, 4 recordings of each\n", "")
    takes = corpus("cohface").read(out)
    assert [take.name for take in takes][:4] == ["1/0", "1/1", "1/2", "1/3"]
    with takes[0].pictures() as video:
        list(video)
        assert video.source.rate == pytest.approx(20) and video.source.width == 64


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--layout", "pure"), "--layout pure is that of a corpus"),
        (("--layout", "nobody", "--subjects", 1), "no layout 'nobody'; choose one of heartratenet"),
        (("--layout", "pure", "--subjects", 0), "needs 1 subject or more but got 0"),
    ],
)
def test_what_cannot_be_laid_out(run, tmp_path, words, told):
    code, out, error = run("simulate", tmp_path / "made", *words)
    assert (code, out) == (2, "") and told in error
    assert not (tmp_path / "made").exists()


def test_another_corpus_is_not_written_over(run, tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        corpus("pure").read(tmp_path / "none")
    code, _, error = run("simulate", tmp_path, "--layout", "table", "--subjects", 1)
    assert code == 2 and "is there already" in error


def test_many_lights_and_motions_are_dealt_to_people(run, tmp_path):
    small = ("--duration", 0.5, "--size", "32x24", "--fps", 4, "--light", "daylight,lamp")
    run("simulate", tmp_path / "made", "--subjects", 4, *small, "--motion", "still,sway")
    found = [one.attributes for one in corpus("heartratenet").read(tmp_path / "made")]
    pairs = [(one["light"], one["motion"]) for one in found]
    assert pairs == [(a, b) for b in ("still", "sway") for a in ("daylight", "lamp")]
