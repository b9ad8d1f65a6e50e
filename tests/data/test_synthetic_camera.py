import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camvitals.data.synthetic.camera import Camera, gamma, linear, time_stamps
from camvitals.data.synthetic.light import Light
from camvitals.data.synthetic.scenario import CLOCKS, Scenario


def scenario(**fields) -> Scenario:
    return Scenario(**({"seed": 3, "duration": 20.0, "rate": 30.0, "camera": "machine"} | fields))


@pytest.mark.parametrize("clock", CLOCKS)
def test_every_clock_runs_forward_inside_the_recording(clock: str) -> None:
    time = time_stamps(scenario(clock=clock))
    assert np.all(np.diff(time) > 0)
    assert time[0] >= 0 and time[-1] < 20.02
    assert np.array_equal(time, time_stamps(scenario(clock=clock)))


def test_clocks_are_what_they_are_called() -> None:
    step = {clock: np.diff(time_stamps(scenario(clock=clock))) for clock in CLOCKS}
    assert np.allclose(step["steady"], 1 / 30) and len(step["steady"]) == 599
    assert np.allclose(step["ntsc"], 1.001 / 30)
    assert 0.004 < step["jitter"].std() < 0.012
    assert np.allclose(step["halved"][:299], 1 / 30) and np.allclose(step["halved"][300:], 1 / 15)
    assert 0.3 < step["dropped"].max() < 1.0
    assert np.allclose(step["dropped"] * 30, np.round(step["dropped"] * 30))


@given(st.floats(0, 1))
def test_gamma_and_linear_undo_each_other(light: float) -> None:
    assert linear(gamma(np.array(light))) == pytest.approx(light, abs=1e-4)


def test_gamma_is_srgb() -> None:
    assert gamma(np.array([0.0, 0.2140, 1.0, 2.0])) == pytest.approx([0, 127.5, 255, 255], abs=0.1)


def test_a_picture_is_its_light_and_its_noise() -> None:
    camera = Camera(scenario())
    light = np.full((120, 160, 3), 0.3) * camera.gains(np.array(0.0)) ** -1
    picture = camera.picture(light, 0.0)
    assert picture.dtype == np.uint8 and picture.shape == (120, 160, 3)
    assert picture.mean(axis=(0, 1)) == pytest.approx(np.full(3, gamma(np.array(0.3))), abs=0.1)
    rounding = 1 / 12
    expected = np.sqrt(camera.noise(np.array(0.3)) ** 2 + rounding)
    assert picture.std(axis=(0, 1)) == pytest.approx(np.full(3, expected), rel=0.05)


def test_a_picture_depends_on_nothing_but_scenario_light_and_time() -> None:
    light = np.random.default_rng(0).random((48, 64, 3))
    camera = Camera(scenario())
    first = camera.picture(light, 0.5)
    camera.picture(light, 0.7)
    assert np.array_equal(first, camera.picture(light, 0.5))
    assert np.array_equal(first, Camera(scenario()).picture(light, 0.5))
    assert not np.array_equal(first, camera.picture(light, 0.6))
    assert not np.array_equal(first, Camera(scenario(seed=4)).picture(light, 0.5))


def test_light_far_out_of_range_is_clipped() -> None:
    picture = Camera(scenario()).picture(np.full((16, 16, 3), [-1.0, 5.0, 1e6]), 0.0)
    assert picture[..., 0].max() <= 2 and picture[..., 1:].min() >= 250


def test_a_dim_room_is_noisier() -> None:
    level = np.array([0.1, 0.4])
    bright, dim = (Camera(scenario(light=light)).noise(level) for light in ("daylight", "dim"))
    assert np.all(dim > 2.5 * bright)


def test_only_a_lamp_flickers_and_beats_with_the_frames() -> None:
    still = Camera(scenario()).flicker(np.arange(30) / 30, np.array([0.0, 1.0]))
    assert np.all(still == 1)
    camera = Camera(scenario(light="lamp", camera="webcam", mains=50))
    time = np.arange(600) / 30
    seen = camera.flicker(time, np.array([0.5]))[:, 0]
    power = np.abs(np.fft.rfft(seen - seen.mean()))
    assert np.fft.rfftfreq(600, 1 / 30)[np.argmax(power)] == pytest.approx(10)  # 100 Hz at 30 Hz
    rows = camera.flicker(np.array([0.0]), np.linspace(0, 1, 100))[0]
    assert np.ptp(rows) > 0.005  # bands
    even = Camera(scenario(light="lamp", camera="webcam", mains=60))
    assert np.ptp(even.flicker(time, np.array([0.5]))) < 1e-9  # 120 Hz stands still at 30 Hz


def test_exposure_takes_back_a_change_of_light() -> None:
    time = np.arange(0, 20, 1 / 30)
    fixed = Camera(scenario(light="changing")).gains(time)
    followed = Camera(scenario(light="changing", camera="phone")).gains(time)
    assert fixed[:, 1].std() > 0.05
    assert followed[:, 1].std() < 0.6 * fixed[:, 1].std()


def test_lights_differ_as_they_are_described() -> None:
    time = np.arange(0, 20, 0.05)
    spread = {
        light: Light(scenario(light=light)).at(time) for light in ("daylight", "changing", "screen")
    }
    assert spread["daylight"].std(axis=0).max() < 0.01
    assert spread["changing"].std(axis=0).min() > 0.05
    colour = spread["screen"] / spread["screen"][:, 1:2]
    assert colour[:, 0].std() > 0.003  # a screen changes colour, daylight does not
    assert np.allclose(spread["daylight"] / spread["daylight"][:, 1:2], 1)
