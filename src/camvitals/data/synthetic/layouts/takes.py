"""What owners' protocols ask of each take of a made person, and what their oximeter shows."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from camvitals.data.synthetic.layouts.layout import Person, Take
from camvitals.records import Array


def taken(person: Person, index: int, **asked: Any) -> Take:
    """A take of a person with the fields of Scenario that the protocol asks for.

    Layouts that hold no times, AVI among them, ask for clock="steady".
    """
    take = person.take(index)
    return Take(dataclasses.replace(take.scenario, **asked))


def oximeter_shows(pulse: Array) -> Array:
    """A pulse as a fingertip oximeter gives it: whole numbers from 0 to 127."""
    return np.clip(np.round(20 + 70 * pulse), 0, 127)
