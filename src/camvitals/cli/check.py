"""`camvitals data check`: what is wrong with a corpus, and what to do about it."""

from __future__ import annotations

import json as json_text
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from camvitals.records import InputError
from camvitals.report.progress import Bar

if TYPE_CHECKING:
    from camvitals.evaluate.doctor import Checkup

FOUND = 1


def check(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="Layout, such as ubfc-rppg-2.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the corpus is.")],
    fix_lag: Annotated[
        bool, typer.Option("--fix-lag", help="Write the lags of training takes beside the corpus.")
    ] = False,
    train: Annotated[
        str | None, typer.Option(help="Subjects to train on, with commas, for --fix-lag.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    jobs: Annotated[int | None, typer.Option(help="Takes at a time; all cores if unset.")] = None,
) -> None:
    """Find what is wrong with a corpus: files, clocks, references, lag between the two.

    Ends with 0 when all is fine, with 1 when something was found.
    """
    from camvitals.data.corpora import corpus as corpus_of
    from camvitals.evaluate.doctor import check_recordings, lags_to_note, to_train

    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs needs a whole number >= 1 but got {jobs}; leave it out for all")
    if train is not None and not fix_lag:
        raise InputError("--train says whose lags to note; give it with --fix-lag, or leave it out")
    takes = corpus_of(corpus).read(folder)
    subjects = [name.strip() for name in (train or "").split(",") if name.strip()]
    names = to_train(takes, subjects) if fix_lag else frozenset()
    with Bar("takes") as bar:
        found = check_recordings(takes, jobs=jobs, progress=lambda done: bar.show(done, len(takes)))
    noted: dict[str, float] = {}
    path: Path | None = None
    if fix_lag:
        from camvitals.data.lags import write_lags

        noted = lags_to_note(found, names)
        path = write_lags(folder, noted)
    if json:
        print(_as_json(corpus, found, noted))
    else:
        _tell(corpus, found, noted, path)
    if not all(one.fine for one in found):
        raise typer.Exit(FOUND)


def _as_json(corpus: str, found: Sequence[Checkup], noted: dict[str, float]) -> str:
    told = {
        "corpus": corpus,
        "fine": all(one.fine for one in found),
        "takes": [_finite(asdict(one)) for one in found],
        "noted_lags_s": noted,
    }
    return json_text.dumps(told, ensure_ascii=False, indent=1, allow_nan=False)


def _finite(value: Any) -> Any:
    """The same with null for what is not a finite number."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return value


def _tell(
    corpus: str, found: Sequence[Checkup], noted: dict[str, float], path: Path | None
) -> None:
    """One line for each finding, then one for all."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table("take", "finding", "value", "what to do", box=None)
    for one in found:
        for finding in one.findings:
            value = "" if finding.value is None else f"{finding.value:.3g} {finding.unit}".strip()
            cells = (one.recording, finding.name, value, finding.remedy)
            table.add_row(*(Text(cell) for cell in cells))  # names may hold brackets
    if table.row_count:
        console.print(table)
    print(_summary(corpus, found))
    if path is not None:
        print(f"{path}: lags of {len(noted)} takes to train on")


def _summary(corpus: str, found: Sequence[Checkup]) -> str:
    fine = sum(one.fine for one in found)
    count = sum(len(one.findings) for one in found)
    subjects = len({one.subject for one in found})
    text = f"{corpus}: {len(found)} takes of {subjects} subjects, {fine} fine, {count} findings"
    late = [one.lag.seconds for one in found if one.lag.seconds is not None]
    if not late:
        return f"{text}; lag not measurable in any"
    middle = statistics.median(late)
    return (
        f"{text}; lag measurable in {len(late)}: {middle:+.2f} s "
        f"({min(late):+.2f} to {max(late):+.2f})"
    )
