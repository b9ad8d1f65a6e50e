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

from camvitals.data.degrade import AXES
from camvitals.data.degrade_video import face_width
from camvitals.data.recording import Recording
from camvitals.data.synthetic.recordings import made_film
from camvitals.data.synthetic.scenario import draw
from camvitals.data.synthetic.scene import frames
from camvitals.evaluate.protocol import protocol
from camvitals.evaluate.render import markdown_table
from camvitals.evaluate.result import Result
from camvitals.evaluate.run import evaluate
from camvitals.evaluate.table import tables_of
from camvitals.parallel import run_jobs
from camvitals.video import Video, open_video

OUT = Path(__file__).resolve().parents[1] / "results" / "degradation"
SEED, PEOPLE, SECONDS, RATE = 6_200_000, 12, 20.0, 15.0
SIZE = (320, 432)  # so that faces have about 140 px, more than the largest level
LEVELS = (*AXES["face"], *AXES["crf"])
METHODS = ("auto", "pos", "chrom", "green")


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


def results(people: int, folder: Path, jobs: int | None) -> Iterator[tuple[str, Result]]:
    """The result by each of two protocols, after the first of which no picture is read again."""
    seeds = [(seed, folder) for seed in range(SEED, SEED + people)]
    films = dict(run_jobs(seeds, drawn, workers=jobs))
    takes = [films[k] for k in sorted(films)]
    widths = [face_width(take.pictures) for take in takes]
    print(f"faces of {min(widths):.0f} to {max(widths):.0f} px", flush=True)
    for name in ("ours", "heartratenet"):
        chosen = protocol(name, degrade=LEVELS)
        yield name, evaluate(takes, methods=METHODS, protocol=chosen, jobs=jobs, traces=folder)


def main() -> None:
    """Draw, degrade, measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("keep", type=Path)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--jobs", type=int, default=None)
    given = parser.parse_args()
    given.keep.mkdir(parents=True, exist_ok=True)
    OUT.mkdir(parents=True, exist_ok=True)
    for name, result in results(given.people, given.keep, given.jobs):
        result.save(given.keep / f"{name}.json")
        for one in result.skipped:
            print(f"skipped {one.recording}: {one.why}", flush=True)
        table = next(t for t in tables_of(result, "heart_rate") if t.key.endswith("degradation"))
        (given.keep / f"{name}.md").write_text(markdown_table(table), encoding="utf-8")
        print(markdown_table(table), flush=True)


if __name__ == "__main__":
    main()
