"""The pages of benchmarks/pruning.py, from the files of figures in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.evaluate.metrics import bootstrap
from camvitals.records import Array
from camvitals.report.files import write_atomically

Rows = dict[str, dict[str, Any]]
LEVELS = ("as is", "face-16", "face-8", "crf-36")
FLOORS = ("floor", "before", "untrained", "green", "pos")  # what has not learnt
METHODS = ("snip", "n2nskip", "random", "magnitude", "structured")
AGAIN = "second"  # a training from another seed
PAIRED = (("n2nskip", "snip"), ("snip", "random"), ("structured", "n2nskip"))
WORDS = {"n2nskip": "N2NSkip", "snip": "SNIP"}
ABSENT = "*(not measured yet)*"


def write(folder: Path) -> None:
    """README.md of the figures in a folder; its text is that of the folder's name."""
    accuracy, cost, pair = (_read(folder / f"{n}.json") for n in ("accuracy", "cost", "pair"))
    head = Path(__file__).with_name(f"{_stem(folder)}.md").read_text("utf-8")
    parts: dict[str, Callable[[], str]] = {
        "ACCURACY": lambda: _of(accuracy, "error", 1),
        "LATE": lambda: _late(accuracy),
        "LIKENESS": lambda: _apart(accuracy, "r", 2),
        "ERRORS": lambda: _apart(accuracy, "error", 1),
        "SEEDS": lambda: _seeds(accuracy),
        "COST": lambda: _cost(cost) if cost else ABSENT,
        "SMALL": lambda: _small(cost) if cost else ABSENT,
        "PAIR": lambda: _pair(pair) if pair else ABSENT,
        "GAINS": lambda: _gains(accuracy),
    }
    for name, text in parts.items():
        if f"<!-- {name} -->" in head:
            head = head.replace(f"<!-- {name} -->", text())
    write_atomically(folder / "README.md", head)


def _stem(folder: Path) -> str:
    return "pruning_page" if folder.name == "pruning" else f"pruning_page_{folder.name}"


def _read(path: Path) -> Rows:
    found: Rows = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def _gains(accuracy: Rows) -> str:
    """Differences of likeness between methods, person by person."""
    rows = []
    for factor, again in sorted({_place(name)[1::2] for name in accuracy if _place(name)[1]}):
        end = f"-{factor}" + (f"-{AGAIN}" if again == 1 else "")
        cells = [f"{factor}×" + (", second seed" if again == 1 else "")]
        for pair in PAIRED:
            for level in LEVELS[:2]:
                both = [f"{method}{end}" for method in pair]
                if again > 1 or not set(both) <= set(accuracy):
                    cells.append("–")
                    continue
                first, other = (np.array(accuracy[name][level]["r"]) for name in both)
                cells.append(_interval(first - other, 2))
        if set(cells[1:]) != {"–"}:
            rows.append(cells)
    pairs = [" − ".join(WORDS.get(method, method) for method in pair) for pair in PAIRED]
    return _table(["", *(f"{pair}, {level}" for pair in pairs for level in LEVELS[:2])], rows)


def _table(head: list[str], rows: Sequence[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _interval(values: Array, digits: int) -> str:
    people = np.arange(len(values))
    low, high = bootstrap(lambda chosen: float(values[chosen].mean()), people)
    return f"{values.mean():.{digits}f} [{low:.{digits}f}–{high:.{digits}f}]"


def _of(accuracy: Rows, key: str, digits: int) -> str:
    rows = [
        [name, *(_interval(np.array(told[level][key]), digits) for level in LEVELS)]
        for name, told in _in_order(accuracy)
        if key in told[LEVELS[0]]
    ]
    return _table(["network", *LEVELS], rows)


def _late(accuracy: Rows) -> str:
    """Errors in the second half of each person, with what was true in the first half."""
    shown = {name: told for name, told in accuracy.items() if "late" in told[LEVELS[0]]}
    return _of(shown, "late", 1)


def _apart(accuracy: Rows, key: str, digits: int) -> str:
    """What it is, and how it differs from the dense network of its seed, person by person."""
    rows = []
    for name, told in _in_order(accuracy):
        if key not in told[LEVELS[0]] or name == "floor":
            continue
        dense = accuracy[f"dense-{AGAIN}" if name.endswith(AGAIN) else "dense"]
        values = [np.array(told[level][key]) for level in LEVELS]
        if told is dense:
            rows.append([name, *(_interval(one, digits) for one in values)])
            continue
        apart = [one - np.array(dense[lv][key]) for one, lv in zip(values, LEVELS, strict=True)]
        cells = zip(values, apart, strict=True)
        rows.append([name, *(f"{v.mean():.{digits}f} ({_interval(a, digits)})" for v, a in cells)])
    return _table(["network", *LEVELS], rows)


def _seeds(accuracy: Rows) -> str:
    """Difference from the dense network, the mean of both seeds for each person."""
    head = ["network", *(f"{what}, {level}" for what in ("r", "bpm") for level in LEVELS[:3])]
    rows = []
    for name, _ in _in_order(accuracy):
        if name == "dense" or f"{name}-{AGAIN}" not in accuracy:
            continue
        cells = [
            _interval((_gap(accuracy, name, lv, key) + _gap(accuracy, name, lv, key, AGAIN)) / 2, d)
            for key, d in (("r", 3), ("error", 1))
            for lv in LEVELS[:3]
        ]
        rows.append([name, *cells])
    return _table(head, rows)


def _gap(accuracy: Rows, name: str, level: str, key: str, *again: str) -> Array:
    """How a network differs from the dense one of the same seed, for each person."""
    pruned, dense = ("-".join([one, *again]) for one in (name, "dense"))
    return np.array(accuracy[pruned][level][key]) - np.array(accuracy[dense][level][key])


def _in_order(rows: Rows) -> list[tuple[str, dict[str, Any]]]:
    return sorted(rows.items(), key=lambda item: _place(item[0]))


def _place(name: str) -> tuple[int, int, int, int]:
    """Group, factor, method, and 0 for the first training of a kind, 1 for one again, 2 others."""
    method, *rest = name.split("-")
    again = 0 if not rest or rest[-1].isdigit() else 1 if rest[-1] == AGAIN else 2
    if method not in METHODS:
        order = (*FLOORS, "dense", "nothing")
        return (0, 0, order.index(method), again)
    return (1 + (again > 1), int(rest[0]), METHODS.index(method), again)


def _cost(cost: Rows) -> str:
    dense, nothing = cost["dense"], cost["nothing"]
    rows = []
    for name, row in _in_order(cost):
        if name == "nothing" or name.endswith(AGAIN):
            continue
        sizes = [row["dense"], row["indices"], row["bitmask"]]
        cells = [f"{row['kernels'] + row['others']:,} ({row['others']})"]
        cells += [f"{size / 1000:.1f}" for size in sizes]
        cells += [f"{dense['dense'] / min(sizes):.1f}×", f"{row['torch_ms']:.2f}"]
        if "onnx" in row:
            cells += [f"{row['onnx'] / 1000:.1f}", str(row["cut"]), f"{row['onnx_ms']:.2f}"]
            cells += [f"{dense['onnx_ms'] / row['onnx_ms']:.2f}×"]
            cells += [f"{(row['peak_kb'] - nothing['peak_kb']) / 1000:.1f}"]
        else:
            cells += ["–"] * 5
        rows.append([name, *cells])
    head = ["network", "parameters (dense ones)", "dense kB", "indices kB", "bitmask kB"]
    head += ["smallest", "torch ms", "ONNX kB", "dead cut", "ONNX ms", "ONNX faster", "memory MB"]
    return _table(head, rows)


def _small(cost: Rows) -> str:
    nothing = cost["nothing"]["peak_kb"]
    rows = []
    for name in ("dense", "n2nskip-10", "structured-10"):
        row = cost[name]
        if "int8" in row:
            both = [f"{row['onnx'] / 1000:.1f} → {row['int8'] / 1000:.1f}"]
            both += [f"{row['onnx_ms']:.2f} → {row['int8_ms']:.2f}"]
            peaks = (row["peak_kb"], row["int8_peak_kb"])
            rows.append([name, *both, " → ".join(f"{(one - nothing) / 1000:.1f}" for one in peaks)])
    return _table(["network", "kB", "ms", "memory MB"], rows)


def _pair(pair: Rows) -> str:
    dense = pair["dense"]
    rows = []
    for name, row in pair.items():
        cells = [f"{(row['kernels'] + row['others']) / 1e6:.2f} M"]
        for form in ("dense", "indices", "bitmask"):
            times = dense["dense"] / row[form]
            cells.append(f"{row[form] / 1e6:.1f} ({times:.1f}×)")
        if "torch_ms" in row:
            cells += [f"{row['torch_ms']:.0f}", f"{dense['torch_ms'] / row['torch_ms']:.1f}×"]
        else:
            cells += ["–", "–"]
        rows.append([name, *cells])
    head = ["network", "parameters", "dense MB", "indices MB", "bitmask MB", "ms", "faster"]
    return _table(head, rows)
