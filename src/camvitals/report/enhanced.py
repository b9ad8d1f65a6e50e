"""A report says that its colours were made by a network, and are not those of the recording."""

from __future__ import annotations

from dataclasses import replace

from camvitals.face.enhance import Enhancer
from camvitals.records import Reading, Report, Wave

MARK = "of enhanced colours"


def marked(report: Report, enhancer: Enhancer | None) -> Report:
    """The report with its waves, readings, warnings and versions marked; itself without enhancer.

    Units of waves end with MARK, and so do methods of readings.
    """
    if enhancer is None:
        return report
    warning = (
        f"the colours of the face were enhanced by the network {enhancer.told} before anything was "
        "measured"
    )
    return replace(
        report,
        readings=tuple(map(_reading, report.readings)),
        rolling=tuple(map(_reading, report.rolling)),
        waves=tuple(map(_wave, report.waves)),
        source=replace(report.source, warnings=(*report.source.warnings, warning)),
        versions={**report.versions, enhancer.card.name: enhancer.version},
    )


def _reading(reading: Reading) -> Reading:
    return replace(reading, method=f"{reading.method}, {MARK}")


def _wave(wave: Wave) -> Wave:
    return replace(wave, unit=f"{wave.unit}, {MARK}")
