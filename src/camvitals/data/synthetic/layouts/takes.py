"""What owners' protocols ask of each take of a made person, and what their oximeter shows."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from camvitals.data.synthetic.layouts.layout import Person, Take
from camvitals.records import Array, InputError


def taken(person: Person, index: int, **asked: Any) -> Take:
    """A take of a person with the fields of Scenario that the protocol asks for."""
    take = person.take(index)
    return Take(dataclasses.replace(take.scenario, **asked))


def need_steady(take: Take, *, rate: float, name: str) -> None:
    """Raise InputError unless the pictures come at exactly this rate [Hz].

    For layouts that hold no times: whoever reads them must take the rate of their owners.
    """
    scenario = take.scenario
    if scenario.rate != rate or scenario.clock != "steady":
        raise InputError(
            f"{name} holds no times, so that its pictures need a steady {rate:g} Hz, but the "
            f"scenario has {scenario.clock} {scenario.rate:g} Hz; use that rate or another layout"
        )


def oximeter_shows(pulse: Array) -> Array:
    """A pulse as a fingertip oximeter gives it: whole numbers from 0 to 127."""
    return np.clip(np.round(20 + 70 * pulse), 0, 127)
