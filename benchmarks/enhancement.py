"""What an exported enhancer does to people it never saw, and how fast it is.

    python recipes/enhancement.py pairs made/test --heads 24 --test
    python benchmarks/enhancement.py src/camvitals/face/models/enhancer-small-64.onnx made/test

People, levels and the clean clips are those of `camvitals.train.enhance.make`. By level, before and
after, with 95 % intervals over people: PSNR against the clean clip, and the correlation with the
reference of the pulse that the mean colour of the known skin shows (0.7–4 Hz). Of people without a
pulse: how much of a pulse-like course is shown. Writes test.csv, speed.csv and README.md to
results/enhancement, or to the folder that is named last.
"""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from camvitals.dsp.clean import bandpass
from camvitals.evaluate.metrics import bootstrap
from camvitals.records import Array, InputError
from camvitals.report.files import write_atomically
from camvitals.runtime import Model, load
from camvitals.train.enhance.pairs import META, PEOPLE, Pair
from camvitals.train.enhance.quality import ORIGINAL, QUALITIES

RESULTS = Path(__file__).resolve().parents[1] / "results" / "enhancement"
BAND_HZ = (0.7, 4.0)
BUDGET = (1_000_000, 30.0)  # numbers, and pictures a second on two cores
FRAMES = 96
REPEATS = 5
COLUMNS = ("seed", "alive", "level", "when", "psnr_db", "r", "shown_percent")
SPEEDS = ("threads", "frames_per_second", "cpu_ms_per_frame")


def speed(path: Path, *, threads: int, frames: int = FRAMES) -> dict[str, float]:
    """Pictures a second of one call with so many frames: the least disturbed of REPEATS.

    cpu_ms_per_frame is what the processor spent, which others on the machine do not change.
    """
    model = load(path, threads=threads)
    assert model.card.size is not None
    images = np.random.default_rng(0).uniform(0, 255, (1, frames, *model.card.size, 3))
    given = {next(iter(model.inputs)): images.astype(np.float32)}
    model(given)
    walls, spent = [], []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        model(given)
        walls.append(time.perf_counter() - wall)
        spent.append(time.process_time() - cpu)
    return {
        "threads": threads,
        "frames_per_second": frames / min(walls),
        "cpu_ms_per_frame": 1e3 * min(spent) / frames,
    }


def rows_of(model: Model, one: Pair) -> Iterable[dict[str, float | str]]:
    """The figures of one person at each level, before and after; and of the clean clip."""
    clean, skin = np.asarray(one.images(ORIGINAL)), np.asarray(one.skin) > 0
    (name,) = model.inputs
    rate = float(one.facts["rate"])
    for level in (ORIGINAL, *one.facts["levels"]):
        given = np.asarray(one.images(level))
        after = model({name: given[None].astype(np.float32)})["images"][0]
        for when, images in (("before", given), ("after", after)):
            wave = shown(images, skin, rate=rate)
            truth = bandpass(np.asarray(one.pulse), rate=rate, low=BAND_HZ[0], high=BAND_HZ[1])
            alive = one.facts["heart_rate"] is not None
            yield {
                "seed": str(one.facts["seed"]),
                "alive": int(alive),
                "level": level,
                "when": when,
                "psnr_db": psnr(images, clean),
                "r": float(np.corrcoef(wave, truth)[0, 1]) if alive else float("nan"),
                "shown_percent": float(100 * wave.std()),
            }


def shown(images: Array, skin: Array, *, rate: float) -> Array:
    """(T,) red less green of the skin's mean colour, both relative, in the band of pulses."""
    mean = images[:, skin].astype(float).mean(1)
    change = mean / mean.mean(0) - 1
    return bandpass(change[:, 0] - change[:, 1], rate=rate, low=BAND_HZ[0], high=BAND_HZ[1])


def psnr(images: Array, clean: Array) -> float:
    """Peak signal-to-noise ratio [dB], at most that of a tenth of a code."""
    square = float(np.mean((images.astype(float) - clean) ** 2))
    return float(10 * np.log10(255**2 / max(square, 0.01)))


def people_in(folder: Path) -> list[Pair]:
    """All pairs of a folder. Raises InputError when there are none."""
    found = [Pair.read(path) for path in sorted(folder.glob(f"{PEOPLE}/*/{META}"))]
    if not found:
        raise InputError(f"{folder} holds no pairs; make them with recipes/enhancement.py --test")
    return found


def column(rows: list[dict[str, float | str]], name: str, **wanted: object) -> dict[str, float]:
    """Seed -> value of the rows that are as wanted, without those not defined."""
    chosen = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return {str(row["seed"]): float(row[name]) for row in chosen if np.isfinite(float(row[name]))}


def mean_of(values: Mapping[str, float], digits: int) -> str:
    """Mean and 95 % interval over people."""
    if len(values) < 2:
        return "–"
    found = np.array(list(values.values()))
    low, high = bootstrap(lambda index: float(found[index].mean()), np.array(list(values)))
    told = [f"{x:.{digits}f}".replace("-", "−") for x in (found.mean(), low, high)]
    return f"{told[0]} [{told[1]}, {told[2]}]"


def gain(rows: list[dict[str, float | str]], name: str, digits: int, **wanted: object) -> str:
    """After less before, of the same people."""
    before, after = (column(rows, name, when=when, **wanted) for when in ("before", "after"))
    return mean_of({seed: after[seed] - before[seed] for seed in before}, digits)


def page(
    rows: list[dict[str, float | str]], speeds: list[dict[str, float]], model: Model, size: int
) -> str:
    """README.md of the results."""
    known = {str(row["seed"]) for row in rows}
    lines = [
        f"# {model.card.name}",
        "",
        "Made by `python benchmarks/enhancement.py`; do not edit. How it was trained:",
        "[enhancement](../../docs/enhancement.md).",
        "",
        f"{len(known)} drawn heads that nothing was trained on, {FRAMES} pictures of 64 px at",
        "30 Hz each, at every level. Mean over people and 95 % interval by bootstrap over people.",
        "",
        "## Pictures and pulse",
        "",
        "r: correlation with the reference of what the mean colour of the skin shows (red less",
        "green, 0.7–4 Hz), of people with a pulse.",
        "",
        "| level | PSNR before, dB | after, less before | r before | r after | after less before |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for level in QUALITIES:
        if not column(rows, "psnr_db", level=level, when="before"):
            continue
        lines.append(
            f"| {level} | {mean_of(column(rows, 'psnr_db', level=level, when='before'), 1)} | "
            f"{gain(rows, 'psnr_db', 2, level=level)} | "
            f"{mean_of(column(rows, 'r', level=level, when='before'), 2)} | "
            f"{mean_of(column(rows, 'r', level=level, when='after'), 2)} | "
            f"{gain(rows, 'r', 3, level=level)} |"
        )
    lines += ["", "## People without a pulse", "", *dead_lines(rows)]
    return "\n".join([*lines, "", *speed_lines(speeds, size)]) + "\n"


def dead_lines(rows: list[dict[str, float | str]]) -> list[str]:
    """How much pulse is written onto those who have none."""
    lines = [
        "Spread of the same course in percent of the colour.",
        "",
        "| level | before | after | people with a pulse, after |",
        "|---|---:|---:|---:|",
    ]
    for level in QUALITIES:
        told = [
            mean_of(column(rows, "shown_percent", level=level, when=when, alive=alive), 2)
            for when, alive in (("before", 0), ("after", 0), ("after", 1))
        ]
        if column(rows, "shown_percent", level=level, when="before"):
            lines.append(f"| {level} | {' | '.join(told)} |")
    return lines


def speed_lines(speeds: list[dict[str, float]], size: int) -> list[str]:
    """The budget, and what was measured."""
    lines = [
        "## Size and speed",
        "",
        f"Budget: at most {BUDGET[0]:,} numbers, at least {BUDGET[1]:g} pictures a second on two "
        f"cores at 64 px. The file has {size / 1e6:.2f} MB.",
        "",
        "| threads | pictures a second | processor time for each, ms |",
        "|---:|---:|---:|",
    ]
    return lines + [
        f"| {one['threads']:g} | {one['frames_per_second']:.0f} | {one['cpu_ms_per_frame']:.2f} |"
        for one in speeds
    ]


def as_csv(columns: tuple[str, ...], rows: Iterable[Mapping[str, object]]) -> str:
    """A table as text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue()


def main(network: str, folder: str, out: str = str(RESULTS)) -> None:
    """Measure, and write what was found."""
    path, place = Path(network), Path(out)
    model = load(path)
    rows = [row for one in people_in(Path(folder)) for row in rows_of(model, one)]
    speeds = [speed(path, threads=threads) for threads in (1, 2)]
    write_atomically(place / "test.csv", as_csv(COLUMNS, rows))
    write_atomically(place / "speed.csv", as_csv(SPEEDS, speeds))
    text = page(rows, speeds, model, path.stat().st_size)
    write_atomically(place / "README.md", text)
    print(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
