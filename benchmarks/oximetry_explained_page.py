"""Page and drawings of results/oximetry_explained; `oximetry_explained.py` finds what they show."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.synthetic.optics import DEOXY, OXY, SENSORS, SPECTRA, WAVELENGTH_NM
from camvitals.evaluate.view import side_by_side, under
from camvitals.records import Array
from camvitals.report.figure import COLOUR, TEXT_PX, blank, heading, keys, place, svg
from camvitals.report.files import write_atomically
from camvitals.report.training import STYLE

Row = Mapping[str, str]
BANDS = ("level", "slow", "pulse", "harmonics", "rest")
SHADES = ("heart", "muted", "blue", "green", "line")
LINE = "line through levels"
HEAD = """# What networks of SpO2 rest on

Made by `python benchmarks/oximetry_explained.py KEEP`; do not edit. What it means:
[what a network of SpO2 sees](../../docs/oxygen.md#what-the-networks-look-at). The recordings, the
protocol and how well each network reads: [SpO2 from colours](../oximetry_spo2/README.md).

The networks of that table once more, each subject left out in turn, the instance with the lowest
validation RMSE, explained on the hands of the subject that it never saw: a window every 30 s. The
answer less that for the mean of training is shared out by layer-wise relevance propagation (rule
ε) among channels and frequencies. *level*: the mean of the window; *slow*: below 0.5 Hz; *pulse*:
± 0.15 Hz about the pulse rate (wider in windows of 3 s); *harmonics*: its double and triple. In
brackets: 95 % intervals, subjects drawn again; there are six.

One window with its checks on a page:

    camvitals explain KEEP/spo2-fc.start.100003/best.safetensors \\
        KEEP/spo2-fc.start.100003/colours.csv --start 600 --html page.html"""
SIZE = """Magnitudes of relevance over those of all, in percent, mean over windows. *rest* is all
else above 0.5 Hz: noise, to which a network with a weight for each sample gives some relevance."""
OTHER = """The same by the rule ε+ (convolutions by what is positive alone); windows in which it
lets nothing through are left out."""
MOVES = """How much of what an answer *changes* by within a recording is done by the relevance of
a band: its covariance with the answer over the answer's variance, in percent. They add up to 100
with what the biases do, which take part as windows switch the units of a network on and off."""
BEYOND = """Correlation of the relevance of a band with the oximeters, within recordings; and after
time, its square and cube, and the mean courses of the other subjects were taken out of both
(*beyond the clock*)."""
WEIGHTS = """How many points of SpO2 an answer rises by when the level of one colour rises by 1 %,
over all test windows; of the networks of the six subjects left out. Beside it what haemoglobin
absorbs, as a phone's channels see it under a white LED (`data.synthetic.optics`), and the share of
red, green and blue in the weights of M1's mixing (equal shares are .33) where it may learn for 60
epochs of twice the windows; it read others best after one to nine of them. Those of the table are
told [there](../oximetry_spo2/README.md)."""


def page(rows: Sequence[Row], mix: Array | None, *, digest: str, seconds: float) -> str:
    """The whole page. mix: (K, mixed, 3) weights of M1 trained longer."""
    parts = [
        HEAD,
        f"Protocol {digest}. {seconds / 60:.0f} minutes of processor time.",
        "![Share of relevance by frequency](frequencies.svg)",
        f"## Share of frequencies, of size\n\n{SIZE}\n\n" + _table(rows, "share of size", BANDS),
        f"{OTHER}\n\n" + _table(rows, "share of size, epsilon-plus", BANDS),
        "## Share of channels, of size\n\n" + _table(rows, "share of size", ("R", "G", "B")),
        "Nine streams:\n\n" + _streams(rows),
        f"## What moves the answer\n\n{MOVES}\n\n"
        + _table(rows, "share of the answer's changes", (*BANDS, "biases")),
        f"## What of it follows oxygen\n\n{BEYOND}\n\n"
        + _table(rows, "r within recordings", (*BANDS, "answer"))
        + "\n\nBeyond the clock:\n\n"
        + _table(rows, "r beyond the clock", (*BANDS, "answer")),
        f"## Colour weights beside haemoglobin\n\n![Absorption and learnt weights](colours.svg)\n\n"
        f"{WEIGHTS}\n\n" + _weights(rows, mix),
        "## Checks\n\nOf the windows checked, how many passed; what they are: "
        "[explanation](../../docs/explanation.md#checks).\n\n" + _checks(rows),
    ]
    return "\n\n".join(parts) + "\n"


def networks_of(rows: Sequence[Row]) -> list[str]:
    """Names in their order."""
    return list(dict.fromkeys(row["network"] for row in rows))


def _said(name: str) -> str:
    model, way = name.rsplit(".", 1)
    return f"{model}, {'own start' if way == 'start' else 'as it is'}"


def _find(rows: Sequence[Row], network: str, figure: str, of: str) -> Row | None:
    wanted = (network, figure, of)
    return next((r for r in rows if (r["network"], r["figure"], r["of"]) == wanted), None)


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    numbers = [f"{float(row[k]):.2f}" for k in ("value", "low", "high") if row[k]]
    told = [n.replace("0.", ".", 1).replace("-", "−") for n in numbers]
    return told[0] if len(told) == 1 else f"{told[0]} [{told[1]}–{told[2]}]"


def _percent(row: Row | None) -> str:
    """Percent, of one decimal below ten."""
    if row is None:
        return "–"
    numbers = [100 * float(row[k]) for k in ("value", "low", "high") if row[k]]
    told = [f"{n:.1f}" if abs(numbers[0]) < 10 else f"{n:.0f}" for n in numbers]
    told = [t.replace("-0.0", "0.0").replace("-", "−") for t in told]
    return told[0] if len(told) == 1 else f"{told[0]} [{told[1]} – {told[2]}]"


def _table(rows: Sequence[Row], figure: str, names: Sequence[str]) -> str:
    cell = _percent if figure.startswith("share") else _cell
    lines = [f"| network | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for network in networks_of(rows):
        found = [_find(rows, network, figure, name) for name in names]
        if any(found):
            lines.append(f"| {_said(network)} | {' | '.join(map(cell, found))} |")
    return "\n".join(lines)


def _streams(rows: Sequence[Row]) -> str:
    names = [
        r["of"]
        for r in rows
        if r["network"].startswith("spo2-ding")
        and r["figure"] == "share of size"
        and r["of"] not in BANDS
    ]
    return _table([r for r in rows if "ding" in r["network"]], "share of size", names)


def _checks(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(r["of"] for r in rows if r["figure"].startswith("check")))
    lines = [f"| network | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for network in networks_of(rows):
        cells = []
        for name in names:
            found = [r for r in rows if r["of"] == name and r["network"] == network]
            one = next((r for r in found if r["figure"].startswith("check")), None)
            made = one["figure"].removeprefix("check passed, of ") if one else ""
            cells.append(f"{one['value']} of {made}" if one else "–")
        lines.append(f"| {_said(network)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _weights(rows: Sequence[Row], mix: Array | None) -> str:
    oxy, deoxy = (seen_by_phone(table) for table in (OXY, DEOXY))
    lines = ["| | R | G | B |", "|---|---:|---:|---:|"]

    def add(name: str, values: Sequence[str]) -> None:
        lines.append(f"| {name} | {' | '.join(values)} |")

    add("absorption by oxyhaemoglobin [1/(cm·mmol/l)]", [f"{v / 1e3:.1f}" for v in oxy])
    add("absorption by deoxyhaemoglobin", [f"{v / 1e3:.1f}" for v in deoxy])
    add("deoxy over oxy", [f"{v:.1f}" for v in deoxy / oxy])
    figure = "points for 1 % of level"
    for network in networks_of(rows):
        found = [_find(rows, network, figure, colour) for colour in "RGB"]
        add(f"{_said(network)}: {figure}", [_cell(one) for one in found])
    for name, values in lines_of_levels().items():
        add(name, [f"{v:.2f}".replace("-", "−") for v in values])
    if mix is not None:
        size = np.abs(mix).mean(axis=1)
        share = size / size.sum(axis=1, keepdims=True)
        after = zip(share[1:].mean(0), share[1:].std(0), strict=True)
        add("M1: share of the mixing weights before training", [f"{v:.2f}" for v in share[0]])
        add("after it, six networks", [f"{m:.2f} ± {s:.2f}" for m, s in after])
    return "\n".join(lines)


def lines_of_levels() -> dict[str, list[float]]:
    """What the page of the lines says they read from 1 % of level: (R, G, B) by way."""
    text = Path(__file__).resolve().parents[1] / "results" / "oximetry_spo2" / "README.md"
    found = {}
    for row in csv.reader(text.read_text("utf-8").splitlines(), delimiter="|"):
        if len(row) > 4 and LINE in row[1] and "points of SpO2" in row[1]:
            numbers = [float(c.split("±")[0].replace("−", "-")) for c in row[2:5]]
            found[row[1].strip().replace("points of SpO2", "points")] = numbers
    return found


def seen_by_phone(table: Array) -> Array:
    """(3,) absorption as a phone's channels see it under a white LED."""
    bands = channels() * SPECTRA["dim"]()
    return np.asarray(bands @ table / bands.sum(axis=1))


def channels() -> Array:
    """(3, F) how sensitive a phone's red, green and blue are to each wavelength."""
    return np.stack([np.exp(-0.5 * ((WAVELENGTH_NM - m) / s) ** 2) for m, s in SENSORS["phone"]])


def write_drawings(folder: Path, rows: Sequence[Row]) -> None:
    """frequencies.svg and colours.svg."""
    for name, figure in (("frequencies", _frequencies(rows)), ("colours", _colours(rows))):
        said = {
            "frequencies": "share of relevance by frequency of each network",
            "colours": "absorption of haemoglobin, and what 1 % of each colour's level tells",
        }[name]
        head, _, rest = svg(figure, label=said, key=name).partition(">")
        text = f'{head} xmlns="http://www.w3.org/2000/svg">{STYLE}{rest}\n'
        write_atomically(folder / f"{name}.svg", text)


def _frequencies(rows: Sequence[Row]) -> Any:
    names = networks_of(rows)
    figure, axes = blank(40 + 26 * len(names) + 40, wide=True)
    ax = axes[0]
    place(figure, top=34, bottom=24, left=150, right=18)
    at, left = np.arange(len(names)), np.zeros(len(names))
    for band, shade in zip(BANDS, SHADES, strict=True):
        found = [_find(rows, name, "share of size", band) for name in names]
        width = np.array([100 * float(one["value"]) if one else 0.0 for one in found])
        ax.barh(at, width, left=left, height=0.62, color=COLOUR[shade], label=band)
        left += width
    ax.set_yticks(at, [_said(name) for name in names], fontsize=TEXT_PX)
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.set_xlim(0, 100)
    ax.xaxis.set_major_formatter("{x:g} %")
    keys(ax, columns=len(BANDS))
    return figure


def _colours(rows: Sequence[Row]) -> Any:
    figure, left, right = side_by_side(True, height=300)
    left.grid(axis="x", visible=False)
    for band, shade in zip(channels(), ("heart", "green", "blue"), strict=True):
        left.fill_between(WAVELENGTH_NM, 100, 100 * 1e4**band, color=COLOUR[shade], alpha=0.12)
    left.plot(WAVELENGTH_NM, OXY, color=COLOUR["heart"], lw=1.6, label="with oxygen")
    left.plot(WAVELENGTH_NM, DEOXY, color=COLOUR["blue"], lw=1.6, label="without")
    left.set(yscale="log", ylim=(100, 1e6), xlim=(400, 700))
    left.minorticks_off()
    heading(left, "haemoglobin, 1/(cm·mol/l)")
    under(left, "wavelength, nm; shaded: a phone's channels")
    keys(left, columns=2)
    names = networks_of(rows)
    values = {_said(n): [float(_found(rows, n, c)["value"]) for c in "RGB"] for n in names}
    for name, slopes in lines_of_levels().items():
        values[name.split(":")[0].replace(" through levels", "")] = slopes
    at = np.arange(len(values))
    for k, shade in enumerate(("heart", "green", "blue")):
        right.barh(
            at + 0.26 * (k - 1), [v[k] for v in values.values()], 0.24, color=COLOUR[shade],
            label="RGB"[k],
        )  # fmt: skip
    right.set_yticks(at, list(values), fontsize=TEXT_PX)
    right.invert_yaxis()
    right.axvline(0, color=COLOUR["muted"], lw=0.8)
    right.grid(axis="y", visible=False)
    box = right.get_position()
    right.set_position((box.x0 + 0.11, box.y0, box.width - 0.11, box.height))
    under(right, "points of SpO2 for 1 % of level")
    keys(right)
    return figure


def _found(rows: Sequence[Row], network: str, colour: str) -> Row:
    row = _find(rows, network, "points for 1 % of level", colour)
    assert row is not None
    return row
