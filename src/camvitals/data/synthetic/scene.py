"""Pictures of made people: a scenario as a stream of camera frames.

The linear colour of a pixel of skin is reflectance × shading × (1 + perfusion × pulsatile colour ×
blood) + gloss, in the light of the scenario; the camera of `camera.py` makes codes of it. Memory
does not grow with the length of the recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from camvitals.data.synthetic import optics
from camvitals.data.synthetic.backdrop import backdrop
from camvitals.data.synthetic.camera import Camera, linear, time_stamps
from camvitals.data.synthetic.head import Expression, Person, build, look_of
from camvitals.data.synthetic.physiology import Physiology, simulate_physiology
from camvitals.data.synthetic.pose import Poses, Stance
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.shade import Blush, Layer, Lighting, View, layer_of, perfusion_of
from camvitals.data.synthetic.traces import PAINT
from camvitals.records import Array

FOCAL = 1.2  # focal length over the shorter side of the picture: about that of a webcam
DISTANCE_CM = 60.0
SLOT_CM = 24.0  # room that each face needs side by side
CHUNK = 256  # frames whose poses are made at once
DELAY_STEP_S = 0.004

# Direction of the key light (x right, y up, z to the camera), its distance [cm], ambient share.
KEYS = {
    "daylight": ((0.55, 0.35, 0.75), 80.0, 0.5),
    "lamp": ((0.35, 0.75, 0.6), 70.0, 0.45),
    "changing": ((0.5, 0.4, 0.75), 80.0, 0.55),
    "dim": ((0.15, 0.8, 0.6), 90.0, 0.6),
    "screen": ((0.05, -0.1, 1.0), 55.0, 0.5),
}


def frames(scenario: Scenario) -> Iterator[tuple[Array, float]]:
    """The pictures of a scenario, (height, width, 3) uint8 RGB, with their times [s].

    Deterministic by the scenario alone; the truth of person k is that of `scenario.person(k)`.
    """
    camera, scene, times = Camera(scenario), Scene(scenario), time_stamps(scenario)
    for first in range(0, len(times), CHUNK):
        chunk = times[first : first + CHUNK]
        for time, light in zip(chunk, scene.lights(chunk), strict=True):
            yield camera.picture(light, float(time)), float(time)


@dataclass(frozen=True, slots=True)
class Sitter:
    """One person of a scene: scenario and body behind, drawing, movement, skin and the light."""

    scenario: Scenario
    body: Physiology
    person: Person
    poses: Poses
    skin: optics.Skin
    lighting: Lighting

    def blush(self, time: float) -> Blush:
        """How the blood colours the skin at a time [s]."""
        if not self.scenario.alive:
            return Blush(np.zeros(3), np.zeros(3))
        before, now, after = self.body.pulse_at(time + np.array([-DELAY_STEP_S, 0, DELAY_STEP_S]))
        colour = self.scenario.pulse * self.skin.pulsatile(self.body.spo2_at(np.array(time)))
        return Blush(colour * now, colour * (after - before) / (2 * DELAY_STEP_S))


class Scene:
    """What the camera of a scenario looks at: a room and the people in it."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        width, height = scenario.size
        self.view = View(width, height, FOCAL * min(width, height))
        rng = np.random.default_rng([scenario.seed, 37])
        mirror = float(rng.choice([-1, 1]))
        self._white = optics.skin(1, scenario.light, scenario.camera).specular.astype(np.float32)
        room = backdrop(scenario.seed, width, height, bare=scenario.subject == "wall")
        self._room = (room * self._white).reshape(-1, 3)
        with_people = scenario.subject not in ("wall", "noise")
        stances = self._stances(rng) if with_people else []
        self.sitters = [
            self._sitter(scenario.person(k), at, mirror) for k, at in enumerate(stances)
        ]

    def _stances(self, rng: np.random.Generator) -> list[Stance]:
        """Where the people sit: side by side, so far away that all have room."""
        count, view = self.scenario.people, self.view
        needed = SLOT_CM * count * view.focal / view.width
        distance = max(DISTANCE_CM, needed) * float(rng.uniform(0.95, 1.1))
        slot = view.width / count * distance / view.focal
        stances = []
        for k in range(count):
            x = (k - (count - 1) / 2) * slot + float(rng.uniform(-0.06, 0.06)) * min(slot, 30)
            y = 1.0 + float(rng.uniform(-1.2, 1.2))
            tilt = rng.normal(0, (0.05, 0.03, 0.025))
            away = distance + 3.0 * (k % 2)
            place = np.array([x, y, -away])
            stances.append(Stance(place, (tilt[0], tilt[1], tilt[2]), view.focal))
        return stances

    def _sitter(self, scenario: Scenario, stance: Stance, mirror: float) -> Sitter:
        skin = optics.skin(scenario.tone, scenario.light, scenario.camera)
        body = simulate_physiology(scenario)
        bare = PAINT if scenario.subject == "painted-face" else skin.base / self._white
        face_px = 15 * self.view.focal / -stance.place[2]
        texels = int(np.clip(1.9 * face_px, 96, 1200))
        mesh = int(np.clip(0.45 * face_px, 40, 96))
        person = build(look_of(scenario.seed, scenario.tone), bare, texels=texels, mesh=mesh)
        direction, distance, ambient = KEYS[scenario.light]
        key = np.array(direction) * [mirror, 1, 1] / np.linalg.norm(direction)
        light = Lighting(key, ambient, stance.place, distance)
        return Sitter(scenario, body, person, Poses(scenario, body, stance), skin, light)

    def lights(self, times: Array) -> Iterator[Array]:
        """(height, width, 3) float32 linear light at each of these times [s], mean light = 1."""
        poses = [sitter.poses.at(times) for sitter in self.sitters]
        last: dict[int, tuple[Expression, Layer]] = {}
        for k, time in enumerate(times):
            light = self._empty(float(time))
            for i in self._back_to_front():
                sitter, now = self.sitters[i], poses[i][k]
                if i not in last or now is not last[i][0]:  # a still picture is drawn once
                    blush = sitter.blush(float(time))
                    layer = layer_of(sitter.person, now, blush, self.view, sitter.lighting)
                    last[i] = now, replace(layer, colour=layer.colour * self._white)
                last[i][1].over(light)
            yield light.reshape(self.view.height, self.view.width, 3)

    def _back_to_front(self) -> list[int]:
        far = [float(sitter.poses.stance.place[2]) for sitter in self.sitters]
        return [int(i) for i in np.argsort(far)]

    def _empty(self, time: float) -> Array:
        """(pixels, 3) light without people."""
        if self.scenario.subject != "noise":
            return self._room.copy()
        rng = np.random.default_rng([self.scenario.seed, 43, round(abs(time) * 1e6)])
        codes = rng.integers(0, 256, self._room.shape)
        return np.asarray(linear(np.arange(256)).astype(np.float32)[codes])

    def landmarks(self, time: float) -> list[dict[str, Array]]:
        """Where the features of each person are drawn at a time [s]: name -> (2,) x, y [px]."""
        found = []
        for sitter in self.sitters:
            points = sitter.person.landmarks(sitter.poses.at(np.array([time]))[0])
            screen, _ = self.view.project(np.stack(list(points.values())))
            found.append(dict(zip(points, screen, strict=True)))
        return found

    def perfusion(self, time: float) -> Array:
        """(height, width) relative strength of the pulse at each pixel; 0 where there is none.

        Its mean over the skin of a whole face is that of a made trace.
        """
        out = np.zeros((self.view.height, self.view.width), dtype=np.float32)
        for i in self._back_to_front():
            sitter = self.sitters[i]
            now = sitter.poses.at(np.array([time]))[0]
            if sitter.scenario.alive:
                out = np.maximum(out, perfusion_of(sitter.person, now, self.view))
        return out
