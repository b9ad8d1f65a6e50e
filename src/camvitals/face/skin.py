"""Which pixels are skin: Otsu's threshold on Cr, or limits on Cb and Cr.

Everything here runs when a face is found anew or has changed, not with every picture.
Shape letters: I node rows, J node columns, N nodes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camvitals.records import Array, Frame

CB_LIMITS, CR_LIMITS = (77, 127), (133, 173)  # Chai & Ngan (1999)
APART = 5.0  # least distance of two classes' mean Cr to be two materials
DARK, BRIGHT = 3.0, 250.0  # RGB beyond which the camera no longer tells
OUTLIER = 3.5  # robust standard deviations of brightness kept within the skin


def ycbcr(frame: Frame, planes: Array) -> Array:
    """(3, …) planes as decoded -> Y, Cb, Cr on the 8-bit scale centred on 128, float32.

    Planes of a video are these already but for their range; RGB is converted (BT.601).
    """
    if not frame.is_rgb:
        # deeper planes carry their depth in the gain of the matrix: 1.16 or 1 for 8 bits
        depth = 2.0 ** np.round(np.log2(float(frame.matrix[0, 0]) / 1.08))
        return planes if depth == 1 else np.asarray(planes * np.float32(depth))
    red, green, blue = planes
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.stack([luma, 128 + 0.564 * (blue - luma), 128 + 0.713 * (red - luma)])


def rgb_of(frame: Frame, planes: Array) -> Array:
    """(3, …) plane values -> (3, …) RGB by the frame's affine map; means may be mapped as well."""
    if frame.is_rgb:
        return planes
    flat = np.einsum("cp,p...->c...", frame.matrix[:, :3], planes)
    return np.asarray(flat + frame.matrix[:, 3].reshape((3,) + (1,) * (planes.ndim - 1)))


def otsu_threshold(values_N: Array, *, bins: int = 128) -> float:
    """The threshold that best separates values into two classes (Otsu, 1979).

    values_N: (N,) finite values of any unit. All equal: that value.
    """
    low, high = float(values_N.min()), float(values_N.max())
    if high <= low:
        return low
    counts, edges = np.histogram(values_N, bins=bins, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    share = np.cumsum(counts) / counts.sum()
    moment = np.cumsum(counts * centres) / counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * share - moment) ** 2 / (share * (1 - share))
    between[~np.isfinite(between)] = 0
    # a gap in the histogram leaves a plateau: take its middle
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    at = int(best[len(best) // 2])
    return float(edges[at + 1])


def opening(mask_IJ: Array) -> Array:
    """Erosion then dilation by 3×3: specks and threads go, the rest keeps its shape."""
    return _dilated(eroded(mask_IJ))


def eroded(mask_IJ: Array) -> Array:
    """The nodes whose 3×3 neighbours are all in the mask; beyond the window counts as in."""
    return ~_dilated(~mask_IJ)


def _dilated(mask: Array) -> Array:
    out = mask.copy()
    out[1:] |= mask[:-1]
    out[:-1] |= mask[1:]
    down = out.copy()
    out[:, 1:] |= down[:, :-1]
    out[:, :-1] |= down[:, 1:]
    return out


def largest_component(mask_IJ: Array) -> Array:
    """The largest part of a mask whose nodes touch along rows or columns.

    Works on the runs of each row: runs of neighbouring rows that overlap share the lower label,
    until nothing changes.
    """
    rows, columns = mask_IJ.shape
    framed = np.zeros((rows, columns + 2), dtype=np.int8)
    framed[:, 1:-1] = mask_IJ
    edges = np.diff(framed, axis=1)
    row, start = np.nonzero(edges == 1)
    stop = np.nonzero(edges == -1)[1]
    if len(row) == 0:
        return np.zeros_like(mask_IJ)
    upper, lower = _touching(row, start, stop, columns)
    label = np.arange(len(row))
    while True:
        least = np.minimum(label[upper], label[lower])
        new = label.copy()
        np.minimum.at(new, upper, least)
        np.minimum.at(new, lower, least)
        new = new[new]
        if np.array_equal(new, label):
            break
        label = new
    sizes = np.bincount(label, stop - start, len(row))
    kept = np.flatnonzero(label == int(np.argmax(sizes)))
    change = np.zeros((rows, columns + 1), dtype=np.int32)
    change[row[kept], start[kept]] = 1
    np.subtract.at(change, (row[kept], stop[kept]), 1)
    return np.asarray(np.cumsum(change, axis=1)[:, :columns] > 0)


def _touching(row: Array, start: Array, stop: Array, columns: int) -> tuple[Array, Array]:
    """Pairs of runs in neighbouring rows that overlap; runs are in row order."""
    span = columns + 2
    first = np.searchsorted(row * span + stop, (row + 1) * span + start, side="right")
    last = np.searchsorted(row * span + start, (row + 1) * span + stop, side="left")
    count = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(row)), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return upper, np.repeat(first, count) + offset


def otsu(yuv: Array) -> Array:
    """(I, J) skin by Otsu's threshold on Cr: opened, the largest part of it.

    yuv: (3, I, J) as from `ycbcr`. Skin is the redder class. Where Cr does not fall into two
    materials, all is one of them: everything is skin. Tones of skin differ in brightness, hardly
    in Cr, so dark skin stays.
    """
    cr = yuv[2]
    above = cr > otsu_threshold(cr.ravel())
    if above.all() or not above.any():
        return np.ones(cr.shape, dtype=bool)
    if float(cr[above].mean() - cr[~above].mean()) < APART:
        return np.ones(cr.shape, dtype=bool)
    return largest_component(opening(above))


def chroma(yuv: Array) -> Array:
    """(I, J) skin by fixed limits on Cb and Cr (Chai & Ngan, 1999)."""
    _, cb, cr = yuv
    inside = (cb >= CB_LIMITS[0]) & (cb <= CB_LIMITS[1])
    return np.asarray(inside & (cr >= CR_LIMITS[0]) & (cr <= CR_LIMITS[1]))


def everything(yuv: Array) -> Array:
    """(I, J) no skin mask: all nodes."""
    return np.ones(yuv.shape[1:], dtype=bool)


MASKS: dict[str, Callable[[Array], Array]] = {
    "otsu": otsu,
    "chroma": chroma,
    "none": everything,
}


def told(rgb: Array) -> Array:
    """(I, J) True where no channel of (3, I, J) RGB is at its end."""
    return np.asarray((rgb > DARK).all(axis=0) & (rgb < BRIGHT).all(axis=0))


def typical(luma: Array, share: Array) -> Array:
    """(I, J) True where brightness is near that of the region: no hair, glare, glass, shadow edge.

    luma: (I, J) brightness.   share: (I, J) the region, 0–1.
    """
    inner = luma[share > 0.5]
    if inner.size < 8:
        return np.ones(luma.shape, dtype=bool)
    middle = np.median(inner)
    spread = 1.4826 * np.median(np.abs(inner - middle)) + 2.0
    return np.asarray(np.abs(luma - middle) <= OUTLIER * spread)
