"""Traces made without pictures: the same body, skin, light and camera, a thousand times faster.

Shape letters: T pictures, R regions; the last axis is R, G, B.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camvitals.data.synthetic.camera import Camera, gamma, time_stamps
from camvitals.data.synthetic.movement import Movement, movement
from camvitals.data.synthetic.optics import Skin, skin
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.truth import Truth
from camvitals.records import Array, Trace

REGIONS = ("forehead", "left_cheek", "right_cheek", "nose", "chin", "skin", "background")
FACE = slice(0, 6)

# One row a quantity, one column a region, in the order of REGIONS.
SHARE = np.array([0.16, 0.10, 0.10, 0.06, 0.07, 0.70, 0.0])  # of the face's pixels
HEIGHT = np.array([-0.42, 0.05, 0.05, 0.0, 0.42, 0.0, 0.0])  # of the face, from its middle
STRENGTH = np.array([1.0, 0.95, 0.95, 0.55, 0.7, 0.82, 0.0])  # of the pulse
DELAY_S = np.array([0.0, 0.008, 0.008, 0.012, 0.022, 0.009, 0.0])
SHADE = np.array([1.05, 1.0, 0.97, 1.08, 0.9, 1.0, 1.0])  # light on it
GLOSS = np.array([0.022, 0.014, 0.014, 0.03, 0.010, 0.015, 0.0])  # reflected without entering
BY_X = np.array([0.5, 0.6, 0.4, 0.5, 0.5, 0.5, 0.0])  # relative light per face width to the right
BY_YAW = np.array([0.08, 0.35, -0.35, 0.12, 0.05, 0.04, 0.0])  # and per radian
UNEVEN = (0.15, 1.0)  # light from the front, to light from one side: times the two above
BY_MOUTH = np.array([0.003, 0.012, 0.012, 0.006, 0.05, 0.015, 0.0])
BY_SMILE = np.array([-0.010, 0.045, 0.045, 0.010, -0.030, 0.015, 0.0])
HIDDEN_BY_YAW = np.array([0.0, 1.1, -1.1, 0.0, 0.0, 0.0, 0.0])  # pixels gained per radian

FACE_WIDTH = 0.28  # of the picture
BACKGROUND = np.array([0.24, 0.26, 0.27])
WALL = np.array([0.42, 0.40, 0.35])
PAINT = np.array([0.46, 0.24, 0.16])
GRADIENT = (0.08, 0.01)  # spread of the colour over the skin: shading, and blotches
BALLISTIC_PX = 0.12  # the head nods with the blood that it is thrown


@dataclass(frozen=True, slots=True)
class Codec:
    """Quantiser (of H.264's scale) where nothing is asked, per unit of crf, pictures per group."""

    quantiser: float
    per_crf: float
    group: int
    predicts: bool


CODEC = {
    "h264": Codec(12, 1.0, 250, True),
    "vp9": Codec(15, 0.75, 128, True),
    "mpeg4": Codec(16, 1.0, 12, True),
    "mjpeg": Codec(14, 1.0, 1, False),
    "ffv1": Codec(0, 0.0, 1, False),
}


def made_trace(scenario: Scenario) -> tuple[Trace, Truth]:
    """The trace that a perfect face finder would take from the recording of a scenario.

    Regions are REGIONS; `moments` are those of region skin, `points` twelve features of the face.
    The linear colour of each region is light × shade × (skin × (1 + pulse) + gloss); the camera
    exposes, balances, adds noise, and codes it; the codec adds its own errors and takes a part of
    the pulse. Exactly reproducible from the scenario.
    """
    time = time_stamps(scenario)
    truth = Truth.of(scenario, time)
    rng = np.random.default_rng([scenario.seed, 8])
    moved = movement(scenario, time, breath=truth.physiology.breath_at(time))
    camera = Camera(scenario)
    width = FACE_WIDTH * scenario.size[0]
    pixels = _pixels(scenario, moved, width)
    light = _scene(truth, moved, rng)
    light *= camera.gains(time)[:, None]
    heights = 0.48 + HEIGHT * 1.3 * width / scenario.size[1]
    light *= camera.flicker(time, heights)[..., None]
    rgb = gamma(light)
    spread = np.sqrt(np.maximum(pixels, 1))[..., None]
    noise = camera.noise(light) if scenario.subject != "noise" else np.full(rgb.shape, 74.0)
    rgb += noise / spread * rng.standard_normal(rgb.shape)
    rgb += _codec_error(scenario, pixels, rng)
    rgb = np.clip(rgb, 0, 255)
    moments = _moments(rgb[:, REGIONS.index("skin")])
    rgb[pixels == 0] = np.nan
    box, points = _geometry(truth, moved, width, rng)
    trace = Trace(rgb.astype(np.float32), pixels, time, REGIONS, box, moments, points)
    return trace, truth


def _pixels(scenario: Scenario, moved: Movement, width: float) -> Array:
    """(T, R) pixels of each region; 0 where the turn of the head hides it."""
    columns, rows = scenario.size
    whole = SHARE * 0.95 * width**2
    whole[-1] = 0.3 * columns * rows
    seen = 1 + HIDDEN_BY_YAW * moved.yaw[:, None]
    return np.asarray(np.where(seen < 0.6, 0, np.maximum(1, whole * np.clip(seen, 0, 1.3))), int)


def _scene(truth: Truth, moved: Movement, rng: np.random.Generator) -> Array:
    """(T, R, 3) linear colour in the mean light."""
    scenario, body, times = truth.scenario, truth.physiology, truth.frames
    look = skin(scenario.tone, scenario.light, scenario.camera)
    strength = STRENGTH * rng.uniform(0.88, 1.12, len(REGIONS))
    delay = DELAY_S + rng.uniform(-0.004, 0.004, len(REGIONS))
    width = FACE_WIDTH * scenario.size[0]
    uneven = np.exp(rng.uniform(*np.log(UNEVEN)))
    turned = uneven * (BY_X * moved.x[:, None] / width + BY_YAW * moved.yaw[:, None])
    shaped = BY_MOUTH * moved.mouth[:, None] + BY_SMILE * moved.smile[:, None]
    shade = SHADE * rng.uniform(0.97, 1.03, len(REGIONS)) * (1 + turned + shaped)
    gloss = GLOSS * np.clip(1 + 6 * turned + 4 * shaped, 0, 5)
    colour = np.broadcast_to(_colour(scenario, look), (len(moved.x), len(REGIONS), 3)).copy()
    if scenario.alive:
        beat = body.pulse_at(times[:, None] - delay)
        reach = scenario.pulse * kept_pulse(scenario) * strength * beat
        colour *= 1 + reach[..., None] * look.pulsatile(body.spo2_at(times))[:, None]
    if scenario.subject in ("wall", "noise"):
        return colour
    return np.asarray(shade[..., None] * (colour + gloss[..., None] * look.specular))


def _colour(scenario: Scenario, look: Skin) -> Array:
    """(R, 3) linear colour of each region at rest."""
    colour = np.tile(look.base, (len(REGIONS), 1))
    if scenario.subject == "painted-face":
        colour[:] = PAINT * look.specular
    elif scenario.subject == "wall":
        colour[:] = WALL * look.specular
    elif scenario.subject == "noise":
        colour[:] = 0.2140  # code 127.5
    if scenario.subject not in ("wall", "noise"):
        colour[-1] = BACKGROUND * look.specular
    return colour


def quantiser(scenario: Scenario) -> float:
    """The codec's quantiser on the scale of H.264's crf, 0–51, from crf, bit rate or custom.

    From a bit rate it is a rule of thumb: 0.033 bit a pixel is 19, and 3.5 more for each halving.
    """
    codec = CODEC[scenario.codec]
    if scenario.codec == "ffv1":
        return 0.0
    if scenario.bit_rate is not None:
        columns, rows = scenario.size
        wanted = 0.033 * columns * rows * scenario.rate / scenario.bit_rate
        return float(np.clip(19 + 3.5 * np.log2(wanted), 0, 51))
    given = codec.quantiser if scenario.crf is None else codec.per_crf * scenario.crf
    return float(min(given, 51))


def kept_pulse(scenario: Scenario) -> float:
    """The share of the pulse, 0–1, that survives the quantiser's dead zone.

    Fitted to the green channel of drawn faces at 640×480 and 30 Hz after H.264: crf 18, 23, 28 and
    33 left 78, 48, 21 and 13 % of it; codecs that predict nothing keep it whole.
    """
    if not CODEC[scenario.codec].predicts:
        return 1.0
    return float(1 / (1 + 2 ** ((quantiser(scenario) - 22.7) / 2.8)))


def _codec_error(scenario: Scenario, pixels: Array, rng: np.random.Generator) -> Array:
    """(T, R, 3) codes: errors carried from picture to picture, afresh with each group."""
    codec = CODEC[scenario.codec]
    shape = (*pixels.shape, 3)
    if scenario.codec == "ffv1":
        return np.zeros(shape)
    # Errors of neighbouring blocks are alike, so that the mean of many pixels gains little.
    level = 0.1 * 2 ** ((quantiser(scenario) - 23) / 22) * np.array([1.4, 0.85, 1.3])
    level = level * np.clip((3000 / np.maximum(pixels, 1)) ** 0.25, 0.3, 3)[..., None]
    noise = 0.63 * rng.standard_normal(shape) + 0.77 * rng.standard_normal((*pixels.shape, 1))
    if not codec.predicts:
        return np.asarray(0.5 * level * noise)
    carried = noise.copy()
    for lag in range(1, 7):
        carried[lag:] += 0.6**lag * noise[:-lag]
    group = np.arange(shape[0]) // codec.group
    jump = rng.standard_normal((group[-1] + 1, *shape[1:]))[group]
    fading = np.exp(-(np.arange(shape[0]) % codec.group) / max(2.0, codec.group / 5))
    return np.asarray(level * (0.8 * carried + 1.5 * jump * fading[:, None, None]))


def _moments(colour: Array) -> Array:
    """(T, 3, 3) mean of colour × colourᵀ: that of the mean, and the spread about it."""
    of_mean = colour[:, :, None] * colour[:, None, :]
    shading, blotches = GRADIENT
    bright = (colour**2).mean(axis=1)[:, None, None]
    return np.asarray((1 + shading**2) * of_mean + blotches**2 * bright * np.diag([1.0, 0.7, 0.85]))


def _geometry(
    truth: Truth, moved: Movement, width: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """(T, 4) face box and (T, 12, 2) feature points [px]."""
    scenario = truth.scenario
    columns, rows = scenario.size
    x, y = columns / 2 + moved.x, 0.48 * rows + moved.y
    half = np.array([width / 2, 0.65 * width])
    box = np.stack([x - half[0], y - half[1], x + half[0], y + half[1]], axis=-1)
    home = rng.uniform(-0.6, 0.6, (12, 2)) * half
    points = np.stack([x, y], axis=-1)[:, None] + home
    if scenario.alive:
        nod = BALLISTIC_PX * scenario.pulse * truth.physiology.pulse_at(truth.frames)
        points[..., 1] += nod[:, None] * rng.uniform(0.7, 1.3, 12)
    points[..., 1] += 0.04 * width * moved.mouth[:, None] * (home[:, 1] > 0.3 * half[1])
    points += 0.04 * rng.standard_normal(points.shape)
    return box, points
