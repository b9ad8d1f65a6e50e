"""The page of results/oximetry_spo2: tables of what `benchmarks/oximetry.py` scored."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import oximetry_networks as networks
import torch

from camvitals.data.synthetic.optics import DEOXY, OXY, SENSORS, SPECTRA, WAVELENGTH_NM
from camvitals.records import Array
from camvitals.train.oxygen.instances import Training, built

RESULTS = Path(__file__).resolve().parents[1] / "results"
Row = dict[str, str]
HEAD = """# SpO2 from colours, on real hypoxemia

Made by `python benchmarks/oximetry_networks.py KEEP`, then `python benchmarks/oximetry.py KEEP`;
do not edit. What it means:
[oxygen on real recordings](../../docs/oxygen.md#learned-from-real-recordings).

Hoffman et al. (2022, MIT): six people, both index fingers on phones with the flash on, 14–19
minutes of lowered oxygen, 64–100 %. Each subject is tested by what was learnt from the other five;
what had to be chosen was chosen by leaving each of these five out in turn (lines) or by one of
them (networks). Windows of 10 s, one a second, from 30 s on, against the mean of four oximeters at
the window's end. In brackets: 95 % intervals, subjects drawn again. MAE and RMSE in points of
SpO2; RMSE is what ISO 80601-2-61 calls ARMS. *Within* is the mean of the correlations within the
twelve recordings, *pooled* that of all windows. *Sens.* and *spec.*: below 90 %.

*as it is*: nothing is known of the recording. *own start*: the camera's first 30 s are the
standard that later colours are compared with; no oximeter is looked at, but that the person began
healthy is taken for granted. *one point*: the mean reference of the first 30 s is given, too.

*chosen inside*: the set of numbers, too, is the one that did best on the other five, each left out
in turn. *all*: the mean of that line and of the mean of the six networks, each the mean of its
instances; or the mean of the lines of all ten sets. Nothing in these was chosen or weighed; they
were settled before they were scored; no other mean was tried.

*Beyond the clock* is the correlation within recordings after time, its square and cube, and the
mean courses of the other subjects by elapsed and by relative time were taken out of both sides;
*beyond the pulse*: and the camera's pulse rate. A clock has 0 there."""
COLUMNS = ("model", "knows", "MAE", "RMSE", "within", "pooled", "sens.", "spec.")
BEYOND = ("beyond clock", "beyond pulse")
MAIN = f"| {' | '.join((*COLUMNS, *BEYOND))} |\n|---|---|{'---:|' * 8}\n"


def page(
    rows: Sequence[Row], keep: Path, *, slopes: Mapping[str, Array], digest: str, seconds: float
) -> str:
    """The whole page."""
    shown = [row for row in rows if "mean of instances" not in row["model"]]
    camera = sorted((r for r in shown if r["kind"] == "camera"), key=lambda r: float(r["mae"]))
    parts = [
        HEAD,
        _made(keep, digest, seconds),
        "## No camera\n\n"
        + _table([r for r in shown if r["kind"] == "floor"])
        + "\n\n"
        + PUBLISHED,
        *(
            f"## {title}\n\n" + _table([r for r in camera if r["way"] == way])
            for way, title in TITLES
        ),
        "## Controls\n\n"
        + _table([r for r in shown if r["kind"] == "control"])
        + "\n\n"
        + CONTROLS,
        "## How much is the clock\n\n" + _swaps(shown),
        "## By subject and hand, MAE\n\n" + _each(shown),
        "## Mean of three instances instead of the one with the lowest validation error\n\n"
        + _table([r for r in rows if "mean of instances" in r["model"]]),
        "## Colour weights of M1 beside haemoglobin\n\n" + _weights(keep, slopes),
        "## Pulse rate from the same traces\n\n" + _heart(),
    ]
    return "\n\n".join(parts) + "\n"


TITLES = (("as it is", "As it is"), ("own start", "Own start"), ("one point", "One point"))
PUBLISHED = """Published on these recordings, from the camera (Hoffman et al., 2022, 3-s windows,
leave one out): MAE 5.00, sensitivity .81, specificity .79."""
CONTROLS = """*References shuffled*: lines learnt from references whose minutes are in another
order tell nothing but a mean, as they must. *Own blocks*: each recording by itself, three of four
minutes learnt from and the fourth told, 10 s apart; slow drift gives the answer away there, so
this is a bound from above, not a result."""


def _made(keep: Path, digest: str, seconds: float) -> str:
    spent = sum(float(np.load(path)["seconds"][1]) for path in keep.glob("*.npz"))
    return (
        f"Protocol {digest}. Two shared cores of an AMD EPYC, no GPU: networks "
        f"{spent / 60:.0f} minutes of processor time, everything else {seconds / 60:.1f}."
    )


def _table(rows: Sequence[Row]) -> str:
    return MAIN + "\n".join(
        f"| {row['model']} | {row['way']} | {_with(row, 'mae')} | {_with(row, 'rmse')} | "
        + " | ".join(
            _r(row[name]) for name in ("within_r", "pearson_r", "sensitivity", "specificity")
        )
        + f" | {_r(row['beyond_clock'])} | {_r(row['beyond_pulse'])} |"
        for row in rows
    )


def _with(row: Row, name: str) -> str:
    if not row[name]:
        return "–"
    return f"{_f(row[name])} [{_f(row[name + '_low'])}–{_f(row[name + '_high'])}]"


def _f(text: str) -> str:
    return f"{float(text):.2f}" if text else "–"


def _r(text: str) -> str:
    return _f(text).replace("0.", ".", 1).replace("-", "−")


def _picked(rows: Sequence[Row]) -> list[Row]:
    """Floors, and the best of each kind in each way."""
    found = [r for r in rows if r["kind"] == "floor" and r["way"] == "as it is"]
    camera = [r for r in rows if r["kind"] == "camera"]
    for way, _ in TITLES:
        for start in (
            "line: colours, chosen",
            "line: colours and pulse rate, chosen",
            "all: ",
            "line: log ratios + levels",
            "line: levels",
            "line: pulse rate",
            "line: pulse strengths",
            "ratio of",
        ):
            found += [r for r in camera if r["way"] == way and r["model"].startswith(start)]
        nets = [r for r in camera if r["way"] == way and r["model"].startswith("spo2-")]
        found += sorted(nets, key=lambda r: float(r["mae"]))[:1]
    return found


def _swaps(rows: Sequence[Row]) -> str:
    head = (
        "| model | knows | MAE | against the others' references | in recovery | r in recovery |\n"
    )
    head += "|---|---|---:|---:|---:|---:|\n"
    lines = [
        f"| {r['model']} | {r['way']} | {_f(r['mae'])} | {_f(r['swapped'])} | "
        f"{_f(r['recovery'])} | {_r(r['recovery_r'])} |"
        for r in _picked(rows)
    ]
    return (
        "*Against the others' references*: the same estimates held against what the other "
        "subjects' oximeters showed at the same second, moved to the right mean; a clock does as "
        "well there. *In recovery*: after the lowest reference.\n\n" + head + "\n".join(lines)
    )


def _each(rows: Sequence[Row]) -> str:
    names = [key for key in rows[0] if key.startswith("mae 1")]
    short = [
        key.removeprefix("mae 10000").replace("/Left", " L").replace("/Right", " R")
        for key in names
    ]
    head = f"| model | knows | {' | '.join(short)} |\n|---|---|{'---:|' * len(names)}\n"
    return head + "\n".join(
        f"| {r['model']} | {r['way']} | "
        + " | ".join(f"{float(r[n]):.1f}" if r[n] else "–" for n in names)
        + " |"
        for r in _picked(rows)
    )


def _weights(keep: Path, slopes: Mapping[str, Array]) -> str:
    found = []
    for path in sorted(keep.glob("spo2-m1.*.npz")):
        if ".pulse" in path.name:
            continue
        mix = np.load(path)["mix"]  # networks, mixed, colours
        share = _share(mix)
        way = "own start" if ".start" in path.name else "as it is"
        found.append(f"| M1 {way}, share of the weights, {len(mix)} networks | {_both(share)} |")
    found.append("| the same before training | " + _both(_share(_untrained())) + " |")
    found += [
        f"| line through levels, {way}: points of SpO2 for 1 % of level | {_both(slope)} |"
        for way, slope in slopes.items()
    ]
    oxy, deoxy = (_seen(table) for table in (OXY, DEOXY))
    found.append("| absorption by oxyhaemoglobin [1/(cm·mmol/l)] | " + _three(oxy / 1e3) + " |")
    found.append("| absorption by deoxyhaemoglobin | " + _three(deoxy / 1e3) + " |")
    found.append("| deoxy over oxy | " + _three(deoxy / oxy) + " |")
    return (
        "Weights of the 1×1 convolution on colours of spread 1; equal shares would be .33. "
        "Absorption as a phone's channels see it under a white LED (`data.synthetic.optics`; the "
        "phones here had other curves and gains, so that green and blue see red light too).\n\n"
        "| | R | G | B |\n|---|---:|---:|---:|\n" + "\n".join(found)
    )


def _share(mix: Array) -> Array:
    """(networks, 3) share of each colour in the size of the weights."""
    size = np.abs(mix).mean(axis=1)
    return np.asarray(size / size.sum(axis=1, keepdims=True))


def _untrained() -> Array:
    """Weights of M1's mixing as the instances begin with."""
    found = []
    for seed in range(networks.INSTANCES):
        torch.manual_seed(seed)
        found.append(networks.mix_of_module(built(Training(name="spo2-m1"))))
    return np.stack(found)


def _both(values: Array) -> str:
    """Mean and spread over networks or subjects left out, of each colour."""
    pairs = zip(values.mean(axis=0), values.std(axis=0), strict=True)
    return " | ".join(f"{m:.2f} ± {s:.2f}".replace("-", "−") for m, s in pairs)


def _seen(table: Array) -> Array:
    """(3,) absorption as a phone's channels see it under a white LED."""
    bands = (
        np.stack([np.exp(-0.5 * ((WAVELENGTH_NM - m) / s) ** 2) for m, s in SENSORS["phone"]])
        * SPECTRA["dim"]()
    )
    return np.asarray(bands @ table / bands.sum(axis=1))


def _three(values: Array) -> str:
    return " | ".join(f"{value:.1f}" for value in values)


def _heart() -> str:
    with (RESULTS / "oximetry.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["vital"] == "heart_rate"]
    cells = [
        f"| {r['method']} | {float(r['mae']):.2f} | {float(r['coverage']):.1f} |"
        for r in rows
        if r["method"] in ("auto", "green", "pos", "lgi")
    ]
    return (
        "From [the leaderboard](../README.md), by the functions of `measure`, against the "
        "oximeters' pulse; the aim was 1.5 bpm at 90 %.\n\n"
        "| method | MAE, bpm | answered, % |\n|---|---:|---:|\n" + "\n".join(cells)
    )
