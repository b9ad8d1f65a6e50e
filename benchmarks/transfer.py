"""Heart rate by transfer (system C) on made people, or on a prepared corpus: results/transfer.

    python benchmarks/transfer.py KEEP [--weights FILE|hub] [--cache FOLDER]

What takes long is kept in the folder KEEP, so that a second run goes on; the page is written at the
end of each. Without --weights the trunk is random. --cache: of `camvitals data prepare amigos`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import transfer_page as page

from camvitals.data.cache import Cache
from camvitals.data.synthetic.traces import made_trace
from camvitals.pipeline import Settings, measure_trace
from camvitals.records import Array, Source
from camvitals.train.pretrained import pretrained
from camvitals.train.transfer import learn, splits
from camvitals.train.transfer.made import FRAMES_HZ, Cast, at_rate, drawn, made_samples
from camvitals.train.transfer.recipe import Transfer
from camvitals.train.transfer.samples import Samples, samples_of_cache
from camvitals.train.transfer.splits import Split

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "recipes"))
import heart_rate_by_transfer as recipes

FRAMES, LENGTH, EVERY = 2, 48, 3  # pictures of a film; pictures of a clip, every third of 25 Hz
CLIP_PX, FRAME_PX, FEATURES = 33, 65, 2208
CLIP_FILMS, CLIP_PULSE = 4, 3.0
LADDER = (
    recipes.still,
    recipes.longer,
    recipes.standardised,
    recipes.relabelled,
    recipes.repaired,
)
OTHERS = (recipes.classes, recipes.bins)
IN_TURN = (recipes.still, recipes.repaired, *OTHERS)
OVER_FRAMES = (recipes.recurrent, recipes.attention)
RATES_BPM = (55.0, 75.0, 95.0, 115.0)
MEASURED = ("auto", "pos", "green")
AROUND_S = 10.0  # of a trace on both sides of what is asked for


@dataclass(frozen=True)
class Protocol:
    """name: for files.   rows: samples -> (to learn from, to test).   groups: kept apart."""

    name: str
    rows: Callable[[Samples], tuple[Array, Array]]
    groups: str


@dataclass
class Bench:
    """What all stages share."""

    keep: Path
    cast: Cast
    weights: str | None
    cache: str | None

    def made(self, name: str, make: Callable[[], Samples]) -> Samples:
        """Samples, made once."""
        path = self.keep / f"{name}.npz"
        if not path.exists():
            began = time.process_time()
            make().save(path)
            say(f"{name}: {time.process_time() - began:.0f} s")
        return Samples.load(path)

    def frames(self) -> Samples:
        """Single pictures."""
        if self.cache:
            cache = Cache(self.cache)
            return self.made(
                "frames", lambda: samples_of_cache(cache, rate=FRAMES_HZ, count=FRAMES)
            )
        return self.made("frames", lambda: made_samples(self.cast, count=FRAMES))

    def clips(self) -> Samples:
        """Clips."""
        if self.cache:
            cache = Cache(self.cache)
            return self.made(
                "clips",
                lambda: samples_of_cache(
                    cache, rate=FRAMES_HZ, count=1, length=LENGTH, every=EVERY
                ),
            )
        films = min(self.cast.films, CLIP_FILMS)
        cast = replace(self.cast, films=films, size=96, crop=CLIP_PX, still=True, pulse=CLIP_PULSE)
        return self.made("clips", lambda: made_samples(cast, count=1, length=LENGTH, every=EVERY))

    def network(self, recipe: Transfer, size: int) -> learn.DenseNetRate:
        """Before it has learnt."""
        source = None if self.weights == "hub" else self.weights
        tensors = pretrained(recipe.model, source) if self.weights else None
        return learn.network_of(recipe, size=size, weights=tensors)

    def features(self, name: str, samples: Samples, colours: str) -> torch.Tensor:
        """Of the trunk that stands still, computed once."""
        path = self.keep / f"features.{name}.{colours}.npy"
        if not path.exists():
            began = time.process_time()
            network = self.network(recipes.repaired(), samples.images.shape[2] - 1)
            found = learn.features_of(network, samples, colours=colours)
            np.save(path, found.numpy())
            say(f"features of {name}, {colours}: {time.process_time() - began:.0f} s")
        return torch.from_numpy(np.load(path))


def say(text: str) -> None:
    """One line of the log."""
    print(time.strftime("%H:%M:%S"), text, flush=True)


def protocols(person: Array) -> Iterator[Protocol]:
    """Unseen people as in the source; all in turn; unseen videos, drawn and first."""
    yield Protocol("people", lambda s: splits.unseen_people(s.person), "person")
    yield Protocol("videos-random", lambda s: splits.unseen_videos(s.person, s.video), "video")
    yield Protocol(
        "videos-first", lambda s: splits.unseen_videos(s.person, s.video, seed=None), "video"
    )
    for fold in splits.lots(person):
        yield Protocol(
            f"turn-{fold}",
            lambda s, fold=fold: splits.unseen_people(s.person, fold=fold),
            "person",
        )


def split_of(recipe: Transfer, protocol: Protocol, samples: Samples) -> Split:
    """What the recipe chooses by is taken from what it may learn from."""
    train, test = protocol.rows(samples)
    label = getattr(samples, recipe.labels)
    train = train[np.isfinite(label[train])]
    if recipe.choose_by == "groups":
        group = samples.person if protocol.groups == "person" else samples.video
        return Split(*splits.by_group(train, group), test)
    return Split(*splits.by_frame(train), test)


def by_head(bench: Bench, made: Callable[[], Transfer], protocol: Protocol) -> None:
    """One recipe behind a trunk that stands still."""
    recipe = made()
    path = bench.keep / f"{protocol.name}.{made.__name__}.npz"
    if path.exists():
        return
    clips = recipe.length > 1
    name, samples = ("clips", bench.clips()) if clips else ("frames", bench.frames())
    features = bench.features(name, samples, recipe.colours)
    split, began = split_of(recipe, protocol, samples), time.process_time()
    learnt = learn.learn(recipe, features, getattr(samples, recipe.labels), split)
    told = learn.estimates(learnt, features[torch.from_numpy(split.test)])
    kept(path, samples, split, told, learnt, time.process_time() - began)
    if protocol.name == head_from(recipe):
        torch.save(learnt.head.state_dict(), bench.keep / f"head.{made.__name__}.pth")


def head_from(recipe: Transfer) -> str:
    """The protocol whose head is asked about the same faces.

    Single pictures: those who learnt from other films of them, and so have something to say.
    """
    return "people" if recipe.length > 1 else "videos-random"


def drifting(bench: Bench, protocol: Protocol) -> None:
    """The recipe as published."""
    path = bench.keep / f"{protocol.name}.published.npz"
    if path.exists():
        return
    recipe, samples = recipes.published(), bench.frames()
    split, began = split_of(recipe, protocol, samples), time.process_time()
    network = bench.network(recipe, samples.images.shape[2] - 1)

    def tell(epoch: int, loss: float, found: float) -> None:
        say(f"published, {protocol.name}, epoch {epoch}: loss {loss:.1f}, validation {found:.2f}")

    learnt = learn.learn_drifting(recipe, network, samples, split, tell=tell)
    told = learn.estimates_drifted(learnt, samples.at(split.test))
    kept(path, samples, split, told, learnt, time.process_time() - began)


def kept(
    path: Path, samples: Samples, split: Split, told: Array, learnt: learn.Learnt, seconds: float
) -> None:
    """Estimates of the test rows, with what is true."""
    test = samples.at(split.test)
    np.savez(
        path,
        person=test.person,
        video=test.video,
        estimate=told,
        clean=test.clean,
        published=test.published,
        train=getattr(samples, learnt.recipe.labels)[split.train],
        train_person=samples.person[split.train],
        validation=learnt.validation,
        epoch=learnt.epoch,
        seconds=seconds,
    )
    error = np.sqrt(np.nanmean((told - test.clean) ** 2))
    say(f"{path.stem}: RMSE {error:.2f}, epoch {learnt.epoch}, {seconds:.0f} s")


def measured(bench: Bench, protocol: Protocol, method: str) -> None:
    """What the functions of `measure` say of colour traces of the same films."""
    path = bench.keep / f"{protocol.name}.{method}.npz"
    if path.exists() or bench.cache:
        return
    clips, began = bench.clips(), time.process_time()
    test = clips.at(protocol.rows(clips)[1])
    told = np.full(len(test), np.nan)
    for k, (video, middle) in enumerate(zip(test.video, test.time.mean(axis=1), strict=True)):
        person, film = video[1:].split("/")
        scenario = bench.cast.scenario(int(person), int(film))
        told[k] = heart_rate(scenario, method, float(middle))
    np.savez(
        path,
        person=test.person,
        video=test.video,
        estimate=told,
        clean=test.clean,
        published=test.published,
        seconds=time.process_time() - began,
    )
    say(f"{path.stem}: RMSE {np.sqrt(np.nanmean((told - test.clean) ** 2)):.2f}")


def heart_rate(scenario: object, method: str, middle: float) -> float:
    """Of the 20 s around [bpm], NaN where withheld."""
    trace, _ = made_trace(scenario)
    start = min(max(middle - AROUND_S, 0.0), float(trace.time[-1]) - 2 * AROUND_S)
    part = trace.between(start, start + 2 * AROUND_S)
    report = measure_trace(part, source=Source("made"), settings=Settings(method))
    value = report.readings[0].value
    return float("nan") if value is None else float(value)


def same_faces(bench: Bench) -> None:
    """The people who were tested, each with four heart rates in the same light and room.

    Their own films were learnt from by what sees single pictures, and not by what sees more.
    """
    path = bench.keep / "same_faces.npz"
    if path.exists() or bench.cache:
        return
    people = range(max(1, bench.cast.people - 4), bench.cast.people + 1)
    ones = [(p, rate) for p in people for rate in RATES_BPM]
    found: dict[str, list[Array]] = {}
    for person, rate in ones:
        scenario = at_rate(bench.cast.scenario(person, 1), rate)
        for name, value in told_of(bench, scenario).items():
            found.setdefault(name, []).append(value)
    arrays = {name: np.array(values) for name, values in found.items()}
    np.savez(path, person=[p for p, _ in ones], rate=[r for _, r in ones], **arrays)
    say("same faces")


def told_of(bench: Bench, scenario: object) -> dict[str, Array]:
    """What each single-frame model says of four pictures, and each other one of the recording."""
    cast = bench.cast
    moments = np.array([10.0, 20.0, 30.0, 40.0])
    single = drawn(scenario, moments, crop=cast.crop)[:, None]
    clip_time = 25.0 + EVERY / FRAMES_HZ * np.arange(LENGTH)
    small = replace(scenario, size=(96, 96), motion="still", pulse=CLIP_PULSE)
    clip = drawn(small, clip_time, crop=CLIP_PX)[None]
    out = {}
    seen: dict[tuple[int, str], torch.Tensor] = {}
    for made in (*LADDER, *OTHERS, *OVER_FRAMES):
        recipe = made()
        if not (bench.keep / f"head.{made.__name__}.pth").exists():
            continue
        images = clip if recipe.length > 1 else single
        kind = images.shape[2] - 1, recipe.colours
        if kind not in seen:
            blank = np.zeros(len(images))
            names = np.full(len(images), "")
            samples = Samples(images, np.zeros(images.shape[:2]), names, names, blank, blank)
            seen[kind] = learn.features_of(_trunk(bench, kind[0]), samples, colours=kind[1])
        learnt = learn.Learnt(recipe, head_of(bench, made), None, 0, 0.0)
        told = learn.estimates(learnt, seen[kind])
        out[made.__name__] = np.array([told.mean(), told.std()])
    out["auto"] = np.array([heart_rate(scenario, "auto", 30.0), 0.0])
    return out


_TRUNKS: dict[int, learn.DenseNetRate] = {}


def _trunk(bench: Bench, size: int) -> learn.DenseNetRate:
    if size not in _TRUNKS:
        _TRUNKS[size] = bench.network(recipes.repaired(), size)
    return _TRUNKS[size]


def head_of(bench: Bench, made: Callable[[], Transfer]) -> torch.nn.Module:
    """The head that was trained in the protocol of `head_from`."""
    recipe = made()
    head = learn.HEADS[learn.head_name(recipe)](FEATURES)
    path = bench.keep / f"head.{made.__name__}.pth"
    head.load_state_dict(torch.load(path, weights_only=True))
    return head


def main(arguments: list[str] | None = None) -> None:
    """Every stage that is not kept yet, and then the page."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("keep", type=Path)
    ask.add_argument("--weights")
    ask.add_argument("--cache")
    ask.add_argument("--people", type=int, default=40)
    ask.add_argument("--films", type=int, default=16)
    ask.add_argument("--out", type=Path, default=page.RESULTS)
    given = ask.parse_args(arguments)
    torch.set_num_threads(1)
    given.keep.mkdir(parents=True, exist_ok=True)
    cast = Cast(people=given.people, films=given.films, crop=FRAME_PX)
    bench = Bench(given.keep, cast, given.weights, given.cache)
    frames = bench.frames()
    run(bench, list(protocols(frames.person)))
    page.write(given.keep, given.out, weights=given.weights, cast=cast)


def run(bench: Bench, known: list[Protocol]) -> None:
    """What matters most comes first; what is kept takes no time."""
    people, drawn_videos, first_videos, *turns = known
    for protocol in known[:3]:
        for made in (*LADDER, *OTHERS):
            by_head(bench, made, protocol)
    drifting(bench, people)
    for made in OVER_FRAMES:
        by_head(bench, made, people)
    measured(bench, people, "auto")
    same_faces(bench)
    over_frames(bench, people)
    drifting(bench, drawn_videos)
    for protocol in turns:
        for made in IN_TURN:
            by_head(bench, made, protocol)
    over_frames(bench, drawn_videos)
    drifting(bench, first_videos)
    over_frames(bench, first_videos)


def over_frames(bench: Bench, protocol: Protocol) -> None:
    """What sees more than one picture."""
    for made in OVER_FRAMES:
        by_head(bench, made, protocol)
    for method in MEASURED:
        measured(bench, protocol, method)


if __name__ == "__main__":
    main()
