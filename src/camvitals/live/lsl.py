"""Lab Streaming Layer: the pulse, the rates and what is withheld as three streams."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from camvitals.live.news import News
from camvitals.records import InputError, Reading, Report

RATES = ("heart_rate", "respiration_rate", "hrv_sdnn", "hrv_rmssd", "spo2")
UNITS = {"heart_rate": "bpm", "respiration_rate": "breaths/min", "spo2": "%"}
FACTS = ("", "_low", "_high", "_quality")


class LslOutlet:
    """Streams NAME (the pulse), NAME-rates and NAME-markers of the person seen most.

    The pulse comes with the time of every sample, after the report that it is in; what is not
    trusted is NaN. NAME-rates has value, low, high and quality of each of RATES, at the end of
    their window; what is withheld is NaN, and NAME-markers says why, whenever that changes.
    Times are those of LSL's own clock. Raises InputError when pylsl is missing.
    """

    def __init__(self, name: str) -> None:
        self._lsl = _library()
        self._news, self._said = News(), ""
        pulse = self._info(name, "PPG", 1, self._lsl.cf_float32)
        _label(pulse, [("pulse", "1")])
        rates = self._info(f"{name}-rates", "VitalSigns", len(RATES) * len(FACTS), "double64")
        _label(rates, [(f"{r}{fact}", _unit(r, fact)) for r in RATES for fact in FACTS])
        markers = self._info(f"{name}-markers", "Markers", 1, "string")
        self._pulse, self._rates, self._markers = map(
            self._lsl.StreamOutlet, (pulse, rates, markers)
        )
        self.note = f"LSL {name}"

    def send(self, reports: Sequence[Report], *, offset: float) -> None:
        """Send what is new of the person seen most."""
        report = reports[0]
        shift = offset + self._lsl.local_clock() - monotonic()
        time, values = self._news.of(report)
        if len(time):
            chunk = [[value] for value in values.tolist()]
            self._pulse.push_chunk(chunk, (time + shift).tolist())
        known = {reading.name: reading for reading in report.readings}
        heart = known["heart_rate"]
        stamp = heart.span[1] + shift
        self._rates.push_sample([x for name in RATES for x in _numbers(known.get(name))], stamp)
        said = f"heart_rate withheld: {heart.why}" if heart.why else "heart_rate"
        if said != self._said:
            self._markers.push_sample([said], stamp)
            self._said = said

    def close(self) -> None:
        """End the streams."""
        del self._pulse, self._rates, self._markers

    def _info(self, name: str, kind: str, channels: int, form: Any) -> Any:
        rate = self._lsl.IRREGULAR_RATE
        return self._lsl.StreamInfo(name, kind, channels, rate, form, f"camvitals-{name}")


def _library() -> Any:
    try:
        import pylsl
    except (ImportError, RuntimeError) as error:  # RuntimeError: no liblsl beside it
        raise InputError(
            "--lsl needs pylsl; install it with pip install 'camvitals[live]'"
        ) from error
    if not any(path.is_file() for path in map(Path, _settings())):
        # it would write its notes over the page on the terminal
        pylsl.set_config_content("[log]\nlevel = -2\n")
    return pylsl


def _settings() -> list[str]:
    """Where somebody may keep settings of their own."""
    home = Path.home() / "lsl_api" / "lsl_api.cfg"
    return [os.environ.get("LSLAPICFG", ""), "lsl_api.cfg", str(home), "/etc/lsl_api/lsl_api.cfg"]


def _label(info: Any, channels: Sequence[tuple[str, str]]) -> None:
    described = info.desc().append_child("channels")
    for label, unit in channels:
        channel = described.append_child("channel")
        channel.append_child_value("label", label)
        channel.append_child_value("unit", unit)


def _unit(name: str, fact: str) -> str:
    return "1" if fact == "_quality" else UNITS.get(name, "ms")


def _numbers(reading: Reading | None) -> list[float]:
    """Value, low, high and quality; NaN for what there is not."""
    if reading is None:
        return [math.nan] * len(FACTS)
    numbers = (reading.value, reading.low, reading.high)
    return [math.nan if x is None else x for x in numbers] + [reading.quality]
