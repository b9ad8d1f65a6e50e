"""Light, skin and sensor: from a change of blood volume to a change of colour.

Shape letters: F wavelengths of the table, every 10 nm from 400 to 700; 3 colour channels R, G, B.

Skin is an epidermis that absorbs with its melanin and a dermis that scatters and absorbs with its
blood. The dermis reflects R_d = exp(−A/√(3(1 + μs′/μa))) (Jacques, 1999); the epidermis is passed
twice (Beer–Lambert); a part of the light comes back from the surface and the upper layers without
having met blood. One pulse adds a little arterial blood to the deeper dermis, where little blue
light arrives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from camvitals.data.synthetic.scenario import CAMERAS, LIGHTS
from camvitals.records import Array, InputError

WAVELENGTH_NM = np.arange(400.0, 701.0, 10.0)

# Molar extinction of oxygenated and reduced haemoglobin [1/(cm·mol/l)]: the public compilation of
# S. Prahl, Oregon Medical Laser Center (from W. B. Gratzer and N. Kollias), every 10 nm.
OXY = np.array(
    (
        *(266232, 466840, 480360, 246072, 102580, 62816, 44480, 33209, 26629, 23684),
        *(20933, 20035, 24202, 39957, 53236, 43016, 32613, 44496, 50104, 14401),
        *(3200, 1506, 942, 610, 442, 368, 319.6, 294, 277.6, 276, 290),
    )
)
DEOXY = np.array(
    (
        *(223296, 303956, 407560, 528600, 413280, 103292, 23389, 16156, 14550, 16684),
        *(20862, 25774, 31590, 39036, 46592, 53412, 53788, 45072, 37020, 28324),
        *(14677, 9444, 6510, 5149, 4345, 3750, 3227, 2795, 2408, 2052, 1794),
    )
)
BLOOD = 2.303 * 150 / 64500  # 1/cm of whole blood for 1/(cm·mol/l): 150 g/l, 64500 g/mol

# CIE standard illuminant D65, relative, every 10 nm.
D65 = np.array(
    (
        *(82.75, 91.49, 93.43, 86.68, 104.86, 117.01, 117.81, 114.86, 115.92, 108.81),
        *(109.35, 107.80, 104.79, 107.69, 104.41, 104.05, 100.00, 96.33, 95.79, 88.69),
        *(90.01, 89.60, 87.70, 83.29, 83.70, 80.03, 80.21, 82.28, 78.28, 69.72, 71.61),
    )
)

# Melanosome share of the epidermis for Fitzpatrick I–VI, inside the ranges of Jacques (1998):
# light 1.3–6.3 %, moderate 11–16 %, dark 18–43 %.
MELANOSOMES = np.array([0.018, 0.035, 0.06, 0.11, 0.19, 0.30])
EPIDERMIS_CM = 0.006
OBLIQUE = 1.2  # diffuse light crosses the epidermis at an angle
BLOOD_SHARE = 0.022  # of the dermis
TISSUE_SATURATION = 0.75  # arteries, capillaries and veins together
PULSE_SHARE = 0.08  # of the blood, added by a pulse of height 1
PULSE_DEPTH_CM = 0.022  # the light must come this deep to meet a vessel that pulsates
REFLECTANCE_A = 6.0  # A of Jacques (1999), 6–8 for skin
SURFACE = 0.03  # mean share reflected before the blood: haze, glances, upper layers
WHITE_BALANCE = 0.9  # how much of the colour of the light a camera takes out

SENSORS: dict[str, tuple[tuple[float, float], ...]] = {
    # (centre, standard deviation) nm of R, G, B; behind an infrared filter.
    "webcam": ((602, 30), (537, 36), (462, 27)),
    "phone": ((596, 27), (531, 33), (456, 25)),
    "machine": ((614, 34), (541, 40), (466, 30)),
}


@dataclass(frozen=True, slots=True)
class Skin:
    """How one skin looks to one camera in one light, in linear units where white is 1.

    base:     (3,) colour of the skin between two pulses, without gloss.
    oxy, deoxy: (3,) relative change of that colour when a pulse of height 1 brings fully
        oxygenated, or fully reduced, arterial blood; negative, for blood absorbs.
    specular: (3,) colour of a gloss that reflects all the light: that of the light itself.
    """

    base: Array
    oxy: Array
    deoxy: Array
    specular: Array

    def pulsatile(self, spo2: float | Array) -> Array:
        """(..., 3) relative colour change per unit of pulse at this saturation [%]; negative."""
        share = np.asarray(spo2, dtype=float)[..., None] / 100
        return np.asarray(share * self.oxy + (1 - share) * self.deoxy)

    def ratio_of_ratios(self, spo2: float | Array, *, over: tuple[int, int] = (0, 2)) -> Array:
        """(AC/DC of one channel) / (AC/DC of another): red over blue unless told."""
        change = self.pulsatile(spo2)
        return np.asarray(change[..., over[0]] / change[..., over[1]])


def planck(temperature: float) -> Array:
    """(F,) spectrum of a black body [K], 1 at 560 nm: 2856 K is the CIE illuminant A."""
    metres = WAVELENGTH_NM * 1e-9
    power = metres**-5 / np.expm1(1.4388e-2 / (metres * temperature))
    return np.asarray(power / power[WAVELENGTH_NM == 560])


def _line(centre: float, deviation: float) -> Array:
    return np.asarray(np.exp(-0.5 * ((WAVELENGTH_NM - centre) / deviation) ** 2))


SPECTRA: dict[str, Callable[[], Array]] = {
    "daylight": lambda: D65 / 100,
    "lamp": lambda: planck(2856),
    "changing": lambda: D65 / 100,
    "dim": lambda: 0.9 * _line(452, 10) + _line(565, 55),  # white LED: blue chip and phosphor
    "screen": lambda: 1.1 * _line(450, 10) + _line(535, 18) + 1.2 * _line(612, 16),
}


def absorption(saturation: float) -> Array:
    """(F,) absorption of whole blood [1/cm] at a saturation of 0–1."""
    return np.asarray(BLOOD * (saturation * OXY + (1 - saturation) * DEOXY))


@cache
def skin(tone: int, light: str, camera: str) -> Skin:
    """The skin of a Fitzpatrick tone (1–6) in a light (LIGHTS) before a camera (CAMERAS)."""
    if tone not in range(1, 7) or light not in LIGHTS or camera not in CAMERAS:
        raise InputError(
            f"skin needs a tone of 1–6, a light of {', '.join(LIGHTS)} and a camera of "
            f"{', '.join(CAMERAS)} but got {tone!r}, {light!r}, {camera!r}"
        )
    seen = SPECTRA[light]() * np.stack([_line(*band) for band in SENSORS[camera]])
    seen /= (D65 / 100 * np.stack([_line(*band) for band in SENSORS[camera]])).sum(1)[:, None]
    white = seen.sum(axis=1)
    seen /= (white**WHITE_BALANCE * white[1] ** (1 - WHITE_BALANCE))[:, None]
    inner = (1 - SURFACE) * _melanin(tone) ** 2 * _dermis(absorption(TISSUE_SATURATION))
    base = seen @ (inner + SURFACE)
    oxy, deoxy = (seen @ (inner * _change(s)) / base for s in (1.0, 0.0))
    return Skin(base, oxy, deoxy, seen.sum(axis=1))


def _melanin(tone: int) -> Array:
    """(F,) share of light that one passage of the epidermis leaves (Jacques, 1998)."""
    melanosome = 6.6e11 * WAVELENGTH_NM**-3.33
    return np.asarray(np.exp(-OBLIQUE * EPIDERMIS_CM * MELANOSOMES[tone - 1] * melanosome))


def _scattering() -> Array:
    """(F,) reduced scattering of skin [1/cm] (Jacques, 2013, table 1)."""
    return np.asarray(46.0 * (WAVELENGTH_NM / 500) ** -1.421)


def _bloodless() -> Array:
    """(F,) absorption of bloodless skin [1/cm] (Saidi, 1992)."""
    return np.asarray(0.244 + 85.3 * np.exp(-(WAVELENGTH_NM - 154) / 66.2))


def _dermis(blood: Array) -> Array:
    """(F,) diffuse reflectance of a dermis whose blood absorbs so much [1/cm]."""
    absorbed = BLOOD_SHARE * blood + _bloodless()
    return np.asarray(np.exp(-REFLECTANCE_A / np.sqrt(3 * (1 + _scattering() / absorbed))))


def _change(saturation: float) -> Array:
    """(F,) relative change of the dermis' reflectance by a pulse of arterial blood."""
    absorbed = BLOOD_SHARE * absorption(TISSUE_SATURATION) + _bloodless()
    scattered = _scattering()
    slope = -REFLECTANCE_A / (2 * np.sqrt(3)) * (1 + scattered / absorbed) ** -1.5
    slope *= scattered / absorbed**2
    arriving = np.exp(-2 * PULSE_DEPTH_CM * np.sqrt(3 * absorbed * (absorbed + scattered)))
    return np.asarray(slope * arriving * PULSE_SHARE * BLOOD_SHARE * absorption(saturation))
