"""A report says what of it was read from colours that a network made."""

from __future__ import annotations

from dataclasses import replace

from camvitals.face.enhance import Enhancer
from camvitals.records import Report
from camvitals.vitals.second import MARK, is_marked, marked, marked_wave


def told(report: Report, enhancer: Enhancer | None) -> Report:
    """The report with a warning and the network's version; itself without enhancer.

    Where the pulse is of enhanced colours, so is all that was read from it.
    """
    if enhancer is None:
        return report
    if any(wave.unit.endswith(MARK) for wave in report.waves):
        readings, waves = map(marked, report.readings), map(marked_wave, report.waves)
        report = replace(report, readings=tuple(readings), waves=tuple(waves))
    given = [reading for reading in report.rolling if reading.value is not None]
    count = sum(map(is_marked, given))
    warning = (
        f"{count} of {len(given)} heart rates over time were read from colours of the face that "
        f"the network {enhancer.told} enhanced, where those recorded could not be trusted"
    )
    return replace(
        report,
        source=replace(report.source, warnings=(*report.source.warnings, warning)),
        versions={**report.versions, enhancer.card.name: enhancer.version},
    )
