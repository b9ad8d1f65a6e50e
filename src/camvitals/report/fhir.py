"""Reports as FHIR bundles of observations, R5 and R4, checked by their own models."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from camvitals import __version__
from camvitals.records import Reading, Report
from camvitals.report.files import write_atomically
from camvitals.report.json_file import to_json
from camvitals.report.signals import missing, started
from camvitals.report.wording import title

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
OWN = "urn:camvitals:reading"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
ABSENT_EXTENSION = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
CODES = {
    "heart_rate": ("8867-4", "Heart rate"),
    "respiration_rate": ("9279-1", "Respiratory rate"),
    "spo2": ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
    "hrv_sdnn": ("80404-7", "R-R interval.standard deviation (Heart rate variability)"),
}
VITAL = ("heart_rate", "respiration_rate", "spo2")
UNITS = {"bpm": ("beats/minute", "/min"), "breaths/min": ("breaths/minute", "/min")}
UNITS |= {"ms": ("ms", "ms"), "ms²": ("ms²", "ms2"), "%": ("%", "%"), "1": ("1", "1")}


def write_fhir(path: str | Path, reports: Iterable[Report]) -> Path:
    """Write one FHIR R5 bundle of all reports, atomically; see docs/interchange.md.

    Returns the path. Raises InputError when fhir.resources is missing.
    """
    return write_atomically(path, to_fhir(reports, release="R5"))


def write_fhir_r4(path: str | Path, reports: Iterable[Report]) -> Path:
    """Like `write_fhir` but as FHIR R4."""
    return write_atomically(path, to_fhir(reports, release="R4"))


def to_fhir(reports: Iterable[Report], *, release: str) -> str:
    """One bundle as JSON text: a device, and an observation for each reading of each person.

    release: "R5" or "R4".
    """
    given = tuple(reports)
    entries = [_device(release)]
    for report in given:
        key = _named(to_json([report]))
        entries += [_observation(report, reading, key) for reading in report.readings]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"urn:uuid:{e['id']}", "resource": e} for e in entries],
    }
    _check(bundle, release)
    return json.dumps(bundle, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _check(bundle: dict[str, Any], release: str) -> None:
    """Let the models of the release read it; they raise where it breaks a rule."""
    try:
        if release == "R4":
            from fhir.resources.R4B.bundle import Bundle as R4Bundle

            R4Bundle.model_validate(bundle)
            return
        from fhir.resources.bundle import Bundle
    except ImportError as error:
        missing("fhir.resources", error)
    Bundle.model_validate(bundle)


def _named(*parts: object) -> str:
    """The same parts give the same identity."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(["camvitals", *map(str, parts)])))


def _device(release: str) -> dict[str, Any]:
    named = {"name": [{"value": "camvitals", "type": "registered-name"}]}
    if release == "R4":
        named = {"deviceName": [{"name": "camvitals", "type": "manufacturer-name"}]}
    version = [{"value": __version__}]
    return {
        "resourceType": "Device",
        "id": _named("device", __version__),
        **named,
        "version": version,
    }


def _observation(report: Report, reading: Reading, key: str) -> dict[str, Any]:
    out: dict[str, Any] = {
        "resourceType": "Observation",
        "id": _named(key, reading.name),
        "status": "final",
        "code": _code(reading.name),
        "subject": {"display": _subject(report)},
        "effectivePeriod": _period(report, reading),
        "method": {"text": f"camera, {reading.method or 'unnamed method'}"},
        "device": {"reference": f"urn:uuid:{_named('device', __version__)}"},
    }
    if reading.name in VITAL:
        coding = {"system": CATEGORY, "code": "vital-signs", "display": "Vital Signs"}
        out["category"] = [{"coding": [coding]}]
    quality = {"code": _own("quality"), "valueQuantity": _quantity(reading.quality, "1")}
    if reading.value is None:
        coding = {"system": ABSENT, "code": "unknown", "display": "Unknown"}
        return out | {
            "dataAbsentReason": {"coding": [coding], "text": reading.why},
            "component": [quality],
        }
    low, high = reading.low or 0.0, reading.high or 0.0
    limits = {"low": _quantity(low, reading.unit), "high": _quantity(high, reading.unit)}
    interval = {"code": _own("interval"), "valueRange": limits}
    value = _quantity(reading.value, reading.unit)
    return out | {"valueQuantity": value, "component": [interval, quality]}


def _code(name: str) -> dict[str, Any]:
    own = _own(name)
    if name not in CODES:
        return own
    code, display = CODES[name]
    return own | {"coding": [{"system": LOINC, "code": code, "display": display}, *own["coding"]]}


def _own(name: str) -> dict[str, Any]:
    """A code of ours, with its title as the text."""
    return {"coding": [{"system": OWN, "code": name, "display": title(name)}], "text": title(name)}


def _quantity(value: float, unit: str) -> dict[str, Any]:
    printed, code = UNITS.get(unit, (unit, ""))
    coded = {"system": UCUM, "code": code} if code else {}
    return {"value": float(f"{value:.6g}"), "unit": printed, **coded}


def _subject(report: Report) -> str:
    """A person by number and recording; nothing is known of who it is."""
    name = re.sub(r"\s+", " ", report.source.name).strip() or "an unnamed recording"
    return f"person {report.person} in {name}" if report.person else f"the person in {name}"


def _period(report: Report, reading: Reading) -> dict[str, Any]:
    """When it was; where nobody said when the recording began, that this is not known."""
    zero = started(report)
    if zero is None:
        unknown = {"extension": [{"url": ABSENT_EXTENSION, "valueCode": "unknown"}]}
        return {"_start": unknown, "_end": unknown}
    start, end = (_instant(zero, second) for second in reading.span)
    return {"start": start, "end": end}


def _instant(zero: datetime, second: float) -> str:
    return (zero + timedelta(seconds=second)).isoformat(timespec="milliseconds")
