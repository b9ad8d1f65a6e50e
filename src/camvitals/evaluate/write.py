"""How a result is written to a file, by the name of the form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from camvitals.evaluate.result import Result

WRITERS: dict[str, Callable[[Result, Path], object]] = {
    "csv": Result.save_csv,
    "parquet": Result.save_parquet,
}
