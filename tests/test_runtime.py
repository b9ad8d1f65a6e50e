from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camvitals.card import ModelCard, digest
from camvitals.face.detect import MODELS
from camvitals.records import InputError
from camvitals.runtime import check_golden, devices, golden_of, load

onnx = pytest.importorskip("onnx", reason="making a small network needs onnx")


def adder(folder: Path) -> tuple[Path, ModelCard]:
    """A network that returns the running sum of what it is given, by carrying it along."""
    from onnx import TensorProto, helper

    shape = ["n", 2]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    given += [helper.make_tensor_value_info("before", TensorProto.FLOAT, [1, 2])]
    out = [helper.make_tensor_value_info("sum", TensorProto.FLOAT, shape)]
    out += [helper.make_tensor_value_info("after", TensorProto.FLOAT, [1, 2])]
    nodes = [
        helper.make_node("Add", ["x", "before"], ["sum"]),
        helper.make_node("Identity", ["sum"], ["after"]),
    ]
    graph = helper.make_graph(nodes, "adder", given, out)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / "adder.onnx"
    path.write_bytes(model.SerializeToString())
    card = ModelCard(
        name="adder",
        version="1",
        task="sum",
        size=None,
        colour="",
        scale=(0.0, 1.0),
        rate=None,
        outputs={"sum": "(n, 2)"},
        training_data="none",
        licence="Apache-2.0",
        operating_range="any",
        source="made here",
        sha256=digest(path),
        state={"after": "before"},
    )
    return path, card


def test_state_is_carried_and_forgotten(tmp_path: Path) -> None:
    model = load(*adder(tmp_path))
    one = np.ones((1, 2))
    assert [model({"x": one})["sum"][0, 0] for _ in range(3)] == [1, 2, 3]
    model.reset()
    assert model({"x": one})["sum"].tolist() == [[1, 1]]
    assert set(model.inputs) == {"x"}


def test_the_card_beside_the_file_is_taken(tmp_path: Path) -> None:
    path, card = adder(tmp_path)
    card.save(path.with_suffix(".json"))
    assert load(path, threads=2).card == card


def test_wrong_input_is_named(tmp_path: Path) -> None:
    model = load(*adder(tmp_path))
    with pytest.raises(InputError, match=r"needs inputs \['x'\] but got \['y'\]"):
        model({"y": np.ones((1, 2))})
    with pytest.raises(InputError, match="x needs shape"):
        model({"x": np.ones((1, 3))})


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    path, card = adder(tmp_path)
    with pytest.raises(InputError, match="its card says"):
        load(path, replace(card, sha256="0" * 64))
    path.write_bytes(b"not a network")
    with pytest.raises(InputError, match="not an ONNX network"):
        load(path, replace(card, sha256=digest(path)))
    with pytest.raises(InputError, match="no weights in"):
        load(tmp_path / "none.onnx", card)


def test_a_card_that_carries_what_is_not_there_is_refused(tmp_path: Path) -> None:
    path, card = adder(tmp_path)
    with pytest.raises(InputError, match="carries other to before"):
        load(path, replace(card, state={"other": "before"}))


def test_two_of_one_network_do_not_share_what_they_carry(tmp_path: Path) -> None:
    one = load(*adder(tmp_path))
    x = {"x": np.ones((1, 2))}
    one(x)
    other = one.another()
    assert other(x)["sum"][0, 0] == 1
    assert one(x)["sum"][0, 0] == 2
    assert one.state["before"].tolist() == [[2, 2]]


def test_golden_values_of_free_lengths_take_the_length_asked_for(tmp_path: Path) -> None:
    path, card = adder(tmp_path)
    assert golden_of(load(path, card)) == golden_of(load(path, card), length=7)


def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "cpu" in devices()
    with pytest.raises(InputError, match=r"no device 'abacus' .* has .*cpu"):
        load(*adder(tmp_path), device="abacus")


def test_golden_tensors_show_a_machine_that_computes_wrongly(tmp_path: Path) -> None:
    model = load(*adder(tmp_path))
    given, right = np.ones((3, 2), np.float32), np.ones((3, 2), np.float32)
    np.savez(tmp_path / "right.npz", **{"input.x": given, "output.sum": right})
    np.savez(tmp_path / "wrong.npz", **{"input.x": given, "output.sum": right + 1e-2})
    np.savez(tmp_path / "other.npz", **{"input.x": given, "output.total": right})
    model({"x": given})  # what is carried does not matter
    assert check_golden(model, tmp_path / "right.npz") == 0
    with pytest.raises(InputError, match=r"differs by 9\.9e-03"):
        check_golden(model, tmp_path / "wrong.npz")
    with pytest.raises(InputError, match="is not of adder"):
        check_golden(model, tmp_path / "other.npz")


@pytest.mark.parametrize("name", ["blazeface_short", "facemesh468"])
def test_packaged_networks_give_their_golden_values(name: str) -> None:
    model = load(MODELS / f"{name}.onnx")
    golden = golden_of(model)
    assert set(golden) == set(model.card.outputs)
    for output, values in golden.items():
        np.testing.assert_allclose(values, model.card.golden[output], rtol=1e-4, atol=1e-3)
