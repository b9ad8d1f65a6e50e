"""System A on made people, all of it: corpus, crops, trainings, scores, tables and plots.

    python benchmarks/ecg_video.py FOLDER [--out results/ecg_video] [--minutes 60]

Three networks, four schemes of labels, two losses, people apart; once more with seconds shuffled
whoever they are of; and the repaired recipes, for longer. A run that was stopped goes on. Sizes are
those of a machine without a GPU: see SMALL.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ecg_video_controls import CONTROLS, Controls, place_windows

from camvitals.data.cache import Cache
from camvitals.data.corpora import corpus as corpus_of
from camvitals.data.prepare import prepare
from camvitals.data.prepared import PrepareSettings
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.scenario import draw
from camvitals.evaluate.ecg import ecg_scores
from camvitals.models.inputs import prepared
from camvitals.records import Array, InputError
from camvitals.train.cached import pictures_of
from camvitals.train.cards import trained
from camvitals.train.clips import Clip
from camvitals.train.frame_labels import PEAKS, SCHEMES
from camvitals.train.labelled import LabelClips
from camvitals.train.loop import Machine, fit
from camvitals.train.named import load_named
from camvitals.train.objective import architecture_of
from camvitals.train.recipe import Recipe
from camvitals.vitals.ecg import r_peaks

RECIPES = Path(__file__).parents[1] / "recipes" / "ecg_video.py"
published = load_named(f"{RECIPES}:recipe_of", what="recipe")
repaired = load_named(f"{RECIPES}:repaired_of", what="recipe")
LAYOUT = "ecg-video"
KEPT = "predicted.npz"
PICTURES, RATE_HZ, WINDOW_S = 12, 12.0, 1.0  # as the recipes have them
SEED = 9_600_000  # of the first person; nobody else's
EASY = {"motion": "still", "light": "daylight", "codec": "h264", "crf": 12, "clock": "steady"}
MODELS = ("mobilenet-pair", "mobilenet-lstm", "i3d")
SIDES = (("participant", "mse"), ("participant", "mae"), ("window", "mse"))
TOGETHER = 32  # windows that are predicted at once


@dataclass(frozen=True, slots=True)
class Size:
    """How large all of it is; the recipes have the published size, and 50 epochs.

    steps: updates of a training as published.   long: of a repaired one.   looks: seconds that are
    held out and judged at the end of a training, for its curve; tables are of all of them.
    """

    subjects: int = 22
    seconds: float = 20.0
    picture: tuple[int, int] = (240, 180)
    pixels: int = 32
    batch: int = 8
    steps: int = 40
    long: int = 1500
    looks: int = 48


SMALL = Size()


@dataclass(frozen=True, slots=True)
class Case:
    """One training."""

    model: str
    scheme: str
    loss: str
    split: str
    steps: int
    repaired: bool = False

    @property
    def name(self) -> str:
        """For folders and tables."""
        how = "-repaired" if self.repaired else ""
        return f"{self.model}-{self.scheme}-{self.loss}-{self.split}-{self.steps}{how}"


def cases(size: Size) -> list[Case]:
    """All, the short ones first, so that a run that is cut leaves a whole table."""
    return [
        *(
            Case(model, scheme, loss, split, size.steps)
            for split, loss in SIDES
            for scheme in reversed(SCHEMES)
            for model in MODELS
        ),
        *longer(size),
    ]


def longer(size: Size) -> list[Case]:
    """The repaired ones, of the labels that show the beats best."""
    return [
        Case(model, scheme, "mse", "participant", size.long, repaired=True)
        for scheme in ("maximum", PEAKS)
        for model in ("i3d", "mobilenet-lstm", "mobilenet-pair")
    ]


def made_corpus(folder: Path, size: Size) -> Path:
    """The made people in the layout, drawn once."""
    if not folder.exists():
        scenarios = [
            draw(SEED + k, duration=size.seconds, rate=12.0, size=size.picture, **EASY)
            for k in range(size.subjects)
        ]
        write_corpus(folder, LAYOUTS[LAYOUT], scenarios)
    return folder


def made_cache(made: Path, folder: Path, size: Size) -> Path:
    """Crops of the left cheek with the ECG; what is there is not made again."""
    settings = PrepareSettings(size=size.pixels, box="left-cheek", extension=0.0, traces=False)
    for _, outcome in prepare(corpus_of(LAYOUT).read(made), folder, settings=settings, jobs=1):
        if isinstance(outcome, InputError):
            print(outcome)
    return folder / settings.hash


def recipe_of(case: Case, cache: Path, size: Size) -> Recipe:
    """The recipe at the size asked for."""
    made: Recipe
    if case.repaired:
        made = repaired(case.model, scheme=case.scheme)
    else:
        made = published(case.model, scheme=case.scheme, loss=case.loss, split=case.split)
    made = replace(made, corpus=replace(made.corpus, folder=str(cache)))
    return replace(
        made,
        epochs=1,
        steps=case.steps,
        batch=size.batch,
        evaluation=replace(made.evaluation, count=size.looks),
    )


def train_all(folder: Path, cache: Path, size: Size, *, stop: float) -> None:
    """Every training that is not there yet, until `stop` [s of the clock]."""
    for case in cases(size):
        place = folder / case.name
        if (place / KEPT).exists():
            continue
        if time.time() > stop:
            print(f"no time is left for {case.name} and what follows", flush=True)
            return
        begun, used = time.time(), time.process_time()
        fit(recipe_of(case, cache, size), place, machine=Machine(workers=0, threads=1))
        keep(place, predicted(place, Cache(cache)))
        # repaired networks are kept, to be exported and run
        for bulky in ("last.safetensors", *(() if case.repaired else ("best.safetensors",))):
            with suppress(FileNotFoundError):
                (place / bulky).unlink()
        spent = f"{time.time() - begun:.0f} s, {time.process_time() - used:.0f} s of a core"
        print(f"{time.strftime('%H:%M:%S')} {case.name}: {spent}", flush=True)


def keep(place: Path, found: dict[str, Array]) -> None:
    """Write what was predicted, whole or not at all."""
    part = place / ".part.npz"
    np.savez(part, **{key.replace("/", "|"): value for key, value in found.items()})
    part.replace(place / KEPT)


def kept(place: Path) -> dict[str, Array]:
    """What `keep` wrote."""
    with np.load(place / KEPT, allow_pickle=False) as stored:
        return {key.replace("|", "/"): stored[key] for key in stored}


def predicted(place: Path, cache: Cache) -> dict[str, Array]:
    """Recording -> (T,) what the network gives for each picture; NaN where none was held out."""
    module, recipe = trained(place, own_code=True)  # of this repository: recipes are ours
    architecture = architecture_of(recipe)
    assert isinstance(recipe.corpus, LabelClips)
    windows = recipe.corpus.windows(cache, recipe.clip, held_out=True)
    length, rate, extra = recipe.clip.length, recipe.clip.rate, architecture.extra
    out: dict[str, Array] = {}
    for at in range(0, len(windows), TOGETHER):
        some = windows[at : at + TOGETHER]
        # a pair at the end of a window takes the picture after it, as there is one
        images = np.stack(
            [pictures_of(cache, w, w.start + np.arange(length + extra) / rate) for w in some]
        )
        with torch.no_grad():
            given = prepared(
                torch.from_numpy(images), takes=architecture.takes, layout=architecture.layout
            )
            wave = architecture.wave(module(given), len(some)).numpy()
        place_windows(out, cache, some, wave, rate=rate)
    return out


def rows_of(folder: Path, cache: Cache, size: Size) -> Iterator[dict[str, Any]]:
    """A row of scores for each recording, of what is complete; controls beside."""
    controls = Controls(cache, Clip(PICTURES, RATE_HZ))
    for split, loss in SIDES:
        for scheme in SCHEMES:
            done = whole(folder, size, split, loss, scheme)
            case = Case(MODELS[0], scheme, loss, split, 1)
            labels = recipe_of(case, cache.folder, size).corpus
            assert isinstance(labels, LabelClips)
            for name in CONTROLS if loss == "mse" else ():
                found = controls.predicted(name, labels)
                yield from scored(found, cache, labels, model=name, loss="", steps=0)
            for model in MODELS if done else ():
                case = Case(model, scheme, loss, split, size.steps)
                yield from scored_case(case, folder, cache, size)
    for case in longer(size):
        if (folder / case.name / KEPT).exists():
            yield from scored_case(case, folder, cache, size)


def whole(folder: Path, size: Size, split: str, loss: str, scheme: str) -> bool:
    """Whether all networks are there of one part of the table."""
    names = [Case(model, scheme, loss, split, size.steps).name for model in MODELS]
    return all((folder / name / KEPT).exists() for name in names)


def scored_case(case: Case, folder: Path, cache: Cache, size: Size) -> Iterator[dict[str, Any]]:
    """A row for each recording of one training."""
    labels = recipe_of(case, cache.folder, size).corpus
    assert isinstance(labels, LabelClips)
    recipe = "repaired" if case.repaired else "published"
    told = {"model": case.model, "loss": case.loss, "steps": case.steps, "recipe": recipe}
    yield from scored(kept(folder / case.name), cache, labels, **told)


def scored(
    found: dict[str, Array], cache: Cache, labels: LabelClips, **told: Any
) -> Iterator[dict[str, Any]]:
    """A row for each recording."""
    rate = RATE_HZ
    for key, values in found.items():
        time_T, true = labels.labels(cache, key, rate=rate)
        beats = r_peaks(cache.references(key)["ecg"]).time - time_T[0]
        seen = np.isfinite(values)
        at = np.floor(beats * rate + 1e-6).astype(int)
        inside = (at >= 0) & (at < len(seen))
        beats = beats[inside][seen[at[inside]]]
        kind = PEAKS if labels.scheme == PEAKS else "trace"
        one = cache.recording(key)
        scores = ecg_scores(values, true, rate=rate, window=WINDOW_S, kind=kind, beats=beats)
        if labels.split == "window":  # single seconds are no recording
            scores = {name: scores[name] for name in IN_WINDOWS}
        yield {
            "split": labels.split,
            "scheme": labels.scheme,
            "subject": one.subject,
            "recording": one.name,
            **told,
            **scores,
        }


IN_WINDOWS = ("r", "r_joined", "r2", "r2_window", "mse", "mae", "zero_mse", "mean_mse", "windows")


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """All rows as CSV."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            values = (row.get(name, "") for name in columns)
            writer.writerow(f"{v:.5g}" if isinstance(v, float) else v for v in values)


def write_curves(folder: Path, path: Path, size: Size) -> None:
    """The curves of all trainings in one table."""
    lines: list[str] = []
    for case in cases(size):
        curve = folder / case.name / "curve.csv"
        if curve.exists():
            heading, *rest = curve.read_text("utf-8").splitlines()
            lines = lines or [f"training,{heading}"]
            lines += [f"{case.name},{line}" for line in rest]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None, *, size: Size = SMALL) -> None:
    """Do all that is not done, then write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("results/ecg_video"))
    parser.add_argument("--minutes", type=float, default=60.0)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    stop = time.time() + 60 * asked.minutes
    made = made_corpus(asked.folder / "corpus", size)
    print(time.strftime("%H:%M:%S"), "drawn", flush=True)
    cache = made_cache(made, asked.folder / "cache", size)
    print(time.strftime("%H:%M:%S"), "prepared", flush=True)
    train_all(asked.folder / "runs", cache, size, stop=stop)
    rows = list(rows_of(asked.folder / "runs", Cache(cache), size))
    asked.out.mkdir(parents=True, exist_ok=True)
    write_rows(asked.out / "scores.csv", rows)
    write_curves(asked.folder / "runs", asked.out / "curves.csv", size)
    from ecg_video_page import write_page

    write_page(asked.out, asked.folder / "runs", Cache(cache), rows, size)


if __name__ == "__main__":
    main()
