"""Made people as a network sees them by its card: to export, to calibrate, and to judge on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from camvitals.card import ModelCard
from camvitals.records import Array, InputError
from camvitals.train.clips import Clip, MadeClips, MadeTraces, Sample

STILL_HZ = 30.0  # of pictures for networks in which time plays no part
LENGTH = 128  # samples, where any number goes


def made_people(card: ModelCard, *, count: int, length: int | None, seed: int) -> Iterator[Sample]:
    """So many clips, each of another made person who is never trained on.

    length: samples of each; None: LENGTH.   Raises InputError for a card that says neither size
    nor regions.
    """
    clip = Clip(max(2, length or LENGTH), card.rate or STILL_HZ)
    if card.size is not None:
        source = MadeClips(size=max(card.size)).open(clip, seed=seed, held_out=True, count=count)
    elif card.regions:
        source = MadeTraces(regions=card.regions).open(clip, seed=seed, held_out=True, count=count)
    else:
        raise InputError(f"the card of {card.name} names neither size nor regions; complete it")
    for index in range(count):
        yield source.sample(index)


def made_samples(card: ModelCard, *, length: int | None, seed: int) -> Array:
    """(T, H, W, 3) uint8 pictures or (T, R, 3) colours of one made person."""
    (person,) = made_people(card, count=1, length=length, seed=seed)
    images = person.images[: length or LENGTH]
    if card.size is not None:
        images = images[:, : card.size[0], : card.size[1]]
    return np.ascontiguousarray(images)
