"""Who is learnt from and who is told: the two protocols of system C, and its validation.

Shape letters: N samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from camvitals.records import Array, InputError

TEST_PEOPLE = 5  # P36–P40
SHARE = 0.75  # of each person's videos


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to learn from, to choose by, and to test; nothing is in two of them."""

    train: Array
    validation: Array
    test: Array


def unseen_people(
    person: Array, *, fold: int = -1, count: int = TEST_PEOPLE
) -> tuple[Array, Array]:
    """(rows of the others, rows of `count` people); the last of them by name where fold is −1.

    fold: 0, 1, … takes the first, the second … lot of `count`, so that all come to be tested.
    """
    names = np.unique(person)
    if len(names) <= count:
        raise InputError(f"{count} unseen people of {len(names)} leave nobody to learn from")
    lots = [names[at : at + count] for at in range(0, len(names), count)]
    inside = np.isin(person, names[-count:] if fold == -1 else lots[fold])
    return np.flatnonzero(~inside), np.flatnonzero(inside)


def unseen_videos(
    person: Array, video: Array, *, share: float = SHARE, seed: int | None = 0
) -> tuple[Array, Array]:
    """(rows of `share` of each person's videos, rows of the others).

    seed: they are drawn at random; None: the first by name. The source does not say which.
    """
    learnt: list[str] = []
    for number, name in enumerate(np.unique(person)):
        own = np.unique(video[person == name])
        count = round(share * len(own))
        if not 0 < count < len(own):
            raise InputError(f"{name} has {len(own)} videos, which cannot be split {share:g}")
        order = own if seed is None else np.random.default_rng([seed, 83, number]).permutation(own)
        learnt += list(order[:count])
    inside = np.isin(video, learnt)
    return np.flatnonzero(inside), np.flatnonzero(~inside)


def by_frame(rows: Array, *, share: float = 0.8, seed: int = 0) -> tuple[Array, Array]:
    """Rows split at random, as in system C: neighbours of one video fall on both sides."""
    order = np.random.default_rng([seed, 89]).permutation(rows)
    count = round(share * len(rows))
    return np.sort(order[:count]), np.sort(order[count:])


def by_group(
    rows: Array, group: Array, *, share: float = 0.85, seed: int = 0
) -> tuple[Array, Array]:
    """Rows split so that no group (a person, or a video) falls on both sides."""
    names = np.unique(group[rows])
    order = np.random.default_rng([seed, 97]).permutation(names)
    inside = np.isin(group[rows], order[: max(1, round(share * len(names)))])
    return rows[inside], rows[~inside]


def lots(person: Array, *, count: int = TEST_PEOPLE) -> Iterator[int]:
    """The folds of `unseen_people` that together test everybody."""
    return iter(range(-(-len(np.unique(person)) // count)))
