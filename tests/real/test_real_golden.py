"""The networks give what the public code gives on its own state and input, to 1e-4."""

import pytest
import torch
from golden import Golden, loaded

from camvitals.models import MODELS

pytestmark = pytest.mark.real
S36, S72 = (36, 36), (72, 72)
CASES = {
    "deepphys_36": ("deepphys", {"size": S36}),
    "deepphys_72": ("deepphys", {"size": S72}),
    "tscan_36": ("tscan", {"size": S36}),
    "tscan_72": ("tscan", {"size": S72}),
    "efficientphys_72": ("efficientphys", {"size": S72}),
    "physnet_128": ("physnet", {"size": S36}),
    "ibvpnet": ("ibvpnet", {"size": S72}),
    "factorizephys_no_fsam": ("factorizephys", {"size": S72, "attention": False}),
    "physnet_ubfc": ("physnet", {"size": S72}),
    "factorizephys_ubfc": ("factorizephys", {"size": S72}),
    "i3d_12": ("i3d", {"size": (224, 224)}),
    "hrcnn_extractor": ("hrcnn", {"size": (192, 128)}),
}
S128 = (128, 128)
MANY = {
    "physformer": ("physformer", {"size": S128, "attention": True}),
    "rppgnet": ("rppgnet", {"size": S128}),
    "stven_4": ("stven", {"size": S128, "target": 2}),
}
# Where the public code returns features too: (case, output) -> the module here that makes them
FEATURES = {
    ("physnet_128", 2): "block5",
    ("physnet_128", 3): "block7",
    ("factorizephys_no_fsam", 1): "features",
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def network(golden, case):
    name, options = (CASES | MANY)[case]
    return loaded(MODELS[name], MODELS[name].build(**options), golden.state)


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_those_of_the_public_network(real_data, case):
    golden = Golden.load(real_data, case)
    module = network(golden, case)
    assert golden.facts.get("parameters", 0) in (0, sum(p.numel() for p in module.parameters()))
    frames_alone = golden.input.ndim == 4  # the public code has frames for a batch
    with torch.no_grad():
        golden.agrees(module(golden.input[None] if frames_alone else golden.input))


@pytest.mark.parametrize("case", MANY)
def test_every_output_is_that_of_the_public_network(real_data, case):
    golden = Golden.load(real_data, case)
    module = network(golden, case)
    assert golden.facts["parameters"] == sum(p.numel() for p in module.parameters())
    with torch.no_grad():
        outputs = module(golden.input)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    assert len(outputs) == len(golden.outputs)
    for index, output in enumerate(outputs):
        # On this state the pulses of rPPGNet move by 1e-6 to 1e-5 only: 1e-4 would show nothing.
        spread = float(golden.outputs[index].std())
        golden.agrees(output, index, within=min(1e-4, 0.05 * spread))


@pytest.mark.parametrize(("case", "index"), FEATURES)
def test_features_on_the_way_are_those_of_the_public_network(real_data, case, index):
    golden = Golden.load(real_data, case)
    module = network(golden, case)
    seen = []
    part = module.get_submodule(FEATURES[case, index])
    part.register_forward_hook(lambda _, __, output: seen.append(output))
    with torch.no_grad():
        module(golden.input)
    golden.agrees(seen[0], index)


def test_another_state_gives_another_output(real_data):
    golden = Golden.load(real_data, "deepphys_36")
    module = network(golden, "deepphys_36")
    with torch.no_grad():
        module.appearance.conv4.weight *= 1.1
        with pytest.raises(AssertionError):
            golden.agrees(module(golden.input[None]))
