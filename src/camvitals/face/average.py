"""Mean colour of regions from node values, and the slow change from one set of regions to the next.

Means are taken on the planes as decoded and mapped to RGB afterwards: the map is affine, so both
commute. Regions have soft edges and change by cross-fading, so that finding a face anew leaves no
step in the traces. Shape letters: R regions, N nodes, I node rows, J node columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from camvitals.face.skin import MASKS, rgb_of, told, typical, ycbcr
from camvitals.records import Array, Frame

FEWEST = 8.0  # nodes that a region needs: of fewer, codecs and motion made rates that were believed
KEPT = 0.25  # share of a region that must be bare, well-lit skin
MASK_KEPT = 0.6  # share of the face that a skin mask must leave, or it has split the skin itself
FEW_REGIONS = 16  # up to here one thread is faster than a matrix product with its threads


@dataclass(frozen=True, slots=True)
class Regions:
    """Weights of nodes: (R, I, J) float32, each region's sum 1 (0 when unseen), and node counts.

    count: (R,) nodes behind each mean.
    """

    weights: Array
    count: Array

    @classmethod
    def of(cls, shares: list[Array], wanted: Array) -> Regions:
        """From (I, J) shares 0–1 and how many nodes each region would have at best (R,)."""
        stack = np.stack(shares).astype(np.float32)
        count = stack.sum(axis=(1, 2), dtype=float)
        count[(count < FEWEST) | (count < KEPT * wanted)] = 0
        scale = np.divide(1.0, count, out=np.zeros_like(count), where=count > 0)
        return cls(stack * scale[:, None, None].astype(np.float32), count)

    def means(self, planes: Array, outside: Array | None = None) -> tuple[Array, Array]:
        """(R, 3) mean plane values, NaN where unseen, and (R,) nodes, for (3, I, J) planes.

        outside: (I, J) True where the picture ends; a region that is less than half inside is
        unseen.
        """
        weights, count = self.weights, self.count
        if outside is not None:
            weights = weights * ~outside
            inside = weights.sum(axis=(1, 2), dtype=float)
            count = np.where(inside >= 0.5, count * inside, 0)
        flat = weights.reshape(len(weights), -1)
        values = planes.reshape(3, -1)
        few = len(flat) <= FEW_REGIONS
        sums = np.einsum("rn,cn->rc", flat, values) if few else flat @ values.T
        if outside is not None:
            sums = sums / np.maximum(inside, 1e-6)[:, None]
        if not count.all():
            sums[count == 0] = np.nan
        return sums, count

    def moments(self, planes: Array, region: int) -> Array:
        """(3, 3) mean of values × valuesᵀ over one region."""
        values = planes.reshape(3, -1)
        weighted = values * self.weights[region].ravel()
        return np.asarray(np.einsum("cn,dn->cd", weighted, values))


class Blend:
    """Regions that change gradually. step: node spacing [px], to count pixels."""

    def __init__(self, regions: Regions, step: int) -> None:
        self.now, self.step = regions, step
        self._next: Regions | None = None
        self._start = self._span = 0.0

    def change(self, regions: Regions, *, time: float, span: float) -> None:
        """Begin to go over to other regions of the same window, within `span` seconds."""
        self.now = self._mixed(time)
        self._next, self._start, self._span = regions, time, max(span, 1e-3)

    def replace(self, shown: Array, step: int) -> None:
        """Take over to another window: `shown` (R, I, J) are the present weights in its nodes."""
        count = self.now.count * (self.step / step) ** 2
        sums = shown.sum(axis=(1, 2), dtype=float)
        scale = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0)
        weights = (shown * scale[:, None, None]).astype(np.float32)
        self.now, self.step, self._next = Regions(weights, count * (sums > 0)), step, None

    def settle(self, time: float) -> Regions:
        """The regions as they are at this time."""
        self.now = self._mixed(time)
        return self.now

    def means(self, planes: Array, outside: Array | None, time: float) -> tuple[Array, Array]:
        """(R, 3) mean plane values and (R,) pixels now; NaN and 0 where unseen."""
        old, count = self.now.means(planes, outside)
        if self._next is not None:
            share = self._share(time)
            new, new_count = self._next.means(planes, outside)
            mixed = (1 - share) * old + share * new
            if count.all() and new_count.all():
                old, count = mixed, (1 - share) * count + share * new_count
            else:  # what is covered from now on is unseen
                old = np.where(np.isnan(old), new, mixed)
                count = np.where(count == 0, new_count, (1 - share) * count + share * new_count)
                count[np.isnan(old[:, 0])] = 0
            if share >= 1:
                self.now, self._next = self._next, None
        return old, count * self.step**2

    def moments(self, planes: Array, region: int, time: float) -> Array:
        """(3, 3) mean of values × valuesᵀ over one region now."""
        old = self.now.moments(planes, region)
        if self._next is None:
            return old
        share = self._share(time)
        return np.asarray((1 - share) * old + share * self._next.moments(planes, region))

    def _share(self, time: float) -> float:
        part = min(max((time - self._start) / self._span, 0.0), 1.0)
        return part * part * (3 - 2 * part)  # without corners, which would ring in the pulse band

    def _mixed(self, time: float) -> Regions:
        if self._next is None:
            return self.now
        share = self._share(time)
        if share >= 1:
            return self._next
        old, new = self.now, self._next
        part = np.where(old.count == 0, 1.0, np.where(new.count == 0, 0.0, share))
        part = part[:, None, None].astype(np.float32)
        count = (1 - share) * old.count + share * new.count
        return Regions((1 - part) * old.weights + part * new.weights, count)


def skin_regions(
    frame: Frame, planes: Array, shares: Mapping[str, Array], *, skin: str, names: tuple[str, ...]
) -> Regions:
    """Regions of a face reduced to bare, well-lit skin.

    planes: (3, I, J) of the window as decoded.   shares: region -> (I, J) 0–1, with `skin`.
    skin:   name of a mask in `skin.MASKS`.       names: the regions wanted, in order.
    """
    yuv, whole = ycbcr(frame, planes), shares["skin"]
    clear = told(rgb_of(frame, planes))
    mask = MASKS[skin](yuv)
    area = float(whole.sum())
    if float((whole * mask).sum()) < MASK_KEPT * area:
        mask = np.ones_like(mask)
    mask &= clear & typical(yuv[0], whole * (mask & clear))
    wanted = np.array([float(shares[name].sum()) for name in names])
    return Regions.of([shares[name] * mask for name in names], wanted)


def colour_moments(frame: Frame, moments: Array, mean: Array) -> Array:
    """(3, 3) mean of RGB × RGBᵀ from the plane moments (3, 3) and means (3,)."""
    if frame.is_rgb:
        return moments
    turn, offset = frame.matrix[:, :3].astype(float), frame.matrix[:, 3].astype(float)
    shifted = np.outer(turn @ mean, offset)
    return np.asarray(turn @ moments @ turn.T + shifted + shifted.T + np.outer(offset, offset))
