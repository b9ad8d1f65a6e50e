"""Result: the numbers of an evaluation as columns, with the protocol that made them.

One row is one window of one recording by one method for one vital sign.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.evaluate.protocol import Protocol
from camvitals.records import Array, InputError
from camvitals.report.files import write_atomically

SCHEMA = "camvitals.result/1"
WORDS = ("corpus", "recording", "subject", "method", "vital", "why")
SCORES = (
    "snr_toolbox",
    "snr_dehaan",
    "snr_heartratenet",
    "snr_contrast",
    "macc",
    "wave_r",
    "wave_lag_s",
    "beat_mae_ms",
)
NUMBERS = ("start", "stop", "estimate", "low", "high", "quality", "reference", *SCORES)
TIMES = ("start", "stop")
STRATUM = "stratum."


@dataclass(frozen=True, slots=True)
class Excluded:
    """Windows of one recording that were not scored, and why."""

    corpus: str
    recording: str
    vital: str
    why: str
    windows: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A recording, or what should have been one, that could not be scored, and why."""

    corpus: str
    recording: str
    why: str


@dataclass(frozen=True, slots=True)
class Result:
    """What an evaluation found.

    columns: equally long arrays by name. WORDS and the strata (names begin with STRATUM) hold str
        (dtype object); NUMBERS are float64: start, stop [s]; estimate, low, high, reference in the
        unit of the vital sign, NaN where withheld (`why` says why) or unknown; SCORES of the wave,
        NaN where they were not asked for.
    excluded, skipped: what was left out.   versions: of the software.
    """

    protocol: Protocol
    columns: Mapping[str, Array]
    excluded: tuple[Excluded, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        missing = [name for name in (*WORDS, *NUMBERS) if name not in self.columns]
        if missing:
            raise InputError(f"a result needs the columns {', '.join(missing)}; add them")
        for name, column in self.columns.items():
            kind = "f" if name in NUMBERS else "O"
            if np.ndim(column) != 1 or len(column) != len(self) or column.dtype.kind != kind:
                raise InputError(
                    f"column {name} needs {len(self)} values of dtype {kind} but has "
                    f"{np.shape(column)} of {column.dtype.kind}"
                )

    def __len__(self) -> int:
        return len(self.columns["method"])

    @property
    def strata(self) -> tuple[str, ...]:
        """The names of the strata, without STRATUM: tone, light, …."""
        return tuple(n.removeprefix(STRATUM) for n in self.columns if n.startswith(STRATUM))

    def names(self, column: str) -> tuple[str, ...]:
        """The different words of a column, in the order in which they first stand there."""
        return tuple(dict.fromkeys(self.columns[column]))

    def where(self, keep: Array) -> Result:
        """The rows where the (N,) mask is True."""
        columns = {name: column[keep] for name, column in self.columns.items()}
        return Result(self.protocol, columns, self.excluded, self.skipped, self.versions)

    def of(self, **words: str) -> Result:
        """The rows with these words: result.of(method="pos", vital="heart_rate")."""
        keep = np.ones(len(self), dtype=bool)
        for name, word in words.items():
            keep &= self.columns[name] == word
        return self.where(keep)

    def save(self, path: str | Path) -> Path:
        """Write JSON (camvitals.result/1), whole or not at all; numbers to 1e-6."""
        settings = self.protocol.settings
        document = {
            "schema": SCHEMA,
            "protocol": settings | {"hash": self.protocol.hash, "text": self.protocol.text},
            "versions": dict(self.versions),
            "skipped": [asdict(one) for one in self.skipped],
            "excluded": [asdict(one) for one in self.excluded],
            "rows": len(self),
            "columns": {name: _packed(column) for name, column in self.columns.items()},
        }
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        return write_atomically(path, text + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Result:
        """The result that `save` wrote. Raises InputError when the file is anything else."""
        file = Path(path)
        if not file.is_file():
            raise InputError(f"no result at {file}; write one with camvitals evaluate --out")
        try:
            document = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{file} is not JSON ({error}); evaluate again") from error
        return _from_document(document, str(file))

    def save_csv(self, path: str | Path) -> Path:
        """Write one line a row, and the protocol beside it as NAME.protocol.txt."""
        import io

        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        protocol = f"{self.protocol.name} {self.protocol.hash[:12]}"
        writer.writerow(("protocol", *self.columns))
        written = [_cells(name, column) for name, column in self.columns.items()]
        writer.writerows(zip([protocol] * len(self), *written, strict=True))
        about = f"{self.protocol.name} {self.protocol.hash}\n{self.protocol.text}\n"
        write_atomically(Path(path).with_suffix(".protocol.txt"), about)
        return write_atomically(path, buffer.getvalue())

    def save_parquet(self, path: str | Path) -> Path:
        """Write Parquet, the protocol in its metadata. Raises InputError without pyarrow."""
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise InputError(
                "Parquet needs pyarrow; install it with pip install 'camvitals[formats]'"
            ) from error
        target = Path(path)
        if not target.absolute().parent.is_dir():
            raise InputError(f"{target} needs the folder {target.parent}; make it first")
        arrays = {
            name: pyarrow.array(column, from_pandas=False)
            if column.dtype.kind == "f"
            else pyarrow.array(column.tolist(), pyarrow.string()).dictionary_encode()
            for name, column in self.columns.items()
        }
        about = {
            "camvitals.protocol": json.dumps(self.protocol.settings),
            "camvitals.protocol_hash": self.protocol.hash,
            "camvitals.protocol_text": self.protocol.text,
        }
        part = target.with_name(f".{target.name}.part")
        try:
            parquet.write_table(pyarrow.table(arrays).replace_schema_metadata(about), part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target


def columns_of(rows: Sequence[Mapping[str, Any]], strata: Sequence[str] = ()) -> dict[str, Array]:
    """Columns from rows; what a row lacks is NaN, or "" where words stand."""
    words = (*WORDS, *(STRATUM + name for name in strata))
    columns = {name: np.array([row.get(name, "") for row in rows], dtype=object) for name in words}
    for name in NUMBERS:
        columns[name] = np.array([row.get(name, np.nan) for row in rows], dtype=float)
    return columns


def joined(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Columns under each other; strata that a part lacks are "" there."""
    strata = dict.fromkeys(n for part in parts for n in part if n.startswith(STRATUM))
    found: dict[str, Array] = {}
    for name in (*WORDS, *strata, *NUMBERS):
        pieces = [
            part[name] if name in part else np.full(len(part["method"]), "", dtype=object)
            for part in parts
        ]
        found[name] = np.concatenate(pieces) if pieces else columns_of([])[name]
    return found


def _packed(column: Array) -> Any:
    """Numbers as they are, null for NaN; nothing but NaN as null; words as levels and codes."""
    if column.dtype.kind == "f":
        known = np.isfinite(column)
        if not known.any():
            return None
        numbers = np.round(column, 6).tolist()
        return [n if k else None for n, k in zip(numbers, known.tolist(), strict=True)]
    levels = {word: code for code, word in enumerate(dict.fromkeys(column))}
    return {"levels": list(levels), "codes": [levels[word] for word in column]}


def _unpacked(packed: Any, rows: int) -> Array:
    if packed is None:
        return np.full(rows, np.nan)
    if isinstance(packed, dict):
        levels = np.array([str(word) for word in packed["levels"]], dtype=object)
        codes = np.array(packed["codes"], dtype=int)
        return np.asarray(levels[codes] if len(codes) else np.array([], dtype=object))
    return np.array([np.nan if number is None else number for number in packed], dtype=float)


def _from_document(document: Any, name: str) -> Result:
    given = document.get("schema") if isinstance(document, dict) else type(document).__name__
    if given != SCHEMA:
        raise InputError(
            f"{name} needs schema {SCHEMA} but has {given!r}; evaluate again with this version"
        )
    try:
        about = dict(document["protocol"])
        claimed = about.pop("hash")
        about.pop("text")
        protocol = Protocol.from_settings(about)
        columns = {
            column: _unpacked(packed, document["rows"])
            for column, packed in document["columns"].items()
        }
        excluded = tuple(Excluded(**one) for one in document["excluded"])
        skipped = tuple(Skipped(**one) for one in document["skipped"])
        versions = {str(k): str(v) for k, v in document["versions"].items()}
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise InputError(
            f"{name} is not a whole {SCHEMA} document ({type(error).__name__}: {error}); "
            "evaluate again"
        ) from error
    if claimed != protocol.hash:
        raise InputError(
            f"{name} says that its protocol has the hash {claimed[:12]} but what it lists has "
            f"{protocol.hash[:12]}; it was changed, or written by another version: evaluate again"
        )
    return Result(protocol, columns, excluded, skipped, versions)


def _cells(name: str, column: Array) -> list[str]:
    """Numbers to six digits; times to 1e-6 s, because on a UNIX clock six digits are weeks."""
    if column.dtype.kind != "f":
        return list(column)
    return [_cell(n, name in TIMES) if np.isfinite(n) else "" for n in column.tolist()]


def _cell(number: float, time: bool) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".") if time else f"{number:.6g}"


def _refuse(token: str) -> Any:
    raise InputError(f"{token} is no JSON number; evaluate again")
