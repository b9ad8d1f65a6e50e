"""Networks as pulse methods: from pictures and colours, carried and in windows, live and filed."""

from dataclasses import replace

import numpy as np
import pytest
from made_network import green_of_crops, green_of_regions, leaky_of_crops

from camvitals import Monitor, measure
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.face.collect import Collector
from camvitals.pipeline import Settings, measure_trace
from camvitals.records import Frame, Source
from camvitals.waves.learned import takers_of
from camvitals.waves.run import wave_of

pytest.importorskip("onnx", reason="making a small network needs onnx")
MADE = Scenario(seed=3, duration=30, rate=30, heart_rate=72, sdnn=10)


def film(bpm=72.0, *, seconds=14.0, rate=30.0, times=None):
    """(image, time): skin that fills the picture and beats, in grain that hides 8 bits."""
    grain = np.random.default_rng(1).normal(0, 2, (24, 32, 32, 1))
    times = np.arange(round(seconds * rate)) / rate if times is None else times
    for k, t in enumerate(times):
        beat = -1.2 * np.sin(2 * np.pi * bpm / 60 * t)
        picture = np.array([180.0, 130.0, 105.0]) + np.array([0.4, 1.0, 0.6]) * beat
        yield (picture + grain[k % 24] + 0.5).astype(np.uint8), float(t)


def seen(path, pictures, **options):
    collector = Collector(roi="frame", takers=takers_of([str(path)]), **options)
    for image, time in pictures:
        collector.push(Frame.of_rgb(image, time))
    return collector.traces()[0]


def likeness(wave, bpm=72.0):
    """Correlation with the pulse put in."""
    known = np.isfinite(wave.values)
    truth = np.sin(2 * np.pi * bpm / 60 * wave.time[known])
    return np.corrcoef(wave.values[known], truth)[0, 1]


@pytest.mark.parametrize("make", [green_of_crops, leaky_of_crops])
@pytest.mark.parametrize("rate", [30.0, 25.0, 17.0])
def test_a_network_sees_the_pulse_in_pictures_of_any_rate(tmp_path, make, rate):
    path = make(tmp_path)
    trace = seen(path, film(rate=rate))
    wave = wave_of(trace, method=str(path), rate=rate)
    assert likeness(wave) > 0.97
    assert np.isfinite(wave.values).mean() > 0.97


def test_time_is_measured_in_pictures_of_changing_rate(tmp_path):
    path = green_of_crops(tmp_path)
    times = np.r_[np.arange(0, 7, 1 / 30), np.arange(7, 14, 1 / 15)]
    trace = seen(path, film(times=times))
    assert likeness(wave_of(trace, method=str(path), rate=30.0)) > 0.95


def test_colours_of_the_regions_that_the_card_names(tmp_path):
    path = green_of_regions(tmp_path)
    trace, _ = made_trace(MADE)
    wave = wave_of(trace, method=str(path), rate=30.0)
    plain = replace(
        trace,
        rgb=trace.rgb[:, [trace.names.index("forehead")]],
        pixels=trace.pixels[:, :1],
        names=("forehead",),
    )
    green = wave_of(plain, method="green", rate=30.0)
    both = np.isfinite(wave.values) & np.isfinite(green.values)
    assert both.mean() > 0.95
    assert np.corrcoef(wave.values[both], green.values[both])[0, 1] > 0.5
    heart = measure_trace(trace, source=Source("made"), settings=Settings(str(path)))
    assert heart.reading("heart_rate").value == pytest.approx(72, abs=3)


@pytest.mark.parametrize("make", [green_of_crops, leaky_of_crops])
def test_monitor_and_measure_give_the_same_wave(tmp_path, make):
    method = str(make(tmp_path))
    pictures = list(film())
    monitor = Monitor(window=20.0, period=1.0, roi="frame", method=method)
    for image, time in pictures:
        monitor.push(image, time)
    live = monitor.now()
    images = np.stack([image for image, _ in pictures])
    filed = measure(images, fps=30.0, roi="frame", method=method)
    np.testing.assert_allclose(live.wave("pulse").values, filed.wave("pulse").values, atol=1e-6)
    assert filed.reading("heart_rate").value == pytest.approx(72, abs=2)
    assert live.reading("heart_rate").value == pytest.approx(
        filed.reading("heart_rate").value, abs=1e-6
    )


def test_a_face_is_followed_for_the_network(tmp_path, face_file, face):
    method = str(green_of_crops(tmp_path))
    heart = measure(face_file, method=method).reading("heart_rate")
    assert heart.value == pytest.approx(77, abs=3), heart.why
    assert heart.method
