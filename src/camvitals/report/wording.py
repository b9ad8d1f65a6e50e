"""Names and numbers as people read them: one wording for the terminal, the page and the tables."""

from __future__ import annotations

from collections.abc import Iterable

from camvitals.records import Finding, Reading, Report, Source

TITLES = {
    "heart_rate": "Heart rate",
    "ecg_heart_rate": "Heart rate of the ECG, model output",
    "respiration_rate": "Respiration rate",
    "spo2": "Oxygen saturation",
    "uncalibrated_red_green_ratio": "Red/green ratio, uncalibrated: no saturation",
    "hrv_sdnn": "SDNN",
    "hrv_rmssd": "RMSSD",
    "hrv_pnn50": "pNN50",
    "hrv_sd1": "SD1",
    "hrv_sd2": "SD2",
    "hrv_lf": "LF power",
    "hrv_hf": "HF power",
    "hrv_lf_hf": "LF/HF",
    "complete": "Frames decoded",
    "frame_rate": "Frame rate",
    "frame_jitter": "Frame jitter",
    "dropped_frames": "Dropped frames",
    "compression": "Bits per pixel",
    "exposure": "Exposure",
    "mains_flicker": "Mains flicker",
    "face_size": "Face width",
    "motion": "Head motion",
    "moving_share": "Time in motion",
    "saturation": "Saturated colour",
    "brightness": "Brightness",
    "face_seen": "Face in view",
    "length": "Length",
}
GOOD_QUALITY, FAIR_QUALITY = 0.7, 0.4


def title(name: str) -> str:
    """A heading for a reading, wave or finding; unknown names become words."""
    return TITLES.get(name) or name.replace("_", " ").strip().capitalize()


def windows_title(name: str) -> str:
    """What the sliding windows of a reading are called in a sentence."""
    return f"{title(name).split(',')[0].lower()} windows"


def number(value: float | None, *, digits: int | None = None) -> str:
    """A number with three significant digits or `digits` decimals; a dash for None."""
    if value is None:
        return "–"
    if digits is None:
        size = abs(value)
        digits = 0 if size >= 100 or size < 0.005 else 1 if size >= 10 else 2
    text = f"{value:.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}") if float(text) else text.lstrip("-")


def value_text(reading: Reading) -> str:
    """The value with as many decimals as its interval deserves; a dash when withheld."""
    return number(reading.value, digits=_digits(reading))


def interval_text(reading: Reading) -> str:
    """`low – high`, empty when withheld."""
    if reading.low is None or reading.high is None:
        return ""
    digits = _digits(reading)
    return f"{number(reading.low, digits=digits)} – {number(reading.high, digits=digits)}"


def _digits(reading: Reading) -> int:
    if reading.value is None or reading.low is None or reading.high is None:
        return 0
    width = reading.high - reading.low
    size = abs(reading.value)
    return 0 if width >= 20 or size >= 1000 else 1 if width >= 0.2 or size >= 100 else 2


def unit_text(unit: str) -> str:
    """The unit as printed; the ratio's unit 1 is not printed."""
    return "" if unit == "1" else unit


def measured_text(finding: Finding) -> str:
    """Value and unit of a finding."""
    unit = unit_text(finding.unit)
    space = "" if unit == "%" else " "
    return f"{number(finding.value)}{space}{unit}".strip() if finding.value is not None else "–"


def percent(share: float) -> str:
    """A share 0–1 in percent."""
    return f"{100 * share:.0f}%"


def quality_word(quality: float) -> str:
    """`good`, `fair` or `weak`."""
    return "good" if quality >= GOOD_QUALITY else "fair" if quality >= FAIR_QUALITY else "weak"


def duration_text(seconds: float) -> str:
    """`9.5 s`, `2 min 05 s`, `1 h 02 min`."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def source_facts(source: Source) -> list[str]:
    """Size, rate, length, frames and coding in a few words each; what is not known is left out."""
    facts = []
    if source.width and source.height:
        facts.append(f"{source.width}×{source.height} px")
    if source.rate:
        facts.append(f"{source.rate:.2f} frames/s")
    if source.duration:
        facts.append(duration_text(source.duration))
    if source.frames:
        facts.append(f"{source.frames} frame{'s' if source.frames != 1 else ''}")
    if source.codec:
        rate = f" {source.bit_rate / 1e6:.2f} Mb/s" if source.bit_rate else ""
        facts.append(f"{source.codec}{rate}")
    return facts


def reasons(readings: Iterable[Reading]) -> list[tuple[str, list[Reading]]]:
    """The withheld readings, gathered by reason in order of appearance."""
    gathered: dict[str, list[Reading]] = {}
    for reading in readings:
        if reading.value is None:
            gathered.setdefault(reading.why, []).append(reading)
    return list(gathered.items())


def shown_file(report: Report) -> str:
    """The recording's name; never empty."""
    return report.source.name or "unnamed recording"
