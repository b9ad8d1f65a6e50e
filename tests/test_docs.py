"""What the documentation says is there, and what it shows runs."""

import doctest
import importlib
import re
import runpy
from pathlib import Path

import pytest
import typer

from camvitals.cli import app
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.simulate import simulate

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGES[0].read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="session")
def clip_folder(once) -> Path:
    """A folder whose face.mp4 is a small made clip."""

    def make(folder: Path) -> None:
        folder.mkdir()
        scenario = Scenario(seed=0, duration=8, rate=15, size=(320, 240))
        simulate(folder / "face.mp4", scenario)

    return once("docs-clip", make)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
    relative = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in relative if not (page.parent / link).exists()] == []


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    others = {page.name for page in PAGES[1:]} - {"index.md"}
    assert {name for name in others if f"({name})" not in index} == set()


@pytest.mark.parametrize("command", ["measure", "simulate"])
def test_every_option_is_described_in_its_section(command):
    text = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    section = text.split(f"## camvitals {command}")[1].split("\n## ")[0]
    described = set(re.findall(r"^\| `(--[\w-]+)`", section, re.MULTILINE))
    params = typer.main.get_command(app).commands[command].params
    options = {name for p in params for name in p.opts if name.startswith("--")}
    assert described == options | {"--help"}


def test_the_front_page_has_examples():
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_front_page_runs(block, clip_folder, monkeypatch, capsys):
    monkeypatch.chdir(clip_folder)
    exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("name", ["compare_methods", "own_pulse_method"])
def test_examples_run(name, capsys):
    runpy.run_path(str(ROOT / "examples" / f"{name}.py"), run_name="__main__")
    assert "truth" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["camvitals.steps", "camvitals.stream"])
def test_doctests(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
