"""What a cache is made with, and what it says of each recording in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

from camvitals.face.framing import BOXES
from camvitals.face.picture import KINDS
from camvitals.face.skin import MASKS
from camvitals.records import InputError

FORMAT = 1  # of the folders; whatever changes their bytes changes it
SETTINGS, META = "settings.json", "meta.json"
HASH_LENGTH = 12
TRAINABLE = ("", "train")  # splits of which at least some folds train on
TIME, SQUARES, TRACE = "time.npy", "squares.npy", "trace.npz"


@dataclass(frozen=True, slots=True)
class PrepareSettings:
    """What is prepared and how; every field changes the hash.

    size: rows and columns of a crop [px].
    box: how a crop follows the face: "tracked", "first", "aligned", or a cheek alone: "left-cheek",
        "right-cheek" (see face.framing.Framing).
    extension: share by which the crop is larger than the face's box; HeartRateNet has 0.3.
    smooth: time constant of the crop's size, tilt and place on the face [s].
    chunk: seconds of crops in one file.
    crops, traces: whether there are any.   grid, moments, points: what else traces hold.
    roi: as in measure(roi=…), or None for that of each recording.   skin: name of the skin mask.
    """

    size: int = 72
    box: str = "tracked"
    extension: float = 0.3
    smooth: float = 1.0
    chunk: float = 10.0
    crops: bool = True
    traces: bool = True
    roi: str | None = None
    skin: str = "otsu"
    grid: tuple[int, int] | None = None
    moments: bool = False
    points: bool = False

    def __post_init__(self) -> None:
        for name in ("extension", "smooth", "chunk"):  # 10 and 10.0 are one setting
            object.__setattr__(self, name, float(getattr(self, name)))
        _one_of("box", self.box, BOXES)
        _one_of("skin mask", self.skin, MASKS)
        _one_of("roi", self.roi, (None, "face", *KINDS))
        _within("size", self.size, 1, 4096)
        _within("extension", self.extension, -0.9, 10)
        _within("smooth", self.smooth, 0, 60)
        _within("chunk", self.chunk, 0.1, 3600)
        if not (self.crops or self.traces):
            raise InputError("crops or traces must be wanted, but neither is; there is no more")

    @property
    def canonical(self) -> str:
        """One line of JSON that is the same for the same settings."""
        return json.dumps(asdict(self) | {"format": FORMAT}, sort_keys=True, allow_nan=False)

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits that name these settings and the format of the cache."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()[:HASH_LENGTH]

    @classmethod
    def of(cls, stored: Mapping[str, Any], *, where: Path) -> PrepareSettings:
        """From what `canonical` holds. Raises InputError for another format or other fields."""
        given = dict(stored)
        found = given.pop("format", None)
        if found != FORMAT:
            raise InputError(
                f"{where} has format {found} but this camvitals reads {FORMAT}; prepare it again"
            )
        if set(given) != {f.name for f in fields(cls)}:
            raise InputError(f"{where} has other settings than this format; prepare it again")
        given["grid"] = None if given["grid"] is None else tuple(given["grid"])
        return cls(**given)


def _one_of(what: str, given: object, known: Any) -> None:
    if given not in known:
        names = ", ".join(str(name) for name in known if name is not None)
        raise InputError(f"no {what} {given!r}; choose one of {names}")


def _within(what: str, given: float, low: float, high: float) -> None:
    if not low <= given <= high:
        raise InputError(f"{what} needs {low:g} to {high:g} but got {given:g}")


@dataclass(frozen=True, slots=True)
class Prepared:
    """One recording in the cache: the facts of `data.recording.Recording`, and what is stored.

    references: names of the waves and their units.   lag: seconds by which
        they are late, where known.
    frames: pictures; chunks: how many of them each crops file holds; seen: share with a face.
    start, stop: first and last time of the pictures, or of the trace where there are none [s].
    people: how many were seen; the one seen most is here.   source: facts of the video.
    files: names and sizes of the files that it was made from.
    """

    corpus: str
    name: str
    subject: str
    session: str
    task: str
    split: str
    roi: str
    aligned: bool
    attributes: Mapping[str, str]
    references: Mapping[str, str]
    frames: int
    chunks: tuple[int, ...]
    seen: float
    start: float
    stop: float
    people: int
    files: Sequence[tuple[str, int]] = ()
    source: Mapping[str, Any] = field(default_factory=dict)
    lag: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Corpus and name, unique in a cache."""
        return f"{self.corpus}/{self.name}"

    @property
    def trainable(self) -> bool:
        """Whether its owners leave it to training, at least in some folds."""
        return self.split in TRAINABLE


def folder_of(corpus: str, name: str) -> Path:
    """Where a recording lies within a cache: two folder names that any file system takes."""
    parts = [_quoted(part) for part in name.split("/")]
    return Path(_quoted(corpus), "~".join(parts))


def _quoted(text: str) -> str:
    plain = quote(text, safe=" ").replace("~", "%7E")
    return f"%2E{plain[1:]}" if plain.startswith(".") else plain


def crops_name(number: int) -> str:
    """The file of so many seconds of crops."""
    return f"crops_{number:04d}.npy"


def reference_name(name: str) -> str:
    """The file of one reference wave."""
    return f"reference_{name}.npz"
