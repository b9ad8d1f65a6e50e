"""From linear light to the 8-bit codes of a camera: exposure, white balance, noise, gamma, clock.

Shape letters: T pictures, H rows, W columns; the last axis is R, G, B.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.data.synthetic.light import STEP_S, Light
from camvitals.data.synthetic.physiology import band_noise
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import Array

NTSC = 1000 / 1001
LEVELS = 8192  # linear levels of the look-up tables: finer than one 8-bit code everywhere
POOL = 1 << 22  # normal deviates drawn once; a picture takes a run of them from a random place
DIM = 0.08  # light left in a dim room; the camera makes up for it with gain


@dataclass(frozen=True, slots=True)
class Sensor:
    """What sets one camera apart from another.

    electrons: a pixel holds at white; read: read-out noise [electrons].
    exposure:  share of the frame interval; readout: share over which the rows are read in turn.
    adaption:  how much of a change of light the automatic exposure takes back, after lag [s].
    hunting:   relative deviation of the exposure, and of each channel's white balance.
    """

    electrons: float
    read: float
    exposure: float
    readout: float
    adaption: float
    lag: float
    hunting: tuple[float, float]


SENSORS = {
    "webcam": Sensor(6000, 8, 0.5, 0.8, 0.75, 0.8, (0.003, 0.002)),
    "phone": Sensor(10000, 4, 0.4, 0.6, 0.85, 0.5, (0.002, 0.0015)),
    "machine": Sensor(20000, 3, 0.3, 0.0, 0.0, 1.0, (0.0, 0.0)),
}


def time_stamps(scenario: Scenario) -> Array:
    """(T,) s at which the pictures are taken, and truly stamped, from 0 to below the duration.

    steady: every 1/rate.   ntsc: every 1.001/rate.   jitter: each moved by up to 40 % of an
    interval, 15 % deviation.   halved: half the rate in the second half.   dropped: 5 % of the
    pictures missing at random, and one gap of 0.3–0.9 s in recordings of 4 s and more.
    """
    rng = np.random.default_rng([scenario.seed, 3])
    step = 1 / (scenario.rate * (NTSC if scenario.clock == "ntsc" else 1))
    time = np.arange(max(2, int(np.ceil(scenario.duration / step - 1e-6)))) * step
    if scenario.clock == "jitter":
        moved = np.clip(0.15 * rng.standard_normal(len(time)), -0.4, 0.4) * step
        moved[0] = abs(moved[0])
        return np.asarray(time + moved)
    if scenario.clock == "halved":
        half = int(np.ceil(len(time) / 2))
        return np.concatenate([time[:half], time[half::2]])
    if scenario.clock == "dropped":
        kept = rng.random(len(time)) >= 0.05
        if scenario.duration >= 4:
            start = rng.uniform(0.2, 0.7) * scenario.duration
            kept &= (time < start) | (time > start + rng.uniform(0.3, 0.9))
        kept[[0, -1]] = True
        return np.asarray(time[kept])
    return time


def gamma(linear: Array) -> Array:
    """Codes 0–255, not rounded, of linear light 0–1 (IEC 61966-2-1, sRGB)."""
    x = np.clip(linear, 0, 1)
    return np.asarray(255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055))


def linear(codes: Array) -> Array:
    """Linear light 0–1 of codes 0–255: the inverse of `gamma`."""
    v = np.asarray(codes, dtype=float) / 255
    return np.asarray(np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4))


class Camera:
    """The camera of a scenario, in its light. A picture depends on nothing but its arguments."""

    def __init__(self, scenario: Scenario) -> None:
        self.sensor = SENSORS[scenario.camera]
        self.light = Light(scenario)
        self._seed = scenario.seed
        self._exposure = self.sensor.exposure / scenario.rate
        self._readout = self.sensor.readout / scenario.rate
        self._electrons = self.sensor.electrons * (DIM if scenario.light == "dim" else 1.0)
        self._log_gain = self._automatic(np.random.default_rng([scenario.seed, 4]))
        self._tables: tuple[Array, Array] | None = None
        self._pool: Array | None = None

    def _automatic(self, rng: np.random.Generator) -> Array:
        """(N, 3) log gain of automatic exposure and white balance on the clock of the light."""
        seen = np.log(self.light.course.mean(axis=1))
        followed = _follow(seen, lag=self.sensor.lag)
        clock = self.light.time
        coarse = clock[0] + np.arange(int((clock[-1] - clock[0]) * 4) + 8) / 4
        hunts = [band_noise(len(coarse), centre=0.12, width=0.1, rng=rng) for _ in range(3)]
        exposure, red, blue = (np.interp(clock, coarse, hunt) for hunt in hunts)
        strength, balance = self.sensor.hunting
        level = strength * exposure - self.sensor.adaption * followed
        return np.stack([level + balance * red, level, level + balance * blue], axis=-1)

    def gains(self, times: Array) -> Array:
        """(..., 3) gain on linear light at these times [s]: light, exposure and white balance."""
        clock = self.light.time
        channels = [np.interp(times, clock, self._log_gain[:, c]) for c in range(3)]
        return np.asarray(self.light.at(times) * np.exp(np.stack(channels, axis=-1)))

    def flicker(self, times: Array, heights: Array) -> Array:
        """(T, R) gain of rows at these heights (0 top – 1 bottom), read one after the other."""
        begin = np.asarray(times)[..., None] + self._readout * np.asarray(heights)
        return self.light.flicker(begin, exposure=self._exposure)

    def noise(self, light: Array) -> Array:
        """Standard deviation of one pixel [codes] at this linear light; the same shape."""
        x = np.clip(light, 1e-4, 1)
        electrons = np.sqrt(x * self._electrons + self.sensor.read**2)
        slope = (gamma(x + 1e-4) - gamma(x - 1e-4)) / 2e-4
        return np.asarray(slope * electrons / self._electrons)

    def picture(self, light: Array, time: float) -> Array:
        """(H, W, 3) uint8: the picture of this linear light (white = 1 in mean light) at a time.

        light: (H, W, 3) float as it would look in the mean light of the scene, not clipped.
        """
        value, deviation = self._look_up()
        gain = self.gains(np.array(time)).astype(np.float32) * (LEVELS - 1)
        rows = np.linspace(0, 1, light.shape[0])
        waver = self.flicker(np.array([time]), rows)[0].astype(np.float32)
        level = np.multiply(light, gain * waver[:, None, None], dtype=np.float32)
        index = np.clip(level, 0, LEVELS - 1, out=level).astype(np.uint16)
        codes = deviation[index]
        codes *= self._deviates(codes.size, time).reshape(codes.shape)
        codes += value[index]
        picture: Array = np.clip(codes, 0, 255, out=codes).astype(np.uint8)
        return picture

    def _look_up(self) -> tuple[Array, Array]:
        """Code + ½ and its deviation for each linear level; made once."""
        if self._tables is None:
            level = (np.arange(LEVELS) + 0.5) / LEVELS
            value = (gamma(level) + 0.5).astype(np.float32)
            self._tables = value, self.noise(level).astype(np.float32)
        return self._tables

    def _deviates(self, count: int, time: float) -> Array:
        """(count,) standard normal float32, set by the seed and the time."""
        if self._pool is None or len(self._pool) < 2 * count:
            rng = np.random.default_rng([self._seed, 5])
            self._pool = rng.standard_normal(max(POOL, 2 * count), dtype=np.float32)
        stamp = np.random.default_rng([self._seed, 6, round(abs(time) * 1e6)])
        start = int(stamp.integers(len(self._pool) - count))
        return self._pool[start : start + count]


def _follow(values: Array, *, lag: float) -> Array:
    """(N,) values on the light's clock, followed with an exponential lag [s] from the first on."""
    keep = np.exp(-STEP_S / lag)
    reach = int(np.ceil(8 * lag / STEP_S))
    kernel = (1 - keep) * keep ** np.arange(reach)
    padded = np.concatenate([np.full(reach - 1, values[0]), values])
    return np.asarray(np.convolve(padded, kernel / kernel.sum(), mode="valid"))
