"""The house, read from the imports: one direction, one door for each library, short pages."""

import ast
import statistics
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "camvitals"
ORDER = [
    "records",
    "steps",
    "parallel",
    "card",
    "dsp",
    "runtime",
    "video",
    "face",
    "data",
    "waves",
    "vitals",
    "report",
    "pipeline",
    "batch",
    "stream",
    "live",
    "evaluate",
    "models",
    "train",
    "app",
    "cli",
    "__main__",
]
DOORS = {
    "av": {"video"},
    "onnxruntime": {"runtime"},
    "scipy": {"dsp", "evaluate", "data"},  # data: scipy.io alone, to read .mat
    "torch": {"models", "train"},
    "lightning_fabric": {"train"},
    "safetensors": {"models", "train"},
    "onnx": {"train"},
    "optuna": {"train"},
    "ray": {"train"},
    "fastapi": {"app"},
    "starlette": {"app"},
    "uvicorn": {"app"},
    "sqlalchemy": {"app"},
    "alembic": {"app"},
    "matplotlib": {"report", "evaluate"},
    "typer": {"cli"},
    "h5py": {"data"},
    "pyedflib": {"data", "report"},
    "pyarrow": {"data", "evaluate"},
    "pylsl": {"live"},
    "pythonosc": {"live"},
    "wfdb": {"report"},
    "pynwb": {"report"},
    "fhir": {"report"},
}
MANY = {
    "measure.py:measure",
    "live.py:live",
    "simulate.py:simulate",
    "evaluate.py:evaluate",
    "search.py:search",
    "explain.py:explain",
    "collect.py:__init__",
}
NO_HOME = {"utils", "util", "helpers", "common", "core", "misc"}
MODULES = sorted(SOURCE.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def functions_of(path: Path) -> list[tuple[str, int, ast.arguments]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            body = node.body[1:] if documented else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            found.append((f"{path.name}:{node.name}", lines, node.args))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_up_and_use_the_doors(path: Path) -> None:
    part = part_of(path)
    for name in imports_of(path):
        top, _, rest = name.partition(".")
        if top == "camvitals" and part != "__init__":
            other = rest.split(".")[0]
            if other in ORDER and other != part:
                assert ORDER.index(other) < ORDER.index(part), f"{path}: {part} imports {other}"
        assert part in DOORS.get(top, {part}), f"{path}: {top} has its door elsewhere"


def test_every_part_has_its_place() -> None:
    parts = {part_of(path) for path in MODULES} - {"__init__"}
    assert parts <= set(ORDER)
    stems = {piece for path in MODULES for piece in path.with_suffix("").parts}
    assert not stems & NO_HOME


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_pages_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
    for name, lines, arguments in functions_of(path):
        assert lines <= 60, f"{name} has {lines} lines"
        count = len(arguments.args) + len(arguments.kwonlyargs)
        # A command has one argument for each option; a collector one for each thing to collect.
        assert count <= 9 or name in MANY, f"{name} has {count} arguments"


def test_functions_are_short_on_the_whole() -> None:
    lines = [count for path in MODULES for _, count, _ in functions_of(path)]
    assert statistics.quantiles(lines, n=10)[-1] <= 25


def test_no_rate_has_a_default() -> None:
    rates = {"fs", "sr", "fps", "rate", "sfreq", "sampling_rate"}
    for path in MODULES:
        for name, _, arguments in functions_of(path):
            pairs = list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
            late = arguments.args[len(arguments.args) - len(arguments.defaults) :]
            pairs += list(zip(late, arguments.defaults, strict=True))
            for argument, default in pairs:
                is_number = isinstance(default, ast.Constant) and isinstance(
                    default.value, int | float
                )
                assert not (argument.arg in rates and is_number), name


def test_only_the_command_line_prints() -> None:
    for path in MODULES:
        if part_of(path) == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            assert not (called and node.func.id == "print"), f"{path}:{node.lineno}"
