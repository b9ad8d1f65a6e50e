"""Pictures that a corpus stores as arrays of numbers instead of video."""

from __future__ import annotations

import numpy as np

from camvitals.records import Array


def eight_bit(images: Array) -> Array:
    """The same pictures as uint8: floats are taken as 0–1, or as 0–255 where they exceed 1."""
    if images.dtype == np.uint8:
        return images
    scale = 255.0 if images.dtype.kind == "f" and np.max(images, initial=0) <= 1 else 1.0
    scaled = images * scale + 0.5
    return np.asarray(np.clip(scaled, 0, 255).astype(np.uint8))
