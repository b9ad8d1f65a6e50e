"""Make the two face models of camvitals from the public MediaPipe package.

    python tools/face_models.py [--wheel FILE] [--into FOLDER]

Gets the wheel mediapipe 0.10.21 by pip (without its dependencies; nothing of it is installed),
checks its digest, converts the two TFLite files in it to ONNX, compares the results with the
TFLite runtime where `ai-edge-litert` is installed, and writes the ONNX files, their cards and
NOTICE. Needs the extra `faces` (onnx, tflite).

The networks are plain convolutional ones whose weights are stored as float16 constants behind
DEQUANTIZE. TFLite counts tensors rows × columns × channels (NHWC), ONNX channels × rows × columns
(NCHW); inputs and outputs keep the TFLite order.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

from camvitals.card import ModelCard, digest
from camvitals.runtime import golden_of, load

REPOSITORY = Path(__file__).resolve().parent.parent
WHEEL_SHA256 = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
PIP = "pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --platform"
SOURCE = "mediapipe 0.10.21 (PyPI), {path}, sha256 {sha256}; converted by tools/face_models.py"
LICENCE = "Apache-2.0, Copyright The MediaPipe Authors"
NAMES = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
TYPES = {0: np.float32, 1: np.float16, 2: np.int32, 4: np.int64}
NONE, RELU, RELU6 = 0, 1, 3
AGREEMENT = 1e-4


@dataclass(frozen=True)
class Recipe:
    """Where one model lies in the wheel, what its outputs shall be called, and its card."""

    path: str
    sha256: str
    outputs: dict[str, str]
    card: dict[str, Any]


RECIPES = (
    Recipe(
        path="mediapipe/modules/face_detection/face_detection_short_range.tflite",
        sha256="bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        outputs={"regressors": "boxes", "classificators": "scores"},
        card={
            "name": "blazeface_short",
            "version": "mediapipe-0.10.21",
            "task": "face detection",
            "size": (128, 128),
            "colour": "RGB",
            "scale": (-1.0, 1.0),
            "rate": None,
            "outputs": {
                "boxes": "1×896×16, offsets from the anchor [px of 128]: centre x, y, width, "
                "height, then x, y of right eye, left eye, nose tip, mouth, right and left ear",
                "scores": "1×896×1, logit of being a face",
            },
            "training_data": "Google's own mobile-camera pictures, geographically diverse "
            "(model card BlazeFace short-range, 2021); not public",
            "operating_range": "faces within about 2 m of the camera, at least a tenth of the "
            "picture wide, frontal to about 45 degrees; not for identifying people",
            "licence": LICENCE,
        },
    ),
    Recipe(
        path="mediapipe/modules/face_landmark/face_landmark.tflite",
        sha256="1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
        outputs={"conv2d_21": "landmarks", "conv2d_31": "presence"},
        card={
            "name": "facemesh468",
            "version": "mediapipe-0.10.21",
            "task": "468 face landmarks",
            "size": (192, 192),
            "colour": "RGB",
            "scale": (0.0, 1.0),
            "rate": None,
            "outputs": {
                "landmarks": "1×1×1×1404, x, y, z [px of 192] of 468 points",
                "presence": "1×1×1×1, logit that the crop shows a face",
            },
            "training_data": "Google's own mobile-camera pictures, geographically diverse "
            "(model card MediaPipe Face Mesh, 2020); not public",
            "operating_range": "one face in a square crop 1.5 times its box, eyes level; "
            "less exact in profile and under masks; not for identifying people",
            "licence": LICENCE,
        },
    ),
)


@dataclass
class Conversion:
    """One TFLite graph on its way: constants, ONNX nodes and weights, and layouts so far."""

    model: Any
    graph: Any
    constants: dict[int, Any] = field(default_factory=dict)
    nodes: list[Any] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)
    channels_last: set[int] = field(default_factory=set)

    def shape(self, tensor: int) -> list[int]:
        """The TFLite shape of a tensor."""
        return [int(n) for n in self.graph.Tensors(tensor).ShapeAsNumpy()]

    def constant(self, tensor: int) -> Any:
        """The stored array of a tensor, or None when it is computed."""
        if tensor in self.constants:
            return self.constants[tensor]
        header = self.graph.Tensors(tensor)
        buffer = self.model.Buffers(header.Buffer())
        if buffer.DataLength() == 0:
            return None
        raw = np.frombuffer(buffer.DataAsNumpy().tobytes(), TYPES[header.Type()])
        return raw.reshape(self.shape(tensor))

    def weight(self, array: Any, name: str) -> str:
        """Store an array in the ONNX file under a name."""
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, kind: str, inputs: list[str], output: str, **settings: Any) -> None:
        """Append one ONNX node."""
        self.nodes.append(helper.make_node(kind, inputs, [output], **settings))

    def add_activated(
        self, kind: str, inputs: list[str], output: str, activation: int, **settings: Any
    ) -> None:
        """Append one ONNX node and the activation that is fused into its TFLite operator."""
        linear = output if activation == NONE else f"{output}_linear"
        self.add(kind, inputs, linear, **settings)
        if activation == RELU:
            self.add("Relu", [linear], output)
        elif activation == RELU6:
            low = self.weight(np.float32(0), f"{output}_low")
            high = self.weight(np.float32(6), f"{output}_high")
            self.add("Clip", [linear, low, high], output)
        elif activation != NONE:
            raise SystemExit(f"fused activation {activation} is not known")


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TFLite's SAME padding before and after: the output has ceil(size / stride) values."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def window(c: Conversion, tensor: int, kernel: tuple[int, int], settings: Any) -> dict[str, Any]:
    """Strides and pads of a convolution or pooling."""
    strides = (settings.StrideH(), settings.StrideW())
    pads = [(0, 0), (0, 0)]
    if settings.Padding() == tflite.Padding.SAME:
        _, rows, columns, _ = c.shape(tensor)
        sizes = (rows, columns)
        pads = [same_padding(*n) for n in zip(sizes, kernel, strides, strict=True)]
    return {"strides": strides, "pads": [p[0] for p in pads] + [p[1] for p in pads]}


def convolution(c: Conversion, kind: str, inputs: list[int], output: int, options: Any) -> None:
    """CONV_2D and DEPTHWISE_CONV_2D."""
    depthwise = kind == "DEPTHWISE_CONV_2D"
    settings = (tflite.DepthwiseConv2DOptions if depthwise else tflite.Conv2DOptions)()
    settings.Init(options.Bytes, options.Pos)
    kernel = c.constant(inputs[1]).transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
    bias = c.constant(inputs[2])
    geometry = window(c, inputs[0], kernel.shape[2:], settings)
    groups = c.shape(inputs[0])[3] if depthwise else 1
    arguments = [f"t{inputs[0]}", c.weight(kernel, f"w{output}"), c.weight(bias, f"b{output}")]
    activation = settings.FusedActivationFunction()
    c.add_activated("Conv", arguments, f"t{output}", activation, group=groups, **geometry)


def pool(c: Conversion, inputs: list[int], output: int, options: Any) -> None:
    """MAX_POOL_2D."""
    settings = tflite.Pool2DOptions()
    settings.Init(options.Bytes, options.Pos)
    kernel = (settings.FilterHeight(), settings.FilterWidth())
    geometry = window(c, inputs[0], kernel, settings)
    c.add("MaxPool", [f"t{inputs[0]}"], f"t{output}", kernel_shape=kernel, **geometry)


def add(c: Conversion, inputs: list[int], output: int, options: Any) -> None:
    """ADD, with the activation fused into it."""
    settings = tflite.AddOptions()
    settings.Init(options.Bytes, options.Pos)
    terms = [f"t{i}" for i in inputs]
    c.add_activated("Add", terms, f"t{output}", settings.FusedActivationFunction())


def pad(c: Conversion, inputs: list[int], output: int) -> None:
    """PAD by zeros."""
    batch, rows, columns, channels = c.constant(inputs[1]).astype(np.int64)
    pads = np.stack([batch, channels, rows, columns]).T.ravel()
    c.add("Pad", [f"t{inputs[0]}", c.weight(pads, f"p{output}")], f"t{output}")


def reshape(c: Conversion, inputs: list[int], output: int) -> None:
    """RESHAPE; what comes out keeps the channels last."""
    c.add("Transpose", [f"t{inputs[0]}"], f"t{output}_last", perm=[0, 2, 3, 1])
    shape = c.weight(np.array(c.shape(output), np.int64), f"s{output}")
    c.add("Reshape", [f"t{output}_last", shape], f"t{output}")
    c.channels_last.add(output)


def concatenate(c: Conversion, inputs: list[int], output: int, options: Any) -> None:
    """CONCATENATION of reshaped tensors."""
    settings = tflite.ConcatenationOptions()
    settings.Init(options.Bytes, options.Pos)
    if not c.channels_last.issuperset(inputs):
        raise SystemExit("concatenation is only known behind a reshape")
    c.add("Concat", [f"t{i}" for i in inputs], f"t{output}", axis=settings.Axis())
    c.channels_last.add(output)


def operator(c: Conversion, op: Any) -> None:
    """Append the ONNX nodes of one TFLite operator."""
    code = c.model.OperatorCodes(op.OpcodeIndex())
    kind = NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    inputs, output = [int(i) for i in op.InputsAsNumpy()], int(op.Outputs(0))
    if kind == "DEQUANTIZE":
        c.constants[output] = c.constant(inputs[0]).astype(np.float32)
    elif kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        convolution(c, kind, inputs, output, op.BuiltinOptions())
    elif kind == "RELU":
        c.add("Relu", [f"t{inputs[0]}"], f"t{output}")
    elif kind == "PRELU":
        slope = c.weight(c.constant(inputs[1]).reshape(-1, 1, 1), f"a{output}")
        c.add("PRelu", [f"t{inputs[0]}", slope], f"t{output}")
    elif kind == "ADD":
        add(c, inputs, output, op.BuiltinOptions())
    elif kind == "MAX_POOL_2D":
        pool(c, inputs, output, op.BuiltinOptions())
    elif kind == "PAD":
        pad(c, inputs, output)
    elif kind == "RESHAPE":
        reshape(c, inputs, output)
    elif kind == "CONCATENATION":
        concatenate(c, inputs, output, op.BuiltinOptions())
    else:
        raise SystemExit(f"operator {kind} is not known")


def convert(data: bytes, names: dict[str, str]) -> bytes:
    """TFLite bytes -> ONNX bytes; `names` says what the outputs shall be called."""
    model = tflite.Model.GetRootAs(data, 0)
    c = Conversion(model, model.Subgraphs(0))
    first = int(c.graph.Inputs(0))
    c.add("Transpose", ["input"], f"t{first}", perm=[0, 3, 1, 2])
    for i in range(c.graph.OperatorsLength()):
        operator(c, c.graph.Operators(i))
    outputs = []
    for tensor in (int(i) for i in c.graph.OutputsAsNumpy()):
        name = names[c.graph.Tensors(tensor).Name().decode()]
        if tensor in c.channels_last:
            c.add("Identity", [f"t{tensor}"], name)
        else:
            c.add("Transpose", [f"t{tensor}"], name, perm=[0, 2, 3, 1])
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, c.shape(tensor)))
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, c.shape(first))
    graph = helper.make_graph(c.nodes, "camvitals", [given], outputs, c.weights)
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(whole)
    serialized: bytes = whole.SerializeToString(deterministic=True)
    return serialized


def wheel_file(given: Path | None, folder: Path) -> Path:
    """The wheel, downloaded unless given; its digest is checked."""
    if given is None:
        command = [sys.executable, "-m", *PIP.split(), "manylinux_2_28_x86_64", "-d", str(folder)]
        subprocess.run([*command, "mediapipe==0.10.21"], check=True)
        given = next(folder.glob("mediapipe-*.whl"))
    found = digest(given)
    if found != WHEEL_SHA256:
        raise SystemExit(f"{given.name} has sha256 {found} but {WHEEL_SHA256} is expected")
    return given


def difference(data: bytes, path: Path, recipe: Recipe) -> float | None:
    """Largest difference from the TFLite runtime on noise, in units of the largest value.

    None when that runtime is not installed.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return None
    theirs = Interpreter(model_content=data)
    theirs.allocate_tensors()
    given = theirs.get_input_details()[0]
    noise = np.random.default_rng(0).random(given["shape"], dtype=np.float32)
    theirs.set_tensor(given["index"], noise)
    theirs.invoke()
    ours = load(path, ModelCard.load(path.with_suffix(".json")))({"input": noise})
    worst = 0.0
    for out in theirs.get_output_details():
        expected, found = theirs.get_tensor(out["index"]), ours[recipe.outputs[out["name"]]]
        worst = max(worst, float(np.abs(expected - found).max() / np.abs(expected).max()))
    return worst


def make(recipe: Recipe, archive: zipfile.ZipFile, folder: Path) -> None:
    """Convert one model, write it with its card, and compare it with the original."""
    data = archive.read(recipe.path)
    if hashlib.sha256(data).hexdigest() != recipe.sha256:
        raise SystemExit(f"{recipe.path} is not the file that is expected")
    path = folder / f"{recipe.card['name']}.onnx"
    path.write_bytes(convert(data, recipe.outputs))
    source = SOURCE.format(path=recipe.path, sha256=recipe.sha256)
    card = ModelCard(**recipe.card, source=source, sha256=digest(path), golden={})
    golden = golden_of(load(path, card))
    ModelCard(**recipe.card, source=source, sha256=card.sha256, golden=golden).save(
        path.with_suffix(".json")
    )
    off = difference(data, path, recipe)
    if off is not None and off > AGREEMENT:
        raise SystemExit(f"{path.name} is {off:.1e} off the original, more than {AGREEMENT:g}")
    against = "no TFLite runtime to compare with" if off is None else f"{off:.1e} off TFLite"
    print(f"{path.name}  {path.stat().st_size} bytes  {card.sha256}  {against}")


def notice(archive: zipfile.ZipFile) -> str:
    """The text of NOTICE, with the digests of what was converted."""
    licence = next(name for name in archive.namelist() if name.endswith(".dist-info/LICENSE"))
    if "Apache License" not in archive.read(licence).decode(errors="replace"):
        raise SystemExit("the wheel no longer says Apache License; do not ship its models")
    lines = [
        "camvitals",
        "Copyright the camvitals authors. Licensed under the Apache License, Version 2.0.",
        "",
        "This product includes two neural networks of MediaPipe,",
        "Copyright The MediaPipe Authors, Apache License 2.0,",
        "taken from the Python package mediapipe 0.10.21",
        f"(wheel sha256 {WHEEL_SHA256})",
        "and changed only in file format, from TFLite to ONNX, by tools/face_models.py:",
        "",
    ]
    for recipe in RECIPES:
        name = f"src/camvitals/face/models/{recipe.card['name']}.onnx"
        lines += [name, f"  from {recipe.path}", f"  sha256 of the original {recipe.sha256}", ""]
    return "\n".join(lines)


def main() -> None:
    """Read the command line and make both models."""
    parser = argparse.ArgumentParser(description="Make the face models from the mediapipe wheel.")
    parser.add_argument("--wheel", type=Path, help="the wheel, when it is here already")
    parser.add_argument("--into", type=Path, default=None, help="folder to write to")
    given = parser.parse_args()
    folder = given.into or REPOSITORY / "src/camvitals/face/models"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        wheel = wheel_file(given.wheel, Path(scratch))
        with zipfile.ZipFile(wheel) as archive:
            for recipe in RECIPES:
                make(recipe, archive, folder)
            if given.into is None:
                (REPOSITORY / "NOTICE").write_text(notice(archive))


if __name__ == "__main__":
    main()
