"""Spatio-temporal maps: colours of regions over time as a picture.

Shape letters: T frames, R regions.
"""

from __future__ import annotations

import numpy as np

from camvitals.records import Array, check

# Rows: Y, U, V of R, G, B (ITU-R BT.601), without offsets: each row of a map is scaled anyhow.
YUV_FROM_RGB = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)


def spatio_temporal_map(rgb: Array) -> Array:
    """Map of one clip (Niu et al., TIP 2020): each region's Y, U and V from 0 to 1 over the clip.

    rgb: (T, R, 3) mean colour of regions, such as `Trace.rgb`; NaN where unseen.
    Returns (3, T, R) float32; 0 where unseen and where a region never changes.
    """
    check("rgb", rgb, (None, None, 3))
    yuv = np.moveaxis(rgb @ np.array(YUV_FROM_RGB).T, -1, 0)
    seen = np.isfinite(yuv)
    low = np.where(seen, yuv, np.inf).min(1, keepdims=True, initial=np.inf)
    high = np.where(seen, yuv, -np.inf).max(1, keepdims=True, initial=-np.inf)
    alive = seen & (high > low)
    span = np.where(high > low, high - low, 1.0)
    with np.errstate(invalid="ignore"):
        scaled = (yuv - low) / span
    return np.where(alive, scaled, 0.0).astype(np.float32)
