"""One trial of a search: a training for each fold, looked at on the way.

The same function runs in a process of this computer and on a machine far away: it needs a job and
somebody to ask whether to go on. Values are the lower the better.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from camvitals.records import InputError
from camvitals.train.named import load_named
from camvitals.train.recipe import Recipe
from camvitals.train.space import Settings, applied, value_at

# (number of the trial, which look, value so far) -> whether to give up
Ask = Callable[[int, int, float], bool]
State = Literal["complete", "pruned", "failed", "lost"]
WEIGHTS = "*.safetensors*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a trial needs to know.

    base: the recipe that is varied.   settings: of this trial.   work: "" trains by the loop, or
        the name of a function, see `search.Search.work`.
    fold_key: the setting that a fold's number is added to, "" for none.
    rungs: epochs at which is looked, ascending, the last no sooner than any trial's end.
    whole: folds that it may not be given up in.
    folder: where its trainings are; "" for a temporary one.
    """

    number: int
    base: Any
    settings: Settings
    work: str
    folds: int
    fold_key: str
    rungs: tuple[int, ...]
    folder: str
    whole: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a trial ended.

    state: "lost" when it was not its own fault: it is run again when the search goes on.
    folds: values of the folds that ended.   value: their mean, NaN unless complete; when pruned,
        what was known of it.   why: in words, "" when complete.
    seconds: that it took.   halt: nothing else can be run either, as on a full disk.
    """

    number: int
    state: State
    folds: tuple[float, ...] = ()
    value: float = math.nan
    why: str = ""
    seconds: float = math.nan
    halt: bool = False


class Pruned(Exception):
    """The trial is hopeless; not an error."""


def rungs_of(epochs: int, grace: int) -> tuple[int, ...]:
    """Epochs at which a trial is looked at: grace, twice as many, and so on, and the last."""
    found, at = [], grace
    while at < epochs:
        found.append(at)
        at *= 2
    return (*found, epochs)


class Course:
    """The looks at one trial, over its epochs and folds.

    A look tells the mean over the folds of the best value so far, so that it can be held against
    that of any other trial at the same look. A fold that ends early tells its value at all its
    later looks.
    """

    def __init__(self, job: Job, ask: Ask) -> None:
        self._job, self._ask = job, ask
        self.folds: list[float] = []
        self._best, self._told = math.inf, 0

    @property
    def value(self) -> float:
        """Mean over the folds of the best so far; NaN before anything is known."""
        known = [*self.folds, *([self._best] if math.isfinite(self._best) else [])]
        return sum(known) / len(known) if known else math.nan

    def tell(self, epoch: int, value: float) -> None:
        """After an epoch of the fold at hand, from 1. Raises Pruned."""
        if math.isfinite(value):
            self._best = min(self._best, value)
        rungs = self._job.rungs
        while self._told < len(rungs) - 1 and rungs[self._told] <= epoch:
            self._look()

    def end_fold(self, value: float) -> None:
        """The fold's own value, at its end. Raises Pruned, and InputError when it is not finite."""
        if not math.isfinite(value):
            raise InputError(f"fold {len(self.folds)} has no value but {value}")
        self._best = value
        while self._told < len(self._job.rungs) - 1:
            self._look()
        self.folds.append(value)
        self._best, self._told = math.inf, 0
        if len(self.folds) < self._job.folds:
            self._asked(len(self.folds) * len(self._job.rungs))

    def _look(self) -> None:
        self._told += 1
        if math.isfinite(self._best):
            self._asked(len(self.folds) * len(self._job.rungs) + self._told)

    def _asked(self, look: int) -> None:
        sure = len(self.folds) < self._job.whole
        if not sure and self._ask(self._job.number, look, self.value):
            raise Pruned


def run_trial(job: Job, ask: Ask) -> Outcome:
    """Run one trial to its end, whatever that is; nothing is raised."""
    begun, course = time.perf_counter(), Course(job, ask)
    state: State
    try:
        with _folder(job) as folder:
            for fold in range(job.folds):
                value = _fold(job, fold, folder / f"fold{fold}", course)
                course.end_fold(value)
        state, why = "complete", ""
    except Pruned:
        at = f"{len(course.folds)} of {job.folds} folds"
        state, why = "pruned", f"worse than most others after {at}"
    except MemoryError:
        state, why = "lost", "no memory was left; try fewer at a time"
    except Exception as error:
        said = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        said = " ".join(said.split())
        if _halting(error):
            return Outcome(number=job.number, state="lost", why=said, halt=True)
        state, why = "failed", said
    return Outcome(
        number=job.number,
        state=state,
        folds=tuple(course.folds),
        value=course.value if state in ("complete", "pruned") else math.nan,
        why=why,
        seconds=time.perf_counter() - begun,
    )


@contextmanager
def _folder(job: Job) -> Iterator[Path]:
    """Where the trainings of a trial are; of one that ended only the curves stay."""
    if not job.folder:
        with tempfile.TemporaryDirectory(prefix="camvitals-trial-") as name:
            yield Path(name)
        return
    place = Path(job.folder)
    try:
        yield place
    except Exception as error:
        if not _halting(error):
            _lighten(place)
        raise
    _lighten(place)


def _lighten(place: Path) -> None:
    for weights in place.rglob(WEIGHTS):
        weights.unlink()


def _halting(error: Exception) -> bool:
    """Whether it is the disk, not the settings: any other trial would end so too."""
    return isinstance(error, OSError) or isinstance(error.__cause__, OSError)


def _fold(job: Job, fold: int, folder: Path, course: Course) -> float:
    """The value of one fold."""
    recipe = applied(job.base, job.settings)
    if job.fold_key and job.folds > 1:
        first = value_at(recipe, job.fold_key)
        recipe = applied(recipe, {job.fold_key: first + fold})
    if job.work:
        function = load_named(job.work, what="search's work")
        return float(function(recipe, fold=fold, tell=course.tell))
    return _trained(cast(Recipe, recipe), folder, course)


def _trained(recipe: Recipe, folder: Path, course: Course) -> float:
    """The best look of a training by the loop; one that was cut goes on."""
    from camvitals.train.curve import CURVE, CURVE_COLUMNS, Table
    from camvitals.train.loop import Machine, fit
    from camvitals.train.run import LAST

    table = Table(folder / CURVE, CURVE_COLUMNS)
    column = "mae" if recipe.evaluation.metric == "mae" else "validation_loss"

    def told(_: str) -> None:
        curve = table.read()
        if len(curve["epoch"]):
            course.tell(int(curve["epoch"][-1]), float(curve[column][-1]))

    machine = Machine(workers=0, threads=1)
    if (folder / LAST).exists():
        before = table.read()
        for epoch, value in zip(before["epoch"], before[column], strict=True):
            course.tell(int(epoch), float(value))
    result = fit(recipe, folder, machine=machine, tell=told)
    return result.best if result.best is not None else math.nan
