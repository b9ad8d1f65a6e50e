"""The committed leaderboard, results/: every method on made and on real recordings.

Run: python benchmarks/leaderboard.py. Options: names of boards (made, real_face, finger, oximetry;
all if none), --out FOLDER (results/), --keep FOLDER for the results as JSON and a page of each,
--few N recordings of each corpus (a trial: give --out too), --jobs N. Where the real recordings are
not there, their boards stay as they are. Only scores are written, nothing of the recordings.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import made
import numpy as np
import real

from camvitals.data.corpora import corpus
from camvitals.data.recording import Recording
from camvitals.data.synthetic.recordings import made_corpus
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.simulate import simulate
from camvitals.evaluate.leaderboard import Board, lines_of, page, to_csv
from camvitals.evaluate.page import to_page
from camvitals.evaluate.protocol import PROTOCOLS, Protocol, protocol
from camvitals.evaluate.run import evaluate
from camvitals.records import Wave
from camvitals.report.files import write_atomically
from camvitals.waves.auto import AUTO
from camvitals.waves.learned import shipped
from camvitals.waves.run import METHODS

RESULTS = Path(__file__).resolve().parents[1] / "results"
ENTRANTS = (AUTO, *shipped(), *METHODS)
VIDEO = {"h264": ".mp4", "vp9": ".webm", "mpeg4": ".mp4"}
PREFACE = """# Leaderboard

Made by `python benchmarks/leaderboard.py`; do not edit. How to read it:
[reading an evaluation](../docs/evaluation/reading.md).

Every method is scored through the functions of `measure`, as a person would get it: withheld where
it is not trusted, on the same windows for all. In brackets: 95 % intervals by bootstrap over
subjects. Floors need no camera. Rows are sorted by *charged MAE*: a withheld window counts as the
mean of the other subjects would have missed it, so neither silence nor guessing pays. A dash is no
answer; the reason is below the table."""
BOARDS = (
    Board(
        "made",
        "Made people",
        f"{made.COUNT} colour traces of 30 s (benchmarks/made.py) that no fit has seen: "
        "45–180 bpm, six skin tones, five motions and lights, three codecs; the truth is exact. "
        "Methods that need a grid of regions are scored on made-video, the same kind of people "
        "drawn as pictures, encoded and measured as files.",
    ),
    Board(
        "real_face",
        "Real faces",
        "face-trace: the mean skin colour of one face and a contact pulse (UBFC-rPPG format). "
        "face-video: a clip whose heart rate is documented by two users (MIT CSAIL); other clips "
        "have no reference. One subject each: there is no interval over subjects.",
    ),
    Board(
        "finger",
        "Fingertips on phones",
        "Welltory (Neshitov, 2021; CC0): whole recordings against a chest strap, whose offset in "
        "time is not known. Heart rate and its variability.",
    ),
    Board(
        "oximetry",
        "Fingertips while oxygen was lowered",
        "Hoffman et al. (2022): both hands of six people, 14–19 minutes; the reference is what "
        "pulse oximeters show, which average over several seconds.",
    ),
)
WHOLE: Mapping[str, Protocol] = {"finger": protocol("ours", window=None)}


def documented(rate_bpm: float) -> Mapping[str, Wave]:
    """A heart rate that does not change, once a second."""
    time_T = np.arange(-1.0, 3600.0)
    return {"heart_rate": Wave(np.full(len(time_T), rate_bpm), time_T, "heart_rate", "bpm")}


@contextmanager
def recordings(board: str, few: int | None) -> Iterator[list[Recording]]:
    """What a board is measured on; drawn videos are there only inside."""
    with tempfile.TemporaryDirectory() as folder:
        found = {"made": partial(of_made, Path(folder), few)}.get(board, partial(of_real, board))
        yield [take for part in found() for take in part[:few]]


def of_made(folder: Path, few: int | None) -> list[list[Recording]]:
    """Colour traces, and people drawn as video files."""
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(film, folder), list(made.filmed())[:few]))
    drawn = corpus("face-video").read(folder)
    return [
        list(made_corpus(made.alive())),
        [replace(take, corpus="made-video", attributes=_few_words(take)) for take in drawn],
    ]


def film(folder: Path, scenario: Scenario) -> None:
    """One made person as a video file with the truth beside it."""
    place = folder / str(scenario.seed)
    place.mkdir()
    simulate(place / f"clip{VIDEO[scenario.codec]}", scenario)


def _few_words(take: Recording) -> dict[str, str]:
    return {k: v for k, v in take.attributes.items() if k in ("tone", "light", "motion", "codec")}


def of_real(board: str) -> list[list[Recording]]:
    """Real recordings of which something is known."""
    if board != "real_face":
        name = {"finger": "finger-hrv"}.get(board, board)
        return [list(corpus(name).read(real.DATA / name))]
    videos = {take.files[0]: take for take in corpus("face-video").read(real.DATA / "face-video")}
    told = [
        replace(videos[real.DATA / name], references=partial(documented, rate))
        for name, rate in real.DOCUMENTED.items()
    ]
    return [list(corpus("face-trace").read(real.DATA / "face-trace")), told]


def make(board: Board, out: Path, keep: Path | None, few: int | None, jobs: int | None) -> None:
    """Score one board and write its file."""
    began = time.monotonic()
    chosen = WHOLE.get(board.name, PROTOCOLS["ours"])
    with recordings(board.name, few) as takes:
        result = evaluate(takes, methods=ENTRANTS, protocol=chosen, jobs=jobs, waves=True)
        if keep is not None:
            result.save(keep / f"{board.name}.json")
            write_atomically(keep / f"{board.name}.html", to_page(result, recordings=takes))
    write_atomically(out / f"{board.name}.csv", to_csv(lines_of(result)))
    for one in result.skipped:
        print(f"skipped {one.corpus} {one.recording}: {one.why}")
    print(f"{board.name}: {len(result)} rows in {time.monotonic() - began:.0f} s")


def main() -> None:
    """Make the boards that are asked for, then the page of all."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("boards", nargs="*", metavar="BOARD")
    ask.add_argument("--out", type=Path, default=RESULTS)
    ask.add_argument("--keep", type=Path)
    ask.add_argument("--few", type=int)
    ask.add_argument("--jobs", type=int)
    given = ask.parse_args()
    for folder in (given.out, given.keep):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for board in BOARDS:
        if given.boards and board.name not in given.boards:
            continue
        if board.name != "made" and not real.DATA.is_dir():
            print(f"{board.name}: no recordings at {real.DATA}; its board stays as it is")
            continue
        make(board, given.out, given.keep, given.few, given.jobs)
    if all((given.out / f"{board.name}.csv").is_file() for board in BOARDS):
        write_atomically(given.out / "README.md", page(BOARDS, given.out, preface=PREFACE))


if __name__ == "__main__":
    main()
