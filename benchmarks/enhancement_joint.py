r"""What joint training does to the pulse that a recovery reads, by level, on people it never saw.

    python recipes/enhancement.py pairs made/test --heads 24 --patches 0 --test
    python benchmarks/enhancement_joint.py made/test "recovery alone=alone.onnx" \
        "enhancer, not joint=apart.onnx" "joint, enhancer learns=joint.onnx" "joint, both=both.onnx"

Each file is a pulse network with its card. Of each person's clip at each level: the correlation of
its pulse with the reference, and the error of the rate at the peak of its spectrum, both in
0.7–4 Hz, of people with a pulse. Intervals are over people. All are compared with the second.
Writes joint.csv and joint.md to results/enhancement.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from enhancement import BAND_HZ, as_csv, mean_of, people_in

from camvitals.dsp.clean import bandpass
from camvitals.records import Array, InputError
from camvitals.report.files import write_atomically
from camvitals.train.enhance.pairs import Pair
from camvitals.train.enhance.quality import ORIGINAL, QUALITIES
from camvitals.waves.learned import Learned, learned

RESULTS = Path(__file__).resolve().parents[1] / "results" / "enhancement"
COLUMNS = ("seed", "network", "level", "r", "error_bpm")
BINS = 8192  # of a spectrum, so that its peak is read to a quarter of a bpm
HEAD = """# Joint training of the small enhancer

Made by `python benchmarks/enhancement_joint.py`; do not edit. What was trained, and how:
[enhancement](../../docs/enhancement.md).

{people} drawn heads with a pulse that nothing was trained on, {frames} pictures of 64 px at
{rate:g} Hz each, at every level. Mean over people and 95 % interval by bootstrap over people.
"""
OF_R = """## Correlation of the pulse read with the reference

In brackets 95 % intervals; chance is 0.
"""
OF_GAIN = """## Correlation, less that of *{before}*, of the same people
"""
OF_RATE = """## Mean error of the rate, bpm

At the peak of the spectrum of {seconds:.1f} s, which alone makes errors of some bpm. The mean rate
of the other people is wrong by {floor} bpm.
"""


def pulse_of(network: Learned, images: Array, *, rate: float) -> Array:
    """(T,) what a network reads of (T, N, N, 3) crops, as `measure` would give them to it."""
    taker = network.taker(None)()
    for number, image in enumerate(images):
        taker.take(image, number / rate)
    return taker.pulse(np.arange(len(images)) / rate)


def rate_at_peak(wave: Array, *, rate: float) -> float:
    """Frequency of the highest peak in the band of pulses [bpm]."""
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), BINS))
    frequency = np.fft.rfftfreq(BINS, 1 / rate)
    inside = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    return float(60 * frequency[inside][power[inside].argmax()])


def rows_of(networks: Mapping[str, Learned], one: Pair) -> Iterable[dict[str, float | str]]:
    """The figures of one person with a pulse, for each network at each level."""
    rate = float(one.facts["rate"])
    low, high = BAND_HZ
    truth = bandpass(np.asarray(one.pulse, dtype=float), rate=rate, low=low, high=high)
    for level in (ORIGINAL, *one.facts["levels"]):
        images = np.asarray(one.images(level))
        for name, network in networks.items():
            wave = bandpass(pulse_of(network, images, rate=rate), rate=rate, low=low, high=high)
            error = rate_at_peak(wave, rate=rate) - float(one.facts["heart_rate"])
            yield {
                "seed": str(one.facts["seed"]),
                "network": name,
                "level": level,
                "r": float(np.corrcoef(wave, truth)[0, 1]),
                "error_bpm": abs(error),
            }


def of(rows: Sequence[Mapping[str, float | str]], key: str, **wanted: str) -> dict[str, float]:
    """Seed -> value of the rows that are as wanted; where several levels are, their mean."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if all(row[name] == value for name, value in wanted.items()):
            found.setdefault(str(row["seed"]), []).append(float(row[key]))
    return {seed: float(np.mean(values)) for seed, values in found.items()}


def less(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """Of the same people, after less before."""
    return {seed: after[seed] - before[seed] for seed in before}


def page(rows: Sequence[Mapping[str, float | str]], people: Sequence[Pair]) -> str:
    """joint.md."""
    names = list(dict.fromkeys(str(row["network"]) for row in rows))
    before = names[min(1, len(names) - 1)]
    first = people[0].facts
    frames, rate = int(first["length"]), float(first["rate"])
    rates = {str(one.facts["seed"]): float(one.facts["heart_rate"]) for one in people}
    floor = {
        seed: abs(value - np.mean([other for key, other in rates.items() if key != seed]))
        for seed, value in rates.items()
    }
    said = {
        "r": lambda level, name: mean_of(of(rows, "r", network=name, **level), 2),
        "gain": lambda level, name: mean_of(
            less(of(rows, "r", network=name, **level), of(rows, "r", network=before, **level)), 3
        ),
        "rate": lambda level, name: mean_of(of(rows, "error_bpm", network=name, **level), 1),
    }
    others = [name for name in names if name != before]
    parts = [HEAD.format(people=len(people), frames=frames, rate=rate)]
    parts += [OF_R, table(rows, names, said["r"])]
    parts += [OF_GAIN.format(before=before), table(rows, others, said["gain"])]
    parts += [OF_RATE.format(seconds=frames / rate, floor=mean_of(floor, 1))]
    parts.append(table(rows, names, said["rate"]))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def table(rows: Sequence[Mapping[str, float | str]], names: Sequence[str], cell: object) -> str:
    """A line for each level and one for the mean over all of them."""
    assert callable(cell)
    there = {str(row["level"]) for row in rows}
    lines = [f"| level | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for level in (one for one in QUALITIES if one in there):
        cells = [str(cell({"level": level}, name)) for name in names]
        lines.append(f"| {level} | {' | '.join(cells)} |")
    return "\n".join([*lines, f"| mean of all | {' | '.join(str(cell({}, n)) for n in names)} |"])


def networks_in(named: Sequence[str]) -> dict[str, Learned]:
    """Words -> network, of WORDS=FILE.onnx. Raises InputError for another form."""
    found = {}
    for text in named:
        words, equals, file = text.partition("=")
        if not equals:
            raise InputError(f"{text!r} names no file; give WORDS=FILE.onnx")
        found[words] = learned(file)
    return found


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("networks", nargs="+", metavar="WORDS=FILE.onnx")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    networks = networks_in(given.networks)
    people = [one for one in people_in(given.folder) if one.facts["heart_rate"] is not None]
    rows = [row for one in people for row in rows_of(networks, one)]
    write_atomically(given.out / "joint.csv", as_csv(COLUMNS, rows))
    text = page(rows, people)
    write_atomically(given.out / "joint.md", text)
    print(text)


if __name__ == "__main__":
    main()
