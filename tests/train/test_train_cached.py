"""Clips from a prepared cache: split by subject, on the recipe's clock, and wrong ones told."""

from collections import Counter
from functools import partial

import numpy as np
import pytest

from camvitals.data.cache import Cache
from camvitals.data.prepare import prepare
from camvitals.data.prepared import PrepareSettings
from camvitals.data.recording import Recording
from camvitals.records import InputError, Trace, Wave
from camvitals.train.cached import CacheClips, pictures_at, split_by_subject
from camvitals.train.clips import Clip

RATE = 30.0
CLIP = Clip(60, RATE)


def colours(number):
    time = 5.0 + np.arange(600) / RATE
    level = 100 + 2 * np.sin(2 * np.pi * (1 + number / 10) * time)
    rgb = np.repeat(level[:, None, None], 3, axis=2).astype(np.float32)
    rgb = np.concatenate([rgb, rgb + 1, rgb * 0 + 50], axis=1)
    names = ("skin", "chin", "background")
    return Trace(rgb, np.ones((600, 3)), time, names, np.tile([0.0, 0, 9, 9], (600, 1)))


def references(number):
    time = 3.0 + np.arange(1600) / 64
    return {
        "pulse": Wave(np.sin(2 * np.pi * (1 + number / 10) * time), time, "pulse"),
        "spo2": Wave(np.full(25, 90.0 + number), 3.0 + np.arange(25), "spo2", "%"),
    }


def person(number, **more):
    return Recording(
        "made",
        f"person {number}",
        partial(references, number),
        colours=partial(colours, number),
        **more,
    )


def cache(folder, recordings):
    settings = PrepareSettings(crops=False)
    for _, outcome in prepare(recordings, folder, settings=settings, jobs=1):
        assert not isinstance(outcome, InputError), outcome
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    people = [person(number, session=session) for number in range(5) for session in ("a", "b")]
    return cache(tmp_path_factory.mktemp("cache"), people)


def corpus(folder, **more):
    return CacheClips(folder=str(folder), content="traces", **more)


def everything(source):
    return [source.sample(index) for index in range(source.count)]


def test_no_subject_is_on_both_sides(folder):
    chosen = corpus(folder, held_out=0.4)
    sides = []
    for held_out in (False, True):
        source = chosen.open(CLIP, seed=0, held_out=held_out, count=1000)
        sides.append({sample.key.split("/")[1] for sample in everything(source)})
    assert not sides[0] & sides[1]
    assert sorted(map(len, sides)) == [2, 3]


def test_each_pass_holds_each_window_once_in_another_order(folder):
    source = corpus(folder).open(CLIP, seed=0, held_out=False)
    passes = [
        [source.sample(turn * source.count + at).key for at in range(source.count)]
        for turn in (0, 1)
    ]
    assert Counter(passes[0]) == Counter(passes[1])
    assert passes[0] != passes[1]
    again = corpus(folder).open(CLIP, seed=0, held_out=False)
    assert [again.sample(at).key for at in range(source.count)] == passes[0]


def test_held_out_windows_keep_their_order_and_may_be_fewer(folder):
    source = corpus(folder).open(CLIP, seed=0, held_out=True, count=3)
    assert source.count == 3
    found = [(sample.key.split(" ")[1], sample.time[0]) for sample in everything(source)]
    assert found == sorted(found)


def test_a_clip_is_on_the_clock_of_the_recipe(folder):
    clip = Clip(50, 20.0)
    sample = corpus(folder).open(clip, seed=0, held_out=False).sample(0)
    number = int(sample.key.split()[1].split("/")[0])
    expected = np.sin(2 * np.pi * (1 + number / 10) * sample.time)
    assert np.allclose(sample.target, expected, atol=0.01)
    assert np.allclose(sample.images[:, 0, 1], 100 + 2 * expected, atol=0.05)
    assert np.allclose(np.diff(sample.time), 1 / 20)
    assert sample.images.shape == (50, 2, 3)  # without the background
    assert sample.heart_rate == pytest.approx(60 + 6 * number, abs=4)


def test_a_slow_reference_is_not_a_gap(folder):
    sample = corpus(folder, reference="spo2").open(CLIP, seed=0, held_out=False).sample(0)
    assert sample.weight == 1
    assert sample.target[0] == 90 + int(sample.key.split()[1].split("/")[0])


def test_regions_can_be_chosen(folder):
    chosen = corpus(folder, regions=("background", "skin"))
    sample = chosen.open(CLIP, seed=0, held_out=False).sample(0)
    assert np.allclose(sample.images[:, 0], 50)


def test_what_owners_set_aside_stays_so(tmp_path):
    people = [person(0), person(1, split="train"), person(2, split="val"), person(3, split="test")]
    held = Cache(cache(tmp_path, people)).recordings
    trained, aside = split_by_subject(held, share=0.5, fold=0)
    assert [one.subject for one in trained] == ["person 0", "person 1"]
    assert [one.subject for one in aside] == ["person 2"]


@pytest.mark.parametrize("fold", range(4))
def test_folds_hold_out_others(folder, fold):
    held = Cache(folder).recordings
    _, aside = split_by_subject(held, share=0.2, fold=fold)
    assert len({one.subject for one in aside}) == 1


def test_pictures_between_two_are_mixed():
    images = np.array([0, 100, 200], np.uint8).reshape(3, 1, 1, 1).repeat(3, axis=3)
    found = pictures_at(images, np.array([0.0, 1, 2]), np.array([-1, 0.001, 0.25, 1, 1.5, 3]))
    assert found[:, 0, 0, 0].tolist() == [0, 0, 25, 100, 150, 200]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"content": "crops"}, "holds no crops; prepare the corpus with them"),
        ({"reference": "ecg"}, "has a ecg; they have pulse, spo2: change corpus.reference"),
        ({"corpora": ("pure",)}, "has recordings of made but not of pure"),
        ({"regions": ("ear",)}, "no region 'ear'; the traces have skin, chin, background"),
    ],
)
def test_the_wrong_corpus_is_told(folder, wanted, said):
    with pytest.raises(InputError, match=said):
        chosen = CacheClips(**({"folder": str(folder), "content": "traces"} | wanted))
        chosen.open(CLIP, seed=0, held_out=False).sample(0)


def test_clips_longer_than_the_recordings_are_told(folder):
    with pytest.raises(InputError, match="no window of 30 s to train on"):
        corpus(folder).open(Clip(900, RATE), seed=0, held_out=False)


def test_one_subject_cannot_be_split(tmp_path):
    place = cache(tmp_path, [person(0)])
    with pytest.raises(InputError, match="a split needs 2 subjects but the cache has 1"):
        corpus(place).open(CLIP, seed=0, held_out=False)
    assert corpus(place, held_out=0.0).open(CLIP, seed=0, held_out=False).count == 10


def test_no_cache_is_told(tmp_path):
    with pytest.raises(InputError, match="holds no cache"):
        corpus(tmp_path).open(CLIP, seed=0, held_out=False)
