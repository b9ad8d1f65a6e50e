"""A drawn person: look drawn from a seed, mesh with expressions, texture, and what a camera sees.

Nobody's face is used: shape and skin are closed forms with random parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.data.synthetic import paint
from camvitals.data.synthetic.render import grid_quads
from camvitals.data.synthetic.surface import (
    BEARDS,
    EYE_X,
    HAIR_STYLES,
    MOUTH_Y,
    Look,
    Surface,
    body_surface,
    bump,
    ear_surface,
    head_surface,
    mane_surface,
    row_of_height,
    smoothstep,
)
from camvitals.records import Array

HEAD, BODY, EAR, MANE = range(4)
SLIT = 0.0004  # height of the closed mouth's slit in the parameter p
HAIR_COLOURS = (
    (0.010, 0.008, 0.007),
    (0.022, 0.014, 0.009),
    (0.055, 0.030, 0.016),
    (0.120, 0.065, 0.028),
    (0.300, 0.190, 0.085),
    (0.160, 0.050, 0.018),
    (0.260, 0.250, 0.240),
)
IRIS_COLOURS = (
    (0.035, 0.018, 0.009),
    (0.07, 0.035, 0.014),
    (0.06, 0.10, 0.15),
    (0.06, 0.085, 0.04),
)
CLOTH_COLOURS = (
    (0.04, 0.06, 0.14),
    (0.30, 0.30, 0.30),
    (0.02, 0.02, 0.022),
    (0.06, 0.14, 0.09),
    (0.26, 0.05, 0.05),
    (0.42, 0.40, 0.34),
    (0.10, 0.16, 0.24),
    (0.28, 0.20, 0.06),
)


def _nearest(where: Array, at: Array, points: Array) -> Array:
    """The point at a resting place of the face, from its four nearest vertices."""
    away = np.hypot(*(where - at).T)
    four = np.argsort(away)[:4]
    weight = 1 / (away[four] + 1e-3) ** 2
    return np.asarray(weight @ points[four] / weight.sum())


def look_of(seed: int, tone: int) -> Look:
    """The look of a person drawn from a seed; hair and eyes are plausible for the skin tone 1–6."""
    rng = np.random.default_rng([seed, 5])
    dark = rng.random() < (tone - 1) / 3
    style = str(rng.choice(HAIR_STYLES, p=(0.28, 0.16, 0.14, 0.27, 0.08, 0.07)))
    bearded = style not in {"long", "fringe"} and rng.random() < 0.5
    colour = int(rng.choice(2 if dark else len(HAIR_COLOURS)))
    factor = rng.normal(1.0, 0.045, 9)
    return Look(
        seed=seed,
        width=float(np.clip(factor[0], 0.92, 1.08)),
        length=float(np.clip(factor[1], 0.94, 1.07)),
        jaw=float(np.clip(factor[2] + (0.03 if bearded else 0.0), 0.9, 1.12)),
        nose=float(np.clip(1 + 3 * (factor[3] - 1) + 0.04 * (tone - 2), 0.82, 1.3)),
        lips=float(np.clip(1 + 3 * (factor[4] - 1) + 0.05 * (tone - 2), 0.75, 1.35)),
        eyes=float(np.clip(factor[5], 0.9, 1.12)),
        brows=float(np.clip(1 + 4 * (factor[6] - 1), 0.7, 1.35)),
        spacing=float(np.clip(1 + 0.6 * (factor[7] - 1), 0.95, 1.05)),
        hair=style,
        beard=str(rng.choice(BEARDS[1:])) if bearded else "none",
        volume=float({"short": 1.1, "fringe": 1.3, "long": 1.0, "receding": 0.5}.get(style, 0.15)),
        hair_colour=HAIR_COLOURS[colour],
        iris_colour=IRIS_COLOURS[int(rng.choice(1 if dark else 4))],
        cloth_colour=CLOTH_COLOURS[int(rng.choice(len(CLOTH_COLOURS)))],
        lines=float(rng.uniform(0.1, 1.0)),
        freckles=float(max(0.0, rng.normal(0.0, 0.8 if tone < 3 else 0.2))),
        redness=float(rng.uniform(0.2, 1.0)),
        oil=float(rng.uniform(0.2, 1.0)),
    )


@dataclass(frozen=True, slots=True)
class Expression:
    """Pose and expression of one frame.

    rotation: (3, 3) of the head about its pivot; place: (3,) of the head, body: (3,) of the trunk
    [cm from the camera, z negative].   jaw: parting of the lips [cm]; smile, brow: −1–1;
    blink: 0–1; gaze: (2,) [cm].
    """

    rotation: Array
    place: Array
    body: Array
    jaw: float = 0.0
    smile: float = 0.0
    brow: float = 0.0
    blink: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Person:
    """Mesh and texture of one drawn person.

    rest: (N, 3) [cm].   coordinates: (N, 5) texture column and row, resting x and y of the face,
    place in the slit of the mouth.   part: (N,).   follow: (N,) share of the head's pose.
    jaw, smile, brow: (N, 3) displacements [cm] per unit.   texture: (rows, columns, CHANNELS).
    """

    look: Look
    rest: Array
    coordinates: Array
    part: Array
    follow: Array
    jaw: Array
    smile: Array
    brow: Array
    quads: Array
    texture: Array

    def posed(self, now: Expression) -> Array:
        """(N, 3) vertices before the camera [cm]."""
        moved = self.rest + now.jaw * self.jaw + now.smile * self.smile + now.brow * self.brow
        head = (moved - PIVOT) @ now.rotation.T + PIVOT + now.place
        share = self.follow[:, None]
        return np.asarray(share * head + (1 - share) * (moved + now.body))

    def landmarks(self, now: Expression) -> dict[str, Array]:
        """Name -> (3,) place [cm] of eyes (picture's left, right), nose, mouth and chin."""
        posed, head = self.posed(now), np.flatnonzero(self.part == HEAD)
        front = head[self.rest[head, 2] > 4]
        eye = EYE_X * self.look.spacing
        wanted = {
            "left_eye": (-eye, 0.0),
            "right_eye": (eye, 0.0),
            "nose": (0.0, -4.1),
            "mouth": (0.0, MOUTH_Y),
            "chin": (0.0, -10.6),
        }
        where = self.coordinates[front, 2:4]
        return {name: _nearest(where, np.array(at), posed[front]) for name, at in wanted.items()}


PIVOT = np.array([0.0, -8.0, -3.0])


def build(look: Look, skin: Array, *, texels: int, mesh: int) -> Person:
    """The person of a look; `skin` (3,) mean linear reflectance.

    texels: columns of the texture around the head.   mesh: columns of the mesh around the head.
    """
    head = head_surface(look)
    surfaces: list[tuple[int, Surface, tuple[int, int], tuple[Array, Array]]] = []
    slit = row_of_height(look, MOUTH_Y * look.length)
    p = np.linspace(0, 1, mesh)
    p = np.sort(np.concatenate([p[np.abs(p - slit) > 0.004], [slit, slit + SLIT]]))
    surfaces.append((HEAD, head, (round(1.4 * texels), texels), (_even(mesh), p)))
    coarse = (_even(mesh // 2), _even(mesh // 2))
    surfaces.append((BODY, body_surface(look), (texels // 2, texels), coarse))
    if look.hair == "long":
        surfaces.append((MANE, mane_surface(look), (texels // 3, texels), coarse))
    for side in (-1, 1):
        small = (_even(mesh // 4), _even(mesh // 6))
        surfaces.append((EAR, ear_surface(look, side), (texels // 8, texels), small))
    return _assemble(look, skin, surfaces, slit)


def _even(count: int) -> Array:
    return np.linspace(0, 1, max(count, 8))


def _assemble(
    look: Look,
    skin: Array,
    surfaces: list[tuple[int, Surface, tuple[int, int], tuple[Array, Array]]],
    slit: float,
) -> Person:
    rest, coordinates, parts, quads, textures = [], [], [], [], []
    first = row = 0
    for part, surface, shape, (s_line, p_line) in surfaces:
        s, p = np.meshgrid(s_line, p_line)
        points = surface(s, p).reshape(-1, 3)
        textures.append(_painted(part, look, skin, surface, shape))
        where = np.empty((len(points), 5))
        where[:, 0] = s.ravel() * (shape[1] - 1)
        where[:, 1] = row + p.ravel() * (shape[0] - 1)
        where[:, 2:4] = points[:, :2] / (1, look.length) if part == HEAD else 99.0
        where[:, 4] = np.clip((p.ravel() - slit) / SLIT, 0, 1) if part == HEAD else 0.0
        rest.append(points)
        coordinates.append(where)
        parts.append(np.full(len(points), part))
        quads.append(grid_quads(*s.shape, first))
        if part == MANE:  # seen from inside as well
            quads.append(quads[-1][:, ::-1])
        first, row = first + len(points), row + shape[0]
    points, part_N = np.concatenate(rest), np.concatenate(parts)
    gap = np.concatenate(coordinates)[:, 4]
    jaw, smile, brow = _expressions(points, gap, part_N == HEAD, look)
    return Person(
        look=look,
        rest=points,
        coordinates=np.concatenate(coordinates).astype(np.float32),
        part=part_N,
        follow=_follow(points, part_N),
        jaw=jaw,
        smile=smile,
        brow=brow,
        quads=np.concatenate(quads),
        texture=np.concatenate(textures),
    )


def _painted(part: int, look: Look, skin: Array, surface: Surface, shape: tuple[int, int]) -> Array:
    if part == HEAD:
        return paint.paint_head(look, skin, surface, shape)
    if part == BODY:
        return paint.paint_body(look, skin, surface, shape)
    if part == MANE:
        return paint.paint_mane(look, surface, shape)
    return paint.paint_ear(look, skin, surface, shape)


def _follow(points: Array, part: Array) -> Array:
    """Share of the head's pose that each vertex takes: all of the head, ever less of the neck."""
    neck = smoothstep(-15.5, -7.0, points[:, 1])
    hair = smoothstep(-20.0, -8.0, points[:, 1])
    return np.where(part == BODY, neck, np.where(part == MANE, hair, 1.0))


def _expressions(points: Array, gap: Array, head: Array, look: Look) -> tuple[Array, Array, Array]:
    """Displacements (N, 3) of an open jaw (lips parted by 1 cm), a smile, and raised brows."""
    x, y, z = points[:, 0], points[:, 1] / look.length, points[:, 2]
    front = head * smoothstep(-1.0, 4.0, z)
    below = head * (gap >= 0.999) * (y < MOUTH_Y + 0.05)
    parting = np.clip(1 - (x / 2.35) ** 2, 0, None) ** 0.6
    carried = smoothstep(0, 2.2, MOUTH_Y - y) * smoothstep(7.5, 4.0, np.abs(x))
    drop = below * front * (parting + (1 - parting) * carried)
    lift = front * (gap <= 0.001) * 0.12 * parting * bump(x, y, (0, MOUTH_Y), (2, 0.9))
    jaw = np.stack([0 * x, lift - drop, -0.3 * drop], axis=1)
    corner = front * bump(np.abs(x), y, (2.6, MOUTH_Y), (1.0, 1.0))
    cheek = front * bump(np.abs(x), y, (3.8, -3.6), (1.3, 1.3))
    smile = np.stack(
        [0.45 * corner * np.sign(x), 0.5 * corner + 0.3 * cheek, 0.35 * cheek - 0.2 * corner],
        axis=1,
    )
    raised = front * bump(np.abs(x), y, (2.8, 2.6), (2.4, 0.9))
    brow = np.stack([0 * x, 0.5 * raised, 0.05 * raised], axis=1)
    return jaw, smile, brow
