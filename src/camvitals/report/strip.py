"""The last seconds of a wave as lines of text: braille dots, or plain signs where there are none.

Shape letters: C columns of dots from left to right, Y rows of dots from top to bottom.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, Wave

# bit of each of the 4 × 2 dots of a braille cell, as Unicode numbers them
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
BRAILLE = 0x2800
PLAIN = "-", "|"


def strip(wave: Wave, *, seconds: float, cells: int, rows: int, unicode: bool) -> list[str]:
    """`rows` lines of `cells` signs that show the last `seconds` of a wave; gaps stay empty.

    The line fills the height: its scale is that of what is shown. unicode: braille, 2 × 4 dots a
    sign; else one sign of ASCII.
    """
    wide, high = (2, 4) if unicode else (1, 1)
    dots_YC = _line(_columns(wave, seconds, cells * wide), rows * high)
    if not unicode:
        return ["".join(_sign(dots_YC, y, c) for c in range(cells)) for y in range(rows)]
    blocks = dots_YC.reshape(rows, 4, cells, 2).transpose(0, 2, 1, 3)
    codes = BRAILLE + (blocks * DOTS).sum(axis=(2, 3))
    return ["".join(chr(code) if code > BRAILLE else " " for code in row) for row in codes]


def _columns(wave: Wave, seconds: float, count: int) -> Array:
    """(C,) the wave where each column stands; NaN where nothing is known."""
    time, values = np.asarray(wave.time, dtype=float), np.asarray(wave.values, dtype=float)
    if len(time) < 2:
        return np.full(count, np.nan)
    at = time[-1] - seconds * (count - 1 - np.arange(count)) / max(count - 1, 1)
    return np.asarray(np.interp(at, time, values, left=np.nan, right=np.nan))


def _line(values_C: Array, height: int) -> Array:
    """(Y, C) True where the line runs; neighbouring columns are joined."""
    dots = np.zeros((height, len(values_C)), dtype=bool)
    known = np.isfinite(values_C)
    if not known.any():
        return dots
    low, high = float(values_C[known].min()), float(values_C[known].max())
    scale = (height - 1) / (high - low) if high > low else 0.0
    level = np.where(known, (high - np.where(known, values_C, high)) * scale, np.nan)
    if high <= low:
        level[known] = (height - 1) / 2
    before = np.r_[np.nan, level[:-1]]
    joint = np.where(np.isfinite(before), (before + level) / 2, level)
    after = np.r_[joint[1:], np.nan]
    after = np.where(np.isfinite(after), after, level)
    ends = np.stack([joint, level, after])
    row = np.arange(height)[:, None]
    with np.errstate(invalid="ignore"):
        above, below = np.rint(ends.min(axis=0)), np.rint(ends.max(axis=0))
        return np.asarray((row >= above) & (row <= below))


def _sign(dots_YC: Array, y: int, c: int) -> str:
    if not dots_YC[y, c]:
        return " "
    level, upright = PLAIN
    return upright if dots_YC[:, c].sum() > 1 else level
