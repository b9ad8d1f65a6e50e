"""What is explained: a trained network, and one clip of somebody for it.

Shape letters: T samples, R regions, H rows, W columns.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from camvitals.card import ModelCard
from camvitals.data.synthetic.traces import REGIONS
from camvitals.face.framing import framing_of
from camvitals.models.architecture import TRACES, Architecture
from camvitals.records import Array, InputError, Trace
from camvitals.train.cards import trained
from camvitals.train.checkpoint import CARD, load_tensors, load_weights
from camvitals.train.clips import Clip, MadeClips, MadeTraces, colours_at
from camvitals.train.made import STILL_HZ
from camvitals.train.objective import architecture_of

BACKGROUND = REGIONS[-1]


@dataclass(frozen=True, slots=True)
class Subject:
    """A network as it was trained.

    rate: of its samples [Hz].   length: samples of a clip.   regions: whose colours it takes, ()
    for pictures.   size: of its pictures [px].   crop: how the card says they are cut.
    """

    name: str
    module: nn.Module
    architecture: Architecture
    rate: float
    length: int
    regions: tuple[str, ...]
    size: tuple[int, int]
    crop: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Scene:
    """One clip. images: (T, H, W, 3) or (T, R, 3) colours, 0–255, at the network's rate.

    start: of the clip in its recording [s].   heart_rate: [bpm] where it is known, else NaN.
    """

    name: str
    images: Array
    start: float
    heart_rate: float


def subject_of(path: Path | str, *, own_code: bool = False, rate: float | None = None) -> Subject:
    """The network of a training's folder, or of a .safetensors file with its card.

    own_code: whether Python that a recipe names may be run.   rate: for weights whose card says
    none [Hz].   Raises InputError when something is missing or does not belong together.
    """
    place = Path(path)
    if place.name == "best.safetensors" and (place.parent / "recipe.json").is_file():
        place = place.parent
    return _of_training(place, own_code) if place.is_dir() else _of_weights(place, rate)


def _of_training(folder: Path, own_code: bool) -> Subject:
    module, recipe = trained(folder, own_code=own_code)
    architecture = architecture_of(recipe)
    weights = folder / "best.safetensors"
    card = ModelCard.load(weights.with_name(weights.name + CARD))
    regions = tuple(getattr(recipe.corpus, "regions", ()) or card.regions)
    return _subject(
        recipe.name, module, architecture, card, rate=recipe.clip.rate,
        length=recipe.clip.length, regions=regions,
    )  # fmt: skip


def _of_weights(path: Path, rate: float | None) -> Subject:
    from camvitals.models import model

    _, facts = load_tensors(path)
    name, beside = facts.get("model"), path.with_name(path.name + CARD)
    if not isinstance(name, str) or not beside.is_file():
        raise InputError(
            f"{path} does not say of which model it is, or has no card beside it; give the folder "
            "of a training, or what `camvitals weights import` wrote"
        )
    architecture, card = model(name), ModelCard.load(beside)
    size = card.size or (len(card.regions) or 1, 3)
    module = architecture.build(**{"size": size, **facts.get("options", {})})
    load_weights(module, path)
    rate = card.rate or rate
    if rate is None:
        raise InputError(f"the card of {path} says no rate; give it by --rate")
    length = card.length or architecture.length
    called = path.parent.name if path.stem == "best" else path.stem
    return _subject(
        called or path.stem, module.eval(), architecture, card, rate=rate, length=length,
        regions=card.regions,
    )  # fmt: skip


def _subject(
    name: str,
    module: nn.Module,
    architecture: Architecture,
    card: ModelCard,
    *,
    rate: float,
    length: int,
    regions: tuple[str, ...],
) -> Subject:
    colours = architecture.takes == TRACES
    usual = tuple(n for n in REGIONS if n != BACKGROUND or architecture.size[0] == len(REGIONS))
    size = card.size or architecture.size
    return Subject(
        name=name,
        module=module,
        architecture=architecture,
        rate=rate or STILL_HZ,
        length=length,
        regions=(tuple(regions) or usual) if colours else (),
        size=(int(size[0]), int(size[1])),
        crop=dict(card.crop) if isinstance(card.crop, Mapping) else {},
    )


def made(subject: Subject, *, person: int = 0) -> Scene:
    """A made person who is never trained on."""
    clip = Clip(max(2, subject.length), subject.rate)
    corpus: MadeTraces | MadeClips
    if subject.regions:
        corpus = MadeTraces(regions=subject.regions)
    else:
        corpus = MadeClips(size=max(subject.size))
    sample = corpus.open(clip, seed=0, held_out=True, count=person + 1).sample(person)
    images = sample.images[: subject.length]
    if not subject.regions:
        images = images[:, : subject.size[0], : subject.size[1]]
    return Scene(f"made person {person}", images, float(sample.time[0]), sample.heart_rate)


def read(subject: Subject, path: Path | str, *, start: float = 0.0) -> Scene:
    """A clip of a video file, or of a table of colours.

    A table (.csv) has the columns time_s and, for each region, REGION_r, REGION_g and REGION_b.
    start: where the clip begins, from the first sample [s].   Raises InputError when there are no
    such samples, or nobody is seen.
    """
    path = Path(path)
    if path.suffix.lower() == ".csv":
        trace = colour_table(path)
    elif subject.regions:
        trace = _seen(path)
    else:
        return Scene(path.name, _crops(subject, path, start), start, float("nan"))
    if not subject.regions:
        raise InputError(f"{subject.name} takes pictures; {path} has colours of regions alone")
    time = trace.time[0] + start + np.arange(subject.length) / subject.rate
    _check_long_enough(path, time[-1], trace.time[-1], subject)
    return Scene(path.name, colours_at(trace, time, subject.regions), start, float("nan"))


def _check_long_enough(path: Path, needed: float, there: float, subject: Subject) -> None:
    if needed > there + 1.5 / subject.rate:
        seconds = subject.length / subject.rate
        raise InputError(
            f"{path} ends before the clip; {subject.name} takes {seconds:.1f} s: use an earlier "
            "--start or a longer recording"
        )


def colour_table(path: Path) -> Trace:
    """The colours in a .csv file. Raises InputError for one that has other columns."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            head, *rows = csv.reader(file)
        table = np.array([[float(v) if v else np.nan for v in row] for row in rows])
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path} is no table of colours: {error}") from error
    names = tuple(n.removesuffix("_r") for n in head if n.endswith("_r"))
    wanted = ["time_s", *(f"{name}_{c}" for name in names for c in "rgb")]
    if not names or sorted(head) != sorted(wanted) or table.ndim != 2 or len(table) < 2:
        raise InputError(
            f"{path} needs the columns time_s and REGION_r, REGION_g, REGION_b of each region, and "
            f"rows, but has {', '.join(head)}"
        )
    rgb = table[:, [head.index(column) for column in wanted[1:]]].reshape(len(table), -1, 3)
    pixels = np.isfinite(rgb).all(-1).astype(np.float32)
    box = np.full((len(table), 4), np.nan, dtype=np.float32)
    return Trace(rgb.astype(np.float32), pixels, table[:, head.index("time_s")], names, box)


def _seen(path: Path) -> Trace:
    """The colours of the person seen longest."""
    from camvitals.face.collect import Collector
    from camvitals.video import open_video

    collector = Collector()
    with open_video(path) as video:
        for frame in video:
            collector.push(frame)
    traces = collector.traces()
    if not traces:
        raise InputError(f"nobody is seen in {path}; give another recording")
    return max(traces.values(), key=lambda trace: int((trace.pixels > 0).any(1).sum()))


class _Keeps:
    """A taker of crops that keeps them; see `face.takers.Taker`."""

    def __init__(self, subject: Subject) -> None:
        self.size, self.framing = max(subject.size), framing_of(subject.crop)
        self.images: list[Array] = []
        self.time: list[float] = []

    def take(self, image: Array, time: float) -> None:
        self.images.append(np.asarray(image).copy())
        self.time.append(time)

    def withdraw(self, after: float) -> None:
        keep = int(np.searchsorted(self.time, after, side="right"))
        del self.images[keep:], self.time[keep:]

    def pulse(self, time_T: Array) -> Array:
        return np.full(len(time_T), np.nan)


def _crops(subject: Subject, path: Path, start: float) -> Array:
    """(T, H, W, 3) crops of the person, each the nearest in time."""
    from camvitals.face.collect import Collector
    from camvitals.video import open_video

    kept: list[_Keeps] = []

    def keeps() -> _Keeps:
        kept.append(_Keeps(subject))
        return kept[-1]

    collector = Collector(takers={"crops": keeps})
    with open_video(path) as video:
        for frame in video:
            collector.push(frame)
    collector.traces()
    longest = max(kept, key=lambda one: len(one.time), default=None)
    if longest is None or len(longest.time) < 2:
        raise InputError(f"nobody is seen in {path}; give another recording")
    known = np.array(longest.time)
    time = known[0] + start + np.arange(subject.length) / subject.rate
    _check_long_enough(path, time[-1], known[-1], subject)
    nearest = np.abs(known[None] - time[:, None]).argmin(1)
    rows, columns = subject.size
    return np.stack([longest.images[k][:rows, :columns] for k in nearest])
