"""Exports: what agrees is written, what does not is refused, and nothing old is lost."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from camvitals.models import MODELS
from camvitals.models.architecture import Architecture
from camvitals.records import InputError
from camvitals.runtime import check_golden, load
from camvitals.train.export import export, golden_path
from camvitals.train.graph import Carried, Reading, card_of, state_of
from camvitals.train.made import made_samples
from camvitals.train.network import TorchNetwork
from camvitals.train.receipts import as_json, receipts, table
from camvitals.train.variants import variant
from camvitals.waves.learned import Learned, learned
from camvitals.waves.stretch import Stretch, given_of, output

ROOT = Path(__file__).parents[2]


class Small(nn.Module):
    """(N, T, 3, 12, 12) -> (N, T): one convolution, mean over space."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.look = nn.Conv2d(3, 4, 3)
        self.tell = nn.Linear(4, 1)

    def forward(self, x):
        seen = torch.tanh(self.look(x.flatten(0, 1))).mean((-2, -1))
        return self.tell(seen).reshape(x.shape[0], x.shape[1])


class Echo(nn.Module):
    """A leaky sum of the green of regions, carried from call to call."""

    def state_shapes(self):
        return {"sum": (1,)}

    def carry(self, given, state):
        (total,) = state
        green = given[..., 1].mean(2)
        lapse = torch.arange(green.shape[1], dtype=given.dtype)
        share = 0.5 ** (lapse[:, None] - lapse[None]).clamp_min(0) * (lapse[:, None] >= lapse)
        out = green @ share.T + total * 0.5 ** (lapse + 1)
        return out, (out[:, -1:],)


SMALL = Architecture(
    build=lambda *, size: Small(),  # noqa: PLW0108  it takes no size
    takes="unit",
    gives="pulse",
    size=(12, 12),
    length=64,
    parameters=117,
    source="made here",
)
COLOURS = replace(SMALL, takes="traces", length=64)


def small_card(**facts):
    return card_of(SMALL, name="small", rate=30.0, **facts)


def echo_card(**facts):
    told = {"regions": ("forehead", "nose"), "state": {"sum_after": "sum"}} | facts
    return replace(card_of(COLOURS, name="echo", rate=30.0, **told), length=None)


def echo_export(path):
    state = state_of(Echo())
    samples = given_of(echo_card(), made_samples(echo_card(), length=40, seed=1))
    return export(
        Carried(Echo()), echo_card(), path, {"traces": torch.from_numpy(samples[None])} | state
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export(Small(), small_card(), tmp_path_factory.mktemp("export") / "small.onnx")


def test_batch_and_time_are_free_and_both_say_the_same(exported):
    assert exported.free == ("batch", "time")
    assert set(exported.apart) == {"random", "real-like"}
    assert max(exported.apart.values()) < 1e-5
    model = load(exported.path)
    assert model.card == exported.card
    given = np.random.default_rng(3).random((3, 20, 3, 12, 12), dtype=np.float32)
    with torch.no_grad():
        wanted = Small()(torch.from_numpy(given)).numpy()
    np.testing.assert_allclose(model({"frames": given})["pulse"], wanted, atol=1e-5)


def test_a_file_says_nothing_of_the_machine_that_wrote_it(exported):
    written = exported.path.read_bytes()
    here = [str(Path(__file__).parents[2]), str(Path.home()), "stack_trace"]
    assert [name for name in here if name.encode() in written] == []


@pytest.mark.parametrize(
    "path",
    sorted(ROOT.glob("src/**/*.onnx")) + sorted(ROOT.glob("results/**/*.onnx")),
    ids=lambda path: path.name,
)
def test_no_kept_network_does(path):
    assert b"stack_trace" not in path.read_bytes()


def test_golden_tensors_are_small_and_found_again(exported):
    golden = golden_path(exported.path)
    assert golden.stat().st_size < 200_000
    assert check_golden(load(exported.path), golden) < 1e-5
    with np.load(golden) as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays["output.pulse"] = arrays["output.pulse"] + 0.1
    np.savez(golden.with_name("wrong.npz"), **arrays)
    with pytest.raises(InputError, match=r"small differs by .* from its golden tensors"):
        check_golden(load(exported.path), golden.with_name("wrong.npz"))
    with pytest.raises(InputError, match="holds no golden tensors"):
        check_golden(load(exported.path), golden.with_name("none.npz"))


def test_an_exported_network_is_a_method(exported):
    found = learned(str(exported.path))
    assert (found.needs, found.length, found.rate) == ("crops", 64, 30.0)


class TwoFaced(nn.Module):
    """Says one thing while it is exported and another when it is asked."""

    def forward(self, x):
        shift = 0.0 if torch.compiler.is_exporting() else 1e-3
        return x.mean((2, 3, 4)) + shift


def test_what_differs_is_refused_with_numbers_and_nothing_is_lost(exported, tmp_path):
    path = tmp_path / "small.onnx"
    export(Small(), small_card(), path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(InputError, match=r"not exported: .*random 1\.0e-03, real-like 1\.0e-03"):
        export(TwoFaced(), small_card(), path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


class OneByOne(nn.Module):
    """Exported so that every clip has the answer of the first."""

    def forward(self, x):
        told = x.mean((2, 3, 4))
        return told[:1].expand_as(told) if torch.compiler.is_exporting() else told


def test_what_is_right_for_one_clip_only_is_exported_so(tmp_path):
    found = export(OneByOne(), small_card(), tmp_path / "small.onnx")
    assert found.free == ("time",)
    assert "differ (random" in found.why["batch and time"]


class Unusual(nn.Module):
    """What an exporter cannot follow."""

    def forward(self, x):
        return torch.from_numpy(np.sort(x.numpy(), axis=1)).mean((2, 3, 4))


def test_what_cannot_be_exported_says_why(tmp_path):
    with pytest.raises(InputError, match="small cannot be exported"):
        export(Unusual(), small_card(), tmp_path / "small.onnx")
    assert list(tmp_path.iterdir()) == []


class Fixed(nn.Module):
    """Takes clips of 64 only."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(64, 64)

    def forward(self, x):
        return self.mix(x.mean((2, 3, 4)))


def test_what_takes_one_length_only_says_so_on_its_card(tmp_path):
    found = export(Fixed(), small_card(), tmp_path / "fixed.onnx")
    assert found.free == ("batch",)
    assert "batch and time" in found.why
    assert learned(str(found.path)).length == found.card.length == 64


def test_state_goes_in_and_out(tmp_path):
    found = echo_export(tmp_path / "echo.onnx")
    assert "time" in found.free
    model = load(found.path)
    samples = made_samples(model.card, length=60, seed=5)
    whole = output(model, samples)
    model.reset()
    parts = np.concatenate([output(model, part) for part in np.split(samples, [7, 30])])
    np.testing.assert_allclose(parts, whole, rtol=1e-5)
    assert Learned(model).length is None


def test_a_module_is_called_as_its_file(exported, tmp_path):
    samples = made_samples(exported.card, length=100, seed=2)
    echo = echo_export(tmp_path / "echo.onnx")
    colours = made_samples(echo.card, length=100, seed=2)
    start = tuple(state_of(Echo()).values())
    for path, module, seen, state in (
        (exported.path, Small(), samples, ()),
        (echo.path, Carried(Echo()), colours, start),
    ):
        waves = []
        for network in (load(path), TorchNetwork(module, load(path).card, state=state)):
            stretch = Stretch(network.another(), start=0.0, length=Learned(network).length)
            for sample in seen:
                stretch.push(sample)
            waves.append(stretch.values()[1])
        np.testing.assert_allclose(waves[0], waves[1], atol=2e-3)  # at unit variance


def test_wrong_wishes_are_told_before_the_work(tmp_path):
    with pytest.raises(InputError, match=r"ends with \.onnx"):
        export(Small(), small_card(), tmp_path / "small.bin")
    with pytest.raises(InputError, match="in a folder that exists"):
        export(Small(), small_card(), tmp_path / "none" / "small.onnx")
    with pytest.raises(InputError, match="give an example of it"):
        export(Carried(Echo()), echo_card(), tmp_path / "echo.onnx")


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_smaller_forms_say_nearly_the_same(exported, precision):
    path = variant(exported.path, precision)
    model = load(path)
    assert model.card.precision == precision
    assert model.card.name == f"small-{precision}"
    assert learned(str(path)).length == 64
    samples = made_samples(exported.card, length=64, seed=9)
    wanted, found = output(load(exported.path), samples), output(model, samples)
    spread = np.abs(wanted).max()
    assert 0 < np.abs(found - wanted).max() < (0.02 if precision == "float16" else 0.2) * spread


class Large(nn.Module):
    """Values beyond what half precision holds."""

    def forward(self, x):
        return (x * 1e3).sum((2, 3, 4)) / 1e6


def test_a_form_that_overflows_is_refused(tmp_path):
    found = export(Large(), small_card(), tmp_path / "large.onnx")
    with pytest.raises(InputError, match="as float16 gives something else"):
        variant(found.path, "float16")
    with pytest.raises(InputError, match="choose one of float16, int8"):
        variant(found.path, "int4")
    assert not (tmp_path / "large-float16.onnx").exists()


def test_receipts_name_every_form(exported):
    small = variant(exported.path, "int8")
    dense = TorchNetwork(Small(), exported.card)
    found = receipts([exported.path, small], dense=dense, dense_bytes=468, people=2)
    assert [(one.form, one.precision) for one in found] == [
        ("torch", "float32"),
        ("onnx", "float32"),
        ("onnx", "int8"),
    ]
    assert found[0].same == pytest.approx(1.0)
    assert found[1].same == pytest.approx(1.0, abs=1e-4)
    assert found[1].heart_rate_mae == pytest.approx(found[0].heart_rate_mae, abs=0.1)
    assert all(one.latency > 0 for one in found)
    assert found[1].size == exported.path.stat().st_size
    assert table(found).count("\n") == 5
    assert json.loads(as_json(found))[2]["precision"] == "int8"


def test_a_network_of_the_zoo_with_its_own_transform(tmp_path):
    architecture = MODELS["tracenet-tiny"]
    card = card_of(architecture, name="tiny", rate=30.0, length=96, regions=("forehead", "nose"))
    module = architecture.build(size=architecture.size).eval()
    found = export(Reading(module, architecture), card, tmp_path / "tiny.onnx")
    samples = made_samples(card, length=96, seed=4)
    with torch.no_grad():
        given = architecture.prepare(torch.from_numpy(samples[None]))
        wanted = architecture.wave(module(given), 1).numpy()[0]
    np.testing.assert_allclose(output(load(found.path), samples), wanted, atol=1e-4)
    # Asks twice what is finite, which half precision has no word for
    half = output(load(variant(found.path, "float16")), samples)
    assert 0 < np.abs(half - wanted).max() < 0.1 * np.abs(wanted).max()
