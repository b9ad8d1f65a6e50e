"""Clips with a label for each picture: their moments, their scale, and both ways to split them."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch

from camvitals.data.prepare import prepare
from camvitals.data.prepared import PrepareSettings
from camvitals.data.recording import Recording
from camvitals.models import MODELS
from camvitals.records import InputError, Wave
from camvitals.train.clips import Clip
from camvitals.train.labelled import LabelClips
from camvitals.train.objective import supervised
from camvitals.train.recipe import Model, Recipe, Term, absolute
from camvitals.train.stream import batch_of
from camvitals.video import open_video

RATE, SECONDS, PEOPLE = 12.0, 6, 7
CLIP = Clip(12, RATE)


def pictures(number):
    """Every picture has its own level: of the person, and of its number."""
    count = round(SECONDS * RATE)
    level = (30 * number + np.arange(count)).astype(np.uint8)
    images = np.broadcast_to(level[:, None, None, None], (count, 40, 40, 3))
    return open_video(np.ascontiguousarray(images), time=5 + np.arange(count) / RATE)


def references(number):
    """The ECG is its own time: what a label says tells which readings it is of."""
    time = 4.5 + np.arange(SECONDS * 500 + 500) / 500
    return {"ecg": Wave(number + time, time, "ecg", "mV")}


def person(number, **more):
    here = partial(references, number), partial(pictures, number)
    return Recording("made", f"P{number}", *here, **more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("labels")
    settings = PrepareSettings(size=32, traces=False, roi="finger")
    people = [person(number) for number in range(PEOPLE)]
    for _, outcome in prepare(people, found, settings=settings, jobs=1):
        assert not isinstance(outcome, InputError), outcome
    return found


def corpus(folder, **more):
    return LabelClips(**({"folder": str(folder), "scheme": "closest", "scale": "none"} | more))


def everything(source):
    return [source.sample(index) for index in range(source.count)]


def who(samples):
    return {sample.key.split()[0] for sample in samples}


def test_label_and_picture_are_of_one_moment(folder):
    for sample in everything(corpus(folder).open(CLIP, seed=0, held_out=False)):
        number = int(sample.key[len("made/P")])
        np.testing.assert_allclose(sample.target, number + sample.time, atol=1 / 500)
        shown = sample.images[:, 0, 0, 0].astype(float) - 30 * number
        np.testing.assert_allclose(shown, (sample.time - 5) * RATE, atol=1.01)
        assert sample.weight == 1 and sample.images.shape == (12, 32, 32, 3)


def test_scaled_over_the_recording_not_over_the_clip(folder):
    chosen = corpus(folder, scale="z-score", held_out=0.3)
    clips = everything(chosen.open(CLIP, seed=0, held_out=False))
    first = min(clips, key=lambda clip: clip.target[0])
    assert first.target.mean() < -1  # the ramp is at its beginning there
    for key in who(clips):
        own = np.concatenate([clip.target for clip in clips if clip.key.startswith(key)])
        assert own.mean() == pytest.approx(0, abs=1e-4) and own.std() == pytest.approx(1, abs=1e-4)


def test_with_a_hop_each_picture_begins_a_clip_to_learn_from(folder):
    chosen = corpus(folder, hop=1 / RATE)
    learnt = everything(chosen.open(CLIP, seed=0, held_out=False))
    assert len(learnt) == 5 * (round(SECONDS * RATE) - CLIP.length + 1)
    for sample in learnt[::7]:
        number = int(sample.key[len("made/P")])
        np.testing.assert_allclose(sample.target, number + sample.time, atol=1 / 500)
    assert len(everything(chosen.open(CLIP, seed=0, held_out=True, count=99))) == 2 * 6
    with pytest.raises(InputError, match="overlapping windows are not apart"):
        corpus(folder, split="window", hop=0.5)


def test_people_are_apart(folder):
    sides = [everything(corpus(folder).open(CLIP, seed=0, held_out=h, count=99)) for h in (0, 1)]
    assert not who(sides[0]) & who(sides[1])
    assert [len(who(side)) for side in sides] == [5, 2]


def test_seconds_are_shuffled_where_that_is_asked_for(folder):
    leaky = corpus(folder, split="window")
    sides = [everything(leaky.open(CLIP, seed=0, held_out=h, count=99)) for h in (False, True)]
    keys = [{sample.key for sample in side} for side in sides]
    assert not keys[0] & keys[1]
    assert len(keys[0]) + len(keys[1]) == PEOPLE * SECONDS
    assert len(keys[1]) == round(0.3 * PEOPLE * SECONDS)
    assert who(sides[1]) <= who(sides[0]) and len(who(sides[1])) > 3
    other = everything(
        dataclasses.replace(leaky, fold=1).open(CLIP, seed=0, held_out=True, count=99)
    )
    assert {sample.key for sample in other} != keys[1]


def test_another_order_in_each_pass(folder):
    source = corpus(folder).open(CLIP, seed=0, held_out=False)
    passes = [
        [source.sample(n + k * source.count).key for n in range(source.count)] for k in (0, 1)
    ]
    assert sorted(passes[0]) == sorted(passes[1]) and passes[0] != passes[1]


def test_a_reference_that_is_not_there_is_told(folder):
    with pytest.raises(InputError, match=r"no recording in .* has crops and pulse; they have ecg"):
        corpus(folder, reference="pulse").open(CLIP, seed=0, held_out=False)
    with pytest.raises(InputError, match="scheme of average, maximum, closest, peaks"):
        corpus(folder, scheme="mean")
    with pytest.raises(InputError, match="has no window of 99 s to train on"):
        corpus(folder).open(Clip(99 * 12, RATE), seed=0, held_out=False)


def recipe(folder, name):
    return Recipe(
        name="r",
        model=Model(name=name, target="label"),
        corpus=corpus(folder),
        clip=CLIP,
        loss=(Term(name="mse"),),
    )


def test_the_loss_is_against_the_labels_as_they_are(folder):
    """Twelve pictures make eleven pairs: where the last is seen twice, nothing is learnt."""
    source = corpus(folder).open(CLIP, seed=0, held_out=False)
    batch = batch_of([source.sample(0), source.sample(1)], rate=RATE)

    class Constant(torch.nn.Module):
        def forward(self, x):
            return torch.arange(12.0).repeat(len(x), 1)

    for name, pictures_seen in (("mobilenet-pair", 11), ("i3d", 12)):
        it = dataclasses.replace(MODELS[name], wave=lambda output, n: output.reshape(n, -1))
        found = supervised(Constant(), it, batch, recipe(folder, name))["mse"]
        error = torch.arange(12.0) - batch.target
        torch.testing.assert_close(found, error[:, :pictures_seen].square().mean(dim=1))


def test_a_recipe_with_labels_survives_its_file(folder):
    made = recipe(folder, "i3d")
    assert Recipe.from_json(made.to_json()) == made
    other = dataclasses.replace(made.model, trunk="weights.pth")
    moved = absolute(dataclasses.replace(made, model=other))
    assert moved.model.trunk.startswith("/") and moved.hash != made.hash
    public = dataclasses.replace(made, model=dataclasses.replace(made.model, trunk="public"))
    assert absolute(public).model.trunk == "public"
