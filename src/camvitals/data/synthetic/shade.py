"""From a posed person to the light that it sends to the camera.

Shading is Lambert's with a soft terminator under a key light and a hemisphere of ambient light, and
a Blinn–Phong gloss for oily skin. Everything is linear light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.data.synthetic import render
from camvitals.data.synthetic.eyes import draw_eyes, draw_mouth
from camvitals.data.synthetic.head import Expression, Person
from camvitals.data.synthetic.paint import ALBEDO, DELAY, GLOSS, NORMAL, OCCLUSION, PERFUSION
from camvitals.records import Array

OUTLINE_CM = 1.2  # a jump in depth that shows as an outline


@dataclass(frozen=True, slots=True)
class Lighting:
    """The light on one person: a lamp or window nearby, and what the room throws back.

    key: (3,) unit vector from the head's resting place `seat` (3,) [cm] towards the light, which is
    `distance` cm away: a head that moves towards it is lit more.   ambient: share of the room.
    wrap: how far a broad light reaches round the edge of shadow.
    """

    key: Array
    ambient: float
    seat: Array
    distance: float
    wrap: float = 0.25

    def strength(self, place: Array) -> float:
        """Key light at a place of the head [cm], 1 at its seat: the inverse square."""
        away = self.seat + self.distance * self.key - place
        return float(self.distance**2 / (away @ away))


@dataclass(frozen=True, slots=True)
class View:
    """The camera: picture size and focal length [px]."""

    width: int
    height: int
    focal: float

    def project(self, points_N3: Array) -> tuple[Array, Array]:
        """(N, 2) places in the picture [px] and (N,) depths [cm]."""
        depth = -points_N3[:, 2]
        scale = self.focal / depth
        x = self.width / 2 + points_N3[:, 0] * scale
        return np.stack([x, self.height / 2 - points_N3[:, 1] * scale], axis=1), depth


@dataclass(frozen=True, slots=True)
class Blush:
    """What blood does to the skin at one moment.

    change: (3,) relative change of colour where the perfusion is 1.   slope: its derivative [1/s].
    """

    change: Array
    slope: Array


@dataclass(frozen=True, slots=True)
class Layer:
    """One person in one frame: flat pixel indices `at` (S,), the share of each that is covered
    `cover` (S,), and the linear light that the covered part sends to the camera `colour` (S, 3).
    """

    at: Array
    cover: Array
    colour: Array

    def over(self, light: Array) -> None:
        """Lay the person over a picture's light (pixels, 3), in place."""
        light[self.at] = light[self.at] * (1 - self.cover)[:, None] + self.colour


def layer_of(person: Person, now: Expression, blush: Blush, view: View, light: Lighting) -> Layer:
    """Everything that one person's frame shows; pixels at outlines are four samples each."""
    screen, depth = view.project(person.posed(now))
    seen = render.facets_of(screen, depth, person.quads)
    centres = render.at_centres(seen, view.width, view.height)
    edge = _outlines(person, centres, view)
    whole = centres.where(~edge.ravel()[centres.at])
    fine = render.at_edges(seen, edge)
    blur = 0.75 * float(-now.place[2]) / view.focal
    inside, border = (_shaded(person, s, now, blush, light, blur) for s in (whole, fine))
    marked = np.flatnonzero(edge)
    pixel = fine.at // len(render.SUBSAMPLES)
    sums = [
        np.bincount(pixel, weights=weights, minlength=len(marked)) / len(render.SUBSAMPLES)
        for weights in (np.ones(len(pixel)), *border.T)
    ]
    cover = np.concatenate([np.ones(len(whole.at)), sums[0]]).astype(np.float32)
    colour = np.concatenate([inside, np.stack(sums[1:], axis=1).astype(np.float32)])
    return Layer(np.concatenate([whole.at, marked]), cover, colour)


def perfusion_of(person: Person, now: Expression, view: View) -> Array:
    """(H, W) float32 relative strength of the pulse seen at each pixel; 0 where there is none."""
    screen, depth = view.project(person.posed(now))
    seen = render.at_centres(render.facets_of(screen, depth, person.quads), view.width, view.height)
    where = seen.interpolate(person.coordinates)
    surface = render.sample_texture(person.texture, where[:, 0], where[:, 1])
    draw_features(surface, person, where, now, 0.02)
    out = np.zeros(view.width * view.height, dtype=np.float32)
    out[seen.at] = surface[:, PERFUSION]
    return out.reshape(view.height, view.width)


def _outlines(person: Person, centres: render.Samples, view: View) -> Array:
    """(H, W) pixels at the outlines of the person's parts."""
    part = np.full((view.height, view.width), -1, dtype=np.int8)
    far = np.zeros((view.height, view.width), dtype=np.float32)
    part.ravel()[centres.at] = person.part[centres.corners[:, 0]]
    far.ravel()[centres.at] = centres.depth
    return render.edges_of(part, far, OUTLINE_CM)


def _shaded(
    person: Person,
    seen: render.Samples,
    now: Expression,
    blush: Blush,
    light: Lighting,
    blur: float,
) -> Array:
    """(S, 3) linear light of the samples."""
    where = seen.interpolate(person.coordinates)
    surface = render.sample_texture(person.texture, where[:, 0], where[:, 1])
    draw_features(surface, person, where, now, blur)
    shade, gloss = _lit(surface, now, light)
    colour = surface[:, ALBEDO] * shade[:, None]
    alive = np.flatnonzero(surface[:, PERFUSION] > 0)
    if blush.change.any():
        late = surface[alive, DELAY, None] * blush.slope.astype(np.float32)
        reach = surface[alive, PERFUSION, None] * (blush.change.astype(np.float32) - late)
        colour[alive] *= 1 + reach
    colour += gloss[:, None]
    return np.asarray(colour)


def draw_features(
    surface: Array, person: Person, where: Array, now: Expression, blur: float
) -> None:
    """Draw eyes and mouth into sampled texture values (S, CHANNELS) at coordinates (S, 5)."""
    face = np.flatnonzero((where[:, 2] < 6) & (where[:, 3] < 2) & (where[:, 3] > -9))
    x, y, gap = where[face, 2], where[face, 3], where[face, 4]
    drawn = surface[face]
    draw_eyes(drawn, person.look, x, y, blink=now.blink, gaze=np.asarray(now.gaze), blur=blur)
    if now.jaw > 0.02:
        slit = (gap > 0.001) & (gap < 0.999) & (np.abs(x) < 2.5)
        draw_mouth(drawn, np.where(slit, gap, np.nan), x, now.jaw)
    surface[face] = drawn


def _lit(surface: Array, now: Expression, light: Lighting) -> tuple[Array, Array]:
    """(S,) diffuse shading and (S,) gloss of sampled surfaces."""
    half = light.key + np.array([0, 0, 1])
    half /= np.linalg.norm(half)
    axes = (np.stack([light.key, np.array([0, 1, 0]), half]) @ now.rotation).astype(np.float32)
    x, y, z = np.ascontiguousarray(surface[:, NORMAL].T)
    length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-6)
    facing, up, glance = ((a * x + b * y + c * z) / length for a, b, c in axes)
    direct = np.clip((facing + light.wrap) / (1 + light.wrap), 0, None)
    occlusion = surface[:, OCCLUSION]
    share = (1 - light.ambient) * light.strength(now.place)
    shade = light.ambient * (0.8 + 0.2 * up) * occlusion
    shade += share * direct * (0.5 + 0.5 * occlusion)
    squared = np.clip(glance, 0, None) ** 2
    fourth = squared * squared
    lobe = fourth * fourth * fourth * fourth * fourth * squared
    return shade, 0.09 * share * surface[:, GLOSS] * lobe
