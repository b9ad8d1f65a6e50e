"""The learning rate as a function of the step alone, so that nothing of it needs to be saved."""

from __future__ import annotations

import math
from collections.abc import Callable

from camvitals.train.recipe import Schedule

RISE, FIRST, LAST = 0.3, 1 / 25, 1e-4 / 25  # of one cycle (Smith & Topin, 2019), as torch has it


def share_of_step(schedule: Schedule, step: int, *, total: int, per_epoch: int) -> float:
    """The factor on the learning rate at a step, counted from 0.

    total: steps of the whole training.   per_epoch: steps of an epoch.
    """
    warm = min(1.0, (step + 1) / (schedule.warm_up + 1))
    course = SCHEDULES[schedule.name]
    since, left = max(0, step - schedule.warm_up), max(1, total - schedule.warm_up)
    return warm * course(schedule, min(since, left - 1), left, step // per_epoch)


def _constant(schedule: Schedule, step: int, total: int, epoch: int) -> float:
    del schedule, step, total, epoch
    return 1.0


def _cosine(schedule: Schedule, step: int, total: int, epoch: int) -> float:
    """From 1 to `final` along half a cosine (Loshchilov & Hutter, 2017)."""
    del epoch
    return _between(1.0, schedule.final, step / max(1, total - 1))


def _one_cycle(schedule: Schedule, step: int, total: int, epoch: int) -> float:
    """Up from 1/25 over the first 30 %, down to 1/250000; momentum is left alone."""
    del schedule, epoch
    top = max(1.0, RISE * total - 1)
    if step <= top:
        return _between(FIRST, 1.0, step / top)
    return _between(1.0, LAST, (step - top) / max(1.0, total - 1 - top))


def _steps(schedule: Schedule, step: int, total: int, epoch: int) -> float:
    """Times `factor` every so many epochs."""
    del step, total
    return float(schedule.factor ** (epoch // schedule.every))


def _between(start: float, stop: float, done: float) -> float:
    return stop + (start - stop) * (1 + math.cos(math.pi * done)) / 2


SCHEDULES: dict[str, Callable[[Schedule, int, int, int], float]] = {
    "constant": _constant,
    "cosine": _cosine,
    "one-cycle": _one_cycle,
    "steps": _steps,
}
