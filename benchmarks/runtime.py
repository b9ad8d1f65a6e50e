"""How fast networks run, beside floors of the same run. Run: python benchmarks/runtime.py [FILE …].

On the processor: each network as torch runs it, and as ONNX Runtime runs its float32, float16 and
8-bit files through `camvitals.runtime`, on one core and on two, one clip at a time and many. Every
network has a fresh process that is pinned to its cores; in it the forms and the floor take turns,
ROUNDS times. The floor is the time in which a product of two square matrices does as many
multiplications on the same cores. Weights are drawn: they do not move the time. What is timed is
the network itself, from prepared input to wave.

Networks that come with the package, and the FILEs given, are measured too, with the receipts of
their float32, float16 and 8-bit forms: accuracy × latency × size on made people.

--device cuda measures half precision on a GPU instead, one at a time and at the best batch.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from runtime_call import in_turns, inputs_of, multiplications, onnx_call, torch_call
from runtime_card import check_card, on_card
from runtime_subject import Subject, given, write_forms, zoo

from camvitals.card import ModelCard
from camvitals.records import InputError
from camvitals.runtime import devices, load

SECONDS = 2.0  # for each form and batch
FOR_P99 = 100  # calls below which a 99th percentile would be the largest
SIDE = 384  # of the floor's matrices: about as long as a call, so that both are disturbed alike


# --- in a process of its own ----------------------------------------------------------------------


def on_processor(
    subject: Subject, forms: Mapping[str, str], *, cores: int, seconds: float
) -> list[dict[str, Any]]:
    """Rows of the table for one network on so many cores, one clip at a time and many."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    import torch

    torch.set_num_threads(cores)
    models = {name: load(path, threads=cores) for name, path in forms.items()}
    card = models["float32"].card
    square = torch.rand(SIDE, SIDE)
    rows = []
    for batch in (1, subject.many):
        arrays = inputs_of(models["float32"], batch=batch, frames=subject.frames)
        calls = {"floor": lambda: square @ square}
        work = float("nan")
        try:
            work = multiplications(subject, card, arrays)
            calls["torch"] = torch_call(subject, card, arrays)
        except InputError as error:
            print(f"{subject.name} without torch: {error}", file=sys.stderr)
        for name, model in models.items():
            call = onnx_call(model, arrays)
            try:
                call()
            except Exception:
                continue  # takes one clip only
            calls[f"onnx {name}"] = call
        took = in_turns(calls, seconds)
        floor = statistics.median(took.pop("floor")) * work / SIDE**3
        eager = statistics.median(took["torch"]) if "torch" in took else float("nan")
        frames = batch * subject.frames
        rows += [
            _row(subject, form, cores, batch, frames, times, floor=floor, eager=eager)
            for form, times in took.items()
        ]
    return rows


def _row(
    subject: Subject,
    form: str,
    cores: int,
    batch: int,
    frames: int,
    times: Sequence[float],
    *,
    floor: float,
    eager: float,
) -> dict[str, Any]:
    middle = statistics.median(times)
    late = sorted(times)[int(0.99 * len(times))] if len(times) >= FOR_P99 else float("nan")
    return {
        "network": subject.name,
        "form": form,
        "cores": cores,
        "batch": batch,
        "frames_per_second": frames / middle,
        "median_ms": 1e3 * middle / frames,
        "p99_ms": 1e3 * late / frames,
        "call_ms": 1e3 * middle,
        "over_floor": middle / floor,
        "over_torch": eager / middle,
        "calls": len(times),
    }


# --- the parent -----------------------------------------------------------------------------------


def fresh(subject: Subject, forms: Mapping[str, str], *, cores: int, seconds: float) -> list[Any]:
    """`on_processor` in a process of its own, whose idle threads sleep."""
    told = json.dumps([asdict(subject), dict(forms), cores, seconds])
    quiet = {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(cores)}
    code = [sys.executable, __file__, "--task", told]
    ran = subprocess.run(code, check=True, stdout=subprocess.PIPE, env=os.environ | quiet)
    rows: list[Any] = json.loads(ran.stdout)
    return rows


def task(told: str) -> None:
    """What a fresh process does: one network, rows as JSON."""
    facts, forms, cores, seconds = json.loads(told)
    facts["options"] = {key: tuple(value) for key, value in facts["options"].items()}
    print(json.dumps(on_processor(Subject(**facts), forms, cores=cores, seconds=seconds)))


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


HEAD = ("network", "form", "cores", "batch", "frames/s", "ms a frame", "p99", "ms a call")


def shown(row: Mapping[str, Any]) -> list[str]:
    """A row of the table; – where it is not known."""
    cells = [f"{row[name]}" for name in ("network", "form", "cores", "batch")]
    numbers = (
        f"{row['frames_per_second']:,.0f}",
        f"{row['median_ms']:.4f}",
        f"{row['p99_ms']:.4f}",
        f"{row['call_ms']:.2f}",
        f"{row['over_floor']:.1f}",
        f"{row['over_torch']:.2f}",
    )
    return cells + ["–" if "nan" in number else number for number in numbers]


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print the tables. Raises InputError for what is not there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="ONNX files with card")
    parser.add_argument("--only", default="", help="names of networks, with commas")
    parser.add_argument("--cores", default="1,2", help="how many, with commas")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each form and batch")
    parser.add_argument("--people", type=int, default=24, help="for receipts; 0: none")
    parser.add_argument("--json", type=Path, help="write the rows here too")
    asked = parser.parse_args(words)
    card = check_card() if asked.device == "cuda" else ""
    finished = given(asked.files)
    subjects = [*zoo(), *finished]
    if asked.only:
        known = {subject.name: subject for subject in subjects}
        if odd := set(asked.only.split(",")) - set(known):
            raise InputError(f"no network {sorted(odd)[0]!r}; choose of {', '.join(known)}")
        subjects = [known[name] for name in asked.only.split(",")]
    forms = {subject.name: write_forms(subject) for subject in subjects}
    if card:
        _measure_on_card(card, subjects, forms, asked.seconds)
        return
    rows: list[dict[str, Any]] = []
    for subject in subjects:
        for cores in map(int, asked.cores.split(",")):
            files = forms[subject.name]
            rows += fresh(subject, files, cores=cores, seconds=asked.seconds)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}\n")
    print(table([*HEAD, "÷ floor", "× torch"], [shown(row) for row in rows]))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")
    if asked.people:
        for subject in (one for one in subjects if one in finished and _gives_pulse(one)):
            _receipts(subject, forms[subject.name], asked.people)


def _measure_on_card(
    card: str, subjects: Sequence[Subject], forms: Mapping[str, Mapping[str, str]], seconds: float
) -> None:
    there = ", ".join(devices())
    print(f"{card}; half precision; onnxruntime has {there}\n")
    rows = [
        row
        for subject in subjects
        for row in on_card(subject, forms[subject.name], seconds=seconds)
    ]
    print(table(("network", "form", "batch", "frames/s", "ms a frame", "p99"), rows))


def _gives_pulse(subject: Subject) -> bool:
    """Receipts tell how right the heart rates are that a pulse gives."""
    return ModelCard.load(Path(subject.path).with_suffix(".json")).gives != "ecg"


def _receipts(subject: Subject, forms: Mapping[str, str], people: int) -> None:
    from camvitals.train.receipts import receipts
    from camvitals.train.receipts import table as receipts_table

    found = receipts([Path(path) for path in forms.values()], people=people)
    print(f"\n{subject.name}, {people} made people\n")
    print(receipts_table([replace(one, name=subject.name) for one in found]), end="")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        task(sys.argv[2])
    else:
        try:
            main()
        except InputError as error:
            sys.exit(str(error))
