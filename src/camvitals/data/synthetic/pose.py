"""From a scenario's movement to the pose and expression of a drawn person at each moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.data.synthetic.head import Expression
from camvitals.data.synthetic.movement import movement
from camvitals.data.synthetic.physiology import Physiology
from camvitals.data.synthetic.scenario import Scenario
from camvitals.records import Array

JAW_CM = 1.3  # parting of the lips at a mouth of 1
NOD_CM = 0.012  # the head is thrown by each beat (Balakrishnan et al., 2013)
BREATH_CM = np.array([0.0, 0.22, 0.12])  # chest, from rest to full
BLINK_S = 0.11
BLINKS_PER_S = 0.25


@dataclass(frozen=True, slots=True)
class Stance:
    """Where a person sits before the camera.

    place: (3,) of the head [cm], z negative.   tilt: resting yaw, pitch, roll [rad].
    focal: of the camera [px], to turn pixels of movement into centimetres.
    """

    place: Array
    tilt: tuple[float, float, float]
    focal: float


def rotation(yaw: float, pitch: float, roll: float) -> Array:
    """(3, 3) turn of the head [rad]: positive yaw to the picture's right, pitch down, roll left."""
    (a, b, c), (s, p, r) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    about_y = np.array([[a, 0, s], [0, 1, 0], [-s, 0, a]])
    about_x = np.array([[1, 0, 0], [0, b, -p], [0, p, b]])
    about_z = np.array([[c, -r, 0], [r, c, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


class Poses:
    """The expressions of one person; a pure function of the scenario and the time."""

    def __init__(self, scenario: Scenario, body: Physiology, stance: Stance) -> None:
        self._scenario, self._body, self.stance = scenario, body, stance
        rng = np.random.default_rng([scenario.seed, 31])
        count = 4 + int(scenario.duration * BLINKS_PER_S * 2)
        self._blinks = np.cumsum(rng.exponential(1 / BLINKS_PER_S, count) + 0.4)
        self._looks = np.cumsum(rng.exponential(1.5, count * 4) + 0.3)
        self._gaze = rng.normal(0, (0.11, 0.05), (count * 4 + 1, 2))
        self._tilt_phase = rng.random(3) * 2 * np.pi
        self._frozen = scenario.subject == "still-picture"

    def at(self, times: Array) -> list[Expression]:
        """One expression for each of these times (T,) [s]."""
        times = np.asarray(times, dtype=float)
        if self._frozen:
            place = self.stance.place
            still = Expression(rotation(*self.stance.tilt), place, place)
            return [still] * len(times)
        breath = self._body.breath_at(times)
        moved = movement(self._scenario, times, breath=breath)
        distance = -self.stance.place[2] / self.stance.focal
        shift = np.stack([moved.x * distance, -moved.y * distance, 0 * times], axis=1)
        yaw = self.stance.tilt[0] - moved.yaw
        pitch = self.stance.tilt[1] + 0.006 * np.sin(0.9 * times + self._tilt_phase[0])
        pitch = pitch + 0.06 * self._scenario.motion_scale * moved.mouth * self._nodding(times)
        roll = self.stance.tilt[2] + 0.25 * moved.yaw
        blink = self._blink(times)
        gaze = self._gaze_at(times) + np.stack([0.5 * moved.yaw, 0 * times], axis=1)
        head = self.stance.place + shift
        head[:, 1] -= NOD_CM * self._scenario.pulse * self._alive * self._body.pulse_at(times)
        trunk = self.stance.place + 0.6 * shift + 0.5 * (1 + breath)[:, None] * BREATH_CM
        return [
            Expression(
                rotation=rotation(yaw[k], pitch[k], roll[k]),
                place=head[k],
                body=trunk[k],
                jaw=JAW_CM * float(moved.mouth[k]),
                smile=float(moved.smile[k]),
                brow=0.8 * float(moved.smile[k]),
                blink=float(blink[k]),
                gaze=(float(gaze[k, 0]), float(gaze[k, 1])),
            )
            for k in range(len(times))
        ]

    @property
    def _alive(self) -> float:
        return 1.0 if self._scenario.alive else 0.0

    def _nodding(self, times: Array) -> Array:
        return np.asarray(np.sin(2 * np.pi * 0.7 * times + self._tilt_phase[1]))

    def _blink(self, times: Array) -> Array:
        nearest = np.clip(np.searchsorted(self._blinks, times), 1, len(self._blinks) - 1)
        away = np.minimum(
            np.abs(times - self._blinks[nearest - 1]), np.abs(times - self._blinks[nearest])
        )
        return np.asarray(np.exp(-((away / BLINK_S) ** 4)))

    def _gaze_at(self, times: Array) -> Array:
        turn = np.searchsorted(self._looks, times)
        since = times - np.concatenate([[-1.0], self._looks])[turn]
        share = np.clip(since / 0.05, 0, 1)[:, None]
        before = self._gaze[np.maximum(turn - 1, 0)]
        return np.asarray(before + share * (self._gaze[turn] - before))
