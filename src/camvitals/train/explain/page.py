"""An explanation as one HTML page, a still and a video.

Shape letters: T samples, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

import numpy as np

from camvitals import report
from camvitals.records import Array
from camvitals.report import relevance as draw
from camvitals.report.files import write_atomically
from camvitals.train.explain.checks import Check
from camvitals.train.explain.explanation import Explanation, channels_of
from camvitals.train.explain.shares import Share, along
from camvitals.video import write_video

STILL_PX = 320
TOP_HZ = 6.0
MOST_LINES = 9
MOST_LETTERS = 40  # of the key of one plot
TITLES = {
    "channel": "Share of channels",
    "region": "Share of regions",
    "face": "Share of the face",
    "frequency": "Share of frequencies",
}
NOTES = {
    "channel": "Of size: magnitudes over all of them. Of the sum: signs kept, so they may cancel.",
    "region": "Of what the network takes of each region, or of the cells of a grid on the picture.",
    "face": "Places of an upright face that fills the crop; on filmed faces they are near only.",
    "frequency": "Level is what does not change in the clip, beside the reference.",
}
STYLE = """
.cards { grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); }
.map { width: min(100%, 360px); image-rendering: pixelated; border-radius: 8px; }
.maps { display: flex; flex-wrap: wrap; gap: 14px; margin-top: 8px; }
.maps figure { margin: 0; flex: 1 1 260px; max-width: 360px; }
.maps figcaption { color: var(--muted); }
.passed, .failed, .neither { white-space: nowrap; }
.passed { color: var(--good); } .failed { color: var(--weak); } .neither { color: var(--muted); }
"""
NOTE = (
    "Relevance tells what a network's answer rests on, not whether the answer is right. An "
    "explanation with a failed check should not be used."
)


def write_page(path: Path | str, found: Explanation) -> Path:
    """Write the page, whole or not at all; it needs no other file. Returns the path."""
    return write_atomically(path, to_page(found))


def to_page(found: Explanation) -> str:
    """The explanation as one HTML document; every string is escaped."""
    style = Path(report.__file__).with_name("page.css").read_text(encoding="utf-8") + STYLE
    title = f"{found.subject.name} · {found.scene.name}"
    facts = "".join(f"<span>{escape(fact)}</span> " for fact in _facts(found))
    body = _cards(found) + _checks(found.checks) + _maps(found)
    body += "".join(map(_figure, _drawings(found)))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Explanation · {escape(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        "<body>\n<header><h1>What a network's answer rests on</h1></header>\n<main><section>\n"
        f"<h2>{escape(found.subject.name)} <small>{escape(found.scene.name)}</small></h2>\n"
        f'<p class="facts">{facts}</p>\n{body}</section></main>\n'
        f"<footer><p>{escape(NOTE)}</p></footer>\n</body>\n</html>\n"
    )


def _facts(found: Explanation) -> list[str]:
    relevance = found.relevance
    told = [
        relevance.method + (f", rule {relevance.rule}" if relevance.rule else ""),
        f"question: {found.question.asked}",
        f"reference: {found.reference}",
        f"{found.subject.length} samples at {found.subject.rate:g} Hz",
    ]
    if np.isfinite(found.frequency):
        told.append(f"pulse at {60 * found.frequency:.1f} bpm")
    return told


def _cards(found: Explanation) -> str:
    relevance, unit = found.relevance, escape(found.question.unit)
    pairs = (
        ("Answer", relevance.answer, f"of the network, {unit}"),
        ("At the reference", relevance.reference, "is subtracted"),
        ("Relevance", relevance.total, "sum over the input"),
        ("Biases", relevance.absorbed, "took the rest, and constants"),
    )
    large = max(abs(relevance.answer), abs(relevance.total))
    cards = "".join(
        f'<article class="card"><h4>{name}</h4><p class="value"><b>'
        f"{_number(value, beside=large)}</b></p>"
        f'<p class="interval">{said}</p></article>'
        for name, value, said in pairs
    )
    return f'<div class="cards">{cards}</div>\n'


def _number(value: float, *, beside: float) -> str:
    """Three digits; 0 for what is only the error of a sum."""
    return "0" if abs(value) < 1e-9 * beside else f"{value:.3g}".replace("-", "−")


def _checks(checks: tuple[Check, ...]) -> str:
    if not checks:
        return '<div class="card"><h3>Checks</h3><p>None was made.</p></div>\n'
    rows = "".join(map(_check_row, checks))
    return (
        '<div class="card"><h3>Checks</h3><table class="stack"><thead><tr>'
        '<th scope="col">Check</th><th scope="col">Outcome</th><th scope="col">Found</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div>\n"
    )


def _check_row(check: Check) -> str:
    kind, sign, word = {
        True: ("passed", "✓", "passed"),
        False: ("failed", "▲", "failed"),
        None: ("neither", "–", "does not apply"),
    }[check.passed]
    return (
        f'<tr><th scope="row">{escape(check.name)}</th><td class="{kind}">{sign} {word}</td>'
        f"<td>{escape(check.said)}</td></tr>"
    )


def _figure(drawing: draw.Drawing) -> str:
    note = f"<p>{escape(drawing.note)}</p>" if drawing.note else ""
    return (
        f'<figure class="card"><figcaption><h3>{escape(drawing.title)}</h3>{note}</figcaption>'
        f'<div class="plot wide">{drawing.wide}</div>'
        f'<div class="plot narrow">{drawing.narrow}</div></figure>\n'
    )


def _drawings(found: Explanation) -> list[draw.Drawing]:
    drawings = [draw.over_time(_rows(found), rate=found.subject.rate)] if _long(found) else []
    for kind, parts in found.shares.items():
        drawings.append(draw.bars(TITLES[kind], _bars(parts), note=NOTES[kind]))
    if len(found.spectrum):
        count = found.relevance.values.shape[found.axes.index("T")]
        bins = np.fft.rfftfreq(count, 1 / found.subject.rate)
        top = min(TOP_HZ, found.subject.rate / 2)
        drawings.append(draw.over_frequency(bins, found.spectrum, pulse=found.frequency, top=top))
    orders = {check.name: check.curve for check in found.checks if len(check.curve) == 2}
    for name, (own, others) in orders.items():
        drawings.append(
            draw.curves(
                name.capitalize(),
                {"by relevance": own, "at random": others},
                note="Share of the answer that is left, over the share of the input moved.",
                across="answer",
            )
        )
    return drawings


def _bars(parts: Mapping[str, Share]) -> dict[str, tuple[float, float]]:
    return {name.replace("_", " "): (share.signed, share.size) for name, share in parts.items()}


def _long(found: Explanation) -> bool:
    return "L" not in found.axes and len(found.scene.images) > 2


def _rows(found: Explanation) -> list[tuple[str, Array, Mapping[str, Array]]]:
    rate, images = found.subject.rate, np.asarray(found.scene.images, dtype=float)
    colours = images.reshape(len(images), -1, 3).mean(1)
    change = 100 * (colours / colours.mean(0) - 1)
    clock = np.arange(len(images)) / rate
    rows: list[tuple[str, Array, Mapping[str, Array]]] = []
    rows.append(("input, change in %", clock, dict(zip("RGB", change.T, strict=True))))
    if len(found.wave) > 2:
        rows.append(("output", np.arange(len(found.wave)) / rate, {"output": found.wave}))
    by_channel = along(found.relevance.values, found.axes, "CT")
    names = channels_of(found.subject.architecture, len(by_channel))
    lines = dict(zip(names, by_channel, strict=True))
    if len(lines) > MOST_LINES:
        lines = {"all channels": by_channel.sum(0)}
    elif sum(map(len, lines)) > MOST_LETTERS:
        lines = _by_colour(lines)
    rows.append(("relevance", np.arange(by_channel.shape[1]) / rate, lines))
    return rows


def _by_colour(lines: Mapping[str, Array]) -> dict[str, Array]:
    """Channels of a colour added up: all that stands beside the curves is R, G and B."""
    found: dict[str, Array] = {}
    for name, values in lines.items():
        colour = name.rsplit(maxsplit=1)[-1]
        found[colour] = found[colour] + values if colour in found else values
    return found


def map_over_time(found: Explanation) -> Array:
    """(T, H, W) relevance of pictures, channels added up."""
    return along(found.relevance.values, found.axes, "THW")


def still(found: Explanation) -> Array:
    """(H, W, 3) the mean picture under the relevance of the whole clip."""
    image = np.asarray(found.scene.images, dtype=float).mean(0)
    total = map_over_time(found).sum(0)
    big = draw.overlay(image, total, largest=float(np.abs(total).max()))
    return draw.enlarged(big, least=STILL_PX)


def write_overlay(path: Path | str, found: Explanation) -> int:
    """Write the clip under its relevance as a video; returns the pictures written."""
    maps = map_over_time(found)[: len(found.scene.images)]
    largest = float(np.quantile(np.abs(maps), 0.999))
    images = (
        draw.enlarged(draw.overlay(image, part, largest=largest), least=STILL_PX)
        for image, part in zip(found.scene.images, maps, strict=False)
    )
    return write_video(path, images, time=np.arange(len(maps)) / found.subject.rate)


def _maps(found: Explanation) -> str:
    if "H" not in found.axes:
        return ""
    mean = np.asarray(found.scene.images, dtype=float).mean(0)
    plain = draw.enlarged(np.asarray(mean + 0.5).astype(np.uint8), least=STILL_PX)
    pictures = (
        (plain, "The mean of the clip"),
        (still(found), "Red: relevance for the answer; blue: against it"),
    )
    shown = "".join(
        f"<figure>{draw.inline(image, alt=said)}<figcaption>{said}</figcaption></figure>"
        for image, said in pictures
    )
    return f'<div class="card"><h3>On the face</h3><div class="maps">{shown}</div></div>\n'
