"""Small networks written by hand, whose answer is known, as ONNX files with their cards."""

from pathlib import Path
from typing import Any

import numpy as np

from camvitals.card import ModelCard, digest

FACTS: dict[str, Any] = {
    "version": "1",
    "task": "pulse",
    "scale": (0.0, 255.0),
    "rate": 25.0,
    "outputs": {"pulse": "(N, T) pulse, arbitrary unit"},
    "training_data": "none: written by hand",
    "licence": "Apache-2.0",
    "operating_range": "tests",
    "source": "made here",
    "gives": "pulse",
}


def save(folder: Path, name: str, nodes: list, given: dict, out: dict, **facts: Any) -> Path:
    """An ONNX file of these nodes and its card; given, out: name -> shape."""
    from onnx import TensorProto, helper, numpy_helper

    constants = [numpy_helper.from_array(v, k) for k, v in facts.pop("constants", {}).items()]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in given.items()],
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in out.items()],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    card = ModelCard(name=name, sha256=digest(path), **{"size": None, "colour": ""} | FACTS | facts)
    card.save(path.with_suffix(".json"))
    return path


def green_of_crops(folder: Path, *, name: str = "green_crops", length: int = 64, **facts) -> Path:
    """The mean green of each crop, in windows."""
    from onnx import helper

    nodes = [
        helper.make_node("Gather", ["x", "one"], ["g"], axis=2),
        helper.make_node("ReduceMean", ["g"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Neg", ["mean"], ["pulse"]),
    ]
    given, out = {"x": ["n", "t", 3, 12, 12]}, {"pulse": ["n", "t"]}
    about = {"size": (12, 12), "colour": "RGB", "takes": "raw", "layout": "TCHW", "length": length}
    one = {"one": np.array(1, np.int64)}
    return save(folder, name, nodes, given, out, constants=one, **about | facts)


def leaky_of_crops(folder: Path, *, samples: int | str = "t", **facts) -> Path:
    """Mean green less the green of the sample before, carried from call to call."""
    from onnx import helper

    nodes = [
        helper.make_node("Gather", ["x", "one"], ["g"], axis=2),
        helper.make_node("ReduceMean", ["g"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Concat", ["before", "mean"], ["all"], axis=1),
        helper.make_node("Slice", ["all", "zero", "last", "along"], ["earlier"]),
        helper.make_node("Sub", ["earlier", "mean"], ["pulse"]),
        helper.make_node("Slice", ["mean", "last", "end", "along"], ["after"]),
    ]
    constants = {
        "one": np.array(1, np.int64),
        "zero": np.array([0], np.int64),
        "last": np.array([-1], np.int64),
        "end": np.array([2**31], np.int64),
        "along": np.array([1], np.int64),
    }
    given = {"x": ["n", samples, 3, 12, 12], "before": ["n", 1]}
    out = {"pulse": ["n", samples], "after": ["n", 1]}
    about = {"size": (12, 12), "colour": "RGB", "takes": "raw", "layout": "TCHW"}
    about |= {"gives": "derivative", "state": {"after": "before"}, "warm_up": 0.2}
    return save(folder, "leaky", nodes, given, out, constants=constants, **about | facts)


def green_of_regions(folder: Path, *, samples: int | str = "t", **facts) -> Path:
    """Green of two regions together, relative to its mean."""
    from onnx import helper

    nodes = [
        helper.make_node("Gather", ["x", "one"], ["g"], axis=3),
        helper.make_node("ReduceMean", ["g"], ["mean"], axes=[2], keepdims=0),
        helper.make_node("Neg", ["mean"], ["pulse"]),
    ]
    given, out = {"x": ["n", samples, 2, 3]}, {"pulse": ["n", samples]}
    about = {"regions": ("forehead", "left_cheek"), "takes": "relative traces"}
    one = {"one": np.array(1, np.int64)}
    return save(folder, "green_regions", nodes, given, out, constants=one, **about | facts)
