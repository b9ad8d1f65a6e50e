"""What turns ratios of colours into an oxygen saturation, for one camera at one site: a file.

Shape letters: W windows, K ratios.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.records import Array, InputError
from camvitals.vitals.ratios import method_of

SCHEMA = "camvitals.oxygen/1"
RIGHT = 4.0  # points: the error that ISO 80601-2-61 allows a reflectance oximeter
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """SpO2 = offset + slopes · ratios, and what it was worth where it was not fitted.

    From a known saturation the offset is 0, and both sides are changes since then.
    mae, rmse, half: of the groups left out: mean absolute error, root mean square, and what 95 %
        of the errors stay below [points].   right: share of errors within RIGHT.
    floor: rmse of the other groups' mean, or of the known saturation, told all the time.
    given: share of the windows left out that lay in the ranges and were given.
    """

    offset: float
    slopes: tuple[float, ...]
    mae: float
    rmse: float
    half: float
    right: float
    floor: float
    given: float

    def __call__(self, ratios_WK: Array) -> Array:
        """(W,) of (W, K) ratios [%]."""
        return np.asarray(self.offset + ratios_WK @ np.array(self.slopes))

    @property
    def tells(self) -> bool:
        """True when it was better than its floor."""
        return self.rmse < self.floor


@dataclass(frozen=True, slots=True)
class Baseline:
    """A saturation known for a span of the recording: [%], and start, stop [s]."""

    value: float
    span: Span

    def __post_init__(self) -> None:
        start, stop = self.span
        if not 50 <= self.value <= 100 or not 0 <= start < stop:
            raise InputError(
                f"a baseline needs 50–100 % over a span of seconds but got {self.value:g} over "
                f"{start:g}–{stop:g} s; write it as 98@0-30"
            )

    @classmethod
    def of(cls, text: str) -> Baseline:
        """The baseline written as 98@0-30: 98 % from 0 to 30 s."""
        value, _, span = text.partition("@")
        start, _, stop = span.partition("-")
        try:
            return cls(float(value), (float(start), float(stop)))
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"a baseline needs the form 98@0-30 but got {text!r}") from None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one camera at one site.

    camera: a name.   site: the roi it was fitted with.   method: of vitals.ratios.METHODS.
    alone: the line without anything known; since: the line from a known saturation on, or None
        where no recording's start could be used.
    spo2: lowest and highest reference [%].   ratios: lowest and highest of each ratio.
    colours: lowest and highest log of red over green and of blue over green: another camera, light
        or skin shows here.
    subjects, recordings, windows: how many; left_out: the groups that were left out in turn,
        "subject" or "recording".   table: SHA-256 of the list they came from, or "".
    baseline: what is known of the recording to be measured; never in a file.
    """

    camera: str
    site: str
    method: str
    alone: Line
    since: Line | None
    spo2: Span
    ratios: tuple[Span, ...]
    colours: tuple[Span, Span]
    subjects: int
    recordings: int
    windows: int
    left_out: str
    table: str = ""
    baseline: Baseline | None = None

    def __post_init__(self) -> None:
        count = len(method_of(self.method).pairs)
        lines = [self.alone] if self.since is None else [self.alone, self.since]
        if len(self.ratios) != count or any(len(line.slopes) != count for line in lines):
            raise InputError(
                f"a calibration by {self.method} needs {count} ratios and slopes but has "
                f"{len(self.ratios)} and {[len(line.slopes) for line in lines]}; fit it again"
            )

    @property
    def line(self) -> Line:
        """The line in use: `since` where a baseline is given."""
        return self.since if self.baseline is not None and self.since is not None else self.alone

    def known(self, baseline: Baseline | str | None) -> Calibration:
        """The same for a recording of which a saturation is known; "98@0-30" is 98 % in 0–30 s."""
        if isinstance(baseline, str):
            baseline = Baseline.of(baseline)
        if baseline is not None and self.since is None:
            raise InputError(
                "this calibration takes no baseline: none of its recordings began with a "
                f"reference; leave it out, or calibrate with {self.site} recordings that do"
            )
        return replace(self, baseline=baseline)

    def check(self, *, roi: str | None = None, camera: str | None = None) -> None:
        """Raise InputError unless it is of this site and of this camera; None is any."""
        if roi is not None and roi != self.site:
            raise InputError(
                f"this calibration is of roi {self.site!r} but got {roi!r}; measure with "
                f"roi={self.site!r}, or calibrate for {roi!r}"
            )
        if camera is not None and camera != self.camera:
            raise InputError(
                f"this calibration is of camera {self.camera!r} but got {camera!r}; calibrate "
                "with recordings of that camera"
            )

    @property
    def fingerprint(self) -> str:
        """Twelve letters that tell calibrations apart, whatever their baseline."""
        return hashlib.sha256(self.text().encode()).hexdigest()[:12]

    def text(self) -> str:
        """The calibration as JSON, without its baseline."""
        found = {"schema": SCHEMA, **asdict(self)}
        del found["baseline"]
        return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def load(cls, path: Path | str) -> Calibration:
        """Read what `text` wrote. Raises InputError when it is missing or broken."""
        path = Path(path)
        try:
            given = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"no calibration in {path}: {error}; make one with camvitals oxygen calibrate"
            ) from error
        schema = given.pop("schema", None) if isinstance(given, dict) else type(given).__name__
        if schema != SCHEMA:
            raise InputError(
                f"{path} needs schema {SCHEMA} but has {schema!r}; calibrate with this version"
            )
        try:
            return cls(**_fields(given))
        except (TypeError, KeyError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path} is not a whole calibration ({error}); fit it again") from None


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as JSON has them, with the types that they are declared with."""
    found = dict(given)
    for name in ("alone", "since"):
        if found[name] is not None:
            found[name] = _line(found[name])
    found["spo2"] = _span(found["spo2"])
    for name in ("ratios", "colours"):
        found[name] = tuple(_span(one) for one in found[name])
    if len(found["colours"]) != 2:
        raise ValueError(f"colours has {len(found['colours'])} ranges")
    for name in ("camera", "site", "method", "left_out"):
        if not isinstance(found[name], str):
            raise ValueError(f"{name} is {found[name]!r}")
    return found


def _line(given: Mapping[str, Any]) -> Line:
    names = {field.name for field in fields(Line)} - {"slopes"}
    numbers = {name: float(given[name]) for name in names}
    if set(given) != names | {"slopes"}:
        raise ValueError(f"a line has {sorted(given)}")
    return Line(slopes=tuple(float(slope) for slope in given["slopes"]), **numbers)


def _span(given: Any) -> Span:
    low, high = (float(bound) for bound in given)
    if not low <= high:
        raise ValueError(f"a range goes from {low:g} to {high:g}")
    return low, high
