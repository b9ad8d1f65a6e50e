"""Every network of the package can be explained, by every method."""

import numpy as np
import pytest
import torch

from camvitals.models import MODELS
from camvitals.models.architecture import TRACES
from camvitals.train.explain import explanation, subject
from camvitals.train.explain.attribute import explainer, integrated_gradients, occlusion
from camvitals.train.explain.question import Answer, ask

REGIONS = ("forehead", "left_cheek", "right_cheek", "nose", "chin", "skin", "background")
LARGE = 3_000_000  # parameters above which a network is explained among the slow tests
# Their pictures cannot be small, or a pass takes seconds.
HEAVY = {"hrcnn", "ibvpnet", "factorizephys", "rhythmnet", "rhythmformer"}
SHARES = [
    pytest.param(name, marks=[pytest.mark.slow] if it.parameters > LARGE or name in HEAVY else [])
    for name, it in MODELS.items()
]


def prepared(name):
    """A network in double precision with random weights, and its shortest clip."""
    it = MODELS[name]
    torch.manual_seed(0)
    size = min(it.sizes or (it.size,))
    module = it.build(size=size).eval().double()
    length = -(-it.shortest // it.step) * it.step
    regions = REGIONS if it.size[0] == len(REGIONS) else REGIONS[:5]
    colours = it.takes == TRACES
    one = subject.Subject(name, module, it, 10.0, length, regions if colours else (), size, {})
    rng = np.random.default_rng(0)
    shape = (length, len(regions), 3) if colours else (length, *size, 3)
    scene = subject.Scene("noise", rng.uniform(20, 230, shape), 0.0, float("nan"))
    case, _ = explanation.case_of(one, scene, None)
    answer = Answer(module, it).to(case.x.dtype).eval()
    with torch.no_grad():
        wave = answer.wave(case.x)
    answer.question = ask(wave, it.gives, rate=10.0, asked="mean")
    return answer, case


@pytest.mark.parametrize("name", SHARES)
def test_every_network_is_explained_by_every_method(name):
    answer, case = prepared(name)
    for rule in ("epsilon", "epsilon-gamma-box"):
        found = explainer("lrp", rule=rule)(answer, case)
        assert found.values.shape == tuple(case.x.shape[1:])
        assert np.isfinite(found.values).all()
        assert np.abs(found.values).max() > 0
        if rule == "epsilon":
            scale = max(abs(found.answer), abs(found.total), abs(found.absorbed))
            assert abs(found.missing) <= 1e-6 * scale
    found = integrated_gradients(answer, case, steps=2)
    assert np.isfinite(found.values).all()
    assert np.abs(found.values).max() > 0
    found = occlusion(answer, case, patches=1)
    assert np.isfinite(found.values).all()
