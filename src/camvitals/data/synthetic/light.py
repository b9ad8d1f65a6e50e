"""How the light on the subject changes while the recording runs."""

from __future__ import annotations

import numpy as np

from camvitals.data.synthetic.physiology import band_noise
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import Array

STEP_S = 0.05
FLICKER = 0.08  # depth of a filament's flicker at twice the mains frequency


class Light:
    """The light of a scenario relative to its mean, as gains on linear R, G, B.

    Daylight, lamp and dim light drift by a few tenths of a percent; `changing` has clouds (a third
    of the light, over seconds to a minute) and a curtain or two; `screen` cuts from picture to
    picture every 1–4 s, each with its own colour, and moves in between, inside the heart band too.
    A lamp flickers with the mains.
    """

    def __init__(self, scenario: Scenario) -> None:
        rng = np.random.default_rng([scenario.seed, 2])
        self._time = np.arange(-1.0, scenario.duration + 2.0, STEP_S)
        self._mains = float(scenario.mains)
        self._flicker = FLICKER if scenario.light == "lamp" else 0.0
        self._phase = float(rng.random())
        level = np.log1p(0.002 * _noise(self._time, centre=0.0, width=0.1, rng=rng))
        colour = np.zeros((len(self._time), 3))
        if scenario.light == "changing":
            level += _clouds(self._time, rng)
        if scenario.light == "screen":
            colour = _screen(self._time, rng)
        self._log = level[:, None] + colour
        self._log -= np.log(np.exp(self._log).mean(axis=0))

    @property
    def time(self) -> Array:
        """(N,) s: the clock on which the course of the light is known."""
        return self._time

    @property
    def course(self) -> Array:
        """(N, 3) gains on that clock, mean 1, without flicker."""
        return np.asarray(np.exp(self._log))

    def at(self, times: Array) -> Array:
        """(..., 3) gains at these times [s], without flicker."""
        channels = [np.interp(times, self._time, self._log[:, c]) for c in range(3)]
        return np.asarray(np.exp(np.stack(channels, axis=-1)))

    def flicker(self, times: Array, *, exposure: float) -> Array:
        """(...) gain of exposures of this length [s] that begin at these times [s]."""
        if self._flicker == 0:
            return np.ones(np.shape(times))
        cycles = 2 * self._mains
        depth = self._flicker * np.sinc(cycles * exposure)
        middle = np.asarray(times) + exposure / 2
        return np.asarray(1 + depth * np.sin(2 * np.pi * (cycles * middle + self._phase)))


def _noise(time: Array, *, centre: float, width: float, rng: np.random.Generator) -> Array:
    """(N,) Gaussian noise of unit variance in a band [Hz] below 2 Hz, on this clock."""
    coarse = np.arange(int((time[-1] - time[0]) * 4) + 8) / 4
    noise = band_noise(len(coarse), centre=centre, width=width, rng=rng)
    return np.asarray(np.interp(time - time[0], coarse, noise))


def _clouds(time: Array, rng: np.random.Generator) -> Array:
    """(N,) log gain: slow swings and one smooth step in about 15 s."""
    level = 0.18 * _noise(time, centre=0.0, width=0.05, rng=rng)
    level += 0.03 * _noise(time, centre=0.3, width=0.15, rng=rng)
    n_steps = 1 + int(rng.poisson((time[-1] - time[0]) / 15))
    at = rng.uniform(time[0], time[-1], n_steps)
    height = rng.uniform(0.08, 0.25, n_steps) * rng.choice([-1, 1], n_steps)
    steps = height / (1 + np.exp(-np.clip((time[:, None] - at) / 0.15, -50, 50)))
    return np.asarray(np.clip(level + steps.sum(axis=1), -0.7, 0.5))


def _screen(time: Array, rng: np.random.Generator) -> Array:
    """(N, 3) log gain: a new picture every 1–4 s, and movement in it."""
    cuts = np.cumsum(rng.uniform(1.0, 4.0, int(time[-1] - time[0]) + 2)) + time[0]
    scene = np.searchsorted(cuts, time)
    bright = 0.05 * rng.standard_normal((len(cuts) + 1, 1))
    colours = bright + 0.012 * rng.standard_normal((len(cuts) + 1, 3))
    moving = 0.01 * _noise(time, centre=0.8, width=0.6, rng=rng)
    return np.asarray(np.clip(colours, -0.25, 0.25)[scene] + moving[:, None])
