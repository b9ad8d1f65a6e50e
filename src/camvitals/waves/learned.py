"""Any network that makes a pulse, by its card, as a method for measure, Monitor and evaluate.

A method is named by the path of its ONNX file, with the card beside it, or by the name of one that
comes with the package.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from camvitals.card import ModelCard
from camvitals.dsp.colours import TRACES
from camvitals.dsp.frames import LAYOUTS, words
from camvitals.face.framing import BOXES, framing_of
from camvitals.face.takers import Takers
from camvitals.records import Array, InputError
from camvitals.runtime import Network, load
from camvitals.steps import Steps, finish
from camvitals.waves.stretch import Stream, Stretch, given_of, output

MODELS = Path(__file__).with_name("models")
SUFFIX = ".onnx"
SHORTEST_S = 2.0
AT_ONCE = 90  # samples given at once to a network that carries state
WAVES = ("pulse", "derivative")
ECG = "ecg"  # what networks give that are no pulse methods; waves.ecg tells what of them is shown
BY_ITSELF = ("raw", "unit", "signed", "imagenet", "traces")  # need no other sample
CROPS, REGIONS = "crops", "regions"


@dataclass(frozen=True, slots=True)
class Learned:
    """A network that was found fit to be a pulse method.

    Raises InputError when its card does not say what is needed, or says other than the network.
    """

    network: Network
    length: int | None = field(init=False)

    def __post_init__(self) -> None:
        _check_card(self.card)
        object.__setattr__(self, "length", _length(self.network))
        if self.needs == CROPS and self.length is None and not self.card.state:
            raise InputError(
                f"the card of {self.card.name} needs a length, as no crops are kept beyond it"
            )

    @property
    def card(self) -> ModelCard:
        """The network's card."""
        return self.network.card

    @property
    def rate(self) -> float:
        """Samples per second that it takes [Hz]."""
        assert self.card.rate is not None
        return self.card.rate

    @property
    def needs(self) -> str:
        """What of a recording it is given: crops, or colours of regions."""
        return REGIONS if self.card.size is None else CROPS

    @property
    def minimum(self) -> float:
        """The shortest stretch that it makes a pulse of [s]."""
        window = 0 if self.card.state else self.length or 0
        lost = self.card.warm_up + self.card.delay / self.rate
        return max(SHORTEST_S + lost, window / self.rate)

    @property
    def version(self) -> str:
        """What the report says of it."""
        return f"{self.card.version} (sha256 {self.card.sha256[:12]})"

    @property
    def fingerprint(self) -> str:
        """Of all that moves its pulse: the weights, and what the card says of how to feed them."""
        return hashlib.sha256(self.card.text().encode()).hexdigest()

    def taker(self, keep: float | None) -> Callable[[], Stream]:
        """What makes, for every person anew, that which takes their crops; keep: seconds of it."""
        return lambda: Stream(self.network.another(), length=self.length, keep=keep)

    def of_colours(self, values: Array, *, rate: float) -> Array:
        """(T,) the pulse of (T, R, 3) colours without a gap, at the card's rate [Hz]."""
        if abs(rate - self.rate) > 1e-6:
            raise InputError(f"{self.card.name} takes {self.rate:g} Hz but got {rate:g} Hz")
        network = self.network.another()
        if self.card.state:
            found = finish(self.outputs_steps(values))[:, 0]
            return np.cumsum(found) if self.card.gives == "derivative" else found
        if self.length is None:
            network.reset()
            found = np.full(len(values), np.nan)
            told = output(network, values)[self.card.delay :]
            found[: len(told)] = told
            return np.cumsum(found) if self.card.gives == "derivative" else found
        stretch = Stretch(network, start=0.0, length=self.length)
        for sample in values:
            stretch.push(sample)
        return stretch.values()[1]

    def outputs_steps(self, colours: Array) -> Steps[Array]:
        """(T, O) all that a network that carries state says of (T, R, 3) colours, in steps.

        The mirrored ends stand in for what was before, over the warm-up, and what comes, over the
        delay, so that every sample has its own.
        """
        lead = min(max(round(self.card.warm_up * self.rate), self.card.delay), len(colours) - 1)
        late = min(self.card.delay, len(colours) - 1)
        before, after = colours[lead:0:-1], colours[len(colours) - 2 :: -1][:late]
        shown = np.concatenate([before, colours, after])
        network = self.network.another()
        network.reset()
        (name,), parts = network.inputs, []
        for at in range(0, len(shown), self.length or AT_ONCE):
            given = given_of(self.card, shown[at : at + (self.length or AT_ONCE)])
            told = network({name: given[None]})
            parts.append(np.column_stack([told[o].ravel() for o in self.card.outputs]))
            yield
        return np.concatenate(parts)[lead + late :][: len(colours)].astype(float)


def shipped() -> tuple[str, ...]:
    """Names of the networks that come with the package and make a pulse."""
    names = sorted(path.stem for path in MODELS.glob(f"*{SUFFIX}"))
    return tuple(name for name in names if not name.startswith(f"{ECG}-"))


def is_learned(method: str) -> bool:
    """Whether this names a network, and not a method of `waves.run.METHODS`."""
    return method.endswith(SUFFIX) or method in shipped()


def learned(method: str, *, gives: tuple[str, ...] = WAVES) -> Learned:
    """The network of this name or path; it is read once as long as the files do not change.

    gives: what it may give.
    Raises InputError when the file or its card is missing, damaged, of other weights, or it gives
    something else.
    """
    path = Path(method) if method.endswith(SUFFIX) else MODELS / f"{method}{SUFFIX}"
    stamps = []
    for part in (path, path.with_suffix(".json")):
        try:
            stat = part.stat()
        except OSError as error:
            raise InputError(f"no {part}: {error.strerror}; give an ONNX file with card") from error
        stamps += [stat.st_mtime_ns, stat.st_size]
    found = _loaded(os.fspath(path), tuple(stamps))
    if found.card.gives not in gives:
        raise _no_pulse(found.card)
    return found


def takers_of(methods: Iterable[str], *, keep: float | None = None) -> Takers:
    """What takes the crops for those of these methods that need them; keep: seconds of pulse."""
    chosen = [name for name in methods if is_learned(name)]
    found = {name: learned(name, gives=(*WAVES, ECG)) for name in chosen}
    return {name: net.taker(keep) for name, net in found.items() if net.needs == CROPS}


def versions_of(method: str) -> dict[str, str]:
    """Name and version of the network that a method is; {} for others."""
    if not is_learned(method):
        return {}
    found = learned(method)
    return {found.card.name: found.version}


@lru_cache(maxsize=8)
def _loaded(path: str, stamps: tuple[int, ...]) -> Learned:  # noqa: ARG001  stamps: what changed
    return Learned(load(path))


def _check_card(card: ModelCard) -> None:
    """Raise InputError unless the card is that of a pulse network, and complete."""
    where = f"the card of {card.name}"
    if card.gives not in (*WAVES, ECG) or card.task != (ECG if card.gives == ECG else "pulse"):
        raise _no_pulse(card)
    if card.rate is None or not card.rate > 0:
        raise InputError(f"{where} needs the rate it was trained at but has {card.rate}")
    if not card.outputs:
        raise InputError(f"{where} needs to name its outputs, the pulse first")
    if card.size is None:
        if card.takes not in TRACES or not card.regions:
            raise InputError(
                f"{where} takes {card.takes!r} of {len(card.regions)} regions; without size it "
                f"needs regions, and takes one of {', '.join(TRACES)}"
            )
        parts = [card.takes]
    else:
        if card.size[0] != card.size[1]:
            raise InputError(f"{where} takes {card.size[0]}×{card.size[1]} px; crops are square")
        box = framing_of(card.crop)[0]
        if box not in BOXES:
            raise InputError(f"{where} has box {box!r}; choose one of {', '.join(BOXES)}")
        if card.layout not in LAYOUTS:
            raise InputError(f"{where} has layout {card.layout!r}; choose of {', '.join(LAYOUTS)}")
        parts = words(card.takes)
    if card.length is not None and card.length < 2 * card.delay + 2:
        raise InputError(f"{where} has length {card.length}; with its delay it needs more")
    if card.state and (card.extra or not set(parts) <= set(BY_ITSELF)):
        raise InputError(
            f"{where} carries state, and so can take only {', '.join(BY_ITSELF)}, not {card.takes}"
        )


def _no_pulse(card: ModelCard) -> InputError:
    return InputError(
        f"the card of {card.name} is for {card.task} and gives "
        f"{card.gives or 'nothing that it names'}; "
        f"a pulse method needs task pulse and gives {' or '.join(WAVES)}"
    )


def _length(network: Network) -> int | None:
    """Samples given at once, by card and network; None: any number."""
    card = network.card
    if len(network.inputs) != 1:
        raise InputError(
            f"{card.name} needs one input besides its state, not {len(network.inputs)}"
        )
    ((name, shape),) = network.inputs.items()
    axis = 2 if card.layout == "CTHW" else 1
    wanted = shape_of(card)
    fits = len(shape) == len(wanted) and all(
        w is None or not isinstance(s, int) or s == w for w, s in zip(wanted, shape, strict=True)
    )
    if not fits:
        raise InputError(
            f"{name} of {card.name} has shape {list(shape)} but its card asks for "
            f"{[w or 'any' for w in wanted]}; take the card that belongs to it"
        )
    fixed = shape[axis]
    return fixed - card.extra if isinstance(fixed, int) else card.length


def shape_of(card: ModelCard) -> list[int | None]:
    """What the input of a network with this card looks like; None: any number."""
    time = None if card.length is None else card.length + card.extra
    if card.size is None:
        return [1, time, len(card.regions), 3]
    channels = 3 * len(words(card.takes))
    order = [channels, time] if card.layout == "CTHW" else [time, channels]
    return [1, *order, *card.size]
