"""fit: one loop for every network, from a recipe to weights, on Lightning Fabric.

FOLDER/
    recipe.json             the recipe as it ran
    last.safetensors        all that is needed to go on: weights, optimiser, where it stands
    best.safetensors        weights at the best look; best.safetensors.json is their card
    steps.csv, curve.csv    a row a step, a row an epoch;  curve.svg draws the latter
    tensorboard/            if asked for
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from math import isfinite
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning_fabric import Fabric

from camvitals.parallel import cores
from camvitals.records import Array, InputError
from camvitals.report.progress import Bar
from camvitals.train.cards import save_carded
from camvitals.train.checkpoint import on_disk
from camvitals.train.curve import CLOCKED, CURVE, CURVE_COLUMNS, Table, draw_curve
from camvitals.train.recipe import Recipe, absolute
from camvitals.train.run import BEST, LAST, Run, Standing
from camvitals.train.stream import end_with_parent
from camvitals.train.validate import Look, Validation

RECIPE, LOCK, BOARD = "recipe.json", ".lock", "tensorboard"
MOST_WORKERS = 8
TOLD = "camvitals.records.InputError: "
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a training runs on; it does not belong to the recipe.

    accelerator: cpu, cuda, mps or auto.   devices: how many; a batch is dealt to them.
    workers: processes that make clips, for each device; None: one less than the cores, 8 at most.
    threads: of torch on the CPU; None: the cores that are left, but no more than torch has. Another
        number rounds sums in another way.
    """

    accelerator: str = "cpu"
    devices: int = 1
    workers: int | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        short = self.threads is not None and self.threads < 1
        if self.devices < 1 or short or (self.workers is not None and self.workers < 0):
            raise InputError("a machine needs devices >= 1, workers >= 0 and threads >= 1")

    @property
    def makers(self) -> int:
        """Processes that make clips for one device."""
        if self.workers is not None:
            return self.workers
        return min(MOST_WORKERS, max(0, cores() - self.devices) // self.devices)

    @property
    def own_threads(self) -> int:
        """Threads of torch for one device; more than there are cores for would wait on others."""
        if self.threads is not None:
            return self.threads
        left = cores() // self.devices - self.makers
        return max(1, min(left, torch.get_num_threads()))


@dataclass(frozen=True, slots=True)
class Result:
    """How a training ended.

    step, epoch: done.   best: lowest metric, None without validation; at the end of best_epoch.
    stopped: why it ended early, "" when it ran to its end.   curve: columns of curve.csv.
    clips_per_second: of the last epoch that ran.   waiting: share of its time spent waiting.
    """

    folder: Path
    step: int
    epoch: int
    best: float | None
    best_epoch: int
    stopped: str
    clips_per_second: float
    waiting: float
    curve: Mapping[str, Array] = field(default_factory=dict)


def fit(
    recipe: Recipe,
    folder: Path | str,
    *,
    resume: bool = True,
    machine: Machine | None = None,
    tensorboard: bool = False,
    show: bool = False,
    tell: Tell | None = None,
) -> Result:
    """Train by a recipe, or go on with a training that was stopped.

    folder: made when missing; see the head of this file.   resume: False refuses a folder in which
        there is a training. Going on needs the same recipe; more epochs are allowed.
    machine: CPU and one device by default.   show: a progress bar.   tell: called with a line about
        each epoch; a function of a module where there are several devices.
    On the CPU a run that was killed and goes on computes bit for bit what an undisturbed one would.
    With several devices or workers, call this under `if __name__ == "__main__":`.
    Ctrl-C and SIGTERM end the step at hand, save and then act; a second one acts at once.
    Raises InputError when something does not fit, the loss is not finite, or the disk is full; the
    last good checkpoint stays.
    """
    place, machine = Path(folder), machine or Machine()
    whole = absolute(recipe)
    place.mkdir(parents=True, exist_ok=True)
    task = _Task(whole, place.resolve(), resume, machine, tensorboard, show, tell)
    fabric = _fabric(machine, recipe)
    try:
        if machine.devices > 1 and not _under_torchrun():
            found = fabric.launch(partial(_work_apart, task=task))
            return Result(**found)
        fabric.launch()
        return _work(fabric, task)
    except Exception as error:
        # What was raised in another process comes as the text of its traceback
        last = str(error).strip().rsplit("\n", 1)[-1]
        if isinstance(error, InputError) or not last.startswith(TOLD):
            raise
        raise InputError(last.removeprefix(TOLD)) from error


@dataclass(frozen=True, slots=True)
class _Task:
    recipe: Recipe
    folder: Path
    resume: bool
    machine: Machine
    tensorboard: bool
    show: bool
    tell: Tell | None


def _under_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def _fabric(machine: Machine, recipe: Recipe) -> Fabric:
    options: dict[str, Any] = {"devices": machine.devices}
    if _under_torchrun():
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        options = {
            "devices": here,
            "num_nodes": int(os.environ["WORLD_SIZE"]) // here,
            "strategy": "ddp",
        }
    elif machine.devices > 1:
        options["strategy"] = "ddp_spawn"
    try:
        return Fabric(accelerator=machine.accelerator, precision=recipe.precision, **options)
    except Exception as error:  # Fabric raises its own kinds, and ValueError, and RuntimeError
        said = " ".join(str(error).split())
        raise InputError(
            f"no {machine.devices} × {machine.accelerator} here ({said[:200]}); use --accelerator "
            "cpu, or fewer devices"
        ) from error


def _work_apart(fabric: Fabric, task: _Task) -> dict[str, Any]:
    """In a process of its own, which must not outlive the one that started it."""
    end_with_parent()
    found = _work(fabric, task)  # which Fabric looks through, and refuses when it is frozen
    return {one.name: getattr(found, one.name) for one in fields(found)}


def _work(fabric: Fabric, task: _Task) -> Result:
    before = torch.get_num_threads()
    torch.set_num_threads(task.machine.own_threads)
    try:
        if not fabric.is_global_zero:
            return _trained(fabric, task)
        with _locked(task.folder):
            return _trained(fabric, task)
    finally:
        torch.set_num_threads(before)


def _trained(fabric: Fabric, task: _Task) -> Result:
    before = _before(task)
    run = Run(fabric, task.recipe, task.folder, workers=task.machine.makers, begun=before)
    validation = None
    if task.recipe.evaluation.count:
        validation = Validation(task.recipe, run.architecture)
    if before:
        run.restore(task.folder / LAST)
    elif fabric.is_global_zero:
        with on_disk(task.folder / RECIPE):
            task.recipe.save(task.folder / RECIPE)
    fabric.barrier()
    run.begin()
    if not before:
        run.save()  # tells at once when there is no room
    try:
        _steps(run, validation, task)
    finally:
        run.close()
    return _ended(run)


def _before(task: _Task) -> bool:
    """Whether there is a training to go on with. Raises InputError when it must not."""
    path, last = task.folder / RECIPE, task.folder / LAST
    if not (path.exists() and last.exists()):
        return False
    if not task.resume:
        raise InputError(f"{task.folder} holds a training; give another folder, or go on with it")
    told = Recipe.from_json(path.read_text("utf-8"), own_code=True, where=str(path))
    if differ := told.differences(task.recipe):
        more = f" and {len(differ) - 1} more" if len(differ) > 1 else ""
        raise InputError(
            f"{task.folder} holds a training of another recipe: {differ[0]}{more}; give another "
            "folder, or the same recipe"
        )
    return True


def _steps(run: Run, validation: Validation | None, task: _Task) -> None:
    """All steps that are left."""
    board = _board(task, run.at) if run.fabric.is_global_zero else None
    every, per_epoch = run.recipe.save_every, run.per_epoch
    shown = task.show and run.fabric.is_global_zero
    with _asked_to_stop() as asked, Bar("steps") as bar:
        while run.at.step < run.total and not run.at.stopped:
            run.update()
            if shown:
                bar.show(run.at.step, run.total)
            if run.at.step % per_epoch == 0:
                _look(run, validation, task, board)
                run.save()
            elif every is not None and run.at.step % every == 0:
                run.save()
            if run.agreed(bool(asked)):
                run.save()
                _act(asked[0] if asked else signal.SIGTERM)
    if board is not None:
        board.close()


def _look(run: Run, validation: Validation | None, task: _Task, board: Any) -> None:
    """The end of an epoch: validation, tables, the best weights, and whether to go on."""
    row, recipe = run.end_epoch(), run.recipe
    epoch = int(row["epoch"])
    found = Look(float("nan"), float("nan"))
    due = epoch % recipe.evaluation.every == 0 or run.at.step == run.total
    if validation is not None and due:
        if run.fabric.is_global_zero:
            found = validation(run.bare, device=run.fabric.device)
        value = run.everywhere(found.mae if recipe.evaluation.metric == "mae" else found.loss)
        better = isfinite(value) and (run.at.best is None or value < run.at.best)
        run.at.stale = 0 if better else run.at.stale + 1
        if better:
            run.at.best, run.at.best_epoch = value, epoch
        patience = recipe.evaluation.patience
        if patience is not None and run.at.stale >= patience:
            run.at.stopped = f"no better for {patience} looks"
    if run.fabric.is_global_zero:
        best = run.at.best if run.at.best is not None else float("nan")
        row |= {"validation_loss": found.loss, "mae": found.mae, "best": best}
        if run.at.best_epoch == epoch or validation is None:
            _save_best(run, row)
        run.curve.add(row)
        draw_curve(task.folder, run.curve.read(), metric=recipe.evaluation.metric)
        _report(task, row, board, run.total // run.per_epoch)
    run.fabric.barrier()


def _save_best(run: Run, row: Mapping[str, float]) -> None:
    """Weights alone, and their card; without validation these are those of the last epoch."""
    path = run.folder / BEST
    known = {k: float(v) for k, v in row.items() if isfinite(v) and k not in CLOCKED}
    weights = run.bare.state_dict()
    save_carded(path, weights, run.recipe, run.architecture, size=run.size, metrics=known)


def _report(task: _Task, row: Mapping[str, float], board: Any, epochs: int) -> None:
    if task.tell is not None:
        said = [f"epoch {row['epoch']:.0f}/{epochs}", f"loss {row['loss']:.4f}"]
        said += [
            f"{name.replace('_', ' ')} {row[name]:.4g}"
            for name in ("validation_loss", "mae", "best")
            if isfinite(row[name])
        ]
        said += [f"{row['clips_per_second']:.1f} clips/s", f"waiting {row['waiting']:.0%}"]
        task.tell(", ".join(said))
    if board is not None:
        for name, value in row.items():
            if name not in ("epoch", "step") and isfinite(value):
                board.add_scalar(name, value, int(row["step"]))
        board.flush()


def _board(task: _Task, at: Standing) -> Any:
    if not task.tensorboard:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError(
            "--tensorboard needs tensorboard; install it with pip install 'camvitals[train]'"
        ) from error
    return SummaryWriter(str(task.folder / BOARD), purge_step=at.step + 1)


def _ended(run: Run) -> Result:
    curve: dict[str, Array] = {}
    if run.fabric.is_global_zero:
        curve = Table(run.folder / CURVE, CURVE_COLUMNS).read()
    there = len(curve.get("epoch", ())) > 0
    return Result(
        folder=run.folder,
        step=run.at.step,
        epoch=run.at.step // run.per_epoch,
        best=run.at.best,
        best_epoch=run.at.best_epoch,
        stopped=run.at.stopped,
        clips_per_second=float(curve["clips_per_second"][-1]) if there else float("nan"),
        waiting=float(curve["waiting"][-1]) if there else float("nan"),
        curve=curve,
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One training at a time in a folder."""
    import fcntl

    with on_disk(folder / LOCK), (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"another process is training in {folder}; wait, or give another folder"
            ) from error
        yield


@contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """Collect the first Ctrl-C or SIGTERM instead of acting on it; the second acts at once."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before: dict[int, Any] = {}

    def note(number: int, _frame: FrameType | None) -> None:
        if asked:
            _act(number)
        asked.append(number)

    for caught in (signal.SIGINT, signal.SIGTERM):
        before[caught] = signal.signal(caught, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _act(number: int) -> None:
    """What a signal asks for, once all is saved."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
