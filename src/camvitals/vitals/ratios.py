"""How strongly red, green and blue pulse in ten-second windows, and the ratios of that.

Blood with less oxygen absorbs more red and, around 450 nm, less blue light, so that the relative
pulsation of red against that of another colour follows the saturation. The windows are those of
Mathew et al. (2021): ten seconds, one every 0.2 s.
Shape letters: T samples on a uniform clock without gaps, W windows, N samples a window, F
frequencies, K ratios. The last axis of length 3 is red, green, blue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.dsp.clean import bandpass
from camvitals.records import Array, InputError

LENGTH_S, STRIDE_S = 10.0, 0.2
BAND_HZ = (0.5, 5.0)
PULSE_HZ = (0.67, 3.5)  # 40–210 bpm
NARROW_HZ = 0.2  # to each side of the pulse: what a Hann window of ten seconds makes of a line
STEADY_S = 10.0  # the pulse rate of a window is the median over those that end within this time
LEAST = 1e-30  # relative power below any camera's
AT_ONCE = 512  # windows transformed together, which bounds the memory
STRENGTHS = ("std", "peak", "shared")


@dataclass(frozen=True, slots=True)
class Method:
    """Which colours are set against which (index over index), and how their pulse is measured.

    narrow, strength: as `pulsation` takes them.   source: where it is from.
    """

    pairs: tuple[tuple[int, int], ...]
    narrow: bool
    strength: str
    source: str


METHODS = {
    "rg": Method(((0, 1),), False, "std", "red over green, fixed band"),
    "rb": Method(((0, 2),), False, "std", "red over blue, fixed band"),
    "multi": Method(
        ((0, 1), (0, 2), (1, 2)), True, "std", "all three, adaptive narrow band (Tian et al., 2021)"
    ),
    "shared": Method(
        ((0, 1), (2, 1)), False, "shared", "what of red and blue goes with green, over green"
    ),
}


@dataclass(frozen=True, slots=True)
class Pulsation:
    """What each colour does in each window.

    ac: (W, 3) strength of the pulse in the unit of the colours.
    dc: (W, 3) mean.   clear: (W, 3) share 0–1 of the power in BAND_HZ that is at the pulse.
    pulse: (W,) pulse rate [Hz].   end: (W,) s from the first sample to the last of the window.
    """

    ac: Array
    dc: Array
    clear: Array
    pulse: Array
    end: Array

    def ratios(self, method: str) -> Array:
        """(W, K) ratios of ratios: AC/DC of one colour over that of another, the method's pairs.

        NaN or infinite where a colour is flat. No factor on any colour changes them.
        """
        relative = relative_of(self.ac, self.dc)
        over, under = np.array(method_of(method).pairs).T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(relative[:, over] / relative[:, under])


def method_of(name: str) -> Method:
    """The method of this name; InputError lists those there are."""
    if name not in METHODS:
        raise InputError(f"no oxygen method {name!r}; choose one of {', '.join(METHODS)}")
    return METHODS[name]


def relative_of(ac_W3: Array, dc_W3: Array) -> Array:
    """AC/DC: (W, 3), NaN where the mean is not above zero."""
    return np.asarray(ac_W3 / np.where(dc_W3 > 0, dc_W3, np.nan))


def starts_of(
    count: int, *, rate: float, length: float = LENGTH_S, stride: float = STRIDE_S
) -> Array:
    """(W,) index of the first sample of every whole window in `count` samples.

    rate [Hz]; length, stride: [s], rounded to whole samples.   No window: an empty array.
    """
    if rate <= 0 or length <= 0 or stride <= 0:
        raise InputError(
            f"windows need rate, length and stride > 0 but got {rate:g}, {length:g} and {stride:g}"
        )
    return np.arange(0, count - round(length * rate) + 1, max(1, round(stride * rate)))


def ends_of(
    count: int, *, rate: float, length: float = LENGTH_S, stride: float = STRIDE_S
) -> Array:
    """(W,) s from the first sample to the last of each window: where a window's label is taken."""
    starts = starts_of(count, rate=rate, length=length, stride=stride)
    return np.asarray((starts + round(length * rate) - 1) / rate)


def windows_of(
    colours_T3: Array, *, rate: float, length: float = LENGTH_S, stride: float = STRIDE_S
) -> Array:
    """Sliding windows of a signal as a read-only view (W, N, …): nothing is copied.

    colours_T3: (T, …) uniform, without gaps.   rate [Hz]; length, stride: [s].
    """
    starts = starts_of(len(colours_T3), rate=rate, length=length, stride=stride)
    width = round(length * rate)
    if len(starts) == 0:
        return np.zeros((0, width, *np.shape(colours_T3)[1:]))
    sliding = np.lib.stride_tricks.sliding_window_view(colours_T3, width, axis=0)
    return np.asarray(np.moveaxis(sliding, -1, 1)[starts[0] :: max(1, round(stride * rate))])


def ratios(
    colours_T3: Array,
    *,
    rate: float,
    method: str = "rg",
    length: float = LENGTH_S,
    stride: float = STRIDE_S,
    pulse: Array | None = None,
) -> Array:
    """(W, K) ratios of ratios of every window by a method of METHODS; see `pulsation`."""
    return by_method(
        colours_T3, rate=rate, method=method, length=length, stride=stride, pulse=pulse
    ).ratios(method)


def by_method(
    colours_T3: Array,
    *,
    rate: float,
    method: str,
    length: float = LENGTH_S,
    stride: float = STRIDE_S,
    pulse: Array | None = None,
) -> Pulsation:
    """`pulsation` with the band and the strength of a method."""
    how = method_of(method)
    return pulsation(
        colours_T3,
        rate=rate,
        length=length,
        stride=stride,
        strength=how.strength,
        narrow=how.narrow,
        pulse=pulse,
    )


def pulsation(
    colours_T3: Array,
    *,
    rate: float,
    length: float = LENGTH_S,
    stride: float = STRIDE_S,
    strength: str = "std",
    narrow: bool = False,
    pulse: Array | None = None,
) -> Pulsation:
    """Strength of the pulse and mean of each colour, window by window.

    colours_T3: (T, 3) > 0, any linear unit, uniform, without gaps.   rate [Hz], above 2.
    strength: "std" of the band-passed colour; "peak", half its height from peak to peak; or
        "shared", the part of each that goes with green, with its sign: its noise adds nothing.
    narrow: take the band NARROW_HZ about the pulse rate of the window instead of BAND_HZ; the
        strength is then that of this band alone, whatever `strength` says.
    pulse:  (W,) pulse rate [Hz] where it is known better; else it is found in the colours.
    """
    if strength not in STRENGTHS:
        raise InputError(f"no strength {strength!r}; choose {' or '.join(STRENGTHS)}")
    colours = np.asarray(colours_T3, dtype=float)
    cut = {"rate": rate, "length": length, "stride": stride}
    windows, ends = windows_of(colours, **cut), ends_of(len(colours), **cut)
    if pulse is not None and np.shape(pulse) != (len(ends),):
        raise InputError(f"pulse needs a rate for {len(ends)} windows but has {np.shape(pulse)}")
    if len(ends) == 0:
        empty = np.zeros((0, 3))
        return Pulsation(empty, empty, empty, ends, ends)
    dc = windows.mean(axis=1)
    frequency, power = _spectra(windows, dc, rate=rate)
    if pulse is None:
        pulse = _steady(_pulse(frequency, power), ends)
    near = np.abs(frequency - np.asarray(pulse)[:, None]) <= NARROW_HZ
    twice = np.abs(frequency - 2 * np.asarray(pulse)[:, None]) <= NARROW_HZ
    line = np.where(near[..., None], power, 0).sum(axis=1)
    beats = line + np.where(twice[..., None], power, 0).sum(axis=1)
    clear = beats / np.maximum(power.sum(axis=1), LEAST)
    ac = np.sqrt(line) * dc if narrow else _strength(colours, strength, cut)
    return Pulsation(ac, dc, clear, np.asarray(pulse), ends)


def _strength(colours: Array, strength: str, cut: dict[str, float]) -> Array:
    """(W, 3) strength of the colours in BAND_HZ."""
    rate = cut["rate"]
    banded = bandpass(colours, rate=rate, low=BAND_HZ[0], high=min(BAND_HZ[1], 0.45 * rate))
    windows = windows_of(banded, **cut)
    if strength == "std":
        return np.asarray(windows.std(axis=1))
    if strength == "peak":
        return np.asarray(np.ptp(windows, axis=1) / 2)
    apart = windows - windows.mean(axis=1, keepdims=True)
    green = apart[..., 1:2]
    deviation = np.sqrt((green**2).mean(axis=1))
    return np.asarray((apart * green).mean(axis=1) / np.maximum(deviation, LEAST))


def _spectra(windows: Array, dc: Array, *, rate: float) -> tuple[Array, Array]:
    """(F,) Hz in BAND_HZ and (W, F, 3) power there of the relative change of each window.

    The powers of a line, summed about it, are the variance of that line.
    """
    count = windows.shape[1]
    size = 1 << (4 * count - 1).bit_length()
    frequency = np.fft.rfftfreq(size, 1 / rate)
    inside = (frequency >= BAND_HZ[0]) & (frequency <= min(BAND_HZ[1], 0.45 * rate))
    taper = np.hanning(count)[:, None]
    ramp = np.linspace(-1, 1, count)[:, None]
    scale = 2 / (size * (taper**2).sum())
    power = np.empty((len(windows), int(inside.sum()), 3), dtype=np.float32)
    for at in range(0, len(windows), AT_ONCE):
        part = slice(at, at + AT_ONCE)
        level = np.maximum(dc[part, None], 1e-9)
        x = windows[part] / level - 1
        x = x - ramp * ((x * ramp).sum(axis=1, keepdims=True) / (ramp**2).sum())
        power[part] = scale * np.abs(np.fft.rfft(x * taper, size, axis=1)[:, inside]) ** 2
    return frequency[inside], power


def _pulse(frequency: Array, power: Array) -> Array:
    """(W,) Hz of the highest line, the colours weighed by how much of their power is in one."""
    wanted = (frequency >= PULSE_HZ[0]) & (frequency <= PULSE_HZ[1])
    heights = power[:, wanted]
    share = heights.max(axis=1, keepdims=True) / np.maximum(power.sum(axis=1, keepdims=True), LEAST)
    joint = (heights * share / np.maximum(heights.max(axis=1, keepdims=True), LEAST)).sum(axis=2)
    return np.asarray(frequency[wanted][joint.argmax(axis=1)])


def _steady(pulse: Array, ends: Array) -> Array:
    """The median of the windows that end within STEADY_S, so that no single one leaps away."""
    if len(ends) < 3:
        return pulse
    half = int(STEADY_S / 2 / (ends[1] - ends[0]))
    padded = np.pad(pulse, half, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    return np.asarray(np.median(around, axis=1))
