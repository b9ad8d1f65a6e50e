"""What the browser's engine is held to is what this package gives now."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
QUICK = ("clear", "gap", "lamp", "pictures")
SLOW = (
    "still",
    "wall",
    "no_pulse",
    "moving",
    "long",
    "lamp_hides",
    "lamp_weak",
    "lamp_alone",
    "uneven",
    "late",
    "shade",
)
CLOSE = 2e-4  # of the largest value: other processors round otherwise


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


vectors, constants = tool("web_vectors"), tool("web_constants")


def same(found: Any, wanted: Any, where: str) -> None:
    if isinstance(wanted, dict) and ("f32" in wanted or "f64" in wanted):
        one, other = vectors.decoded(found), vectors.decoded(wanted)
        scale = max(float(np.nanmax(np.abs(other), initial=0.0)), 1.0)
        np.testing.assert_allclose(one, other, rtol=0, atol=CLOSE * scale, err_msg=where)
    elif isinstance(wanted, dict):
        assert found.keys() == wanted.keys(), where
        for key, value in wanted.items():
            same(found[key], value, f"{where}.{key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), where
        for k, value in enumerate(wanted):
            same(found[k], value, f"{where}[{k}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=CLOSE, abs=CLOSE), where
    else:
        assert found == wanted, where


def holds(name: str) -> None:
    path = vectors.VECTORS / f"{name}.json"
    wanted = json.loads(path.read_text(encoding="utf-8"))
    same(json.loads(vectors.text_of(name)), wanted, name)


@pytest.mark.parametrize("name", QUICK)
def test_committed_vectors_are_what_the_package_gives(name: str) -> None:
    holds(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_committed_vectors_of_the_other_cases_are_too(name: str) -> None:
    holds(name)


def test_there_is_a_vector_for_every_case_and_no_other() -> None:
    files = {path.stem for path in vectors.VECTORS.glob("*.json")}
    assert files == {*vectors.CASES, "pictures"} == {*QUICK, *SLOW}


def test_a_still_picture_and_an_empty_wall_are_among_them_and_withheld() -> None:
    for name in ("still", "wall", "no_pulse"):
        report = json.loads((vectors.VECTORS / f"{name}.json").read_text())["report"]
        assert all(reading["value"] is None for reading in report["readings"])
        assert all(reading["value"] is None for reading in report["rolling"])


def test_the_engine_has_its_constants_from_these_modules() -> None:
    text = constants.TARGET.read_text(encoding="utf-8")
    assert text == constants.document(), "run python tools/web_constants.py"


def test_an_array_comes_back_as_it_was() -> None:
    values = np.array([[1.5, np.nan], [-2.25, 0.0]])
    for exact in (False, True):
        np.testing.assert_array_equal(vectors.decoded(vectors.encoded(values, exact=exact)), values)
