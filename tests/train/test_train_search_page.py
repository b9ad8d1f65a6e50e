"""What the page on searches shows is there, and the searches that come with the package fit."""

import re
import shlex
from pathlib import Path

import pytest
import typer

import camvitals.train.search as searching
from camvitals.cli import app
from camvitals.train.search import Search, load_search, search
from camvitals.train.study import planned
from camvitals.train.trial import Job, run_trial

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "search.md").read_text("utf-8")
COMMANDS = re.findall(r"^(camvitals search .*)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_begins(line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(searching, "_run", lambda *_, **__: None)
    words = [*shlex.split(line)[1:], "--out", str(tmp_path / "a")]
    with pytest.raises(Exception, match="no trial came to an end"):
        app(words, standalone_mode=False)
    assert (tmp_path / "a" / "search.json").exists()


def test_every_option_is_described():
    described = re.findall(r"^\| (`--.*?`) \|", PAGE.split("## camvitals search")[1], re.MULTILINE)
    names = set(re.findall(r"--[\w-]+", " ".join(described)))
    params = typer.main.get_command(app).commands["search"].params
    assert names == {name for p in params for name in p.opts} - {"recipe"} | {"--help"}


def test_the_function_of_the_page_is_a_search(monkeypatch, tmp_path):
    block = PAGE.split("```python\n")[1].split("```")[0]
    found: dict = {}
    exec(compile(block, "search.md", "exec"), found)
    wanted = found["steps"]()
    assert isinstance(wanted, Search)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(searching, "_run", lambda *_, **__: None)
    search(wanted, tmp_path)
    assert len(planned(wanted.space, "random", trials=24, seed=0)) == 24


def test_a_trial_of_saturation_learns(monkeypatch):
    import numpy as np

    from camvitals.train.named import load_named
    from camvitals.train.oxygen.windows import Take

    name = f"{ROOT / 'recipes' / 'oxygen_search.py'}"
    wanted = load_search(f"{name}:grid", {})
    module = load_named(f"{name}:left_out", what="work").__globals__
    rng = np.random.default_rng(0)
    monkeypatch.setitem(module, "_takes", lambda: tuple(made(k, rng, Take) for k in range(3)))
    settings = {
        f"options.{key}": v
        for key, v in zip(("layers", "length", "filters", "taps"), (1, 90, 4, 5), strict=True)
    }
    job = Job(
        number=0,
        base=wanted.recipe,
        settings={**settings, "draws": 300, "epochs": 8},
        work=wanted.work,
        folds=3,
        fold_key="",
        rungs=(4, 8),
        folder="",
    )
    looks = []

    def ask(_number, at, value):
        looks.append((at, value))
        return False

    found = run_trial(job, ask)
    given_up = run_trial(job, lambda _number, at, _value: at == 3)
    module["_windows"].cache_clear()
    assert found.state == "complete", found.why
    assert len(found.folds) == 3
    assert found.value < 4  # a constant has 6
    # It is looked at within a fold, before that is learnt to its end, and can be given up there
    assert looks[0][0] == 1 and looks[0][1] > found.folds[0]
    assert given_up.state == "pruned" and given_up.folds == found.folds[:1]


def made(number, rng, take):
    """A finger whose red level follows its saturation."""
    import numpy as np

    time = np.arange(0, 120.0, 1)
    spo2 = 85 + 10 * np.cos(time / 20 + number)
    at = np.arange(0, 119, 1 / 30)
    level = np.interp(at, time, spo2)
    red = 100 + (level - 85) + 0.3 * np.sin(2 * np.pi * 1.2 * at) + rng.normal(0, 0.3, len(at))
    colours = np.stack([red, np.full(len(at), 30.0), np.full(len(at), 20.0)], axis=1)
    colours[:, 1:] += rng.normal(0, 0.3, (len(at), 2))
    return take(f"p{number}", f"p{number}", "left", colours, 30.0, time, spo2)
