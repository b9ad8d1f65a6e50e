"""The page on networks lists those there are, as they are, and its example runs."""

import re
from pathlib import Path

from camvitals.data.tao import TaoSpec
from camvitals.dsp.frames import AND, FRAMES
from camvitals.models import MODELS
from camvitals.models.architecture import GIVES, TRACES

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def described(it) -> str:
    rows, columns = it.size
    clip = f"{it.length}" if it.takes == TRACES else f"{it.length} × {rows}×{columns}"
    return f"{it.takes} | {clip} | {it.parameters:,} | {it.gives} | {it.source}"


def test_the_table_is_that_of_the_networks():
    rows = dict(re.findall(r"^\| `([\w.-]+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert rows == {name: described(it) for name, it in MODELS.items()}


def test_every_word_of_input_and_output_is_explained():
    words = set(re.findall(r"^\| ([a-z -]+) \|", PAGE, re.MULTILINE)) - {"name", "word"}
    assert words == {*FRAMES, TRACES} | {w for it in MODELS.values() for w in it.takes.split(AND)}
    outputs = PAGE.split("**gives**")[1].split("\n\n")[0]
    assert set(re.findall(r"\*(\w+)\*", outputs)) == set(GIVES)


def test_the_example_runs():
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict = {}
    exec(compile(block, "models.md", "exec"), names)
    assert names["wave"].shape == (2, 20)


def test_the_specification_shown_is_read():
    (block,) = re.findall(r"```\n(model_config.*?)```", PAGE, re.DOTALL)
    spec = TaoSpec.parse(block)
    assert (spec.size, spec.epochs, spec.rate) == (72, 20, 20.0)
