"""What fewer pixels and compression cost each method, on made people: results/degradation.

    nice python benchmarks/degradation.py KEEP [--people N] [--jobs N]

Films are drawn, made worse at ten levels, and measured by `camvitals.evaluate`. Films and the
colours found in them are kept in the folder KEEP (130 MB a person), so that a second run goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.degrade import AS_IS, AXES
from camvitals.data.degrade_video import face_width
from camvitals.data.recording import Recording
from camvitals.data.synthetic.recordings import made_film
from camvitals.data.synthetic.scenario import draw
from camvitals.data.synthetic.scene import frames
from camvitals.evaluate.protocol import protocol
from camvitals.evaluate.render import markdown_table, text_of
from camvitals.evaluate.result import Result
from camvitals.evaluate.run import evaluate
from camvitals.evaluate.table import tables_of
from camvitals.parallel import run_jobs
from camvitals.video import Video, open_video

OUT = Path(__file__).resolve().parents[1] / "results" / "degradation"
SEED, PEOPLE, SECONDS, RATE = 6_200_000, 12, 20.0, 15.0
SIZE = (320, 432)
LEVELS = (*AXES["face"], *AXES["crf"])
METHODS = ("auto", "pos", "chrom", "green")
TOLD = {
    "ours": "As a person gets it: readings that are withheld when they are not trusted",
    "heartratenet": "As papers have it: the highest peak of the wave, always answered",
}


def film(seed: int, folder: Path) -> Recording:
    """One made person, drawn once and then read from the folder."""
    scenario = draw(seed, duration=SECONDS, rate=RATE, size=SIZE)
    path = folder / f"{seed}.rgb"
    clock = path.with_suffix(".npy")
    if not clock.is_file():  # the pictures are whole when their times are there
        times = []
        with path.open("wb") as file:
            for image, time in frames(scenario):
                file.write(image.tobytes())
                times.append(time)
        np.save(clock, times)
    return replace(made_film(scenario), pictures=partial(opened, path), files=(path, clock))


def opened(path: Path) -> Video:
    """The pictures of a film that is kept."""
    clock = np.load(path.with_suffix(".npy"))
    shape = (len(clock), SIZE[1], SIZE[0], 3)
    return open_video(np.memmap(path, np.uint8, "r", shape=shape), time=clock)


def drawn(job: tuple[int, Path], note: object) -> Recording:
    """`film` as a job."""
    del note
    return film(*job)


def films(people: int, keep: Path, jobs: int | None) -> list[Recording]:
    """The films of so many people, drawn on all cores."""
    seeds = [(seed, keep) for seed in range(SEED, SEED + people)]
    found = dict(run_jobs(seeds, drawn, workers=jobs))
    return [take for _, take in sorted(found.items()) if isinstance(take, Recording)]


def results(takes: list[Recording], keep: Path, jobs: int | None) -> Iterator[Result]:
    """The result by each protocol of TOLD; by the second no picture is read again."""
    for name in TOLD:
        chosen = protocol(name, degrade=LEVELS)
        path = keep / f"{name}-{len(takes)}-{chosen.hash[:12]}.json"
        if not path.is_file():
            found = evaluate(takes, methods=METHODS, protocol=chosen, jobs=jobs, traces=keep)
            for one in found.skipped:
                print(f"skipped {one.recording}: {one.why}", flush=True)
            found.save(path)
        yield Result.load(path)


def section(result: Result) -> Iterator[str]:
    """A heading, the table by degradation, and the floor beside it."""
    yield f"## {TOLD[result.protocol.name]}"
    yield result.protocol.text
    tables = {table.key: table for table in tables_of(result, "heart_rate")}
    yield markdown_table(tables["heart_rate.degradation"], level=3)
    agreement = tables["heart_rate.agreement"]
    at = [column.key for column in agreement.columns].index("mae")
    for row in agreement.rows:
        if row.floor and row.name.startswith("mean"):
            yield (
                f"Floor, the mean rate of the other people: MAE "
                f"{text_of(row.cells[at], agreement.columns[at])} bpm at every level."
            )


def page(parts: list[Result], widths: list[float]) -> str:
    """The whole page."""
    people = len(parts[0].names("subject"))
    windows = len(parts[0].of(method=METHODS[0], **{"stratum.degradation": AS_IS}))
    head = f"""# Degraded video, on made people

Made by `python benchmarks/degradation.py KEEP`; do not edit. What the levels are:
[the page](../../docs/evaluation/degradation.md).

{people} made people whom no model was fitted on, of all tones, lights and motions: films of
{SECONDS:g} s at {RATE:g} Hz and {SIZE[0]}×{SIZE[1]}, {windows} windows of 10 s. *As is*: as the
camera takes it, without a codec. Faces have {min(widths):.0f} to {max(widths):.0f} px. In brackets:
95 % intervals, people drawn again; differences are paired."""
    return "\n\n".join([head, *(text for part in parts for text in section(part))]) + "\n"


def main() -> None:
    """Draw, degrade, measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("keep", type=Path)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--jobs", type=int, default=None)
    given = parser.parse_args()
    given.keep.mkdir(parents=True, exist_ok=True)
    OUT.mkdir(parents=True, exist_ok=True)
    takes = films(given.people, given.keep, given.jobs)
    widths = [face_width(take.pictures) for take in takes if take.pictures]
    parts = list(results(takes, given.keep, given.jobs))
    (OUT / "README.md").write_text(page(parts, widths), encoding="utf-8")


if __name__ == "__main__":
    main()
