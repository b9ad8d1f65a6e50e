"""What networks take instead of mean colours of regions.

Shape letters: T samples, R regions. Colours are 0–255, the last column being that of the whole face
where `filled` takes it; a clip is prepared as a whole.
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
    change = np.where(mean > 0, x / np.where(mean > 0, mean, 1) - 1, 0)
    return np.asarray(change, dtype=np.float32)


def standardised(colours: Array) -> Array:
    """(T, R, 3) each region's colour less its mean, over its spread; 0 for what never changes."""
    x = _colours(colours)
    apart = x - x.mean(axis=0)
    spread = apart.std(axis=0)
    return np.asarray(apart / np.where(spread > 1e-9, spread, np.inf), dtype=np.float32)


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


def filled(colours: Array) -> Array:
    """(T, R, 3) of (T, R + 1, 3): where a region is unseen (NaN) it has the colour of the last.

    So it tells nothing new. Where that is unseen too, its mean.
    """
    whole = colours[:, -1:]
    whole = np.where(np.isfinite(whole), whole, np.nanmean(whole, axis=0))
    return np.where(np.isfinite(colours[:, :-1]), colours[:, :-1], whole)


def _colours(colours: Array) -> Array:
    check("colours", colours, (None, None, 3))
    return np.asarray(colours, dtype=np.float64)
