"""Number files of other people's making: tables, MATLAB, HDF5, BDF; errors name file and line.

Shape letters: N rows of a table, T samples of a signal.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from camvitals.records import Array, InputError

ABSENT = {"", "nan", "na", "null", "none", "-"}


def present(path: Path) -> Path:
    """The path when a file that is not empty lies there, else InputError."""
    if not path.is_file():
        raise InputError(f"{path} is missing; copy it from the corpus again")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); copy it from the corpus again")
    return path


def hidden(path: Path, folder: Path) -> bool:
    """Whether a file lies in a hidden folder of this one, or is hidden: it is nobody's recording.

    Such are copies that were cut short, and what systems keep beside files.
    """
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def library(name: str, package: str, *, path: Path) -> ModuleType:
    """An optional library of the extra `formats`, or InputError that says how to get it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{path} needs {package}; install it with pip install 'camvitals[formats]'"
        ) from error


def lines_of(path: Path) -> list[tuple[int, str]]:
    """(number from 1, text) of the lines that are not blank; a byte-order mark is dropped."""
    text = present(path).read_text(encoding="utf-8-sig", errors="replace")
    lines = enumerate(text.splitlines(), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def read_columns(
    path: Path, *, delimiter: str | None = None, skip: int = 0, names: Sequence[str] | None = None
) -> dict[str, Array]:
    """Columns of numbers from a text table: name -> (N,) float64.

    delimiter: between cells; None takes the comma, semicolon or tab that is there, else spaces.
    skip:  lines before the table, blank ones not counted.
    names: the columns wanted. With a heading they are looked up in it, whatever their case; without
        one they name the first columns in order. None gives all, named by the heading or "0", "1" …
    An empty cell or nan is NaN. Raises InputError that names file, line and cell for anything else,
    and for a table without rows or without a column that is wanted.
    """
    lines = lines_of(path)[skip:]
    if not lines:
        raise InputError(f"{path} needs rows of numbers but has none; copy it again")
    first = _cells(lines[0][1], delimiter or _mark(lines[0][1]))
    heading = first if any(_number(cell) is None for cell in first) else None
    rows = lines[1:] if heading else lines
    if not rows:
        raise InputError(f"{path} needs rows of numbers under its heading but has none")
    titles = heading or list(names or []) or [str(k) for k in range(len(first))]
    places = _places(path, titles, names)
    mark = delimiter or _mark(rows[0][1])  # some have a heading with commas over spaced numbers
    table = _numbers(path, rows, mark, max(places.values()) + 1)
    return {name: table[:, place] for name, place in places.items()}


def read_rows(path: Path) -> list[Array]:
    """Every line of numbers as its own array, whatever their lengths; InputError names a line."""
    rows = []
    for number, line in lines_of(path):
        cells = [cell for cell in re.split(r"[,;\s]+", line) if cell]
        values = [_number(cell) for cell in cells]
        if None in values:
            raise _not_a_number(path, number, cells[values.index(None)])
        rows.append(np.array(values, dtype=float))
    return rows


def _mark(line: str) -> str | None:
    return next((mark for mark in ",;\t" if mark in line), None)


def _cells(line: str, mark: str | None) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(mark)]


def _number(cell: str) -> float | None:
    """A float, NaN for an absent value, None for something else."""
    if cell.lower() in ABSENT:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        return None


def _places(path: Path, titles: list[str], names: Sequence[str] | None) -> dict[str, int]:
    if names is None:
        return {title or str(place): place for place, title in enumerate(titles)}
    known = {title.lower(): place for place, title in enumerate(titles)}
    lacking = [name for name in names if name.lower() not in known]
    if lacking:
        raise InputError(
            f"{path} needs a column {', '.join(lacking)} but has {', '.join(titles)[:200]}"
        )
    return {name: known[name.lower()] for name in names}


def _numbers(path: Path, rows: list[tuple[int, str]], mark: str | None, wide: int) -> Array:
    """(N, ≥ wide) numbers; the quick way when all is in order, else line by line."""
    try:
        table = np.loadtxt([line for _, line in rows], delimiter=mark, comments=None, ndmin=2)
        if table.shape[1] >= wide:
            return table
    except ValueError:
        pass
    out = np.full((len(rows), wide), np.nan)
    for index, (number, line) in enumerate(rows):
        cells = _cells(line, mark)
        if len(cells) < wide:
            raise InputError(
                f"{path} line {number} needs {wide} columns but has {len(cells)}; copy it again"
            )
        for place, cell in enumerate(cells[:wide]):
            value = _number(cell)
            if value is None:
                raise _not_a_number(path, number, cell)
            out[index, place] = value
    return out


def _not_a_number(path: Path, line: int, cell: str) -> InputError:
    return InputError(f"{path} line {line} needs numbers but has {cell[:40]!r}; copy it again")


class Hdf5(Mapping[str, Any]):
    """The datasets of an HDF5 file by path, such as "data/pulse"; read when asked for.

    The file is opened for each look and closed again, so that this can be pickled.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: tuple[str, ...] | None = None

    def _open(self) -> Any:
        h5py = library("h5py", "h5py", path=self.path)
        try:
            return h5py.File(present(self.path), "r")
        except OSError as error:
            raise InputError(
                f"{self.path} needs to be HDF5 but cannot be read as such; copy it again"
            ) from error

    def _lacking(self, name: str) -> InputError:
        return InputError(f"{self.path} needs {name!r} but has {', '.join(self) or 'nothing'}")

    def part(self, name: str, index: Any = ()) -> Array:
        """A dataset, or what an index or slice takes of it. Raises InputError when not there."""
        with self._open() as file:
            found = file.get(name)
            if found is None or not hasattr(found, "dtype"):
                raise self._lacking(name)
            return np.asarray(found[index])

    def shape(self, name: str) -> tuple[int, ...]:
        """Lengths of a dataset's axes, without reading it."""
        with self._open() as file:
            found = file.get(name)
            if found is None or not hasattr(found, "shape"):
                raise self._lacking(name)
            return tuple(found.shape)

    def attributes(self, name: str = "/") -> dict[str, Any]:
        """The attributes of the file, or of a group or dataset in it."""
        with self._open() as file:
            if name not in file:
                raise self._lacking(name)
            return dict(file[name].attrs)

    def __getitem__(self, name: str) -> Array:
        return self.part(name)

    def __contains__(self, name: object) -> bool:
        return name in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> tuple[str, ...]:
        if self._names is None:
            found: list[str] = []
            with self._open() as file:
                file.visititems(
                    lambda name, it: found.append(name) if hasattr(it, "dtype") else None
                )
            self._names = tuple(found)
        return self._names


def read_hdf5(path: Path) -> Hdf5:
    """The datasets of an HDF5 file; wrong files raise InputError when looked into."""
    return Hdf5(path)


class Mat(Mapping[str, Any]):
    """The variables of a MATLAB file of either kind, by name; each is read when asked for.

    Axes are in MATLAB's order with those of length 1 dropped; a structure is a dict, text a str,
    a cell array a list.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with present(path).open("rb") as file:
            self._is_hdf5 = file.read(520)[:19].startswith(b"MATLAB 7.3") or _is_hdf5(path)
        self._names: tuple[str, ...] | None = None

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise InputError(
                f"{self.path} needs a variable {name!r} but has {', '.join(self) or 'none'}"
            )
        if self._is_hdf5:
            with Hdf5(self.path)._open() as file:
                return _matlab(file[name], file)
        from scipy.io import loadmat

        return _plain(loadmat(self.path, variable_names=[name], simplify_cells=True)[name])

    def __contains__(self, name: object) -> bool:
        return name in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> tuple[str, ...]:
        if self._names is None:
            self._names = tuple(self._list())
        return self._names

    def _list(self) -> list[str]:
        if self._is_hdf5:
            with Hdf5(self.path)._open() as file:
                return [name for name in file if not name.startswith("#")]
        from scipy.io import whosmat
        from scipy.io.matlab import MatReadError

        try:
            return [name for name, _, _ in whosmat(self.path)]
        except (MatReadError, ValueError, TypeError, NotImplementedError) as error:
            raise InputError(
                f"{self.path} needs to be a MATLAB file but cannot be read as such; copy it again"
            ) from error


def read_mat(path: Path) -> Mat:
    """The variables of a MATLAB file, version 4–7 or 7.3, each read when asked for.

    Raises InputError when the file is missing, is no MATLAB file, or lacks what is asked of it.
    """
    return Mat(path)


def _is_hdf5(path: Path) -> bool:
    """HDF5 starts at 0, or at 512 behind MATLAB's own heading."""
    mark = b"\x89HDF\r\n\x1a\n"
    with path.open("rb") as file:
        head = file.read(520)
    return head.startswith(mark) or head[512:] == mark


def _matlab(item: Any, file: Any) -> Any:
    """One variable of a 7.3 file as `loadmat` gives those of an older one."""
    kind = item.attrs.get("MATLAB_class", b"")
    kind = kind.decode() if isinstance(kind, bytes) else str(kind)
    if hasattr(item, "keys"):
        return {name: _matlab(item[name], file) for name in item}
    if item.attrs.get("MATLAB_empty", 0):
        return "" if kind == "char" else np.zeros(0)
    values = item[()]
    if item.dtype.kind == "O":
        return [_matlab(file[reference], file) for reference in np.ravel(values.T, order="F")]
    if kind == "char":
        return "".join(map(chr, np.ravel(values)))
    return np.squeeze(np.asarray(values).T)[()]


def _plain(value: Any) -> Any:
    """Object arrays, which cell arrays become, as lists."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        return [_plain(item) for item in value.ravel(order="F")]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def read_bdf(path: Path, wanted: Sequence[str | int]) -> dict[str, tuple[Array, float]]:
    """Signals of a BDF or EDF file: label -> ((T,) values in their physical unit, rate [Hz]).

    wanted: labels, or places from 0; the result has the labels in this order.
    Raises InputError when the file is missing or lacks one.
    """
    pyedflib = library("pyedflib", "pyedflib", path=present(path))
    try:
        file = pyedflib.EdfReader(str(path))
    except OSError as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{path} needs to be BDF or EDF but: {reason}; copy it again") from error
    with file:
        labels = [label.strip() for label in file.getSignalLabels()]
        found = {}
        for name in wanted:
            index = labels.index(name) if name in labels else name
            if not isinstance(index, int) or not 0 <= index < len(labels):
                raise InputError(f"{path} needs signal {name!r} but has {', '.join(labels)[:200]}")
            rate = float(file.getSampleFrequency(index))
            found[labels[index]] = (np.asarray(file.readSignal(index), dtype=float), rate)
    return found
