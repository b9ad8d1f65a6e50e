"""How a result is written to a file, by the name of the form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from camvitals.data.recording import Recording
from camvitals.evaluate.render import latex, markdown
from camvitals.evaluate.result import Result
from camvitals.evaluate.table import sheet_of
from camvitals.report.files import write_atomically


def save_markdown(result: Result, path: Path) -> Path:
    """Write all tables as Markdown, whole or not at all."""
    return write_atomically(path, markdown(sheet_of(result)))


def save_latex(result: Result, path: Path) -> Path:
    """Write all tables as LaTeX, whole or not at all."""
    return write_atomically(path, latex(sheet_of(result)))


def save_page(
    result: Result,
    path: Path,
    *,
    recordings: Iterable[Recording] = (),
    traces: Path | None = None,
) -> Path:
    """Write one HTML page with tables and plots, whole or not at all; arguments as in to_page."""
    from camvitals.evaluate.page import write_page

    return write_page(path, result, recordings=recordings, traces=traces)


WRITERS: dict[str, Callable[[Result, Path], object]] = {
    "csv": Result.save_csv,
    "parquet": Result.save_parquet,
    "markdown": save_markdown,
    "latex": save_latex,
    "html": save_page,
}
