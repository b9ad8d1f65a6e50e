import numpy as np
import pytest

from camvitals.face.collect import Collector
from camvitals.face.record import Record
from camvitals.records import Frame

RATE = 20.0


def traced(images, **options):
    collector = Collector(**options)
    for k, image in enumerate(images):
        collector.push(Frame.of_rgb(image, k / RATE))
    return collector.traces()[0]


def hand(x, gain=1.0):
    """A skin-coloured ellipse before a grey wall, with fine noise."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:120, :160]
    inside = ((rows - 60) / 45) ** 2 + ((columns - x) / 30) ** 2 < 1
    image = np.where(inside[..., None], np.array([190, 130, 105]) * gain, 120.0)
    return np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def test_frame_is_the_mean_of_everything():
    images = np.random.default_rng(0).integers(0, 255, (8, 60, 80, 3), dtype=np.uint8)
    trace = traced(images, roi="frame")
    assert trace.names == ("skin",)
    np.testing.assert_allclose(trace.rgb[:, 0], images.mean(axis=(1, 2)), atol=0.2)
    assert trace.box[0].tolist() == [0, 0, 80, 60]
    assert (trace.pixels == 60 * 80).all()


def test_frame_in_cells():
    image = np.zeros((60, 80, 3), dtype=np.uint8)
    image[:30, :40], image[:30, 40:], image[30:, :40], image[30:, 40:] = 10, 60, 110, 160
    trace = traced([image] * 2, roi="frame", grid=(2, 2))
    np.testing.assert_allclose(trace.rgb[0, 1:, 1], [10, 60, 110, 160], atol=0.5)


@pytest.mark.parametrize("mask", ["otsu", "chroma"])
def test_a_moving_hand_is_skin_without_the_wall(mask):
    gain = 1 + 0.02 * np.sin(2 * np.pi * np.arange(80) / 16)
    trace = traced([hand(60 + k * 0.3, g) for k, g in enumerate(gain)], roi="skin", skin=mask)
    red = trace.region("skin")[:, 0]
    assert abs(red.mean() - 190) < 5
    kept = np.corrcoef(red, gain)[0, 1]
    assert kept > 0.9
    assert trace.box[-1, 0] > trace.box[0, 0] + 10


def test_a_finger_counts_only_what_the_camera_can_tell():
    """Half of the red is clipped; the other half carries the pulse."""
    pulse = 4 * np.sin(2 * np.pi * np.arange(40) / 16)
    images = []
    for p in pulse:
        image = np.zeros((60, 80, 3))
        image[:30, :, 0], image[30:, :, 0] = 255, 200 + p
        image[..., 1], image[..., 2] = 60 + p, 1.0
        images.append(np.round(image).astype(np.uint8))
    trace = traced(images, roi="finger")
    red, green, blue = trace.region("finger").T
    assert abs(red.mean() - 200) < 1 and red.std() > 2.5
    assert abs(green.mean() - 60) < 1
    np.testing.assert_allclose(blue, 1.0)  # all at the dark end: it is shown where it is


def test_moments_of_the_picture_are_exact():
    images = np.random.default_rng(0).integers(20, 220, (3, 60, 80, 3), dtype=np.uint8)
    blocks = np.repeat(np.repeat(images[:, ::2, ::2], 2, axis=1), 2, axis=2)
    trace = traced(blocks, roi="frame", moments=True)
    flat = blocks.reshape(3, -1, 3).astype(float)
    expected = np.einsum("tnc,tnd->tcd", flat, flat) / flat.shape[1]
    np.testing.assert_allclose(trace.moments, expected, rtol=1e-4)


def test_a_record_withdraws_and_forgets():
    record = Record(("skin",), keep=10.0, moments=False, points=0)
    for k in range(3000):
        record.append(k / 10, rgb=np.full((1, 3), k % 200), pixels=np.array([7.0]))
    record.withdraw(after=299.0)
    trace = record.trace()
    assert trace.time[0] == pytest.approx(299.9 - 10) and len(record) < 600
    assert np.isfinite(trace.rgb[trace.time <= 299.0]).all()
    assert np.isnan(trace.rgb[trace.time > 299.0]).all()
    assert (trace.pixels[trace.time > 299.0] == 0).all()
