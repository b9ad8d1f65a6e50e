"""How many clips a second a training learns from, and how long it waits for them.

Run: python benchmarks/training.py [RECIPE …] [--steps 60] [--workers N]. Each recipe has a fresh
process with the loop's own settings for this machine. Beside it stand two floors of the same run:
the network taking the same batch again and again, which never waits, and the processes that make
clips with nobody who learns from them. People for the caches are drawn once and kept, prepared, in
benchmarks/clips/prepared.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from camvitals.records import InputError
from camvitals.train.cached import CacheClips
from camvitals.train.clips import Clip
from camvitals.train.recipe import Evaluation, Model, Recipe, Term, load_recipe

MADE = Path(__file__).parents[1] / "recipes" / "made_people.py"
PREPARED = Path(__file__).parent / "clips" / "prepared"
PEOPLE, SECONDS, RATE_HZ = 4, 20.0, 30.0
STEPS = 60
AIM = 0.10


def cached(model: str, size: int) -> Recipe:
    """Pictures of drawn people from a cache, as rPPG-Toolbox trains on 180 at a time."""
    return Recipe(
        name=f"{model}-cache",
        model=Model(name=model, options={}),
        corpus=CacheClips(folder=str(PREPARED / str(size)), hop=1.0),
        clip=Clip(180, RATE_HZ),
        loss=(Term(name="mse"),),
        evaluation=Evaluation(count=0),
        steps=STEPS,
        batch=4,
    )


RECIPES: dict[str, Callable[[], Recipe]] = {
    "tracenet, made colours": lambda: load_recipe(f"{MADE}:traces"),
    "tscan, made pictures of 36 px": lambda: load_recipe(f"{MADE}:pictures"),
    "deepphys, cache of 36 px": lambda: cached("deepphys", 36),
    "tscan, cache of 72 px": lambda: cached("tscan", 72),
    "heartratenet, cache of 72 px": lambda: cached("heartratenet", 72),
}


def prepare_people(size: int) -> None:
    """Draw PEOPLE and prepare them as crops of so many pixels, unless that was done before."""
    from camvitals.data.corpora import corpus
    from camvitals.data.prepare import prepare
    from camvitals.data.prepared import PrepareSettings
    from camvitals.data.synthetic.corpus import simulate_corpus

    folder, settings = PREPARED / str(size), PrepareSettings(size=size)
    if len(list(folder.glob("*/heartratenet/[!.]*/meta.json"))) == PEOPLE:
        return
    with tempfile.TemporaryDirectory(prefix="camvitals-") as raw:
        calm = {"motion": "still", "light": "daylight", "clock": "steady"}
        simulate_corpus(raw, subjects=PEOPLE, duration=SECONDS, rate=RATE_HZ, seed=3, **calm)
        takes = corpus("heartratenet").read(raw)
        for _, outcome in prepare(takes, folder, settings=settings):
            if isinstance(outcome, InputError):
                raise outcome


# --- in a process of its own ----------------------------------------------------------------------


class Same:
    """A stream that gives one batch again and again, and never lets wait."""

    waited = 0.0

    def __init__(self, batch: Any) -> None:
        self.batch = batch

    def next(self) -> Any:
        """The batch."""
        return self.batch

    def close(self) -> None:
        """Nothing is open."""


def train(name: str, steps: int, workers: int | None) -> dict[str, float]:
    """Clips a second of a training, the share of it that waited, and both floors."""
    import torch
    from lightning_fabric import Fabric

    from camvitals.train.loop import Machine, fit
    from camvitals.train.run import Run
    from camvitals.train.stream import Share, Stream

    machine = Machine(workers=workers)
    recipe = replace(RECIPES[name](), epochs=1, steps=steps, evaluation=Evaluation(count=0))
    with tempfile.TemporaryDirectory(prefix="camvitals-") as folder:
        found = fit(recipe, Path(folder) / "run", machine=machine)
        torch.set_num_threads(machine.own_threads)
        run = Run(Fabric(accelerator="cpu"), recipe, Path(folder), workers=0)
        run.begin()
        assert run.stream is not None
        run.stream = Same(run.stream.next())  # type: ignore[assignment]
        run.update()
        begin = time.perf_counter()
        for _ in range(steps):
            run.update()
        alone = steps * recipe.batch / (time.perf_counter() - begin)
        stream = Stream(
            run.clips, share=Share(recipe.batch), first=0, last=steps, workers=machine.makers
        )
        stream.next()
        begin = time.perf_counter()
        for _ in range(steps - 1):
            stream.next()
        made = (steps - 1) * recipe.batch / (time.perf_counter() - begin)
        stream.close()
    return {
        "clips_per_second": found.clips_per_second,
        "waiting": found.waiting,
        "network_alone": alone,
        "clips_alone": made,
        "workers": machine.makers,
        "threads": machine.own_threads,
        "batch": recipe.batch,
        "frames": recipe.clip.length,
    }


# --- the parent -----------------------------------------------------------------------------------


def fresh(name: str, steps: int, workers: int | None) -> dict[str, float]:
    """`train` in a process of its own."""
    code = [sys.executable, __file__, "--task", json.dumps([name, steps, workers])]
    ran = subprocess.run(code, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help="; ".join(RECIPES))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--workers", type=int, help="processes that make clips")
    asked = parser.parse_args(words)
    names = asked.recipes or list(RECIPES)
    if odd := set(names) - set(RECIPES):
        raise InputError(f"no recipe {sorted(odd)[0]!r}; choose of {'; '.join(RECIPES)}")
    for size in (36, 72):
        if any(f"cache of {size}" in name for name in names):
            prepare_people(size)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {asked.steps} steps each\n")
    head = ("recipe", "clips", "workers + threads", "clips/s", f"waiting (aim < {AIM:.0%})")
    head = (*head, "network alone", "ratio", "making clips alone")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for name in names:
        found = fresh(name, asked.steps, asked.workers)
        cells = (
            name,
            f"{found['batch']:.0f} × {found['frames']:.0f}",
            f"{found['workers']:.0f} + {found['threads']:.0f}",
            f"{found['clips_per_second']:.1f}",
            f"{found['waiting']:.1%}",
            f"{found['network_alone']:.1f}",
            f"{found['clips_per_second'] / found['network_alone']:.2f}",
            f"{found['clips_alone']:.1f}",
        )
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        print(json.dumps(train(*json.loads(sys.argv[2]))))
    else:
        try:
            main()
        except InputError as error:
            sys.exit(str(error))
