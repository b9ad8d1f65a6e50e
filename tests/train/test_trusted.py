"""The objective of networks that know how good they are."""

import numpy as np
import pytest
import torch

from camvitals.data.synthetic.traces import REGIONS
from camvitals.models import MODELS
from camvitals.records import InputError
from camvitals.train.clips import Clip, MadeTraces
from camvitals.train.recipe import Model, Recipe, Term
from camvitals.train.stream import batch_of
from camvitals.train.trusted import trusted

RATE, LENGTH, DELAY = 30.0, 450, 30
IT = MODELS["regionpulse"]
RECIPE = Recipe(
    name="known",
    model=Model(name="regionpulse", delay=DELAY),
    corpus=MadeTraces(regions=REGIONS, people="varied"),
    clip=Clip(LENGTH, RATE),
    objective="trusted",
    loss=(Term(name="negative_pearson"),),
    steps=1,
)


class Oracle(torch.nn.Module):
    """Gives the truth, late by DELAY, and one certainty throughout."""

    def __init__(self, truth, odds):
        super().__init__()
        late = torch.nn.functional.pad(truth[:, :-DELAY], (DELAY, 0))
        self.told = torch.stack([late, torch.full_like(late, odds)], dim=-1)

    def forward(self, given):
        return self.told


def batch(count=6, seed=0):
    source = RECIPE.corpus.open(RECIPE.clip, seed=seed, held_out=False)
    return batch_of([source.sample(n) for n in range(count)], rate=RATE)


def test_the_truth_costs_nothing_and_may_be_sure_of_itself_where_there_is_a_pulse():
    clips = batch()
    alive = torch.isfinite(clips.heart_rate)
    assert alive.any() and not alive.all()
    sure = trusted(Oracle(clips.target, 6.0), IT, clips, RECIPE)
    unsure = trusted(Oracle(clips.target, -6.0), IT, clips, RECIPE)
    assert sure["negative_pearson"][alive].max() < 1e-3
    assert sure["certainty"][alive].max() < 0.05 < unsure["certainty"][alive].min()
    assert unsure["certainty"][~alive].max() < 0.05 < sure["certainty"][~alive].min()


def test_the_opposite_of_the_truth_is_to_be_distrusted():
    clips = batch()
    alive = torch.isfinite(clips.heart_rate)
    found = trusted(Oracle(-clips.target, -6.0), IT, clips, RECIPE)
    assert found["certainty"][alive].max() < 0.05
    assert found["negative_pearson"][alive].min() > 1.9


def test_people_without_a_pulse_teach_the_certainty_alone():
    clips = batch()
    dead = ~torch.isfinite(clips.heart_rate)
    assert (clips.weight == 1).all() and (clips.target[dead] == 0).all()
    torch.manual_seed(0)
    network = IT.build(size=IT.size)
    found = trusted(network, IT, clips.part(slice(int(dead.int().argmax()), None)), RECIPE)
    found["negative_pearson"][0].backward()
    slopes = [p.grad for p in network.parameters() if p.grad is not None]
    assert max(float(slope.abs().max()) for slope in slopes) < 1e-6


def test_the_certainty_learns_and_leaves_the_pulse_alone():
    clips = batch()
    torch.manual_seed(0)
    network = IT.build(size=IT.size)
    trusted(network, IT, clips, RECIPE)["certainty"].mean().backward()
    of_pulse, of_certainty = network.out.weight.grad.abs().sum(dim=1)
    assert of_pulse == 0 and of_certainty > 0


def test_what_it_needs_is_said():
    clips = batch(1)
    with pytest.raises(InputError, match="trusted needs a network with a certainty"):
        trusted(torch.nn.Identity(), MODELS["tracenet"], clips, RECIPE)
    short = batch_of(
        [RECIPE.corpus.open(Clip(150, RATE), seed=0, held_out=False).sample(0)], rate=RATE
    )
    with pytest.raises(InputError, match=r"clips of 8 s and the delay but clip.length is 150"):
        trusted(Oracle(short.target, 0.0), IT, short, RECIPE)


def test_varied_people_are_those_of_the_seed():
    a, b = batch(3), batch(3)
    np.testing.assert_array_equal(a.images, b.images)
    assert not torch.equal(a.images, batch(3, seed=1).images)
    with pytest.raises(InputError, match=r"people needs drawn, or varied without corpus\.fixed"):
        MadeTraces(people="varied", fixed={"light": "lamp"})
