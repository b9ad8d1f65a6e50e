"""System C: labels, splits, recipes, training, and what a single picture knows."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from camvitals.data.synthetic.physiology import simulate_physiology
from camvitals.models import MODELS
from camvitals.models.densenet import DenseNetRate
from camvitals.records import InputError, Wave
from camvitals.train.transfer import learn
from camvitals.train.transfer.labels import centred_labels, published_labels
from camvitals.train.transfer.made import Cast, at_rate, drawn, ecg_of, made_samples
from camvitals.train.transfer.recipe import SAYS, Transfer
from camvitals.train.transfer.samples import Samples, joined
from camvitals.train.transfer.splits import Split, by_frame, by_group, unseen_people, unseen_videos

RECIPES = Path(__file__).parents[2] / "recipes"
TINY = {"first": 8, "growth": 4, "blocks": (2, 1)}


@pytest.fixture(scope="module")
def recipes():
    sys.path.insert(0, str(RECIPES))
    try:
        import heart_rate_by_transfer
    finally:
        sys.path.remove(str(RECIPES))
    return heart_rate_by_transfer


@pytest.fixture(scope="module")
def samples() -> Samples:
    return made_samples(Cast(people=3, films=2, size=64, crop=33), count=2)


def ecg(beats, *, length):
    """Spikes of 20 ms at 128 Hz."""
    time = np.arange(round(length * 128)) / 128
    values = np.exp(-0.5 * ((time[:, None] - np.asarray(beats)) / 0.02) ** 2).sum(axis=1)
    return Wave(values, time, "ecg", "mV")


# Labels


def test_published_labels_come_later_and_later():
    """The rate jumps at 60 s; the picture at 60.0 s is given the 24 s around 58.6 s."""
    rng = np.random.default_rng(0)
    slow = np.cumsum(np.full(60, 1.0) + 0.01 * rng.standard_normal(60))
    fast = slow[-1] + np.cumsum(np.full(100, 0.6) + 0.01 * rng.standard_normal(100))
    wave = ecg(np.r_[slow, fast], length=118)
    pictures = np.arange(1150, 1950, 10)
    found = published_labels(wave, pictures, rate=25.0)
    half = pictures[np.argmin(np.abs(found - 80))] / 25  # 12 s at 60 and 12 s at 100 bpm
    assert half - slow[-1] == pytest.approx(60 * (5.12 / 5 - 1), abs=0.5)
    assert found[0] == pytest.approx(60, abs=1)
    assert found[-1] == pytest.approx(100, abs=1)


def test_published_labels_without_a_rhythm_are_left_out():
    wave = ecg(np.arange(1, 60, 2.5), length=60)
    assert np.isnan(published_labels(wave, np.arange(0, 1500, 300), rate=25.0)).all()
    assert np.isnan(published_labels(wave, np.array([4000]), rate=25.0)).all()


def test_clean_labels_are_the_median_interval_around():
    wave = ecg(np.r_[np.arange(1, 31, 1.0), np.arange(30.6, 60, 0.6)], length=60)
    found = centred_labels(wave, np.array([15.0, 45.0]))
    np.testing.assert_allclose(found, [60, 100], atol=0.3)
    assert np.isnan(centred_labels(wave, np.array([500.0]))).all()


def test_both_labels_agree_on_a_steady_heart():
    body = simulate_physiology(Cast().scenario(1, 1))
    clean = centred_labels(ecg_of(body), np.array([20.0, 40.0]))
    published = published_labels(ecg_of(body), np.array([500, 1000]), rate=25.0)
    np.testing.assert_allclose(clean, published, atol=5)


# Samples


def test_a_person_keeps_the_face_and_changes_the_rate():
    cast = Cast()
    one, other = cast.scenario(3, 1), cast.scenario(3, 2)
    assert one.heart_rate != other.heart_rate
    assert replace(one, heart_rate=70, heart_rate_slope=0.0) == at_rate(other, 70)
    assert cast.scenario(4, 1).seed != one.seed


def test_samples_are_those_of_every_film_and_come_back(samples, tmp_path):
    assert samples.images.shape == (12, 1, 33, 33, 3)
    assert len(set(samples.video)) == 6
    assert np.abs(samples.clean - samples.published).max() < 8
    samples.save(tmp_path / "s.npz")
    again = Samples.load(tmp_path / "s.npz")
    np.testing.assert_array_equal(again.at([1, 2]).images, samples.images[[1, 2]])
    with pytest.raises(InputError, match="no samples"):
        joined([])


def test_samples_of_a_corpus_as_its_owners_ship_it(tmp_path):
    """AMIGOS: films in .mov, ECG in .mat, prepared to crops, read to samples."""
    from camvitals.data.cache import Cache
    from camvitals.data.corpora import corpus
    from camvitals.data.prepare import prepare
    from camvitals.data.prepared import PrepareSettings
    from camvitals.data.synthetic.layouts.amigos import AMIGOS
    from camvitals.data.synthetic.layouts.layout import write_corpus
    from camvitals.data.synthetic.scenario import Scenario
    from camvitals.train.transfer.samples import samples_of_cache

    scenario = Scenario(seed=0, duration=8, rate=12.5, size=(240, 180), heart_rate=84.0)
    write_corpus(tmp_path / "amigos", AMIGOS, [scenario])
    takes = list(corpus("amigos").read(tmp_path / "amigos"))
    list(prepare(takes, tmp_path / "cache", settings=PrepareSettings(size=33), jobs=1))
    found = samples_of_cache(
        Cache(tmp_path / "cache"), rate=12.5, count=3, length=4, every=2, seed=1
    )
    assert found.images.shape == (6, 4, 33, 33, 3)
    assert set(found.person) == {"P01"}
    np.testing.assert_allclose(np.diff(found.time, axis=1), 0.16, atol=0.01)
    np.testing.assert_allclose(found.clean, 84, atol=6)


# Splits


def test_unseen_people_are_the_last_or_a_lot():
    person = np.repeat([f"P{k:02d}" for k in range(1, 13)], 2)
    train, test = unseen_people(person)
    assert set(person[test]) == {"P08", "P09", "P10", "P11", "P12"}
    assert not set(person[train]) & set(person[test])
    tested = [set(person[unseen_people(person, fold=k)[1]]) for k in range(3)]
    assert set().union(*tested) == set(person)
    with pytest.raises(InputError, match="leave nobody"):
        unseen_people(person[:8])


@pytest.mark.parametrize("seed", [None, 0])
def test_twelve_of_sixteen_videos_of_each(seed):
    person = np.repeat(["A", "B"], 32)
    video = np.array([f"{p}/{k // 2 % 16:02d}" for p, k in zip(person, range(64), strict=True)])
    train, test = unseen_videos(person, video, seed=seed)
    for one in "AB":
        assert len(set(video[train][person[train] == one])) == 12
        assert len(set(video[test][person[test] == one])) == 4
    assert not set(video[train]) & set(video[test])
    if seed is None:
        assert set(video[test]) == {f"{p}/{k}" for p in "AB" for k in (12, 13, 14, 15)}


def test_frames_leak_and_groups_do_not():
    rows, person = np.arange(200), np.repeat(np.arange(10), 20)
    train, held = by_frame(rows)
    assert len(held) == 40
    assert set(person[held]) <= set(person[train])
    train, held = by_group(rows, person)
    assert not set(person[held]) & set(person[train])


# Recipes and training


@pytest.mark.parametrize("name", ["published", "repaired", "classes", "bins"])
def test_recipes_learn_single_pictures(recipes, samples, name):
    recipe = replace(getattr(recipes, name)(), epochs=2, batch=4)
    split = Split(np.arange(8), np.arange(8, 10), np.arange(10, 12))
    network = tiny_network(recipe)
    if recipe.drift:
        before = network.features.norm0.running_mean.clone()
        weight = network.features.conv0.weight.clone()
        learnt = learn.learn_drifting(recipe, network, samples, split, tell=None)
        assert not torch.equal(before, network.features.norm0.running_mean)
        assert torch.equal(weight, network.features.conv0.weight)
        told = learn.estimates_drifted(learnt, samples.at(split.test))
    else:
        features = learn.features_of(network, samples, colours=recipe.colours)
        learnt = learn.learn(recipe, features, samples.clean, split)
        told = learn.estimates(learnt, features[10:])
        if name != "repaired":
            assert ((told > 39) & (told < 181)).all()
    assert told.shape == (2,)
    assert np.isfinite(told).all()
    assert np.isfinite(learnt.validation)


def tiny_network(recipe):
    torch.manual_seed(0)
    module = DenseNetRate(frozen=True, drift=recipe.drift, **TINY)
    return module.to(memory_format=torch.channels_last)


def test_as_published_and_as_repaired(recipes):
    said, better = recipes.published(), recipes.repaired()
    assert (said.colours, said.labels, said.drift) == ("BGR", "published", True)
    assert (said.epochs, said.batch, said.step) == (15, 32, 1e-3)
    assert (better.colours, better.labels, better.drift) == ("RGB", "clean", False)
    assert {recipes.classes().model, recipes.bins().model, recipes.recurrent().model} < set(SAYS)
    with pytest.raises(InputError, match="drifts"):
        Transfer(name="odd", drift=True)
    with pytest.raises(InputError, match="no model 'physnet'"):
        Transfer(name="odd", model="physnet")


def test_pictures_lose_a_row_and_a_column_and_their_colours_are_exchanged():
    images = np.zeros((1, 1, 128, 128, 3), np.uint8)
    images[..., 0] = 255
    images[:, :, -1] = images[:, :, :, -1] = 77
    right, wrong = (learn.pictures(images, colours=c) for c in ("RGB", "BGR"))
    assert right.shape == (1, 1, 3, 127, 127)
    assert right[0, 0, 0].min() == right[0, 0, 0].max() == pytest.approx((1 - 0.485) / 0.229)
    assert wrong[0, 0, 2].min() == pytest.approx((1 - 0.406) / 0.225)


@pytest.mark.parametrize("model", ["densenet", "densenet-recurrent"])
def test_the_scale_is_taken_into_the_weights(model):
    """Estimates of the finished head are those of the one that saw standardised features."""
    torch.manual_seed(0)
    features = 50 + 7 * torch.randn(60, 6, 5) * torch.arange(1, 6)
    features[..., 2] = 3.0  # one that never moves
    rate = 80 + 10 * np.random.default_rng(0).standard_normal(60)
    length = 6 if model != "densenet" else 1
    recipe = Transfer(name="t", model=model, epochs=3, length=length, choose_by="groups")
    rows = np.arange(60)
    split = Split(rows[:40], rows[40:], rows[40:])
    learnt = learn.learn(recipe, features, rate, split)
    first = (6 - length) // 2
    told = learn.estimates(learnt, features[40:])
    assert np.sqrt(np.mean((told - rate[40:]) ** 2)) == pytest.approx(learnt.validation, rel=1e-3)
    assert features[:, first].isfinite().all()


@pytest.fixture(scope="module")
def swinging():
    """Clips whose features swing at the heart's rate about a level that says nothing of it."""
    rng = np.random.default_rng(3)
    rate = rng.uniform(50, 120, 300)
    time = np.arange(30) / 8.0
    swing = np.sin(2 * np.pi * rate[:, None] / 60 * time + rng.uniform(0, 6.28, (300, 1)))
    level = 30 * rng.standard_normal((300, 1, 4))
    features = level + swing[..., None] * [1.0, 0.5, -0.7, 0.3]
    return torch.tensor(features).float(), rate


@pytest.mark.parametrize(
    ("model", "sees"),
    [("densenet", False), ("densenet-recurrent", True), ("densenet-attention", True)],
)
def test_only_heads_over_frames_can_see_a_pulse(swinging, model, sees):
    features, rate = swinging
    length = 26 if sees else 1
    speeds = (0.9, 1.1) if sees else (1.0, 1.0)
    recipe = Transfer(name=model, model=model, length=length, epochs=40, step=5e-3, speeds=speeds)
    rows = np.arange(300)
    split = Split(rows[:200], rows[200:250], rows[250:])
    told = learn.estimates(learn.learn(recipe, features, rate, split), features[250:])
    floor = rate[250:].std()
    error = np.sqrt(np.mean((told - rate[250:]) ** 2))
    assert (error < 0.5 * floor) == sees


def test_the_same_face_at_another_rate_is_the_same_picture():
    """Features move from rate to rate as from moment to moment; from face to face much more."""
    cast = Cast(size=64, crop=33)
    network = tiny_network(Transfer(name="t"))
    moments = np.arange(10.0, 22.0, 1.5)

    def seen(person, rate):
        scenario = replace(at_rate(cast.scenario(person, 1), rate), motion="still")
        images = drawn(scenario, moments, crop=cast.crop)[:, None]
        blank = np.zeros(len(images))
        names = np.full(len(images), "")
        faces = Samples(images, moments[:, None], names, names, blank, blank)
        return learn.features_of(network, faces, colours="RGB")[:, 0]

    slow, fast, other = seen(1, 55), seen(1, 115), seen(2, 55)
    moved = slow.std(0).mean()
    assert (slow.mean(0) - fast.mean(0)).abs().mean() < moved
    assert (slow.mean(0) - other.mean(0)).abs().mean() > 5 * moved


def test_every_recipe_has_a_name_of_its_own_and_a_network(recipes):
    made = [f for f in vars(recipes).values() if callable(f) and f.__module__ == recipes.__name__]
    found = [one() for one in made]
    assert len({one.name for one in found}) == len(found) == 10
    assert {one.model for one in found} == set(SAYS)
    for one in found:
        with torch.device("meta"):
            network = MODELS[one.model].build(size=(64, 64), frozen=True, drift=one.drift)
        assert {p.requires_grad for p in network.features.parameters()} == {False}
        assert all(p.requires_grad for p in network.head.parameters())


@pytest.mark.parametrize("model", ["densenet", "densenet-bins", "densenet-recurrent"])
def test_where_there_is_nothing_to_learn_the_mean_is_kept(model):
    """Those who are chosen by have the mean rate, so that whatever is learnt of noise is worse."""
    torch.manual_seed(0)
    features = torch.randn(40, 4, 30)
    rate = 80 + 10 * np.random.default_rng(0).standard_normal(40)
    rate[25:] = rate[:25].mean()
    rows = np.arange(40)
    length = 4 if "recurrent" in model else 1
    recipe = Transfer(name="t", model=model, length=length, epochs=4, step=0.05)
    learnt = learn.learn(recipe, features, rate, Split(rows[:25], rows[25:], rows[25:]))
    told = learn.estimates(learnt, features[25:])
    assert learnt.epoch == 0
    np.testing.assert_allclose(told, rate[:25].mean(), atol=0.6)
