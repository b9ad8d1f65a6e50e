"""The page on HeartRateNet, command by command, with fewer and smaller people."""

import csv
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from camvitals.cli import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "heartratenet.md").read_text("utf-8")
COMMANDS = re.findall(r"^camvitals (.+)$", PAGE, re.MULTILINE)
SMALLER = {"--subjects": "3", "--duration": "11", "--size": "96x72"}  # of simulate
LESS = ("epochs=1", "steps=1", "batch=1")
OF_A_CACHE = ("--set", "corpus.held_out=0.4")
ADDED = {
    "data": ("--jobs", "1"),
    "train": ("--workers", "0", "--threads", "1", *(w for s in LESS for w in ("--set", s))),
    "evaluate": ("--jobs", "1"),
    "export": ("--people", "0"),
}


def smaller(command: str) -> list[str]:
    """The words of a command of the page, for a computer that has half a minute."""
    words = shlex.split(command)
    if words[0] == "simulate":
        for at, word in enumerate(words[:-1]):
            words[at + 1] = SMALLER.get(word, words[at + 1])
    cached = words[0] == "train" and not words[1].endswith(":first")
    return [*words, *ADDED.get(words[0], ()), *(OF_A_CACHE if cached else ())]


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Exit code and output of every command of the page, in its order, in one folder."""
    torch = pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("page")
    (folder / "recipes").symlink_to(ROOT / "recipes")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        found = []
        for command in COMMANDS:
            done = CliRunner().invoke(app, smaller(command))
            told = f"{done.output} {done.exception or ''}"
            found.append((command, done.exit_code, " ".join(told.split())))
    torch.set_num_threads(threads)
    return folder, found


def test_the_page_goes_from_people_to_a_measurement():
    verbs = [command.split()[0] for command in COMMANDS]
    wanted = ["train", "simulate", "data", "export", "evaluate", "measure"]
    assert list(dict.fromkeys(verbs)) == wanted


def test_every_command_of_the_page_runs(said):
    failed = [one for one in said[1] if one[1] != 0]
    assert not failed


def test_what_it_makes_is_there(said):
    folder, _ = said
    for name in ("heartratenet-36.onnx", "heartratenet-36.json", "heartratenet-36.golden.npz"):
        assert (folder / name).stat().st_size > 500
    for run in ("heartratenet", "heartratenet-tao"):
        assert (folder / "runs" / run / "curve.csv").exists()
    with (folder / "test.csv").open() as file:
        rows = list(csv.DictReader(file))
    methods = {row["method"] for row in rows}
    assert {"auto", "green", "pos", "chrom"} < methods
    assert any(method.endswith("heartratenet-36.onnx") for method in methods)


def test_the_two_folders_have_no_person_in_common():
    seeds = [int(found) for found in re.findall(r"--seed (\d+)", PAGE)]
    counts = [int(found) for found in re.findall(r"--subjects (\d+)", PAGE)]
    people = [set(range(seed, seed + count)) for seed, count in zip(seeds, counts, strict=True)]
    assert len(people) == 2
    assert not people[0] & people[1]
