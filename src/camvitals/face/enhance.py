"""Colours of a face as an enhancer shows them: a network that makes better pictures of its crops.

Crops go through the network in blocks that overlap, and fade into each other where they do; the
regions are laid on what comes out, in the coordinates of the crop, which goes along with the face.
Of one person no more than two blocks of crops are in memory.

Shape letters: T crops of a block, N rows and columns of a crop, R regions.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from camvitals.card import ModelCard
from camvitals.dsp.clean import GAP_S
from camvitals.face.area import area_colours
from camvitals.face.average import FEWEST, Blend, skin_regions
from camvitals.face.crop import Square
from camvitals.face.framing import Framing, framing_of
from camvitals.face.record import Record
from camvitals.face.regions import NAMES, box_shares, region_shares
from camvitals.face.track import CALM_S, DRAWN, FADE_S, STALE_S, Track
from camvitals.records import Array, Frame, InputError, Trace
from camvitals.runtime import Network, load

BLOCK_S = 3.0  # given at once to a network that takes any number of crops
LEAST, MOST = 8, 512  # crops of a block
SHARED = 4  # one of so many crops of a block is the next one's too
APART = 1.5  # by which the rate of the crops may differ from that of the card
LEAST_PX = 4 * FEWEST  # pixels of the recording that a region needs: nodes are 2 px wide or more
WHOLE = ("tracked", "first", "aligned")  # boxes that hold the whole face
MODELS = Path(__file__).with_name("models")
SUFFIX = ".onnx"


@dataclass(frozen=True, slots=True)
class Enhancer:
    """A network that was found fit to enhance crops of a face.

    length: crops that it is given at once.   Raises InputError when its card does not say what is
    needed, or says other than the network.
    """

    network: Network
    length: int = field(init=False)

    def __post_init__(self) -> None:
        _check_card(self.card)
        object.__setattr__(self, "length", _length(self.network))

    @property
    def card(self) -> ModelCard:
        """The network's card."""
        return self.network.card

    @property
    def size(self) -> int:
        """Rows and columns of the crops [px]."""
        return self.card.size[0] if self.card.size else 0

    @property
    def version(self) -> str:
        """What the report says of it."""
        return f"{self.card.version} (sha256 {self.card.sha256[:12]})"

    @property
    def fingerprint(self) -> str:
        """Its name, and digests of its weights and of all that its card says of feeding them."""
        card = hashlib.sha256(self.card.text().encode()).hexdigest()
        return f"{self.told}, card {card[:12]}"

    @property
    def told(self) -> str:
        """Its name and version."""
        return f"{self.card.name} {self.version}"

    def __call__(self, images: Array) -> Array:
        """(T, N, N, 3) float32 RGB, 0–255, of at most `length` crops made better.

        Fewer are continued by their mirror image in time.
        """
        count = len(images)
        given = images[_mirrored(count, self.length)]
        (name,) = self.network.inputs
        found = self.network({name: given[None]})[next(iter(self.card.outputs))]
        if found.shape != (1, *given.shape):
            raise InputError(
                f"{self.card.name} made {list(found.shape)} of {[1, *given.shape]}; an enhancer "
                "gives pictures like those it takes: export it anew"
            )
        return np.clip(found[0, :count], 0, 255)

    def check_rate(self, time_T: Array) -> None:
        """Raise InputError where crops come at a rate that the network does not know."""
        if len(time_T) < LEAST or self.card.rate is None:
            return
        rate = 1 / float(np.median(np.diff(time_T)))
        if not self.card.rate / APART <= rate * 1.001 or not rate <= self.card.rate * APART * 1.001:
            raise InputError(
                f"{self.card.name} enhances {self.card.rate:g} pictures a second (within a factor "
                f"of {APART:g}) but these come at {rate:.1f}; measure without it"
            )


def _mirrored(count: int, length: int) -> Array:
    """(length,) indices of count crops, forth and back where they are too few."""
    period = max(1, 2 * (count - 1))
    at = np.arange(max(length, count)) % period
    return np.minimum(at, period - at) if count > 1 else np.zeros(max(length, 1), dtype=int)


def shipped() -> tuple[str, ...]:
    """Names of the enhancers that come with the package."""
    return tuple(sorted(path.stem for path in MODELS.glob(f"enhancer-*{SUFFIX}")))


def enhancer(name: str | os.PathLike[str]) -> Enhancer:
    """The enhancer of this name, or in an ONNX file with its card beside it.

    It is read once as long as it is the same.
    Raises InputError when the file or its card is missing, damaged, or no enhancer's.
    """
    own = os.fspath(name) in shipped()
    file = MODELS / f"{name}{SUFFIX}" if own else Path(name)
    stamps: list[int] = []
    for part in (file, file.with_suffix(".json")):
        try:
            stat = part.stat()
        except OSError as error:
            names = " or ".join(shipped())
            raise InputError(
                f"no {part}: {error.strerror}; give {names}, or an ONNX file with card"
            ) from error
        stamps += [stat.st_mtime_ns, stat.st_size]
    return _loaded(os.fspath(file), tuple(stamps))


@lru_cache(maxsize=4)
def _loaded(path: str, stamps: tuple[int, ...]) -> Enhancer:  # noqa: ARG001  stamps: what changed
    return Enhancer(load(path))


def _check_card(card: ModelCard) -> None:
    where = f"the card of {card.name}"
    if card.gives != "images":
        raise InputError(
            f"{where} is for {card.task} and gives {card.gives or 'nothing that it names'}; "
            "an enhancer gives images"
        )
    if card.size is None or card.size[0] != card.size[1]:
        raise InputError(f"{where} has size {card.size}; an enhancer needs square crops")
    if card.colour != "RGB" or tuple(card.scale) != (0, 255):
        raise InputError(
            f"{where} takes {card.colour} from {card.scale[0]:g} to {card.scale[1]:g}; an enhancer "
            "is given RGB from 0 to 255"
        )
    if card.state or not card.outputs:
        raise InputError(f"{where} needs one output and no state; export it anew")
    if card.rate is not None and not card.rate > 0:
        raise InputError(f"{where} needs a rate > 0 Hz but has {card.rate:g}")
    if framing_of(card.crop)[0] not in WHOLE:
        raise InputError(
            f"{where} has box {card.crop['box']!r}; an enhancer needs one of {', '.join(WHOLE)}"
        )


def _length(network: Network) -> int:
    """Crops given at once: what the network or its card is fixed to, or BLOCK_S of them."""
    card = network.card
    shapes = list(network.inputs.values())
    wanted = (1, None, *(card.size or ()), 3)
    fits = len(shapes) == 1 and len(shapes[0]) == len(wanted)
    fits = fits and all(
        w is None or not isinstance(s, int) or s == w
        for w, s in zip(wanted, shapes[0], strict=True)
    )
    if not fits:
        raise InputError(
            f"{card.name} takes {[list(shape) for shape in shapes]}; an enhancer takes "
            f"{['batch', 'time', *(card.size or ()), 3]}"
        )
    fixed = shapes[0][1]
    length = fixed if isinstance(fixed, int) else card.length
    length = length or 2 * round(BLOCK_S * (card.rate or 30.0) / 2)
    if not LEAST <= length <= MOST:
        raise InputError(f"{card.name} takes {length} crops; an enhancer takes {LEAST} to {MOST}")
    return int(length)


@dataclass(frozen=True, slots=True)
class Sight:
    """One crop of a face: its time [s], image (N, N, 3) float32 RGB, and what lies where in it.

    nodes: landmarks, or corners of the box, in pixels of the crop.   outside: (N, N) True beyond
    the picture, or None.   scale: pixels of the picture in one of the crop.
    """

    time: float
    image: Array
    nodes: Array
    outside: Array | None
    scale: float


class Enhanced:
    """One person's colours from enhanced crops, picture by picture.

    skin: the mask, keep: seconds remembered, as in `face.collect.Collector`.
    """

    def __init__(self, network: Enhancer, *, skin: str, keep: float | None) -> None:
        self._network = network
        box, extension, smooth = framing_of(network.card.crop)
        self._framing = Framing(box, extension=extension, smooth=smooth)
        self._record = Record(NAMES, keep=keep, moments=False, points=0)
        self._regions = _Regions(skin)
        self._shown = deque[Array](maxlen=network.length)  # the last crops, as recorded
        self._open: list[Sight] = []  # those of which nothing is recorded yet
        self._tail: Array | None = None  # the first of these as the last block showed them

    def see(self, frame: Frame, track: Track) -> None:
        """The next picture, with the face in it or without."""
        square, lost = self._framing.update([track], frame.time)
        if np.isfinite(lost):
            self._withdraw(lost)
        if square is None:
            self._end()
            return
        if self._open and frame.time - self._open[-1].time > GAP_S:
            self._end()
        sight = _sight(frame, track, square, self._network.size)
        self._open.append(sight)
        self._shown.append(sight.image)
        if len(self._open) == self._network.length:
            self._block()

    def colour(self, trace: Trace) -> Trace:
        """The trace of the same person with the enhanced colours of its regions so far, too."""
        regions = copy(self._regions)
        late = [regions.values(sight, image) for sight, image in self._ending()]
        own = self._record.trace()
        time = np.r_[own.time, [sight.time for sight in self._open]]
        rgb = np.concatenate([own.rgb, *(v[0][None] for v in late)])
        at = np.searchsorted(time, trace.time).clip(max=max(len(time) - 1, 0))
        seen = np.isfinite(trace.box).all(axis=1)
        seen &= time[at] == trace.time if len(time) else False
        columns = [trace.names.index(name) for name in NAMES]
        new = trace.rgb.copy()
        new[:, columns] = np.nan
        new[np.flatnonzero(seen)[:, None], columns] = rgb[at[seen]]
        return replace(trace, enhanced=new)

    def _block(self) -> None:
        """Enhance a full block; all but what the next one shares with it is final."""
        images = self._enhanced(len(self._open))
        hop = self._network.length - self._network.length // SHARED
        for sight, image in zip(self._open[:hop], images[:hop], strict=True):
            self._write(sight, image)
        self._tail = images[hop:]
        del self._open[:hop]

    def _enhanced(self, count: int) -> Array:
        """(count, N, N, 3) the last crops enhanced, the first of them faded in."""
        self._network.check_rate(np.array([sight.time for sight in self._open]))
        images = self._network(np.stack(list(self._shown)))[-count:]
        if self._tail is not None:
            count = len(self._tail)
            share: Array = ((np.arange(count) + 1) / (count + 1)).astype(np.float32)
            share = share[:, None, None, None]
            part = images[: len(self._tail)]
            part += (1 - share) * (self._tail - part)
        return images

    def _ending(self) -> Iterator[tuple[Sight, Array]]:
        """What is open, enhanced as if nothing came after it."""
        if not self._open:
            return
        whole = self._tail is not None and len(self._tail) >= len(self._open)
        images = self._tail if whole else self._enhanced(len(self._open))
        assert images is not None
        yield from zip(self._open, images[: len(self._open)], strict=True)

    def _end(self) -> None:
        """Nothing follows what is open."""
        for sight, image in self._ending():
            self._write(sight, image)
        self._open, self._tail = [], None
        self._shown.clear()

    def _write(self, sight: Sight, image: Array) -> None:
        rgb, pixels = self._regions.values(sight, image)
        self._record.append(sight.time, rgb=rgb, pixels=pixels)

    def _withdraw(self, after: float) -> None:
        """What was seen later than `after` [s] was not the person."""
        kept = [sight for sight in self._open if sight.time <= after]
        for _ in range(min(len(self._open) - len(kept), len(self._shown))):
            self._shown.pop()
        self._open = kept
        self._record.withdraw(after)


class _Regions:
    """Regions of a face in its crop: drawn on enhanced crops, changing gradually."""

    def __init__(self, skin: str) -> None:
        self._skin = skin
        self._blend: Blend | None = None
        self._drawn: Array = np.zeros((0, 2))
        self._drawn_at = -np.inf

    def __copy__(self) -> _Regions:
        other = _Regions(self._skin)
        other._blend, other._drawn, other._drawn_at = copy(self._blend), self._drawn, self._drawn_at
        return other

    def values(self, sight: Sight, image: Array) -> tuple[Array, Array]:
        """(R, 3) mean colours and (R,) pixels of the picture behind each, of NAMES."""
        self._draw(sight, image)
        assert self._blend is not None
        planes = np.moveaxis(image, -1, 0)
        means, count = self._blend.means(planes, sight.outside, sight.time)
        pixels = count * sight.scale**2
        few = pixels < LEAST_PX  # crops can be larger than what there is to see
        means[few], pixels[few] = np.nan, 0
        return means, pixels

    def _draw(self, sight: Sight, image: Array) -> None:
        """Lay the regions on the face as it is now, where they no longer fit."""
        nodes = sight.nodes
        passed = sight.time - self._drawn_at
        if self._blend is not None and len(nodes) == len(self._drawn):
            apart = float(np.sqrt(((nodes - self._drawn) ** 2).sum(axis=1).mean()))
            size = float(np.ptp(nodes[:, 1]))
            fits = apart < DRAWN * size or passed < FADE_S
            if fits and passed < STALE_S:
                return
            span = CALM_S if apart < 3 * DRAWN * size else FADE_S
        else:
            span = FADE_S
        shape = image.shape[:2]
        if len(nodes) > 2:
            shares = region_shares(nodes, shape)
        else:
            x0, y0, x1, y1 = nodes.ravel()
            shares = box_shares((x0, y0, x1, y1), shape)
        planes = np.ascontiguousarray(np.moveaxis(image, -1, 0))
        frame = Frame.of_rgb(image, sight.time)
        regions = skin_regions(frame, planes, shares, skin=self._skin, names=NAMES)
        if self._blend is None or passed > GAP_S + STALE_S:
            self._blend = Blend(regions, 1)
        else:
            self._blend.change(regions, time=sight.time, span=span)
        self._drawn, self._drawn_at = nodes, sight.time


def _sight(frame: Frame, track: Track, square: Square, size: int) -> Sight:
    nodes = square.from_picture(track.points) * size - 0.5
    corners = square.to_picture(np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float))
    outside: Array | None = None
    if (corners < 0).any() or (corners > (frame.width, frame.height)).any():
        unit = (np.arange(size) + 0.5) / size
        at = square.to_picture(np.stack(np.meshgrid(unit, unit), axis=-1))
        outside = np.any((at < 0) | (at > (frame.width, frame.height)), axis=-1)
    image = np.ascontiguousarray(area_colours(frame, square, size))
    return Sight(frame.time, image, nodes, outside, square.side / size)
