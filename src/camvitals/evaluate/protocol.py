"""Protocol: everything that moves a number of an evaluation, in words and as a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from camvitals.data.degrade import DEGRADATIONS, degradation
from camvitals.records import InputError

WINDOWS_S = (10.0, 30.0, 60.0)
LATER = ("degrade", "enhance")  # settings that came later: without them hashes are what they were
ESTIMATORS = {
    "report": "the heart rate of the report for the window, with its quality and interval, or the "
    "reason why it is withheld",
    "fft": "the highest bin of a periodogram padded to the next power of two",
    "fft_refined": "the highest peak of a Hann-windowed spectrum with bins of at most 0.3 bpm, "
    "placed between them by a parabola",
    "welch": "the highest peak of Welch's power spectral density",
    "peaks": "60 over the mean interval between all local maxima",
}
REFERENCES = {
    "beats": "the mean rate of the beats of the contact signal in the window, parts of beats "
    "counted at both ends (ECG before pulse before beat intervals; where a corpus has none, the "
    "rate its owners recorded)",
    "same": "the contact pulse (made of beats where there is only an ECG) through the same filters "
    "and the same estimator as the estimate",
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """How windows are cut, estimates and references read, and what is left out.

    name:      how papers call it; it is no part of the hash.
    window:    length of a window [s], or None for whole recordings.
    step:      between the starts of windows [s]; None: one window after the other.
    span:      seconds of each recording that are looked at, or None for all.
    estimator: a name of ESTIMATORS.   reference: a name of REFERENCES.
    detrend:   λ of smoothness priors before the filter, or None.
    order, band: of the Butterworth band-pass, forth and back [Hz]; order 0 is no filter. The
        estimators look in the band too.
    covered:   least share of a window in which the wave is known, 0–1.
    usable:    least share of a window's pieces of 10 s whose reference is sound, 0–1.
    roi:       how recordings are looked at; "" leaves it to the corpus.   skin: the mask.
    split:     the recordings scored: train, val, test, or "" for all.
    degrade:   levels of `data.degrade` at which videos are scored too, besides as they are.
    enhance:   the enhancer whose pictures the colours are taken from, by name and digests, or "".
    """

    name: str
    window: float | None
    step: float | None
    estimator: str
    reference: str
    band: tuple[float, float]
    order: int = 0
    detrend: float | None = None
    span: tuple[float, float] | None = None
    covered: float = 0.9
    usable: float = 0.9
    roi: str = ""
    skin: str = "otsu"
    split: str = ""
    degrade: tuple[str, ...] = ()
    enhance: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "degrade", _levels(self.degrade))
        for name, value in (("window", self.window), ("step", self.step)):
            if value is not None and not value > 0:
                raise InputError(f"protocol.{name} needs seconds > 0 but got {value:g}")
        _one_of("estimator", self.estimator, ESTIMATORS)
        _one_of("reference", self.reference, REFERENCES)
        if not 0 < self.band[0] < self.band[1]:
            raise InputError(f"protocol.band needs 0 < low < high Hz but got {self.band}")
        if self.estimator == "report" and self.reference == "same":
            raise InputError("a report cannot be made of a contact pulse; use reference='beats'")

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that moves a number, as JSON can hold it; LATER only where it does."""
        found = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        return {k: v for k, v in found.items() if v or k not in LATER}

    @property
    def hash(self) -> str:
        """64 hexadecimal digits: SHA-256 of the settings but the name, as canonical JSON."""
        moving = {key: value for key, value in self.settings.items() if key != "name"}
        text = json.dumps(moving, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def text(self) -> str:
        """The protocol as a paragraph."""
        return " ".join(
            (
                f"Face box: {_looked(self.roi, self.skin)}.",
                f"Windows: {self._windows()}.",
                f"Band: {self.band[0]:g}–{self.band[1]:g} Hz ({60 * self.band[0]:g}–"
                f"{60 * self.band[1]:g} bpm){self._filters()}.",
                f"Rate: {ESTIMATORS[self.estimator]}.",
                f"Reference: {REFERENCES[self.reference]}.",
                f"Split: {self.split or 'all recordings'}.",
                f"Left out: windows whose reference is sound in less than {self.usable:.0%} of "
                "their pieces of 10 s (Orphanidou et al., 2015; two sensors must agree).",
                *self._changed(),
            )
        )

    @classmethod
    def from_settings(cls, found: Mapping[str, Any]) -> Protocol:
        """The protocol of these `settings`; InputError names what is missing or unknown."""
        names = {field.name for field in fields(cls)}
        if {*found, *LATER} != names:
            odd = ", ".join(sorted({*found, *LATER} ^ names))
            raise InputError(f"a protocol needs exactly its own settings, but see: {odd}")
        given: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in found.items()
        }
        return cls(**given)

    def differences(self, other: Protocol) -> list[str]:
        """What moves a number and differs, as "window 10.0 / 30.0"."""
        mine, theirs = self.settings, other.settings
        return [
            f"{key} {mine.get(key, 'none')} / {theirs.get(key, 'none')}"
            for key in mine | theirs
            if key != "name" and mine.get(key) != theirs.get(key)
        ]

    def _changed(self) -> list[str]:
        found = []
        if self.degrade:
            levels = ", ".join(self.degrade)
            found.append(f"Degraded: every recording as it is, and at {levels}.")
        if self.enhance:
            found.append(f"Colours: of crops enhanced by {self.enhance}.")
        return found

    def _windows(self) -> str:
        where = "" if self.span is None else f" of seconds {self.span[0]:.2f} to {self.span[1]:.2f}"
        if self.window is None:
            return f"one a recording, the whole{where}"
        step = self.window if self.step is None else self.step
        return f"{self.window:g} s, a new one every {step:g} s{where}"

    def _filters(self) -> str:
        if self.estimator == "report":
            return "; the waves are those of the report"
        trend = "" if self.detrend is None else f"detrended with λ = {self.detrend:g}, then "
        kind = f"Butterworth of order {self.order} forth and back" if self.order else "not filtered"
        known = f"known in at least {self.covered:.0%} of it"
        return f"; each window of the wave, {known}, is {trend}{kind}"


def _levels(names: tuple[str, ...]) -> tuple[str, ...]:
    """Each level once, by its one name, in the order of DEGRADATIONS and then of the alphabet."""
    order = list(DEGRADATIONS)
    found = {degradation(name).name for name in names}
    return tuple(sorted(found, key=lambda n: (order.index(n) if n in order else len(order), n)))


def _looked(roi: str, skin: str) -> str:
    where = f"roi {roi}" if roi else "found by camvitals (or as the corpus asks)"
    return f"{where}, regions on the face, skin mask {skin}"


def _one_of(name: str, value: str, known: Mapping[str, str]) -> None:
    if value not in known:
        raise InputError(f"protocol.{name} needs one of {', '.join(known)} but got {value!r}")


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        # Readings as a person gets them; a rate is that of beats.
        Protocol("ours", 10.0, 5.0, "report", "beats", (0.65, 4.0)),
        # Liu et al., NeurIPS Datasets and Benchmarks (2023): the released tables.
        Protocol("rppg-toolbox", None, None, "fft", "same", (0.75, 2.5), order=1, detrend=100.0),
        # Li, Chen, Zhao & Pietikäinen, CVPR (2014): frames 306 to 2135 at 61 Hz, ECG beats.
        Protocol(
            "li2014", None, None, "welch", "beats", (0.7, 4.0), 4, 300.0, span=(306 / 61, 2136 / 61)
        ),
        # The same seconds, answered as a person gets it: with a quality, or withheld.
        Protocol(
            "li2014-report", None, None, "report", "beats", (0.65, 4.0), span=(306 / 61, 2136 / 61)
        ),
        # The model card of HeartRateNet: six poles, 40–240 bpm, 10 s.
        Protocol("heartratenet", 10.0, 10.0, "fft_refined", "same", (2 / 3, 4.0), order=3),
    )
}


def protocol(
    name: str,
    *,
    window: float | str | None = "",
    split: str = "",
    degrade: Sequence[str] = (),
) -> Protocol:
    """The protocol of this name, with another window [s] (None: whole), split and levels of
    degradation if asked for.

    Raises InputError for an unknown name or level. Another window also looks at the whole
    recording, one window after the other.
    """
    if name not in PROTOCOLS:
        raise InputError(f"no protocol {name!r}; choose one of {', '.join(PROTOCOLS)}")
    found = replace(PROTOCOLS[name], split=split, degrade=tuple(degrade))
    if isinstance(window, str) or (window == found.window and found.span is None):
        return found
    return replace(found, window=window, step=None, span=None)
