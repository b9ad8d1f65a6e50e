"""An exported network with smaller numbers inside: half precision, or 8 bits calibrated on people.

What is given and what comes out stays float32, so that nothing changes for who calls it.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from camvitals.records import Array, InputError
from camvitals.runtime import Model, halved, load, to_int8
from camvitals.train.checkpoint import on_disk, write_together
from camvitals.train.made import made_people
from camvitals.waves.stretch import BLOCK, given_of

PEOPLE = 16  # made, never trained on, that 8-bit ranges are taken from
MOST = 0.5  # of the largest value; the receipts say how much less it is
Batch = Mapping[str, Array]


def variant(
    path: Path | str, precision: str, *, samples: Sequence[Array] | None = None, seed: int = 7
) -> Path:
    """Write NAME-float16.onnx or NAME-int8.onnx and its card beside NAME.onnx; returns its path.

    samples: (T, H, W, 3) pictures or (T, R, 3) colours of people to calibrate with; None: made ones
        of this seed.
    Raises InputError for an unknown precision, and when the result does not run, or gives something
    else; nothing is written then.
    """
    path = Path(path)
    if precision not in PRECISIONS:
        raise InputError(f"no precision {precision!r}; choose one of {', '.join(PRECISIONS)}")
    model = load(path)
    people = _people(model, samples, seed)
    batches = [batch for person in people for batch in person]
    target = path.with_name(f"{path.stem}-{precision}.onnx")
    with tempfile.TemporaryDirectory(prefix="camvitals-") as folder:
        draft = Path(folder) / target.name
        try:
            with quietly():
                PRECISIONS[precision](path, draft, batches)
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise InputError(f"{path} cannot be made {precision}: {reason}") from error
        weights = draft.read_bytes()
        card = replace(
            model.card,
            name=f"{model.card.name}-{precision}",
            precision=precision,
            sha256=hashlib.sha256(weights).hexdigest(),
            golden={},
            metrics={},
        )
        _check(model, load(draft, card), people[0], precision)
    with on_disk(target, needed=len(weights)):
        write_together({target: weights, target.with_suffix(".json"): card.text().encode()})
    return target


def _check(model: Model, small: Model, person: Sequence[Batch], precision: str) -> None:
    """Refuse a form that says something else of a person; each carries its own state."""
    card = model.card
    (name,) = model.inputs
    for network in (model, small):
        network.reset()
    told = [(model({name: one[name]}), small({name: one[name]})) for one in person]
    # Of what carries state nothing is used until it is warm
    cold = math.ceil(card.warm_up * (card.rate or 0.0) / BLOCK) if card.state else 0
    told = told[min(cold, len(told) - 1) :]
    for key in told[0][0]:
        wanted, found = (np.concatenate([one[k][key].ravel() for one in told]) for k in (0, 1))
        apart = np.abs(found - wanted).max() / max(float(np.abs(wanted).max()), 1e-9)
        if not apart <= MOST:
            raise InputError(
                f"{card.name} as {precision} gives something else: {key} differs by "
                f"{100 * apart:.0f} % of its largest value; use float32, or values within its range"
            )


def _people(model: Model, samples: Sequence[Array] | None, seed: int) -> list[list[Batch]]:
    """What the network is calibrated with, by person: inputs, and the state as it is on the way."""
    card = model.card
    (name,) = model.inputs
    if samples is None:
        people = made_people(card, count=PEOPLE, length=card.length, seed=seed)
        samples = [person.images for person in people]
    found: list[list[Batch]] = []
    for images in samples:
        model.reset()
        batches: list[Batch] = []
        step = card.length or (BLOCK if card.state else len(images))
        for at in range(0, len(images) - step + 1, step):
            given = {name: given_of(card, images[at : at + step])[None]}
            batches.append(given | model.state)
            model(given)
        if batches:
            found.append(batches)
    model.reset()
    if not found:
        raise InputError(
            f"{card.name} needs {card.length} samples of each person to calibrate; give longer ones"
        )
    return found


def _float16(source: Path, target: Path, _: Sequence[Batch]) -> None:
    import onnx

    onnx.save(halved(onnx.load(source)), target)


def _int8(source: Path, target: Path, batches: Sequence[Batch]) -> None:
    to_int8(source, target, batches)


PRECISIONS: dict[str, Callable[[Path, Path, Sequence[Batch]], None]] = {
    "float16": _float16,
    "int8": _int8,
}


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """What exporters say of themselves is of no use to who exports."""
    logging.disable(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            open(os.devnull, "w") as nowhere,  # noqa: PTH123
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
