"""Corpora: one reader for each public layout, by name.

>>> from camvitals.data.corpora import CORPORA
>>> takes = CORPORA["ubfc-rppg-2"].read("UBFC2")  # doctest: +SKIP
>>> takes[0].reference("pulse")  # doctest: +SKIP
"""

from __future__ import annotations

from camvitals.data.corpora.corpus import Corpus
from camvitals.records import InputError

CORPORA: dict[str, Corpus] = {}


def corpus(name: str) -> Corpus:
    """The corpus of this name; InputError lists those there are."""
    if name not in CORPORA:
        raise InputError(f"no corpus {name!r}; choose one of {', '.join(CORPORA)}")
    return CORPORA[name]
