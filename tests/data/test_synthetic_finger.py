import numpy as np
import pytest

from camvitals.data.synthetic.finger import made_finger
from camvitals.data.synthetic.scenario import Scenario


def scenario(**fields: object) -> Scenario:
    return Scenario(**({"seed": 3, "duration": 40.0, "rate": 30.0, "heart_rate": 81.0} | fields))


def share_at(rgb: np.ndarray, bpm: float) -> float:
    change = np.diff(rgb, axis=0)  # the drift is slow
    power = np.abs(np.fft.rfft(change * np.hanning(len(change))[:, None], axis=0)) ** 2 + 1e-9
    rate = np.fft.rfftfreq(len(change), 1 / 30) * 60
    band = (rate > 40) & (rate < 200)
    near = np.abs(rate - bpm) < 6
    return float((power[near].sum(axis=0) / power[band].sum(axis=0)).max())


@pytest.mark.parametrize("seed", range(6))
def test_a_living_finger_pulses_at_the_rate_put_in(seed: int) -> None:
    trace, truth = made_finger(scenario(seed=seed))
    rgb = trace.region("finger")
    assert share_at(rgb, truth.heart_rate) > 0.25


def test_a_bloodless_finger_does_not() -> None:
    trace, _ = made_finger(scenario(pulse=0.0))
    assert share_at(trace.region("finger"), 81.0) < 0.25


def test_the_same_scenario_gives_the_same_trace() -> None:
    one, other = made_finger(scenario())[0], made_finger(scenario())[0]
    assert np.array_equal(one.rgb, other.rgb)
    assert not np.array_equal(one.rgb, made_finger(scenario(seed=4))[0].rgb)
    assert 0 <= one.rgb.min() <= one.rgb.max() <= 255


def test_less_oxygen_pulses_more_in_red() -> None:
    def red_over_green(spo2: float) -> float:
        rgb = made_finger(scenario(seed=6, spo2=spo2, sdnn=10.0))[0].region("finger").astype(float)
        change = np.diff(rgb, axis=0) / rgb[1:]
        return float(np.linalg.lstsq(change[:, 1:2], change[:, 0], rcond=None)[0][0])

    assert red_over_green(70) > 1.2 * red_over_green(98)
