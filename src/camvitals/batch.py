"""Many recordings at once, on all cores; one that cannot be read does not stop the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from camvitals.parallel import Note, run_jobs, share_of
from camvitals.pipeline import Settings, measure_people
from camvitals.records import InputError, Report

Outcome = tuple[Report, ...] | InputError
Outcomes = Generator[tuple[int, Outcome], None, None]
Progress = Callable[[float], None]
_Job = tuple[str, Settings, float | None]


def measure_files(
    sources: Sequence[str | os.PathLike[str]],
    *,
    settings: Settings,
    fps: float | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """Yield (index of the source, its reports or what was wrong with it) as they are done.

    jobs: processes at a time; None means one a core.   Raises InputError for jobs < 1.
    progress: called a few times a second with the files done so far, parts of files included.
    Sources of the same file name are named by their whole path in the reports. Several processes
    import the calling script anew: call this under `if __name__ == "__main__":` there.
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs needs a whole number >= 1 but got {jobs}; leave it out for all")
    paths = tuple(os.fspath(source) for source in sources)
    names = _distinct_names(paths)
    work = [(path, settings, fps) for path in paths]
    outcomes = run_jobs(work, _measure, name=_name, workers=jobs, progress=progress)
    return _with_names(outcomes, names)


def _measure(job: _Job, note: Note) -> tuple[Report, ...]:
    source, settings, fps = job
    return measure_people(
        source,
        settings=settings,
        fps=fps,
        progress=lambda count, expected: note(share_of(count, expected)),
    )


def _name(job: _Job) -> str:
    return job[0]


def _with_names(outcomes: Outcomes, names: list[str | None]) -> Outcomes:
    with closing(outcomes):
        for index, outcome in outcomes:
            yield index, _named(outcome, names[index])


def _distinct_names(sources: Sequence[str]) -> list[str | None]:
    """The whole path of each source whose file name another one has too, else None."""
    names = [Path(source).name for source in sources]
    return [
        source if names.count(name) > 1 and "://" not in source else None
        for source, name in zip(sources, names, strict=True)
    ]


def _named(outcome: Outcome, name: str | None) -> Outcome:
    if name is None or isinstance(outcome, InputError):
        return outcome
    return tuple(replace(r, source=replace(r.source, name=name)) for r in outcome)
