"""`camvitals explain`, from a training to a page."""

import csv
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from tiny_recipe import tiny as tiny_recipe

from camvitals import cli
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.models import MODELS
from camvitals.records import InputError
from camvitals.report.relevance import _colour
from camvitals.train.explain import explanation, page, subject
from camvitals.train.loop import Machine, fit
from camvitals.train.recipe import Model

PAGE = (Path(__file__).parents[2] / "docs" / "explanation.md").read_text("utf-8")


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    recipe = replace(tiny_recipe(), model=Model(name="tracenet-tiny"))
    fit(recipe, folder, machine=Machine(workers=0))
    return folder


def call(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["camvitals", "explain", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr()
    return ended.value.code, told.out, told.err


def test_a_made_person_is_explained_and_checked(training, tmp_path, monkeypatch, capsys):
    html, out = tmp_path / "page.html", tmp_path / "out"
    words = (training, "--made", 0, "--html", html, "--out", out)
    code, told, err = call(monkeypatch, capsys, *words)
    assert code == 0, err
    assert "planted channel: passed" in told
    text = html.read_text()
    assert text.count("<svg") >= 10
    assert "http" not in text.replace("http://www.w3.org", "")
    found = json.loads((out / "explanation.json").read_text())
    assert len(found["checks"]) == 7
    assert found["checks"][0]["passed"] is True
    total = found["relevance"] + found["absorbed_by_biases"] + found["missing"]
    assert total == pytest.approx(found["answer"] - found["answer_at_reference"])
    parts = found["shares"]["region"]
    assert sum(one["relevance"] for one in parts.values()) == pytest.approx(found["relevance"])
    assert set(found["shares"]["channel"]) == {"R", "G", "B", "seen"}
    assert found["shares"]["frequency"]["pulse"]["size"] > 0


def table(path, *, regions=None, seconds=8.0):
    trace, _ = made_trace(Scenario(seed=3, duration=seconds, rate=30))
    names = regions or trace.names
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", *(f"{name}_{c}" for name in names for c in "rgb")])
        for at, time in enumerate(trace.time):
            colours = [trace.region(name)[at] for name in names]
            writer.writerow([time, *np.concatenate(colours)])
    return path


def test_a_table_of_colours_by_another_method(training, tmp_path, monkeypatch, capsys):
    source = table(tmp_path / "colours.csv")
    words = ("--method", "integrated-gradients", "--no-check", "--start", 1.5)
    code, told, err = call(monkeypatch, capsys, training, source, *words)
    assert code == 0, err
    assert "colours.csv: answer" in told
    assert "check" not in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "either INPUT or --made"),
        (("--made", 0, "--method", "magic"), "no method 'magic'"),
        (("--made", 0, "--rule", "magic"), "no rule 'magic'"),
        (("--made", 0, "--reference", "mean"), "keeps no training mean"),
        (("none.csv",), "none.csv is no table of colours"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words, said, training, monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, training, *words)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err


def test_tables_that_do_not_fit(training, tmp_path):
    network = subject.subject_of(training)
    short = table(tmp_path / "short.csv", seconds=3.0)
    with pytest.raises(InputError, match="ends before the clip"):
        subject.read(network, short)
    lacking = table(tmp_path / "lacking.csv", regions=("skin",))
    with pytest.raises(InputError, match="no region 'forehead'"):
        subject.read(network, lacking)
    odd = tmp_path / "odd.csv"
    odd.write_text("time,red\n0,1\n1,2\n")
    with pytest.raises(InputError, match="time_s and REGION_r"):
        subject.colour_table(odd)


def test_weights_alone_need_to_say_of_what(tmp_path):
    with pytest.raises(InputError, match="no weights"):
        subject.subject_of(tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"recipe\.json"):
        subject.subject_of(tmp_path)


@pytest.fixture(scope="module")
def watched():
    """A small network of pictures on a made face, explained without checks."""
    it = MODELS["rppgnet"]
    torch.manual_seed(0)
    module = it.build(size=(16, 16)).eval()
    one = subject.Subject("rppgnet", module, it, 10.0, 24, (), (16, 16), {})
    return explanation.explain(one, subject.made(one), check=False, rule="epsilon-gamma-box")


def test_pictures_have_shares_of_the_face(watched):
    face = watched.shares["face"]
    assert {"forehead", "left_cheek", "background"} <= set(face)
    total = sum(share.relevance for share in face.values())
    assert total == pytest.approx(watched.relevance.total, rel=1e-6)
    assert watched.axes == "CTHW"


def test_curves_have_the_colour_of_their_channel_and_keep_their_sum():
    """Nine streams are three curves; what the page shows as red is red."""
    it = MODELS["spo2-ding"]
    torch.manual_seed(0)
    module = it.build(size=(1, 1)).eval()
    one = subject.Subject("nine", module, it, 30.0, it.length, ("skin",), (1, 1), {})
    found = explanation.explain(one, subject.made(one), check=False)
    _, _, lines = page._rows(found)[-1]
    assert list(lines) == ["R", "G", "B"]
    total = sum(values.sum() for values in lines.values())
    assert total == pytest.approx(found.relevance.total, rel=1e-9)
    assert [_colour(f"bias {name}", 0) for name in lines] == ["red", "green", "blue"]


def test_pictures_make_a_still_and_a_video(watched, tmp_path):
    from camvitals.video import open_video

    assert page.write_overlay(tmp_path / "overlay.mp4", watched) == 24
    with open_video(tmp_path / "overlay.mp4") as video:
        assert sum(1 for _ in video) == 24
    picture = page.still(watched)
    assert picture.shape == (320, 320, 3)
    red, blue = picture[..., 0].astype(int), picture[..., 2].astype(int)
    assert np.abs(red - blue).max() > 60  # there is colour on it
    assert page.to_page(watched).count("data:image/png") == 2


def test_strings_of_others_are_escaped(watched):
    bad = replace(watched, scene=replace(watched.scene, name="<script>alert(1)</script>"))
    assert "<script>" not in page.to_page(bad)


def test_the_page_describes_every_option():
    described = set(re.findall(r"^\| `(--[\w-]+)`", PAGE, re.MULTILINE))
    params = typer.main.get_command(cli.app).commands["explain"].params
    options = {name for p in params for name in p.opts if name.startswith("--")} - {"--check"}
    assert described == options | {"--help", "--no-check"}


def test_the_page_lists_every_rule_question_and_reference():
    from camvitals.train.explain.question import ASKED
    from camvitals.train.explain.rules import COMPOSITES

    words = {*COMPOSITES, *ASKED, *explanation.REFERENCES}
    assert {word for word in words if f"`{word}`" not in PAGE} == set()


def test_the_page_runs(training, tmp_path, monkeypatch, capsys):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "tracenet").symlink_to(training)
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    exec(compile(block, "explanation.md", "exec"), {})
    assert capsys.readouterr().out.split()[0] in ("True", "False")
    assert (tmp_path / "page.html").is_file()
    lines = re.findall(r"^camvitals explain (.*)$", PAGE, re.MULTILINE)
    assert len(lines) == 3
    words = lines[0].split()
    code, _, err = call(monkeypatch, capsys, *words, "--no-check")
    assert (code, err) == (0, "")
    assert (tmp_path / "explained" / "explanation.json").is_file()
