"""Samples through a network to a pulse, as they come: never more of them in memory than it needs.

A network that carries state is given blocks, one after another. Any other is given windows that
overlap by half, whose outputs are brought to unit variance and faded into each other, and one more
that ends with the last sample. Both depend on where a stretch begins and on its samples alone, so
that a file and a camera give the same.

Shape letters: T samples, N samples on the network's clock.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from camvitals.card import ModelCard
from camvitals.dsp import colours, frames
from camvitals.dsp.clean import GAP_S, bandpass
from camvitals.dsp.spectrum import HEART_BAND_HZ
from camvitals.face.framing import framing_of
from camvitals.records import Array, InputError
from camvitals.runtime import Network

BLOCK = 16  # samples given at once to a network that carries state
ROOM = 1024  # samples by which memory grows


class Stretch:
    """Samples of one stretch without a gap, on the network's clock.

    network: with a state of its own, which begins anew.   start: time of the first sample [s].
    stop: last time that belongs to it [s]; infinite until something was withdrawn.
    """

    def __init__(self, network: Network, *, start: float, length: int | None) -> None:
        self.start, self.stop, self.count = start, np.inf, 0
        self._network, self._card, self._length = network, network.card, length
        self._carries, self._delay = bool(network.card.state), network.card.delay
        self._recent: deque[Array] = deque(maxlen=None if self._carries else length)
        self._sums = _Sums()
        self._ended: tuple[int, _Sums] | None = None
        network.reset()

    def push(self, sample: Array) -> None:
        """The next sample: (H, W, 3) picture, 0–255, or (R, 3) colours."""
        self._recent.append(sample)
        self.count += 1
        if self._carries:
            if len(self._recent) == (self._length or BLOCK):
                self._advance()
        elif self._on_hop():
            self._add_window(self._sums)

    def values(self) -> tuple[int, Array]:
        """Number of the first sample that is kept, and (N,) the pulse from there; NaN: unknown."""
        sums = self._sums
        if not self._carries:
            sums = self._with_end()
        elif self._recent and self._length is None:
            self._advance()
        first, values = sums.mean(self.count)
        if self._carries:
            rate = self._card.rate or 0.0
            values[: max(0, round(self._card.warm_up * rate) - first)] = np.nan
            if self._card.gives == "derivative":
                values = np.where(np.isfinite(values), np.nancumsum(values), np.nan)
        return first, values

    def trim(self, before: int) -> None:
        """Forget what came out for samples before this number."""
        self._sums.trim(before)

    def _on_hop(self) -> bool:
        assert self._length is not None
        past = self.count - self._length
        return past >= 0 and past % max(1, (self._length - self._delay) // 2) == 0

    def _with_end(self) -> _Sums:
        """With a window that ends with the last sample."""
        assert self._length is not None
        if self.count < self._length or self._on_hop():
            return self._sums
        if self._ended is None or self._ended[0] != self.count:
            sums = self._sums.copy()
            self._add_window(sums)
            self._ended = (self.count, sums)
        return self._ended[1]

    def _add_window(self, sums: _Sums) -> None:
        rate = self._card.rate or 0.0
        piece = output(self._network, np.stack(self._recent))[self._delay :]
        if not np.isfinite(piece).all():
            return
        if self._card.gives == "derivative":
            piece = np.cumsum(piece)
        piece = piece - piece.mean()
        if self._card.gives != "ecg":  # whose waves are narrower than a pulse
            low, high = HEART_BAND_HZ
            piece = bandpass(piece, rate=rate, low=low, high=min(high, 0.45 * rate))
        taper = np.hanning(len(piece) + 2)[1:-1]
        at = self.count - self._delay - len(piece)
        sums.add(at, piece / max(float(piece.std()), 1e-12), taper)

    def _advance(self) -> None:
        piece = output(self._network, np.stack(self._recent))
        fine = np.isfinite(piece)
        at = self.count - self._delay - len(piece)
        self._sums.add(at, np.where(fine, piece, 0.0), fine.astype(float))
        self._recent.clear()


class Stream:
    """What takes one person's crops as they come; see `face.takers.Taker`.

    network: its own, see `Network.another`.   length: samples given at once, or None for any.
    keep:    seconds of pulse kept at least; None keeps all.
    """

    def __init__(self, network: Network, *, length: int | None, keep: float | None) -> None:
        self._network, self._length, self._keep = network, length, keep
        self._rate = network.card.rate or 0.0
        self._stretches: deque[Stretch] = deque()
        self._last: tuple[float, Array] | None = None

    @property
    def size(self) -> int:
        """Rows and columns of the crops [px]."""
        return self._network.card.size[0] if self._network.card.size else 0

    @property
    def framing(self) -> tuple[str, float, float]:
        """How the crops are cut out."""
        return framing_of(self._network.card.crop)

    def take(self, image: Array, time: float) -> None:
        """The next crop and its time [s]; it is brought to the network's clock by its neighbours.

        A gap above GAP_S, and anything withdrawn, begins a new stretch.
        """
        if self._last is None or time - self._last[0] > GAP_S:
            self._forget(time)
            if self._stretches:
                self._stretches[-1].values()  # what it has not been given yet is lost else
            self._stretches.append(Stretch(self._network, start=time, length=self._length))
            self._stretches[-1].push(image)
        else:
            self._go_on(image, time, *self._last)
        self._last = (time, image)

    def withdraw(self, after: float) -> None:
        """What was given later than `after` [s] was not the person."""
        while self._stretches and self._stretches[-1].start > after:
            self._stretches.pop()
        if self._stretches:
            self._stretches[-1].stop = min(self._stretches[-1].stop, after)
        self._last = None

    def pulse(self, time_T: Array) -> Array:
        """(T,) the pulse at these times; NaN where nothing was given, or too little."""
        out = np.full(len(time_T), np.nan)
        for stretch in self._stretches:
            first, values = stretch.values()
            known = np.flatnonzero(np.isfinite(values))
            if len(known) == 0:
                continue
            clock = stretch.start + (first + known) / self._rate
            end = min(clock[-1] + 1 / self._rate, stretch.stop)
            inside = (time_T >= clock[0] - 1e-6) & (time_T <= end + 1e-6)
            out[inside] = np.interp(time_T[inside], clock, values[known])
        return out

    def _go_on(self, image: Array, time: float, before: float, earlier: Array) -> None:
        stretch = self._stretches[-1]
        while (at := stretch.start + stretch.count / self._rate) <= time + 1e-6:
            share = np.float32(min((at - before) / (time - before), 1.0))
            if share > 1 - 1e-4:
                stretch.push(image)
            else:
                mixed = (1 - share) * earlier.astype(np.float32) + share * image
                stretch.push(mixed.astype(np.float32))
        if self._keep is not None and stretch.count % ROOM == 0:
            self._forget(time)

    def _forget(self, time: float) -> None:
        if self._keep is None:
            return
        oldest = time - self._keep - 1.0
        while len(self._stretches) > 1 and self._stretches[1].start < oldest:
            self._stretches.popleft()
        for stretch in self._stretches:
            stretch.trim(int((oldest - stretch.start) * self._rate))


class _Sums:
    """Weighted sums of values on a clock, of which the beginning can be forgotten."""

    def __init__(self) -> None:
        self._base = 0
        self._sums = np.zeros((2, 0))

    def copy(self) -> _Sums:
        other = _Sums()
        other._base, other._sums = self._base, self._sums.copy()
        return other

    def add(self, at: int, values: Array, weight: Array) -> None:
        skipped = max(0, self._base - at)
        values, weight, at = values[skipped:], weight[skipped:], at + skipped - self._base
        lacking = at + len(values) - self._sums.shape[1]
        if lacking > 0:
            self._sums = np.pad(self._sums, ((0, 0), (0, lacking + ROOM)))
        part = self._sums[:, at : at + len(values)]
        part += [values * weight, weight]

    def trim(self, before: int) -> None:
        cut = min(before - self._base, self._sums.shape[1])
        if cut > 0:
            self._sums, self._base = self._sums[:, cut:].copy(), self._base + cut

    def mean(self, stop: int) -> tuple[int, Array]:
        total, weight = np.zeros((2, max(0, stop - self._base)))
        known = min(len(total), self._sums.shape[1])
        total[:known], weight[:known] = self._sums[:, :known]
        return self._base, np.where(weight > 0, total / np.where(weight > 0, weight, 1), np.nan)


def output(network: Network, samples: Array) -> Array:
    """(T,) what a network says of (T, H, W, 3) pictures or (T, R, 3) colours, 0–255."""
    card = network.card
    (name,) = network.inputs
    found = network({name: given_of(card, samples)[None]})
    values = found[next(iter(card.outputs))].ravel().astype(float)
    if len(values) != len(samples):
        raise InputError(
            f"{card.name} gave {len(values)} numbers for {len(samples)} samples; a pulse needs one "
            "for each: export it anew"
        )
    return values


def given_of(card: ModelCard, samples: Array) -> Array:
    """What a network takes of (T, H, W, 3) pictures or (T, R, 3) colours, without the batch."""
    if card.size is None:
        return colours.prepared(samples, takes=card.takes)
    return frames.prepared(samples, takes=card.takes, layout=card.layout, extra=card.extra)
