"""Clips: what is made is true, and the stream does not depend on who makes it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from camvitals.data.synthetic.traces import REGIONS
from camvitals.records import InputError, Trace
from camvitals.train.clips import Clip, MadeClips, MadeTraces, Sample, colours_at, shortened
from camvitals.train.stream import Clips, Share, Stream, batch_of
from camvitals.waves.run import Method, _wave

CLIP = Clip(90, 15.0)
CALM = {"motion": "still", "light": "daylight", "clock": "steady", "ectopic": 0.0}


def traces(seed=0, **options):
    return Clips(MadeTraces(**options).open(CLIP, seed=seed, held_out=False), CLIP, seed)


def rate_in(values, rate):
    from camvitals.dsp.spectrum import peak, spectrum

    return 60 * peak(*spectrum(values, rate=rate), low=0.6, high=4.0)[0]


def test_a_made_trace_holds_the_pulse_of_its_target():
    clip = Clip(300, 30.0)
    source = MadeTraces(fixed=CALM | {"sdnn": 5.0, "heart_rate_slope": 0.0}).open(
        clip, seed=1, held_out=False
    )
    for index in range(4):
        sample = source.sample(index)
        assert sample.images.shape == (300, 6, 3)
        assert sample.images.dtype == np.float32
        assert rate_in(sample.target, 30.0) == pytest.approx(sample.heart_rate, abs=4)
        green = sample.images[:, 0, 1]
        r = np.corrcoef(np.diff(green), np.diff(sample.target))[0, 1]
        assert r < -0.2  # more blood is darker


def test_made_pictures_hold_it_too():
    clip = Clip(300, 30.0)
    fixed = CALM | {"pulse": 3.0, "codec": "ffv1"}
    sample = MadeClips(size=24, fixed=fixed).open(clip, seed=1, held_out=False).sample(0)
    assert sample.images.shape == (300, 24, 24, 3)
    assert sample.images.dtype == np.uint8
    middle = sample.images[:, 8:16, 8:16, 1].mean(axis=(1, 2))
    assert np.corrcoef(np.diff(middle), np.diff(sample.target))[0, 1] < -0.2
    corner = sample.images[:, :2, :2, 1].mean(axis=(1, 2))
    assert abs(np.corrcoef(np.diff(corner), np.diff(sample.target))[0, 1]) < 0.2


def test_a_region_that_is_not_seen_has_the_colour_of_the_whole_face():
    source = MadeTraces(fixed={"motion": "turn", "motion_scale": 5.0}).open(
        Clip(450, 30.0), seed=0, held_out=False
    )
    found = [source.sample(index).images for index in range(5)]
    hidden = [(images[:, 1:3] == images[:, 5:6]).all(axis=2) for images in found]
    assert any(h.any() and not h.all() for h in hidden)
    assert all(np.isfinite(images).all() and (images > 0).all() for images in found)


def test_a_network_learns_from_what_it_is_given_in_use():
    """Gaps of a region are filled alike, on the recording's own clock and on another."""
    time = np.arange(300) / 25 + np.random.default_rng(0).uniform(0, 0.01, 300)
    rgb = np.random.default_rng(1).uniform(50, 200, (300, 3, 3))
    rgb[100:180, 1] = np.nan  # for long
    rgb[40:45, 0] = np.nan  # for less than is bridged
    rgb[-60:, 1, 2] = np.nan  # to the end, in one channel
    box = np.tile([0.0, 0, 9, 9], (300, 1))
    trace = Trace(rgb, np.ones((300, 3)), time, ("nose", "chin", "skin"), box)
    found = []

    def told(values, *, rate):
        found.append(values)
        return values[:, 0, 1]

    network = Method(told, "regions", 2.0, "here", rate=20.0, regions=("nose", "chin"))
    material = np.stack([trace.region(name) for name in ("nose", "chin", "skin")], axis=1)
    _, clock = _wave(material, time, network, "m", rate=20.0)
    assert np.array_equal(found[0].astype(np.float32), colours_at(trace, clock, ("nose", "chin")))


def test_nothing_is_learnt_across_a_gap():
    fixed = {"clock": "dropped", "motion": "still"}
    clip = Clip(600, 15.0)
    found = [MadeTraces(fixed=fixed).open(clip, seed=0, held_out=False).sample(k) for k in range(4)]
    assert {sample.weight for sample in found} == {0.0, 1.0}


def test_people_without_a_pulse_have_no_weight():
    sample = MadeTraces(fixed={"subject": "wall"}).open(CLIP, seed=0, held_out=False).sample(0)
    assert sample.weight == 0
    assert np.isnan(sample.heart_rate)


def test_nobody_held_out_is_trained_on():
    corpus = MadeTraces()
    held, trained = set(), set()
    for seed in (0, 1):
        for k in range(5):
            held.add(corpus.open(CLIP, seed=seed, held_out=True, count=5).sample(k).key)
            trained.add(corpus.open(CLIP, seed=seed, held_out=False).sample(k).key)
    assert len(held) == 5  # the same for every seed
    assert len(trained) == 10
    assert not held & trained


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: MadeTraces(regions=("ear",)), r"no region \['ear'\]; made people have forehead"),
        (lambda: MadeTraces(reference="rr"), "made people have pulse, ecg, breath, spo2"),
        (lambda: MadeTraces(fixed={"rate": 30}), r"cannot fix \['rate'\]; clip and seed"),
        (lambda: MadeTraces(fixed={"light": "moon"}), "light needs one of daylight"),
        (lambda: MadeClips(size=2), "at least 4 px"),
        (lambda: Clip(1, 30.0), "length >= 2"),
    ],
)
def test_a_corpus_that_cannot_be_made_is_told(make, said):
    with pytest.raises(InputError, match=said):
        make()


def drawn(stream, count):
    try:
        return [stream.next() for _ in range(count)]
    finally:
        stream.close()


def stream(workers, *, first=0, last=4, share=None, clips=None):
    return Stream(
        clips or traces(), share=share or Share(2), first=first, last=last, workers=workers
    )


def same(left, right):
    numbers = (left.images, right.images), (left.target, right.target)
    return left.keys == right.keys and all(torch.equal(a, b) for a, b in numbers)


def test_the_stream_does_not_depend_on_who_makes_it():
    alone = drawn(stream(0), 4)
    for workers in (1, 2):
        assert all(map(same, alone, drawn(stream(workers), 4)))
    assert len({key for batch in alone for key in batch.keys}) == 8


def test_the_stream_goes_on_where_it_is_asked_to():
    assert same(drawn(stream(0), 4)[2], drawn(stream(0, first=2), 1)[0])


def test_another_seed_is_another_stream():
    assert not same(drawn(stream(0), 1)[0], drawn(stream(0, clips=traces(seed=1)), 1)[0])


def test_two_devices_share_the_batch_of_one():
    whole = drawn(stream(0, share=Share(4)), 1)[0]
    parts = [drawn(stream(0, share=Share(4, rank, 2)), 1)[0] for rank in (0, 1)]
    assert torch.equal(whole.images, torch.cat([part.images for part in parts]))
    with pytest.raises(InputError, match="a batch of 4 clips cannot be dealt to 3 devices"):
        Share(4, 0, 3)


class Broken:
    """A source whose third clip is wrong, or takes its process along."""

    count = None

    def __init__(self, deadly=False):
        self.deadly = deadly

    def sample(self, index):
        if index == 2 and self.deadly:
            import os

            os._exit(1)
        if index == 2:
            raise InputError("clip 2 is damaged; get it again")
        return Sample(np.zeros((90, 6, 3), np.float32), np.arange(90) / 15, np.zeros(90), 60.0, "")


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_wrong_with_a_clip_is_told_in_one_line(workers):
    broken = stream(workers, clips=Clips(Broken(), CLIP, 0))
    assert len(broken.next()) == 2
    with pytest.raises(InputError, match=r"^clip 2 is damaged; get it again$"):
        broken.next()
    broken.close()


def test_a_process_that_dies_is_told():
    broken = stream(1, clips=Clips(Broken(deadly=True), CLIP, 0))
    with pytest.raises(InputError, match=r"a process that makes clips died .* use fewer workers"):
        for _ in range(3):
            broken.next()
    broken.close()


def test_waiting_is_counted_and_the_start_is_told_apart():
    slow = stream(0)
    slow.next()
    assert slow.waited == 0 < slow.started_s
    slow.next()
    assert slow.waited > 0


def faster(images, time, target, rng):
    """Twice as fast: every second sample."""
    del rng
    return images[::2], time[::2], target[::2]


def noisy(images, time, target, rng):
    return images + rng.standard_normal(images.shape).astype(np.float32), time, target


def double():
    return [faster]


def noise():
    return [noisy]


def test_an_augmentation_that_plays_faster_raises_the_rate():
    clip = replace(CLIP, margin=1.0)
    source = MadeTraces(fixed=CALM | {"heart_rate": 60.0, "sdnn": 2.0}).open(
        clip, seed=0, held_out=False
    )
    found = Clips(source, clip, 0, double).sample(0)
    assert len(found.images) == 90
    assert found.speed == pytest.approx(2)
    assert found.heart_rate == pytest.approx(120, abs=6)
    assert rate_in(found.target, 15.0) == pytest.approx(120, abs=6)


def test_augmentation_is_drawn_by_clip_alone():
    clips = Clips(traces().source, CLIP, 3, noise)
    again = Clips(traces().source, CLIP, 3, noise)
    assert np.array_equal(clips.sample(4).images, again.sample(4).images)
    assert not np.array_equal(clips.sample(4).images, traces().sample(4).images)


def test_an_augmentation_that_leaves_too_little_is_told():
    with pytest.raises(InputError, match=r"left 45 samples .* use a larger clip.margin"):
        Clips(traces().source, CLIP, 0, double).sample(0)


def test_clips_of_two_shapes_do_not_mix():
    one = traces().sample(0)
    with pytest.raises(InputError, match="90×5×3 and 90×6×3"):
        batch_of([one, replace(one, images=one.images[:, 1:])], rate=15.0)


def test_the_middle_of_a_longer_clip_is_taken():
    sample = traces().sample(0)
    part = shortened(sample, 30, rate=15.0)
    assert np.array_equal(part.target, sample.target[30:60])
    assert part.speed == pytest.approx(1)


def test_regions_are_in_the_order_asked_for():
    sample = traces(regions=("chin", "skin")).sample(0)
    whole = traces(regions=REGIONS).sample(0)
    chosen = [REGIONS.index("chin"), REGIONS.index("skin")]
    assert np.array_equal(sample.images, whole.images[:, chosen])
