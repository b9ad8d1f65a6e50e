"""Any recordings, any methods, one protocol: scored through the functions of `measure`.

One recording that cannot be scored is named, and the others go on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from camvitals.data.recording import Recording
from camvitals.evaluate.degraded import work_of
from camvitals.evaluate.protocol import PROTOCOLS, Protocol
from camvitals.evaluate.result import Excluded, Result, Skipped, joined
from camvitals.evaluate.score import Scored, Task
from camvitals.face.enhance import enhancer
from camvitals.parallel import run_jobs
from camvitals.pipeline import Settings
from camvitals.records import InputError
from camvitals.report.software import versions
from camvitals.waves.auto import AUTO
from camvitals.waves.run import METHODS


def evaluate(
    recordings: Iterable[Recording],
    *,
    methods: Sequence[str] = (AUTO,),
    protocol: Protocol | None = None,
    jobs: int | None = None,
    progress: Callable[[float], None] | None = None,
    traces: Path | str | None = None,
    waves: bool = False,
    enhance: Path | str | None = None,
) -> Result:
    """Score methods on recordings.

    recordings: of one or several corpora.   methods: "auto" and names of waves.METHODS.
    protocol:   None is PROTOCOLS["ours"].   jobs: processes at a time; None means one a core.
    progress:   told now and then how many recordings are done, parts included.
    traces:     folder where the colours found in videos are kept for the next evaluation.
    waves:      also score the waves (SCORES); it takes longer.
    enhance:    an enhancer as `measure` takes it, for every method; videos only.
    The same windows are scored for every method; a method that says nothing in one has NaN there,
    and `why`. Windows without a usable reference are counted in Result.excluded, recordings that
    cannot be scored are named in Result.skipped: files missing, unreadable, without a reference,
    with a clock that steps back, of a subject who is there twice or in two splits.
    By a protocol with `degrade` videos are scored as they are and at each of its levels, told apart
    by the stratum `degradation`; recordings of colours are skipped then.
    Raises InputError for an unknown method, and when there is nothing to score at all.
    """
    chosen = _methods(methods)
    protocol = protocol or PROTOCOLS["ours"]
    takes, refused = admitted(recordings, split=protocol.split)
    folder = None if traces is None else Path(traces)
    better = None if enhance is None else str(enhance)
    if better is not None:
        protocol = replace(protocol, enhance=enhancer(better).fingerprint)
    tasks = [Task(take, chosen, protocol, folder, waves, better) for take in takes]
    found: dict[int, Scored] = {}
    skipped = list(refused)
    with (
        work_of(protocol, takes, folder) as work,
        closing(run_jobs(tasks, work, name=_name, workers=jobs, progress=progress)) as outcomes,
    ):
        for index, outcome in outcomes:
            if isinstance(outcome, InputError):
                take = takes[index]
                skipped.append(Skipped(take.corpus, take.name, str(outcome)))
            else:
                found[index] = outcome
    parts = [found[index] for index in sorted(found)]
    excluded: tuple[Excluded, ...] = tuple(one for part in parts for one in part.excluded)
    columns = joined([part.columns for part in parts])
    order = {(take.corpus, take.name): index for index, take in enumerate(takes)}
    skipped.sort(key=lambda one: order.get((one.corpus, one.recording), -1))
    return Result(protocol, columns, excluded, tuple(skipped), versions())


def admitted(
    recordings: Iterable[Recording], *, split: str = ""
) -> tuple[list[Recording], list[Skipped]]:
    """The recordings of a split ("" for all), without subjects of whom something is ambiguous.

    A subject with two recordings of one name, or in two splits, is refused with all recordings.
    Raises InputError when there are none at all, or none in the split.
    """
    everything = list(recordings)
    trouble = _trouble(everything)
    asked = [take for take in everything if split in ("", take.split)]
    if not asked:
        splits = ", ".join(sorted({take.split or "(none)" for take in everything}))
        raise InputError(
            f"no recording of split {split!r}; the corpus has {splits}"
            if everything
            else "an evaluation needs recordings but got none"
        )
    refused = {}
    for take in asked:
        why = trouble.get((take.corpus, take.subject))
        if why:
            refused[take.corpus, take.name] = Skipped(take.corpus, take.name, why)
    fine = [take for take in asked if (take.corpus, take.subject) not in trouble]
    return fine, list(refused.values())


def _trouble(takes: Sequence[Recording]) -> dict[tuple[str, str], str]:
    """(corpus, subject) -> why that subject cannot be scored."""
    names = Counter((take.corpus, take.name) for take in takes)
    splits: dict[tuple[str, str], set[str]] = defaultdict(set)
    for take in takes:
        splits[take.corpus, take.subject].add(take.split)
    found = {}
    for take in takes:
        key = (take.corpus, take.subject)
        if names[take.corpus, take.name] > 1:
            found[key] = (
                f"recording {take.name} of subject {take.subject} is there "
                f"{names[take.corpus, take.name]} times; keep one"
            )
        elif len(splits[key] - {""}) > 1:
            found[key] = (
                f"subject {take.subject} is in splits {', '.join(sorted(splits[key] - {''}))}; "
                "keep each person in one"
            )
    return found


def _methods(methods: Sequence[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(methods))
    if not chosen:
        raise InputError(f"an evaluation needs methods; name some of {', '.join(METHODS)}")
    for method in chosen:
        Settings(method)  # refuses what is unknown
    return chosen


def _name(task: Task) -> str:
    return f"{task.recording.corpus} {task.recording.name}"
