"""Vital signs from ordinary RGB video: a number you can trust, or the reason why not.

>>> import camvitals
>>> report = camvitals.measure("face.mp4")  # doctest: +SKIP
>>> report.reading("heart_rate").value  # doctest: +SKIP
72.1
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from camvitals.records import (
    Clip,
    Face,
    Finding,
    Frame,
    InputError,
    Reading,
    Report,
    Source,
    Trace,
    Wave,
)

if TYPE_CHECKING:
    from camvitals.pipeline import Settings, measure, measure_people, measure_trace
    from camvitals.stream import Monitor
    from camvitals.video import open_video

__version__ = "0.1.0"

__all__ = [
    "Clip",
    "Face",
    "Finding",
    "Frame",
    "InputError",
    "Monitor",
    "Reading",
    "Report",
    "Settings",
    "Source",
    "Trace",
    "Wave",
    "measure",
    "measure_people",
    "measure_trace",
    "open_video",
]

_HOME = {
    "Monitor": "camvitals.stream",
    "Settings": "camvitals.pipeline",
    "measure": "camvitals.pipeline",
    "measure_people": "camvitals.pipeline",
    "measure_trace": "camvitals.pipeline",
    "open_video": "camvitals.video",
}


def __getattr__(name: str) -> Any:
    """Load what decodes and computes on first use, so that importing the package does neither."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
