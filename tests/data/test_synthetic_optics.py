import numpy as np
import pytest

from camvitals.data.synthetic.optics import (
    DEOXY,
    OXY,
    WAVELENGTH_NM,
    absorption,
    planck,
    skin,
)
from camvitals.data.synthetic.scenario import CAMERAS, LIGHTS
from camvitals.records import InputError

EVERY = [(light, camera) for light in LIGHTS for camera in CAMERAS]
TONES = range(1, 7)


def test_haemoglobin_has_its_known_features() -> None:
    at = {int(nm): k for k, nm in enumerate(WAVELENGTH_NM)}
    assert len(OXY) == len(DEOXY) == len(WAVELENGTH_NM)
    assert OXY[at[540]] > OXY[at[560]] < OXY[at[580]]  # two bands of oxyhaemoglobin
    assert DEOXY[at[660]] > 5 * OXY[at[660]]  # why a red light sees saturation
    assert OXY[at[500]] == pytest.approx(DEOXY[at[500]], rel=0.01)  # isosbestic
    assert absorption(0.5)[at[540]] == pytest.approx(
        (absorption(0.0)[at[540]] + absorption(1.0)[at[540]]) / 2
    )
    assert planck(2856)[-1] == pytest.approx(1.98, abs=0.03)  # CIE illuminant A: 198 at 700 nm


@pytest.mark.parametrize("light, camera", EVERY)
def test_more_melanin_is_darker_and_beats_less(light: str, camera: str) -> None:
    tones = [skin(tone, light, camera) for tone in TONES]
    base = np.array([look.base for look in tones])
    pulse = np.array([-look.pulsatile(98.0) for look in tones])
    assert np.all(np.diff(base, axis=0) < 0)
    assert np.all(np.diff(pulse, axis=0) < 0)
    assert np.all(base[:, 0] > base[:, 1]) and np.all(base[:, 1] > base[:, 2])  # skin is warm
    assert np.all((base > 0) & (base < 0.8))


@pytest.mark.parametrize("light, camera", EVERY)
def test_green_beats_strongest_and_as_much_as_is_measured(light: str, camera: str) -> None:
    for tone in TONES:
        pulse = -skin(tone, light, camera).pulsatile(98.0)
        assert np.argmax(pulse) == 1
    light_skin = -skin(1, light, camera).pulsatile(98.0)
    assert 0.005 < light_skin[1] < 0.012


def test_light_skin_in_white_light_points_where_the_literature_says() -> None:
    pulse = -skin(2, "daylight", "webcam").pulsatile(98.0)
    known = np.array([0.33, 0.77, 0.53])  # de Haan and van Leest (2014)
    cosine = pulse @ known / np.linalg.norm(pulse) / np.linalg.norm(known)
    assert np.degrees(np.arccos(cosine)) < 12


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("over", [(0, 2), (0, 1)])
def test_the_ratio_of_ratios_falls_as_saturation_rises(tone: int, over: tuple[int, int]) -> None:
    saturation = np.linspace(60, 100, 41)
    for light, camera in EVERY:
        ratio = skin(tone, light, camera).ratio_of_ratios(saturation, over=over)
        assert np.all(np.diff(ratio) < 0)


def test_the_gloss_has_the_colour_of_the_light() -> None:
    lamp, day = (skin(2, light, "webcam").specular for light in ("lamp", "daylight"))
    assert day == pytest.approx([1, 1, 1])
    assert lamp[0] > 1 > lamp[2]


def test_unknown_skin_is_refused() -> None:
    for wrong in ((0, "lamp", "webcam"), (1, "moon", "webcam"), (1, "lamp", "film")):
        with pytest.raises(InputError, match="skin needs a tone of 1–6"):
            skin(*wrong)
