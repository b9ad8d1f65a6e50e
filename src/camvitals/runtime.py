"""An ONNX file and its card -> a function on numpy arrays. The only door to onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from camvitals.card import ModelCard
from camvitals.records import Array, InputError

DEVICES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}


class Network(Protocol):
    """What runs anywhere: an ONNX file, or a module of torch that is being trained."""

    card: ModelCard

    @property
    def inputs(self) -> dict[str, tuple[int | str | None, ...]]:
        """Name and shape of what a call needs."""
        ...

    def __call__(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Run once."""
        ...

    def reset(self) -> None:
        """Forget what was carried from earlier calls."""
        ...

    def another(self) -> Network:
        """The same network with a state of its own."""
        ...


class Model:
    """A network as a function: {name: array} -> {name: array}.

    card: what it is. Outputs that the card's `state` names are kept and given back as inputs at
    the next call; `reset` forgets them.
    """

    def __init__(self, session: Any, card: ModelCard) -> None:
        self.card = card
        self._session = session
        self._shapes = {i.name: i.shape for i in session.get_inputs()}
        self._outputs = [o.name for o in session.get_outputs()]
        self._check_state()
        self._carried: dict[str, Array] = {}
        self.reset()

    @property
    def inputs(self) -> dict[str, tuple[int | str | None, ...]]:
        """Name and shape of what a call needs; a length that may vary is a name or None."""
        carried = set(self.card.state.values())
        return {n: tuple(shape) for n, shape in self._shapes.items() if n not in carried}

    def __call__(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Run once. Arrays are taken as float32; InputError when a name or shape is wrong."""
        wanted = self.inputs
        if set(arrays) != set(wanted):
            raise InputError(
                f"{self.card.name} needs inputs {sorted(wanted)} but got {sorted(arrays)}"
            )
        for name, array in arrays.items():
            self._check_shape(name, np.shape(array))
        fed = {name: np.ascontiguousarray(a, dtype=np.float32) for name, a in arrays.items()}
        values = self._session.run(None, fed | self._carried)
        results = dict(zip(self._outputs, values, strict=True))
        self._carried = {into: results[out] for out, into in self.card.state.items()}
        return {n: value for n, value in results.items() if n not in self.card.state}

    def reset(self) -> None:
        """Forget what was carried from earlier calls; the state is zero again."""
        self._carried = {
            name: np.zeros([n if isinstance(n, int) else 1 for n in self._shapes[name]], np.float32)
            for name in self.card.state.values()
        }

    @property
    def state(self) -> dict[str, Array]:
        """What the next call is given besides its inputs."""
        return dict(self._carried)

    def another(self) -> Model:
        """The same network with a state of its own; the weights are shared."""
        return Model(self._session, self.card)

    def _check_shape(self, name: str, given: tuple[int, ...]) -> None:
        wanted = self._shapes[name]
        fits = len(given) == len(wanted) and all(
            g == w for g, w in zip(given, wanted, strict=True) if isinstance(w, int)
        )
        if not fits:
            raise InputError(f"{self.card.name}: {name} needs shape {wanted}, got {list(given)}")

    def _check_state(self) -> None:
        named, given = set(self.card.outputs), set(self._outputs) - set(self.card.state)
        if not named <= given:
            raise InputError(
                f"the card of {self.card.name} names the outputs {sorted(named)}, but the file has "
                f"{sorted(given)}; take the card that belongs to it"
            )
        for out, into in self.card.state.items():
            if out not in self._outputs or into not in self._shapes:
                raise InputError(
                    f"the card of {self.card.name} carries {out} to {into}, but the file has "
                    f"outputs {self._outputs} and inputs {sorted(self._shapes)}"
                )


def devices() -> tuple[str, ...]:
    """Names of DEVICES that the installed onnxruntime can use."""
    import onnxruntime

    there = onnxruntime.get_available_providers()
    return tuple(name for name, provider in DEVICES.items() if provider in there)


def load(
    path: Path | str, card: ModelCard | None = None, *, threads: int = 1, device: str = "cpu"
) -> Model:
    """The network in an ONNX file, after checking that it is the one its card describes.

    card:    its card; None reads the JSON file of the same name beside it.
    threads: threads inside one call. One is fastest for small networks.
    device:  of DEVICES; what a device cannot do of the network is done by the processor.
    Raises InputError when the file is missing, damaged, or not the card's, or there is no such
    device.
    """
    import onnxruntime

    if device not in devices():
        raise InputError(
            f"no device {device!r} for networks; this onnxruntime has {', '.join(devices())}: "
            "install the one built for that device"
        )
    path = Path(path)
    card = card if card is not None else ModelCard.load(path.with_suffix(".json"))
    try:
        weights = path.read_bytes()
    except OSError as error:
        raise InputError(f"no weights in {path}: {error.strerror}; give an ONNX file") from error
    card.verify(weights, str(path))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong is raised
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if card.precision == "float16":  # onnxruntime 1.31 crashes on some when it lays them out anew
        extended = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.graph_optimization_level = extended
    providers = list(dict.fromkeys([DEVICES[device], DEVICES["cpu"]]))
    try:
        session = onnxruntime.InferenceSession(weights, options, providers=providers)
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is not an ONNX network that runs here: {reason}") from error
    return Model(session, card)


def golden_of(model: Model, *, length: int = 1) -> dict[str, tuple[float, ...]]:
    """Five values of each output for uniform noise (generator 0): what `card.golden` must say.

    Of the lengths that may vary, the first is taken as 1 and others as `length`; the values are
    evenly spread over the output. The model's state is reset before and after.
    """
    model.reset()
    noise = np.random.default_rng(0)
    free = (1, *[length] * 8)
    given = {
        name: noise.random(
            [n if isinstance(n, int) else free[axis] for axis, n in enumerate(shape)],
            dtype=np.float32,
        )
        for name, shape in model.inputs.items()
    }
    results = model(given)
    model.reset()
    return {
        name: tuple(float(v) for v in out.ravel()[np.linspace(0, out.size - 1, 5).astype(int)])
        for name, out in results.items()
    }


def check_golden(model: Model, path: Path | str, *, tolerance: float = 1e-3) -> float:
    """The largest difference from the golden tensors in an .npz, relative to the largest value.

    The file holds `input.NAME` and `output.NAME`. Raises InputError when it is not of this network,
    or the difference is above the tolerance: this machine does not run it rightly.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            golden = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} holds no golden tensors ({error}); export it again") from error
    parts = {name.partition(".")[::2]: array for name, array in golden.items()}
    model.reset()
    results = model({name: a for (kind, name), a in parts.items() if kind == "input"})
    model.reset()
    wanted = {name: a for (kind, name), a in parts.items() if kind == "output"}
    if set(wanted) != set(results):
        raise InputError(f"{path} is not of {model.card.name}; take the one that belongs to it")
    apart = max((difference(wanted[name], results[name]) for name in wanted), default=0.0)
    if not apart <= tolerance:
        raise InputError(
            f"{model.card.name} differs by {apart:.1e} from its golden tensors, which is more than "
            f"{tolerance:g}; update onnxruntime, or take another device"
        )
    return apart


def difference(wanted: Array, found: Array) -> float:
    """Largest difference of two arrays over the largest value, at least 1; infinite for a NaN."""
    if wanted.shape != found.shape or not np.isfinite(found).all():
        return float("inf")
    size = max(1.0, float(np.abs(wanted).max(initial=0.0)))
    return float(np.abs(found - wanted).max(initial=0.0)) / size


def halved(network: Any) -> Any:
    """An onnx.ModelProto with half-precision numbers inside; inputs and outputs stay float32.

    So do operations that know no half precision, such as telling what is not finite.
    """
    from onnxruntime.transformers import float16

    kept = [*float16.DEFAULT_OP_BLOCK_LIST, "IsInf", "IsNaN"]
    half = float16.convert_float_to_float16(network, keep_io_types=True, op_block_list=kept)
    # What two such operations are given is cast for each, by the same name
    once: dict[tuple[str, ...], Any] = {}
    for node in half.graph.node:
        once.setdefault(tuple(node.output), node)
    nodes = list(once.values())
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    return half


def to_int8(source: Path, target: Path, batches: Sequence[Mapping[str, Array]]) -> None:
    """Write the network with 8-bit weights and activations, whose ranges are those in `batches`.

    Static quantisation, weights by channel; inputs and outputs stay float32.
    """
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(batches)

        def get_next(self) -> dict[str, Array] | None:
            return next(
                ({k: np.asarray(v, np.float32) for k, v in b.items()} for b in self._left), None
            )

    quantization.quantize_static(source, target, Reader(), per_channel=True)
