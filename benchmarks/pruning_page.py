"""The page of benchmarks/pruning.py, from its three files of figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.evaluate.metrics import bootstrap
from camvitals.records import Array
from camvitals.report.files import write_atomically

Rows = dict[str, dict[str, Any]]
LEVELS = ("as is", "face-16", "face-8", "crf-36")
METHODS = ("snip", "n2nskip", "random", "magnitude", "structured")
FACTORS = (2, 5, 10, 20, 50)
PAIRED = ("N2NSkip − SNIP", "SNIP − random", "structured − N2NSkip")
ABSENT = "*(not measured yet)*"


def write(folder: Path) -> None:
    """README.md of the figures in a folder."""
    accuracy, cost, pair = (_read(folder / f"{n}.json") for n in ("accuracy", "cost", "pair"))
    head = Path(__file__).with_name("pruning_page.md").read_text("utf-8")
    parts = {
        "ACCURACY": _accuracy(accuracy),
        "LIKENESS": _likeness(accuracy),
        "COST": _cost(cost) if cost else ABSENT,
        "SMALL": _small(cost) if cost else ABSENT,
        "PAIR": _pair(pair) if pair else ABSENT,
        "GAINS": _gains(accuracy),
    }
    for name, text in parts.items():
        head = head.replace(f"<!-- {name} -->", text)
    write_atomically(folder / "README.md", head)


def _read(path: Path) -> Rows:
    found: Rows = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def _gains(accuracy: Rows) -> str:
    """Differences of likeness between methods, person by person."""
    rows = []
    for factor in FACTORS:
        cells = [f"{factor}×"]
        for one, other in (("n2nskip", "snip"), ("snip", "random"), ("structured", "n2nskip")):
            for level in LEVELS[:2]:
                first, second = (
                    np.array(accuracy[f"{name}-{factor}"][level]["r"]) for name in (one, other)
                )
                cells.append(_interval(first - second, 2))
        rows.append(cells)
    head = ["", *(f"{pair}, {lv}" for pair in PAIRED for lv in LEVELS[:2])]
    return _table(head, rows)


def _table(head: list[str], rows: list[list[str]]) -> str:
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
    ]
    return _table(["network", *LEVELS], rows)


def _accuracy(accuracy: Rows) -> str:
    return _of(accuracy, "error", 1)


def _likeness(accuracy: Rows) -> str:
    dense = accuracy["dense"]
    rows = []
    for name, told in _in_order(accuracy):
        if name in ("floor", "dense"):
            continue
        apart = [np.array(told[lv]["r"]) - np.array(dense[lv]["r"]) for lv in LEVELS]
        mean = [f"{np.mean(told[level]['r']):.2f}" for level in LEVELS]
        cells = [f"{m} ({_interval(a, 2)})" for m, a in zip(mean, apart, strict=True)]
        rows.append([name, *cells])
    first = ["dense", *(_interval(np.array(dense[level]["r"]), 2) for level in LEVELS)]
    return _table(["network", *LEVELS], [first, *rows])


def _in_order(rows: Rows) -> list[tuple[str, dict[str, Any]]]:
    def place(name: str) -> tuple[int, int, int]:
        parts = name.split("-")
        if len(parts) == 1:
            return (0, 0, ["floor", "dense", "nothing"].index(name))
        return (1 + (len(parts) > 2), int(parts[1]), METHODS.index(parts[0]))

    return sorted(rows.items(), key=lambda item: place(item[0]))


def _cost(cost: Rows) -> str:
    dense, nothing = cost["dense"], cost["nothing"]
    rows = []
    for name, row in _in_order(cost):
        if name == "nothing":
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
