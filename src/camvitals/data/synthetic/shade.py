"""From a posed person to layers of light: what a picture needs to become any moment's colours.

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


@dataclass(frozen=True, slots=True)
class Lighting:
    """Directions and shares of the light: `key` (3,) unit vector towards it, `ambient` share."""

    key: Array
    ambient: float
    wrap: float = 0.25


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
class Layers:
    """One person in one frame: the pixels covered, and what each sends to the camera.

    at: (S,) flat pixel indices.   cover: (S,) share of the pixel covered.
    still: (S, 3) linear light without pulse.   pulse: (S, 3) light × perfusion, to be multiplied
    by the relative colour change; late: (S, 3) the same × delay [s].
    """

    at: Array
    cover: Array
    still: Array
    pulse: Array
    late: Array


def layers_of(person: Person, now: Expression, view: View, light: Lighting) -> Layers:
    """Everything that one person's frame shows."""
    points = person.posed(now)
    screen, depth = view.project(points)
    seen = render.triangles_of(screen, depth, person.quads)
    centres = render.at_centres(seen, view.width, view.height)
    part = np.full(view.width * view.height, -1, dtype=np.int8)
    far = np.zeros(view.width * view.height)
    part[centres.at] = person.part[centres.corners[:, 0]]
    far[centres.at] = centres.depth
    shape = (view.height, view.width)
    edge = render.edges_of(part.reshape(shape), far.reshape(shape), 1.2).ravel()
    inner = ~edge[centres.at]
    whole = render.Samples(
        centres.at[inner], centres.corners[inner], centres.weights[inner], centres.depth[inner]
    )
    fine = render.at_edges(seen, edge.reshape(shape))
    blur = 0.5 * float(-now.place[2]) / view.focal
    inside = _shaded(person, whole, now, light, blur)
    border = _shaded(person, fine, now, light, blur)
    marked = np.flatnonzero(edge)
    cover = np.bincount(fine.at // 4, minlength=len(marked)) / 4
    mean = _per_pixel(border, fine.at // 4, len(marked))
    return Layers(
        np.concatenate([whole.at, marked]),
        np.concatenate([np.ones(len(whole.at)), cover]).astype(np.float32),
        *(np.concatenate([inside[k], mean[k]]) for k in range(3)),
    )


def _per_pixel(values: Array, pixel: Array, count: int) -> Array:
    """(3, count, 3) quarter sums of the samples of each edge pixel."""
    out = np.zeros((3, count, 3), dtype=np.float32)
    for layer in range(3):
        for channel in range(3):
            weights = values[layer, :, channel]
            out[layer, :, channel] = np.bincount(pixel, weights=weights, minlength=count) / 4
    return out


def _shaded(
    person: Person, seen: render.Samples, now: Expression, light: Lighting, blur: float
) -> Array:
    """(3, S, 3) still, pulse and late light of the samples."""
    where = seen.interpolate(person.coordinates)
    surface = render.sample_texture(person.texture, where[:, 0], where[:, 1])
    x, y = where[:, 2], where[:, 3]
    gap = where[:, 4]
    if now.jaw > 0.02:
        slit = (gap > 0.001) & (gap < 0.999) & (np.abs(x) < 2.5)
        draw_mouth(surface, np.where(slit, gap, np.nan), x, now.jaw)
    draw_eyes(surface, person.look, x, y, blink=now.blink, gaze=np.asarray(now.gaze), blur=blur)
    normal = surface[:, NORMAL] @ now.rotation.T.astype(np.float32)
    normal /= np.sqrt(np.einsum("sc,sc->s", normal, normal))[:, None] + 1e-6
    key = light.key.astype(np.float32)
    facing = np.clip((normal @ key + light.wrap) / (1 + light.wrap), 0, None)
    around = light.ambient * (0.8 + 0.2 * normal[:, 1]) * surface[:, OCCLUSION]
    shade = around + (1 - light.ambient) * facing * (0.5 + 0.5 * surface[:, OCCLUSION])
    half = key + np.array([0, 0, 1], dtype=np.float32)
    half /= np.linalg.norm(half)
    glance = np.clip(normal @ half, 0, None) ** 22
    gloss = 0.09 * (1 - light.ambient) * surface[:, GLOSS] * glance
    out = np.empty((3, len(seen.at), 3), dtype=np.float32)
    diffuse = surface[:, ALBEDO] * shade[:, None]
    out[0] = diffuse + gloss[:, None]
    out[1] = diffuse * surface[:, PERFUSION, None]
    out[2] = out[1] * surface[:, DELAY, None]
    return out
