"""`camvitals data prepare` on a corpus as its owners lay it out."""

import sys

import pytest

from camvitals import cli
from camvitals.data.cache import Cache
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.scenario import Scenario


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Three made people in the layout of UBFC-rPPG 2; the video of the second is cut to a stub."""
    folder = tmp_path_factory.mktemp("corpora") / "ubfc"
    size = (160, 120)
    scenarios = [Scenario(seed=seed, duration=2, rate=15, size=size) for seed in range(3)]
    write_corpus(folder, LAYOUTS["ubfc-rppg-2"], scenarios)
    second = sorted(folder.rglob("vid.avi"))[1]
    second.write_bytes(second.read_bytes()[:500])
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["camvitals", "data", "prepare", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err

    return call


def test_a_corpus_with_one_bad_video(run, corpus, tmp_path):
    words = ("ubfc-rppg-2", corpus, "--out", tmp_path / "cache", "--size", 24, "--jobs", 1)
    code, out, err = run(*words)
    assert code == 1
    assert "2 of 3 takes of ubfc-rppg-2 are ready" in out
    assert err.count("\n") == 1 and "was skipped" in err
    cache = Cache(tmp_path / "cache")
    assert len(cache.recordings) == 2 and cache.settings.size == 24
    for one in cache.recordings:
        assert one.frames == len(cache.clip(one.key).images) == 30
        assert {"pulse", "heart_rate"} <= set(cache.references(one.key))


def test_traces_alone(run, corpus, tmp_path):
    code, out, _ = run("ubfc-rppg-2", corpus, "--out", tmp_path, "--no-crops", "--jobs", 1)
    cache = Cache(tmp_path)
    assert code == 1 and str(cache.folder) in out
    assert not list(cache.folder.rglob("crops*"))
    for one in cache.recordings:
        assert len(cache.trace(one.key).time) == 30


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--jobs", 0), "--jobs needs a whole number >= 1"),
        (("--box", "oval"), "no box 'oval'"),
        (("--size", -1), "size needs 1 to 4096"),
    ],
)
def test_wrong_wishes_end_before_the_work(run, corpus, tmp_path, words, told):
    code, out, err = run("ubfc-rppg-2", corpus, "--out", tmp_path / "cache", *words)
    assert (code, out) == (2, "") and told in err
    assert not (tmp_path / "cache").exists()


def test_an_unknown_corpus(run, tmp_path):
    code, _, err = run("nowhere", tmp_path, "--out", tmp_path / "cache")
    assert code == 2 and "no corpus 'nowhere'" in err
