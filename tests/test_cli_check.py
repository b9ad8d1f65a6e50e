"""`camvitals data check` on corpora laid out as their owners do."""

import json
import sys

import numpy as np
import pytest

from camvitals import cli
from camvitals.data.lags import read_lags
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.scenario import Scenario


@pytest.fixture
def run(monkeypatch, capsys):
    """Exit code and output of a command."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["camvitals", "data", "check", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """A small corpus of colour traces; the pulse of the second person is half a second late."""
    folder = tmp_path_factory.mktemp("corpora") / "traces"
    people = [Scenario(seed=k, duration=60, rate=20.0, heart_rate=65 + 9 * k) for k in range(3)]
    write_corpus(folder, LAYOUTS["face-trace"], people)
    truth = sorted(folder.rglob("ground_truth.txt"))[1]
    rows = [np.array(line.split(), dtype=float) for line in truth.read_text().splitlines()]
    rows[2] += 0.5
    truth.write_text("\n".join(" ".join(f"{v:.6f}" for v in row) for row in rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora") / "videos"
    people = [
        Scenario(seed=k, duration=12, rate=15.0, size=(192, 144), heart_rate=70) for k in range(2)
    ]
    write_corpus(folder, LAYOUTS["ubfc-rppg-2"], people)
    return folder


def subjects(folder):
    return sorted(path.parent.name for path in folder.rglob("ground_truth.txt"))


def test_lags_are_noted_for_those_who_are_trained_on(run, traces):
    first, second, _ = subjects(traces)
    code, out, err = run("face-trace", traces, "--fix-lag", "--train", f"{first},{second}")
    assert (code, err) == (1, "")
    assert "lag" in out and "3 takes of 3 subjects, 2 fine, 1 findings" in out
    noted = read_lags(traces)
    assert set(noted) == {first, second}
    assert noted[second] - noted[first] == pytest.approx(0.5, abs=0.05)


def test_json_says_the_same(run, traces):
    code, out, _ = run("face-trace", traces, "--json", "--jobs", 1)
    told = json.loads(out)
    assert code == 1 and told["fine"] is False
    found = {take["subject"]: take for take in told["takes"]}
    (finding,) = found[subjects(traces)[1]]["findings"]
    assert finding["name"] == "lag" and finding["value"] == pytest.approx(0.5, abs=0.06)


def test_videos_and_a_lost_file(run, videos):
    code, out, _ = run("ubfc-rppg-2", videos, "--jobs", 1)
    assert (code, "2 takes of 2 subjects, 2 fine" in out) == (0, True)
    (videos / subjects(videos)[0] / "vid.avi").write_bytes(b"")
    code, out, _ = run("ubfc-rppg-2", videos, "--jobs", 1)
    assert code == 1
    assert "missing file" in out and "video unreadable" in out and "1 fine" in out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--fix-lag"], "--train SUBJECT"),
        (["--fix-lag", "--train", "nobody"], "--train names nobody"),
        (["--train", "nobody"], "give it with --fix-lag"),
        (["--jobs", "0"], "jobs needs a whole number"),
    ],
)
def test_wrong_wishes_are_refused_before_the_work(run, traces, options, told):
    code, out, err = run("face-trace", traces, *options)
    assert (code, out) == (2, "")
    assert told in err and err.count("\n") == 1


def test_wrong_folders_are_refused(run, tmp_path):
    assert run("face-trace", tmp_path)[0] == 2
    code, _, err = run("no-such-corpus", tmp_path)
    assert code == 2 and "choose one of" in err
