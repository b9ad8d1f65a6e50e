"""Pruning: exact budgets, masks that last, scores by their definition, skips, files."""

import copy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from camvitals.records import InputError
from camvitals.train.cards import trained
from camvitals.train.checkpoint import load_weights, put_weights
from camvitals.train.loop import Machine, fit
from camvitals.train.prune.layers import kernels
from camvitals.train.prune.masks import counted, kernels_of_any, masks_of, plain, put_masks
from camvitals.train.prune.scores import best, sensitivity
from camvitals.train.prune.skips import PART, skips_of
from camvitals.train.prune.start import prune, prune_like
from camvitals.train.prune.storage import FORMS, gaps_of, load_sparse, mask_of, save_sparse
from camvitals.train.prune.wanted import Prune
from camvitals.train.recipe import Recipe, Term, load_recipe

RECIPES = Path(__file__).parents[2] / "recipes" / "pruned.py"
ALONE = Machine(workers=0)
FACTORS = (2, 5, 10, 20, 50)


def chain(seed=0, width=12):
    """Five convolutions in a row over pictures of 8 × 8."""
    torch.manual_seed(seed)
    sides = [3, *[width] * 4, 1]
    layers = [nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(sides)]
    middle = [part for layer in layers[:-1] for part in (layer, nn.BatchNorm2d(width), nn.ReLU())]
    return nn.Sequential(*middle, layers[-1])


@pytest.fixture
def given():
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def pruned(given, **wanted):
    module = chain()
    found = Prune(**wanted)
    prune(module, found, run=lambda: module(given), losses=[lambda: module(given).square().mean()])
    return module


def total():
    return sum(kernel.weight.numel() for kernel in kernels(chain()).values())


@pytest.mark.parametrize("method", ["random", "magnitude", "snip", "n2nskip"])
@pytest.mark.parametrize("factor", FACTORS)
def test_the_budget_is_exact_over_the_whole_network(given, method, factor):
    module = pruned(given, method=method, factor=factor, seed=3)
    assert counted(module).kept == round(total() / factor)
    used = sum(int(kernel.weight.count_nonzero()) for kernel in kernels_of_any(module))
    assert used == round(total() / factor)
    assert all(int(mask.sum()) for name, mask in masks_of(module).items() if PART not in name)


def test_a_layer_may_lose_all_where_that_is_asked_for():
    scores = {"a": torch.arange(4.0), "b": 100 + torch.arange(4.0)}
    assert [int(mask.sum()) for mask in best(scores, 3).values()] == [0, 3]
    kept = best(scores, 3, least=1)
    assert kept["a"].tolist() == [False, False, False, True]
    assert kept["b"].tolist() == [False, False, True, True]
    with pytest.raises(InputError, match="1 of 8 weights cannot be kept with at least 1"):
        best(scores, 1, least=1)


def test_sensitivity_is_the_slope_of_a_gate_on_each_weight(given):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Conv2d(4, 2, 3)).double()
    x = given.double()

    def loss():
        return (module(x) - 0.3).square().mean()

    scores = sensitivity(module, kernels(module), [loss])
    step = 1e-6
    for name, place in (("0.weight", (1, 2, 0, 1)), ("2.weight", (1, 3, 2, 2))):
        weight = module.get_parameter(name)
        before, told = float(weight.detach()[place]), []
        for gate in (1 + step, 1 - step):
            weight.data[place] = before * gate
            told.append(float(loss().detach()))
        weight.data[place] = before
        slope = abs(told[0] - told[1]) / (2 * step)
        assert float(scores[name][place]) == pytest.approx(slope, rel=1e-5)


def test_sensitivity_leaves_running_statistics_alone(given):
    module = chain()
    before = copy.deepcopy(module.state_dict())
    sensitivity(module, kernels(module), [lambda: module(given).square().mean()])
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    with pytest.raises(InputError, match="sensitivity of the weights is 0 at most"):
        sensitivity(module, kernels(module), [lambda: 0 * module(given).sum()])


@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.AdamW])
def test_no_optimiser_brings_a_masked_weight_back(given, make):
    """One that has momentum from before the masks, and decays weights."""
    module = chain()
    options = {"momentum": 0.9} if make is torch.optim.SGD else {}
    optimiser = make(module.parameters(), lr=0.1, weight_decay=0.1, **options)
    for _ in range(3):
        optimiser.zero_grad()
        module(given).square().mean().backward()
        optimiser.step()
    moving = {name: copy.deepcopy(optimiser.state[p]) for name, p in module.named_parameters()}
    prune(module, Prune(method="random", factor=5), run=lambda: module(given))
    masks = {name: mask.clone() for name, mask in masks_of(module).items()}
    after = make(module.parameters(), lr=0.1, weight_decay=0.1, **options)
    for name, parameter in module.named_parameters():
        old = name.replace("parametrizations.", "").replace(".original", "")
        after.state[parameter] = moving[old]
    for _ in range(5):
        after.zero_grad()
        module(given).square().mean().backward()
        for kernel in kernels_of_any(module):
            original = kernel.owner.parametrizations[kernel.key].original
            assert not original.grad[~masks[kernel.name]].any()
        after.step()
    for kernel in kernels_of_any(module):
        assert not kernel.weight[~masks[kernel.name]].any()
        assert kernel.weight[masks[kernel.name]].all()
    assert all(torch.equal(mask, masks[name]) for name, mask in masks_of(module).items())


def test_a_recurrent_layer_is_masked_too():
    torch.manual_seed(0)
    module = nn.GRU(4, 6, batch_first=True)
    x = torch.rand(2, 9, 4)
    masks = {name: torch.rand(w.shape) < 0.3 for name, w in module.named_parameters() if w.ndim > 1}
    bare = copy.deepcopy(module)
    put_masks(module, masks)
    for name, mask in masks.items():
        getattr(bare, name).data *= mask
    assert torch.equal(module(x)[0], bare(x)[0])
    module(x)[0].sum().backward()
    assert not module.parametrizations.weight_hh_l0.original.grad[~masks["weight_hh_l0"]].any()
    assert torch.equal(plain(copy.deepcopy(module))(x)[0], bare(x)[0])


def test_only_what_is_named_is_pruned(given):
    module = chain()
    wanted = Prune(method="random", factor=4, only=("0.", "3."))
    prune(module, wanted, run=lambda: module(given))
    assert set(masks_of(module)) == {"0.weight", "3.weight"}
    with pytest.raises(InputError, match=r"no layer begins with 'nothing'"):
        kernels(chain(), only=("nothing",))
    with pytest.raises(InputError, match="no weights to prune"):
        kernels(nn.BatchNorm2d(3))


def test_skips_share_the_budget_and_join_layers_that_do_not_follow(given):
    module = pruned(given, method="n2nskip", factor=5, seed=2)
    order = ["0", "3", "6", "9", "12"]
    assert len(skips_of(module)) >= 3
    assert all(order.index(b) >= order.index(a) + 2 for a, b in skips_of(module))
    masks = masks_of(module)
    skipping = sum(int(mask.sum()) for name, mask in masks.items() if PART in name)
    assert skipping == round(round(total() / 5) / 2)
    module.train()
    module(given).square().mean().backward()
    learning = [w.grad.abs().sum() for n, w in module.named_parameters() if n.startswith(PART)]
    assert sum(learning) > 0


def test_a_skip_adds_what_a_pointwise_convolution_of_the_resized_output_gives():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(2, 3, 1), nn.Conv2d(3, 3, 2, stride=2), nn.Conv2d(3, 2, 1))
    bare = copy.deepcopy(module)
    x = torch.rand(2, 2, 8, 8)
    wanted = Prune(method="n2nskip", scores="random", factor=1.2, least=0)
    prune(module, wanted, run=lambda: module(x))
    ((source, target),) = skips_of(module)
    assert (source, target) == ("0", "2")
    first, second, third = plain(module)[:3]
    weight = plain(module).get_parameter(f"{PART}.convs.0.weight")
    here = first(x)
    along = nn.functional.conv2d(nn.functional.avg_pool2d(here, 2), weight)
    bare[0].weight, bare[1].weight, bare[2].weight = first.weight, second.weight, third.weight
    assert weight.any()
    assert torch.allclose(module(x), bare[2](bare[1](bare[0](x)) + along), atol=1e-6)
    assert module.n2n.outputs.of == {}  # nothing of a run is kept


def test_skips_need_room():
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Linear(8, 4), nn.Linear(4, 1))
    x = torch.rand(2, 3, 2, 2)
    with pytest.raises(InputError, match="n2nskip needs convolutions, each run once"):
        prune(module, Prune(method="n2nskip", scores="random"), run=lambda: module(x))


@pytest.mark.parametrize("method", ["snip", "n2nskip"])
def test_a_state_dict_makes_the_same_network_again(given, method):
    module = pruned(given, method=method, factor=5).eval()
    again = chain(seed=9)
    prune_like(again, Prune(method=method), module.state_dict(), "it")
    put_weights(again, module.state_dict(), "it")
    assert torch.equal(again.eval()(given), module(given))
    assert skips_of(again) == skips_of(module)
    assert torch.equal(copy.deepcopy(module)(given), module(given))
    assert torch.equal(plain(module)(given), module(given))


def test_masks_of_another_model_are_refused(given):
    module = pruned(given, method="snip", factor=5)
    with pytest.raises(InputError, match=r"it: the masks are of another model: that of 0.weight"):
        prune_like(chain(width=8), Prune(method="snip"), module.state_dict(), "it")
    with pytest.raises(InputError, match=r"another model: this one has no weights '6.weight'"):
        prune_like(chain()[:6], Prune(method="snip"), module.state_dict(), "it")
    with pytest.raises(InputError, match=r"0.weight is masked already; prune a dense network"):
        prune_like(module, Prune(method="snip"), module.state_dict(), "it")
    skipping = pruned(given, method="n2nskip", factor=5)
    with pytest.raises(InputError, match="skip connections are of another model"):
        prune_like(chain()[:6], Prune(method="n2nskip"), skipping.state_dict(), "it")


@pytest.mark.parametrize("factor", [1, 0.5, 0, -3, 100.5, float("nan"), float("inf")])
def test_a_sparsity_out_of_range_is_told(factor):
    with pytest.raises(InputError, match=r"prune\.factor needs more than 1 and at most 100"):
        Prune(method="snip", factor=factor)


def test_settings_that_cannot_be_are_told():
    for bad in ({"share": 0.0}, {"share": 1.0}, {"batches": 0}, {"pairs": 0}, {"least": -1}):
        with pytest.raises(InputError, match="prune"):
            Prune(**bad)


@pytest.mark.parametrize("method", ["snip", "n2nskip"])
@pytest.mark.parametrize("form", FORMS)
def test_files_come_back_bit_for_bit(given, tmp_path, form, method):
    module = pruned(given, method=method, factor=10)
    bias = module[0].bias
    bias.data[0] = torch.nan  # a value like any other
    path = tmp_path / "small.safetensors"
    assert save_sparse(path, module, form) == path.stat().st_size
    wanted = module.state_dict() if form != "dense" else plain(module).state_dict()
    found = load_sparse(path)
    assert set(found) == set(wanted)
    for name, tensor in wanted.items():
        same = tensor.isnan() == found[name].isnan() if tensor.is_floating_point() else True
        assert torch.equal(tensor.nan_to_num(), found[name].nan_to_num()), name
        assert torch.as_tensor(same).all()
        assert found[name].dtype == tensor.dtype


def test_a_kept_weight_of_zero_stays_kept(tmp_path):
    module = nn.Sequential(nn.Linear(10, 2))
    mask = torch.zeros(2, 10, dtype=torch.bool)
    mask[:, ::3] = True
    put_masks(module, {"0.weight": mask})
    module[0].parametrizations.weight.original.data[0, 3] = 0.0
    for form in ("indices", "bitmask"):
        save_sparse(tmp_path / "a.safetensors", module, form)
        found = load_sparse(tmp_path / "a.safetensors")
        assert torch.equal(found["0.parametrizations.weight.0.mask"], mask)


def test_gaps_longer_than_sixteen_bits():
    rng = np.random.default_rng(0)
    for places in ([0], [65535], [65534, 65536], [3, 400_000], rng.choice(500_000, 40), []):
        mask = np.zeros(500_000, dtype=bool)
        mask[np.asarray(places, dtype=int)] = True
        gaps = gaps_of(mask)
        assert gaps.dtype == np.uint16
        assert np.array_equal(mask_of(gaps, len(mask)), mask)
    assert mask_of(np.array([65535, 20], np.uint16), 10) is None


def test_bad_files_are_told(given, tmp_path):
    module = pruned(given, method="snip", factor=10)
    with pytest.raises(InputError, match="no form 'zip' of pruned weights; choose one of dense"):
        save_sparse(tmp_path / "a.safetensors", module, "zip")
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "b.safetensors")
    with pytest.raises(InputError, match="holds no pruned weights"):
        load_sparse(tmp_path / "b.safetensors")


def wanted_of(tiny, **settings):
    return tiny.with_settings({f"prune.{name}": value for name, value in settings.items()})


@pytest.mark.parametrize("method", ["snip", "magnitude", "structured"])
def test_a_pruned_training_goes_on_with_the_same_weights(tmp_path, tiny, method):
    recipe = wanted_of(tiny, method=method, factor="4")
    recipe = replace(recipe, optimiser=replace(recipe.optimiser, weight_decay=0.01))
    fit(replace(recipe, epochs=1), tmp_path / "a", machine=ALONE)
    fit(recipe, tmp_path / "a", machine=ALONE)
    fit(recipe, tmp_path / "b", machine=ALONE)
    for name in ("last.safetensors", "best.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    module, told = trained(tmp_path / "a", own_code=True)
    assert told.prune.method == method
    if method == "structured":
        assert sum(p.numel() for p in module.parameters()) <= 761 / 4
    else:
        assert counted(module).kept == round(728 / 4)


def test_a_sparse_file_is_weights_like_any_other(tmp_path, tiny):
    fit(wanted_of(tiny, method="snip", factor="4"), tmp_path / "a", machine=ALONE)
    module, _ = trained(tmp_path / "a", own_code=True)
    save_sparse(tmp_path / "small.safetensors", module, "indices")
    again, _ = trained(tmp_path / "a", own_code=True)
    for parameter in again.parameters():
        parameter.data.zero_()
    load_weights(again, tmp_path / "small.safetensors")
    x = torch.rand(2, 60, 6, 3)
    assert torch.equal(again(x), module(x))


def test_recipes_say_pruning_and_those_without_keep_their_hash(tiny):
    recipe = wanted_of(tiny, method="snip", factor="20", only="time.")
    assert recipe.prune == Prune(method="snip", factor=20.0, only=("time.",))
    assert Recipe.from_json(recipe.to_json(), own_code=True) == recipe
    assert recipe.hash != tiny.hash
    assert wanted_of(tiny, factor="20").hash == tiny.hash  # method none
    whole = replace(tiny, prune=Prune(method="snip", factor=20))
    assert Recipe.from_json(whole.to_json(), own_code=True).hash == whole.hash
    old = tiny.to_json().replace('"prune"', '"unknown"')
    with pytest.raises(InputError, match="unknown"):
        Recipe.from_json(old, own_code=True)


def test_distillation_is_a_term_of_the_loss(tmp_path, tiny):
    fit(tiny, tmp_path / "dense", machine=ALONE)
    term = Term(name="distillation", weight=2.0, options={"teacher": str(tmp_path / "dense")})
    taught = replace(tiny, loss=(*tiny.loss, term), seed=5)
    from camvitals.train.objective import architecture_of, supervised
    from camvitals.train.stream import batch_of

    source = tiny.corpus.open(tiny.clip, seed=1, held_out=False)
    batch = batch_of([source.sample(n) for n in range(3)], rate=tiny.clip.rate)
    dense, _ = trained(tmp_path / "dense", own_code=True)
    terms = supervised(dense, architecture_of(tiny), batch, taught)
    assert torch.allclose(terms["distillation"], torch.zeros(3), atol=1e-5)  # it is the teacher
    other = architecture_of(tiny).build(size=(6, 3)).eval()
    far = supervised(other, architecture_of(tiny), batch, taught)["distillation"]
    assert far.min() > 0.01
    far.sum().backward()
    assert other.time.weight.grad.any()
    result = fit(replace(taught, epochs=1), tmp_path / "taught", machine=ALONE)
    assert result.step == 3
    bare = replace(taught, loss=(*tiny.loss, Term(name="distillation")))
    with pytest.raises(InputError, match="distillation needs options teacher"):
        fit(bare, tmp_path / "bare", machine=ALONE)


@pytest.mark.parametrize("name", ["system_b", "enhancer_alone", "structured"])
def test_the_recipes_of_pruning_load(name):
    assert load_recipe(f"{RECIPES}:{name}").prune.method != "none"
