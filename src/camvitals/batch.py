"""Many recordings at once, on all cores; one that cannot be read does not stop the others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from camvitals.pipeline import Settings, measure_people
from camvitals.records import InputError, Report

Outcome = tuple[Report, ...] | InputError


def measure_files(
    sources: Sequence[str], *, settings: Settings, fps: float | None = None, jobs: int | None = None
) -> Iterator[tuple[int, Outcome]]:
    """Yield (index of the source, its reports or what was wrong with it) as they are done.

    jobs: processes at a time; None means one a core.   Raises InputError for jobs < 1.
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs needs a whole number >= 1 but got {jobs}")
    workers = min(jobs or os.cpu_count() or 1, len(sources))
    if workers <= 1:
        for index, source in enumerate(sources):
            yield index, _measure_one(source, settings, fps)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        index_of = {
            pool.submit(_measure_one, source, settings, fps): index
            for index, source in enumerate(sources)
        }
        for done in as_completed(index_of):
            yield index_of[done], done.result()


def _measure_one(source: str, settings: Settings, fps: float | None) -> Outcome:
    try:
        return measure_people(source, settings=settings, fps=fps)
    except InputError as error:
        return error
