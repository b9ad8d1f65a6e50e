"""What networks take instead of mean colours of regions.

Shape letters: T samples, R regions. Colours are 0–255; a clip is prepared as a whole.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camvitals.records import Array, InputError, check


def plain(colours: Array) -> Array:
    """(T, R, 3) colours as they are, float32."""
    return _colours(colours).astype(np.float32)


def relative(colours: Array) -> Array:
    """(T, R, 3) relative change: each region's colour over its mean, less one; 0 for black."""
    x = _colours(colours)
    mean = x.mean(axis=0)
    return np.asarray(np.where(mean > 0, x / np.where(mean > 0, mean, 1) - 1, 0), dtype=np.float32)


def standardised(colours: Array) -> Array:
    """(T, R, 3) each region's colour less its mean, over its spread; 0 for what never changes."""
    x = _colours(colours)
    spread = x.std(axis=0)
    alive = spread > 0
    centred = (x - x.mean(axis=0)) / np.where(alive, spread, 1)
    return np.asarray(np.where(alive, centred, 0), dtype=np.float32)


TRACES: dict[str, Callable[[Array], Array]] = {
    "traces": plain,
    "relative traces": relative,
    "standardised traces": standardised,
}


def prepared(colours: Array, *, takes: str) -> Array:
    """What a network takes of (T, R, 3) colours; `takes` is a name of TRACES."""
    if takes not in TRACES:
        raise InputError(f"no traces {takes!r}; choose of {', '.join(TRACES)}")
    return TRACES[takes](colours)


def _colours(colours: Array) -> Array:
    check("colours", colours, (None, None, 3))
    return np.asarray(colours, dtype=np.float64)
