"""search: many trainings by one recipe with other settings, to find the best ones.

FOLDER/
    search.json             the search as it ran
    journal.log             every trial, as Optuna keeps it
    trials/0007/fold0/      tables of its trainings, and weights while it runs
    trials.csv, trials.md, trials.svg   all trials as tables and as a drawing
    best.json, recipe.json  the best settings, and the recipe that has them
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from camvitals.parallel import cores
from camvitals.records import InputError
from camvitals.report.files import write_atomically
from camvitals.report.progress import Bar
from camvitals.train.cached import CacheClips
from camvitals.train.checkpoint import on_disk
from camvitals.train.crew import Crew, Look, Processes
from camvitals.train.named import is_own, load_named
from camvitals.train.recipe import CORPORA, Recipe, absolute, load_recipe
from camvitals.train.search_tables import best_of, write_tables
from camvitals.train.settings import to_plain
from camvitals.train.space import (
    Choice,
    Range,
    Settings,
    applied,
    checked,
    tell_unknown,
    tell_unknown_option,
    value_at,
)
from camvitals.train.study import Prune, Record, Row, Sampler, locked, planned
from camvitals.train.trial import Job, Outcome, rungs_of

SEARCH, TRIALS = "search.json", "trials"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a function without arguments returns for `camvitals search FILE.py:FUNCTION`.

    recipe: a Recipe, or the name of a function that returns one; with `work` any frozen dataclass
        of a module that can be imported.
    space: settings, named as --set names them, with the values to try: a tuple of them or a Range.
    folds: trainings of each trial, whose mean value counts. A fold's number is added to `fold_key`;
        "" is corpus.fold of a cache, which draws other people to hold out, else the seed.
    sampler: grid: every combination; random; or tpe, which learns from the trials before.
    trials: how many; None is a whole grid.
    prune: median gives a trial up that is worse, at a look, than the median of those before;
        hyperband; or none.   grace: epochs before the first look, which are at twice as many each.
    whole: folds that every trial is trained in, whatever it comes to there.
    metric: what counts, the lower the better; of a Recipe mae or loss, "" as it says.
    work: "" trains by the loop, and the value is the best look of evaluation. Else the name of a
        function (recipe, *, fold, tell) -> value, which calls `tell(epoch, value)` from epoch 1 on.
    epochs: at most in one fold; None: as in the recipe.
    """

    recipe: Any
    space: Mapping[str, Choice]
    folds: int = 1
    fold_key: str = ""
    sampler: Sampler = "grid"
    trials: int | None = None
    prune: Prune = "median"
    grace: int = 4
    whole: int = 0
    metric: str = ""
    work: str = ""
    epochs: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (
            ("sampler", ("grid", "random", "tpe")),
            ("prune", ("median", "hyperband", "none")),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} needs one of {', '.join(known)} but got {getattr(self, name)!r}"
                )
        if self.whole < 0:
            raise InputError(f"whole needs folds >= 0 but got {self.whole}")
        counts = {"folds": self.folds, "trials": self.trials, "grace": self.grace}
        for name, value in counts.items():
            if value is not None and value < 1:
                raise InputError(f"{name} needs a whole number >= 1 but got {value}")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    best: the complete trial with the lowest value, None when there is none.
    rows: all trials.   recipe: the best one, or None.
    """

    folder: Path
    best: Row | None
    rows: list[Row]
    recipe: Any
    settings: Settings = field(default_factory=dict)


def load_search(reference: str, space: Mapping[str, Choice]) -> Search:
    """The search of FILE.py:FUNCTION, or of a recipe and a space to vary.

    space: added to that of a search. Raises InputError when there is neither.
    """
    found = load_named(reference, what="search") if is_own(reference) else load_recipe(reference)
    if callable(found):
        try:
            inspect.signature(found).bind()
        except TypeError as error:
            said = f"{reference} must take no arguments ({error}); give a function that returns"
            raise InputError(f"{said} a Search or a Recipe") from error
    made = found() if callable(found) else found
    if isinstance(made, Search):
        return dataclasses.replace(made, space={**made.space, **space})
    if not isinstance(made, Recipe):
        raise InputError(
            f"{reference} must return a Search or a Recipe but returned {type(made).__name__}"
        )
    return Search(recipe=reference, space=space)


def search(
    wanted: Search,
    folder: Path | str,
    *,
    settings: Mapping[str, Any] | None = None,
    workers: int | None = None,
    on: str = "",
    show: bool = False,
    tell: Tell | None = None,
) -> Found:
    """Search, or go on with a search that was stopped; every trial that ended is kept.

    settings: of the recipe, changed for all trials.
    workers: trials at a time, one thread each; None: one a core.
    on: "" this computer; ray://HOST:PORT, ray://auto or ray://local a Ray cluster.
    show: a progress bar.   tell: called with a line about each trial.
    A trial that fails is recorded as failed. Call this under `if __name__ == "__main__":`.
    Raises InputError for settings that are not there, another search in the folder, a full disk.
    """
    place, task = Path(folder), _task(wanted, settings or {})
    plan = planned(task.space, task.search.sampler, trials=task.search.trials, seed=wanted.seed)
    with on_disk(place):
        place.mkdir(parents=True, exist_ok=True)
    with locked(place):
        _same(place, task)
        record = Record(
            place,
            task.space,
            plan,
            prune=task.search.prune,
            looks=len(task.rungs) * task.search.folds,
            seed=task.search.seed,
        )
        try:
            if record.left:
                crew = _crew(on, workers, record.left)
                _run(_Running(task, place, record, crew, remote=bool(on)), show=show, tell=tell)
        finally:
            rows = record.rows()
            write_tables(place, rows, task.space, metric=task.metric, wanted=record.wanted)
    return _found(place, rows, task)


@dataclass(frozen=True, slots=True)
class _Task:
    """A search whose names have been looked up and found good."""

    search: Search
    base: Any
    space: dict[str, Choice]
    rungs: tuple[int, ...]
    fold_key: str
    metric: str

    def plain(self) -> dict[str, Any]:
        """All that moves a trial, for search.json."""
        found = self.search
        base: dict[str, Any] = {"kind": type(self.base).__name__}
        space = {k: to_plain(v, {}) for k, v in self.space.items()}
        names = ("folds", "sampler", "prune", "grace", "whole", "work", "seed")
        return {
            "recipe": base | to_plain(self.base, CORPORA),
            "space": space,
            **{name: getattr(found, name) for name in names},
            "fold_key": self.fold_key,
            "metric": self.metric,
            "rungs": list(self.rungs),
        }


def _task(wanted: Search, settings: Mapping[str, Any]) -> _Task:
    """Look everything up. Raises InputError for what is not there."""
    base = load_recipe(wanted.recipe) if isinstance(wanted.recipe, str) else wanted.recipe
    if not dataclasses.is_dataclass(base) or isinstance(base, type):
        raise InputError(f"a search needs a recipe but got {type(base).__name__}")
    for key, value in settings.items():
        tell_unknown(base, key)
        base = applied(base, {key: value})
    fold_key, metric = wanted.fold_key, wanted.metric or "value"
    space = checked(base, wanted.space)
    if not wanted.work:
        if not isinstance(base, Recipe):
            raise InputError("a search needs a Recipe, or the name of a function as its work")
        base, fold_key, metric = _looped(base, wanted, space)
    if fold_key and not isinstance(value_at(base, fold_key), int):
        raise InputError(f"fold_key needs a setting with a whole number but got {fold_key!r}")
    given = space.get("epochs", ())
    most = [int(given.high)] if isinstance(given, Range) else [int(one) for one in given]
    epochs = wanted.epochs or max([*most, getattr(base, "epochs", 1) if not most else 1])
    return _Task(wanted, base, space, rungs_of(epochs, wanted.grace), fold_key, metric)


def _looped(base: Recipe, wanted: Search, space: Mapping[str, Choice]) -> tuple[Recipe, str, str]:
    """Recipe, fold_key and metric of a search with our own loop."""
    from camvitals.train.objective import architecture_of

    if wanted.metric:
        base = base.with_settings({"evaluation.metric": wanted.metric})
    if not base.evaluation.count:
        raise InputError("a search needs people held out; set evaluation.count to 1 or more")
    base = absolute(base)
    if "model.name" not in space:
        found = architecture_of(base)
        build = partial(found.build, size=found.size)
        tell_unknown_option(build, space, name=base.model.name)
    usual = "corpus.fold" if isinstance(base.corpus, CacheClips) else "seed"
    fold_key = wanted.fold_key or usual
    if fold_key in space:
        raise InputError(f"{fold_key} cannot be varied: folds differ in it")
    return base, fold_key, base.evaluation.metric


def _same(folder: Path, task: _Task) -> None:
    """Write search.json, or see that it is the same search. Raises InputError."""
    path, text = folder / SEARCH, json.dumps(task.plain(), indent=1, ensure_ascii=False) + "\n"
    if not path.exists():
        with on_disk(path):
            write_atomically(path, text)
        return
    try:
        before = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}); give another folder") from error
    differ = _differences(before, json.loads(text))
    if differ:
        more = f" and {len(differ) - 1} more" if len(differ) > 1 else ""
        raise InputError(
            f"{folder} holds a search of another recipe: {differ[0]}{more}; give another folder, "
            "or the same search"
        )


def _differences(mine: Any, theirs: Any, path: str = "") -> list[str]:
    if not (isinstance(mine, dict) and isinstance(theirs, dict)):
        return [] if mine == theirs else [f"{path} {mine} / {theirs}"]
    return [
        said
        for key in [*mine, *(key for key in theirs if key not in mine)]
        for said in _differences(mine.get(key), theirs.get(key), f"{path}.{key}".lstrip("."))
    ]


def _crew(on: str, workers: int | None, left: int) -> Crew:
    if workers is not None and workers < 1:
        raise InputError(f"workers needs a whole number >= 1 but got {workers}; leave it out")
    if not on:
        return Processes(min(workers or cores(), left))
    from camvitals.train.cluster import Cluster

    return Cluster(on, workers)


@dataclass(frozen=True, slots=True)
class _Running:
    task: _Task
    folder: Path
    record: Record
    crew: Crew
    remote: bool

    def job(self, row: Row) -> Job:
        """The trial as a worker needs it: a repetition finds what was left of its trainings."""
        task = self.task
        mark = hashlib.sha256(json.dumps(row.settings, sort_keys=True).encode()).hexdigest()[:8]
        place = self.folder.resolve() / TRIALS / f"{row.place:04d}-{mark}"
        return Job(
            number=row.number,
            base=task.base,
            settings=row.settings,
            work=task.search.work,
            folds=task.search.folds,
            fold_key=task.fold_key,
            rungs=task.rungs,
            whole=task.search.whole,
            folder="" if self.remote else str(place),
        )


def _run(running: _Running, *, show: bool, tell: Tell | None) -> None:
    """All trials that are left. Raises InputError when no other can be run either."""
    record, crew = running.record, running.crew
    busy: dict[int, Row] = {}
    begun, first = record.wanted - record.left, record.left
    try:
        with Bar("trials") as bar:
            while record.left or busy:
                while record.left and len(busy) < crew.size:
                    row = record.next()
                    busy[row.number] = row
                    crew.start(running.job(row))
                for news in crew.news():
                    if isinstance(news, Look):
                        give_up = record.look(news.number, news.at, news.value)
                        crew.answer(news.number, give_up=give_up)
                        continue
                    row = busy.pop(news.number)
                    _end(running, row, news, tell)
                if show:
                    bar.show(begun + first - record.left - len(busy), record.wanted)
    finally:
        crew.close()


def _end(running: _Running, row: Row, outcome: Outcome, tell: Tell | None) -> None:
    running.record.end(outcome)
    if outcome.halt:
        raise InputError(outcome.why)
    if tell is None:
        return
    told = ", ".join(f"{key}={value}" for key, value in row.settings.items())
    value = f"{running.task.metric} {outcome.value:.4g}"
    took = f", {outcome.seconds:.1f} s"
    said = {"complete": value + took, "pruned": f"given up at {value}{took}"}
    ended = said.get(outcome.state, f"{outcome.state}: {outcome.why}")
    tell(f"trial {row.place + 1}/{running.record.wanted} ({told}): {ended}")


def _found(folder: Path, rows: list[Row], task: _Task) -> Found:
    """The best trial, written to best.json and recipe.json."""
    best = best_of(rows)
    if best is None:
        return Found(folder, None, rows, None)
    recipe = applied(task.base, best.settings)
    facts = {
        "settings": best.settings,
        task.metric: best.value,
        "folds": list(best.folds),
        "trial": best.place + 1,
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    with on_disk(folder / "best.json"):
        write_atomically(folder / "best.json", text)
        if isinstance(recipe, Recipe):
            recipe.save(folder / "recipe.json")
    return Found(folder, best, rows, recipe, best.settings)
