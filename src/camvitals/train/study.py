"""The record of a search: which trials there are, how they went, and which comes next (Optuna).

One process writes the journal, so that it needs no lock of its own; a line that a kill cut short is
taken back. What is of a grid or drawn at random is planned here and only recorded by Optuna.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from camvitals.records import InputError
from camvitals.train.checkpoint import on_disk
from camvitals.train.space import Range, Settings, Space, drawn, grid, size_of
from camvitals.train.trial import Outcome

JOURNAL, LOCK, NAME = "journal.log", ".lock", "search"
FACTS, PLACE = "outcome", "place"
FEWEST = 4  # trials that came to a look, before one is given up there
STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
Sampler = Literal["grid", "random", "tpe"]
Prune = Literal["median", "hyperband", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One trial as it is recorded.

    place: in the plan of the search; one that was lost and its repetition have the same.
    state: running, complete, pruned, failed, or lost, which is run again as another trial.
    folds: values of those that ended.   value: their mean; when pruned, what was known.
    """

    number: int
    place: int
    settings: Settings
    state: str
    value: float = math.nan
    folds: tuple[float, ...] = ()
    seconds: float = math.nan
    why: str = ""


def planned(space: Space, sampler: Sampler, *, trials: int | None, seed: int) -> list[Settings]:
    """The settings of all trials in their order; empty ones where earlier trials decide.

    trials: None is a whole grid. More trials go on with the same plan.
    Raises InputError for a grid with a range, and where nobody says how many.
    """
    if sampler == "grid":
        size_of(space)
        return grid(space, seed=seed)[:trials]
    if trials is None:
        raise InputError(f"sampler {sampler} has no end; say how many trials there are")
    if sampler == "tpe":
        return [{}] * trials
    found: list[Settings] = []
    bounded = not any(isinstance(choice, Range) for choice in space.values())
    most = min(trials, size_of(space)) if bounded else trials
    draws = drawn(space, seed=seed)
    while len(found) < most:
        settings = next(draws)
        if settings not in found:
            found.append(settings)
    return found


class Record:
    """The trials of a search on disk.

    folder: of the search.   plan: see `planned`.   looks: at most in one trial.
    Raises InputError when the journal cannot be read, or the disk is full.
    """

    def __init__(
        self,
        folder: Path,
        space: Space,
        plan: list[Settings],
        *,
        prune: Prune,
        looks: int,
        seed: int,
    ) -> None:
        self._path, self._space, self._plan = folder / JOURNAL, space, plan
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with on_disk(self._path):
            self._study = _opened(self._path, pruner=_pruner(prune, looks))
            self._end_stale()
        trials = self._study.get_trials(deepcopy=False)
        self._study.sampler = optuna.samplers.TPESampler(seed=seed + len(trials))
        self._distributions = {key: _distribution(choice) for key, choice in space.items()}
        self._open: dict[int, optuna.trial.Trial] = {}
        done = {row.place: row for row in self.rows() if row.state != "lost"}
        lost = {row.place: row.settings for row in self.rows() if row.place not in done}
        self._left = [(place, lost.get(place, {})) for place in sorted(lost)]
        fresh = (place for place in range(len(plan)) if place not in done and place not in lost)
        self._left += [(place, plan[place]) for place in fresh]

    def _end_stale(self) -> None:
        """Trials of a process that was killed: no longer running."""
        for _ in self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self._study.tell(self._study.ask(), state=TrialState.FAIL)
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            told = trial.user_attrs.get(FACTS)
            state = STATES.get(told["state"], TrialState.FAIL) if told else TrialState.FAIL
            value = told["value"] if told and state == TrialState.COMPLETE else None
            self._study.tell(trial.number, value, state)

    @property
    def wanted(self) -> int:
        """Trials of the whole search."""
        return len(self._plan)

    @property
    def left(self) -> int:
        """Trials that nobody has begun."""
        return len(self._left)

    def rows(self) -> list[Row]:
        """All trials so far."""
        found = (_row(self._space, trial) for trial in self._study.get_trials(deepcopy=False))
        return [row for row in found if row.place >= 0]

    def next(self) -> Row:
        """The trial to run now; `left` says whether there is one. Raises InputError: full disk."""
        place, settings = self._left.pop(0)
        with on_disk(self._path):
            if settings:
                texts = {key: _told(self._space[key], value) for key, value in settings.items()}
                self._study.enqueue_trial(texts)
            trial = self._study.ask(self._distributions)
            trial.set_user_attr(PLACE, place)
        self._open[trial.number] = trial
        return Row(
            number=trial.number,
            place=place,
            settings=_settings(self._space, trial.params),
            state="running",
        )

    def look(self, number: int, at: int, value: float) -> bool:
        """Record what a trial has come to; returns whether it is hopeless."""
        trial = self._open[number]
        with on_disk(self._path):
            trial.report(value, at)
            return bool(trial.should_prune())

    def end(self, outcome: Outcome) -> None:
        """Record how a trial ended; one that was lost is left to be run again."""
        trial = self._open.pop(outcome.number)
        if outcome.halt:
            return
        state = STATES.get(outcome.state, TrialState.FAIL)
        with on_disk(self._path):
            if outcome.state != "lost":
                facts = {k: v for k, v in asdict(outcome).items() if k not in ("number", "halt")}
                trial.set_user_attr(FACTS, _finite(facts))
            complete = state == TrialState.COMPLETE
            self._study.tell(trial, outcome.value if complete else None, state)


def _opened(path: Path, *, pruner: optuna.pruners.BasePruner) -> optuna.Study:
    """The study of a journal, a new one where there is none."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if path.exists():
        text = path.read_bytes()
        whole = text.rfind(b"\n") + 1
        if whole < len(text):
            with path.open("rb+") as file:
                file.truncate(whole)
    try:
        storage = JournalStorage(JournalFileBackend(str(path), lock_obj=cast(Any, _Alone())))
        return optuna.create_study(
            study_name=NAME, storage=storage, pruner=pruner, load_if_exists=True
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is damaged ({' '.join(str(error).split())[:100]}); search in another folder"
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One search at a time in a folder."""
    import fcntl

    with on_disk(folder / LOCK):
        lock = (folder / LOCK).open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"another process is searching in {folder}; wait, or give another folder"
            ) from error
        yield


class _Alone:
    """No lock: the folder is locked as a whole."""

    def acquire(self) -> bool:
        """Always there."""
        return True

    def release(self) -> None:
        """Nothing to do."""


class _Median(optuna.pruners.BasePruner):
    """Gives up what is worse, at a look, than the median of all trials that came so far."""

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        at = trial.last_step
        if at is None:
            return False
        values = [
            other.intermediate_values[at]
            for other in study.get_trials(deepcopy=False)
            if other.number != trial.number and at in other.intermediate_values
        ]
        enough = len(values) >= FEWEST
        return enough and trial.intermediate_values[at] > statistics.median(values)


def _pruner(name: Prune, looks: int) -> optuna.pruners.BasePruner:
    if name == "median":
        return _Median()
    if name == "hyperband" and looks > 1:
        return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=looks)
    return optuna.pruners.NopPruner()


def _distribution(choice: Any) -> BaseDistribution:
    if not isinstance(choice, Range):
        return CategoricalDistribution([json.dumps(value) for value in choice])
    if choice.whole:
        return IntDistribution(int(choice.low), int(choice.high), log=choice.log)
    return FloatDistribution(choice.low, choice.high, log=choice.log)


def _told(choice: Any, value: Any) -> Any:
    return value if isinstance(choice, Range) else json.dumps(value)


def _settings(space: Space, params: Mapping[str, Any]) -> Settings:
    """What Optuna keeps as texts, as the values of the space."""
    found: Settings = {}
    for key, choice in space.items():
        if key not in params:
            continue
        told = params[key]
        if isinstance(choice, Range):
            found[key] = told
        else:
            found[key] = next(value for value in choice if json.dumps(value) == told)
    return found


def _row(space: Space, trial: FrozenTrial) -> Row:
    facts = trial.user_attrs.get(FACTS)
    running = trial.state in (TrialState.RUNNING, TrialState.WAITING)
    settings = _settings(space, trial.params)
    place = cast(int, trial.user_attrs.get(PLACE, -1))
    if facts is None:
        state = "running" if running else "lost"
        return Row(number=trial.number, place=place, settings=settings, state=state)
    return Row(
        number=trial.number,
        place=place,
        settings=settings,
        state=facts["state"],
        value=math.nan if facts["value"] is None else facts["value"],
        folds=tuple(facts["folds"]),
        seconds=facts["seconds"],
        why=facts["why"],
    )


def _finite(facts: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no word for NaN."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in facts.items()
    }
