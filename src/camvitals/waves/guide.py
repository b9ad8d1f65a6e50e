"""What the network that comes with the package says of a part of a trace, for `waves.auto`.

Shape letters: N samples of the part, R regions, T samples on the network's clock.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from camvitals.dsp.clean import bandpass
from camvitals.dsp.colours import filled
from camvitals.records import Array
from camvitals.steps import Steps
from camvitals.waves.learned import Learned, learned, shipped

NAME = "regionpulse"
CERTAINTY = "certainty"
BAND_HZ = (0.65, 4.0)
SURE = 6.0  # log odds beyond which it makes no difference


@cache
def guide() -> Learned | None:
    """The network, or None in a package without it."""
    return learned(NAME) if NAME in shipped() else None


def guided_steps(
    colour_NRC: Array, names: tuple[str, ...], main: str, *, rate: float
) -> Steps[Array]:
    """(N, 2) pulse, of any unit, and log odds of it; (N, 0) in a package without the network.

    colour_NRC: of a part without a gap in region `main`.   rate: of its clock [Hz].
    """
    found = guide()
    if found is None:
        return np.zeros((len(colour_NRC), 0))
    wanted = [*found.card.regions, main]
    unseen = np.full_like(colour_NRC[:, 0], np.nan)
    each = [colour_NRC[:, names.index(n)] if n in names else unseen for n in wanted]
    colours = filled(np.stack(each, axis=1))
    time = np.arange(len(colours)) / rate
    clock = np.arange(int(time[-1] * found.rate + 1e-6) + 1) / found.rate
    flat = colours.reshape(len(colours), -1)
    evenly = np.stack([np.interp(clock, time, column) for column in flat.T], axis=1)
    told = yield from found.outputs_steps(evenly.reshape(len(clock), *colours.shape[1:]))
    pulse = bandpass(told[:, :1], rate=found.rate, low=BAND_HZ[0], high=BAND_HZ[1])
    odds = told[:, list(found.card.outputs).index(CERTAINTY)]
    both = np.column_stack([pulse, np.clip(odds, -SURE, SURE)])
    return np.stack([np.interp(time, clock, column) for column in both.T], axis=1)
