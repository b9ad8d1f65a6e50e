"""Traces from colours that the owners of a corpus averaged themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from camvitals.records import Array, InputError, Trace

PIXELS = 1000  # behind each mean; the owners do not say how many, but it is neither one nor none


def colour_trace(rgb: Array, time: Array, *, region: str, path: Path) -> Trace:
    """One region of mean colours; of samples that repeat a time or step back the first is kept.

    rgb: (T, 3), 0–255.   time: (T,) s.   path: the file they are from.
    Raises InputError that names the file when there are not three colours for each time.
    """
    rgb, time = np.asarray(rgb), np.asarray(time, dtype=float).ravel()
    if rgb.shape != (len(time), 3) or len(time) < 2:
        raise InputError(
            f"{path} needs red, green and blue for each of 2 or more times but has "
            f"{'×'.join(map(str, rgb.shape))} values for {len(time)} times; copy it again"
        )
    before = np.concatenate([[-np.inf], np.maximum.accumulate(time)[:-1]])
    kept = np.isfinite(time) & (time > before)
    colours = rgb[kept].astype(np.float32)[:, None]
    count = len(colours)
    pixels, box = np.full((count, 1), PIXELS), np.full((count, 4), np.nan)
    return Trace(colours, pixels, time[kept], (region,), box)
