"""What the documentation says is there, and what it shows runs."""

import ast
import doctest
import importlib
import re
import runpy
from pathlib import Path

import pytest
import typer

from camvitals.cli import app, main
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.simulate import simulate

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCE = ROOT / "src" / "camvitals"
RUNNING = ("README.md", "docs/getting-started.md", "docs/live.md", "docs/ecg.md")
BLOCKS = [
    pytest.param(block, id=f"{page}-{k}")
    for page in RUNNING
    for k, block in enumerate(
        re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.DOTALL | re.M)
    )
]
# the modules that docs/errors.md is about
SAYING = (
    *(f"video/{name}.py" for name in ("array", "camera", "container", "file", "folder", "open")),
    *("video/reader.py", "video/timing.py", "waves/view.py", "pipeline.py", "stream.py"),
    *("vitals/heart.py", "vitals/breath.py", "vitals/variability.py", "cli/measure.py"),
)


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


@pytest.mark.parametrize("command", ["measure", "live", "simulate"])
def test_every_option_is_described_in_its_section(command):
    text = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    section = text.split(f"## camvitals {command}")[1].split("\n## ")[0]
    described = set(re.findall(r"^\| `(--[\w-]+)`", section, re.MULTILINE))
    params = typer.main.get_command(app).commands[command].params
    options = {name for p in params for name in p.opts if name.startswith("--")}
    assert described == options | {"--help"}


def words_of(node: ast.AST) -> str:
    """The text of an expression, with … for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return re.sub("…+", "…", "".join(map(words_of, parts))) if parts else "…"


def messages_of(path: Path) -> set[str]:
    """What a module says to people: its input errors, and sentences with a remedy."""
    said, told = set(), set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "InputError":
            said.add(words_of(node.args[0]))
        elif isinstance(node, ast.Expr):  # documentation
            told.add(words_of(node.value))
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "why":
            said.add(words_of(node.value))
        elif isinstance(node, ast.JoinedStr | ast.Constant) and "; " in words_of(node):
            said.add(words_of(node))
        elif isinstance(node, ast.keyword) and node.arg == "help":
            told.add(words_of(node.value))
    whole = {text for text in said - told if len(re.findall(r"[a-z]{2,}", text)) > 2}
    return {text for text in whole if not any(text != other and text in other for other in said)}


def test_the_page_of_errors_is_what_the_code_says():
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    listed = re.findall(r"^\| (?:`` ?(.+?) ?``|`(.+?)`) \|", page, re.MULTILINE)
    said = set().union(*(messages_of(SOURCE / name) for name in SAYING))
    assert {one or other for one, other in listed} == said


def test_every_running_page_has_examples():
    assert len({block.id.rpartition("-")[0] for block in BLOCKS}) == len(RUNNING)


@pytest.mark.parametrize("block", BLOCKS)
def test_examples_of_the_pages_run(block, clip_folder, monkeypatch, capsys):
    monkeypatch.chdir(clip_folder)
    exec(compile(block, "page", "exec"), {})
    assert capsys.readouterr().out.strip()


def test_the_first_commands_run_as_written(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "getting-started.md").read_text("utf-8")
    lines = re.findall(r"^camvitals .*$", page, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    for line in lines:
        monkeypatch.setattr("sys.argv", line.split())
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
    told = capsys.readouterr().out
    assert "Heart rate" in told
    assert "RMSSD: " in told.split("Withheld")[1]  # too short for it; the beats decide the words
    assert {"face.mp4", "face.truth.json", "face.html", "face"} <= {
        path.name for path in tmp_path.iterdir()
    }


@pytest.mark.parametrize("name", ["compare_methods", "own_pulse_method"])
def test_examples_run(name, capsys):
    runpy.run_path(str(ROOT / "examples" / f"{name}.py"), run_name="__main__")
    assert "truth" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["camvitals.steps", "camvitals.stream"])
def test_doctests(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
