"""A module of torch -> an ONNX file, its card, and golden tensors; refused unless they agree.

Written are NAME.onnx, NAME.json (the card) and NAME.golden.npz, all or none. Batch and time stay
free where the module allows it. A network that carries state takes it as further inputs and gives
it as further outputs, named in `card.state`.

Shape letters: N clips, T samples, H rows, W columns, R regions.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from camvitals.card import ModelCard
from camvitals.records import Array, InputError
from camvitals.runtime import Model, difference, load
from camvitals.train.checkpoint import on_disk, write_together
from camvitals.train.made import made_samples
from camvitals.train.prune.dead import lean
from camvitals.train.variants import quietly
from camvitals.waves.stretch import given_of

TOLERANCE = 1e-4
OPSET = 18
FREE = (("batch", "time"), ("batch",), ("time",), ())
SHORT = (16, 32, 64)  # samples of the golden tensors, the least that the network takes
GOLDEN_LEVELS = 32  # of their values
VARIED = "real-like"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how well it agrees.

    card: as written.   free: which of batch and time may vary.   apart: kind of input -> largest
    difference of torch and onnxruntime over the largest value.   why: what forbade more freedom.
    cut: dead channels of a pruned network that were left out.
    """

    path: Path
    card: ModelCard
    free: tuple[str, ...]
    apart: Mapping[str, float]
    why: Mapping[str, str] = field(default_factory=dict)
    cut: int = 0


def export(
    module: nn.Module,
    card: ModelCard,
    path: Path | str,
    example: Tensor | Mapping[str, Tensor] | None = None,
    *,
    real: Array | None = None,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write NAME.onnx, NAME.json and NAME.golden.npz.

    Of a pruned network what is dead is left out first, if that changes nothing that comes out.
    module:  takes the input, and then the state in the order of `card.state`; gives the outputs in
        the order of `card.outputs`, and then the state.
    card:    its sha256, length and golden values are found here.
    example: the input, or name -> tensor with the state, from which names and shapes are taken;
        None: made by the card.
    real:    (T, H, W, 3) pictures or (T, R, 3) colours of a recording; None: of made people.
    Raises InputError when torch and onnxruntime differ by more than `tolerance` of the largest
    value, or 1 where that is less, with the numbers; what was at `path` before is still there then.
    """
    path = Path(path)
    _check_target(path)
    module = module.eval()
    shapes = _examples(card, example)
    without_dead = lean(module, [tensor.detach().cpu() for tensor in shapes.values()])
    module = without_dead.module
    tests = _tests(card, shapes, real)
    why: dict[str, str] = {}
    last: _Refused | None = None
    with tempfile.TemporaryDirectory(prefix="camvitals-") as folder:
        draft = Path(folder) / path.name
        for free in FREE:
            try:
                _write_onnx(module, card, shapes, draft, free)
                if set(free) - _free_in(draft, card):
                    raise _Refused("it became fixed while exporting")
                found = _carded(draft, card, tests)
                apart = _agreement(module, load(draft, found), tests, free)
                if not max(apart.values()) <= tolerance:
                    raise _Differs(apart)
            except _Refused as error:
                why[" and ".join(free) or "nothing"] = str(error)
                last = error
                continue
            break
        else:
            raise InputError(_not_exported(card, why, last, tolerance))
        golden = _golden(module, load(draft, found), tests)
        _place(path, draft.read_bytes(), found, golden)
    return Exported(path, found, free, apart, why, without_dead.channels)


class _Refused(Exception):
    """So much freedom is not possible."""


class _Differs(_Refused):
    """With so much freedom it is another network."""

    def __init__(self, apart: Mapping[str, float]) -> None:
        told = ", ".join(f"{name} {value:.1e}" for name, value in apart.items())
        super().__init__(f"torch and onnxruntime differ ({told})")


def _not_exported(
    card: ModelCard, why: Mapping[str, str], last: _Refused | None, tolerance: float
) -> str:
    """What to say when no freedom, and none at all, would do."""
    if isinstance(last, _Differs):
        return (
            f"{card.name} was not exported: {last}, more than {tolerance:g}; look for operations "
            "that differ between them"
        )
    told = "; ".join(f"{name}: {reason}" for name, reason in why.items())
    return f"{card.name} cannot be exported ({told}); change the module"


def golden_path(path: Path | str) -> Path:
    """Where the golden tensors of an ONNX file lie."""
    return Path(path).with_suffix(".golden.npz")


def _check_target(path: Path) -> None:
    if path.suffix != ".onnx" or not path.absolute().parent.is_dir():
        raise InputError(f"{path} needs a name that ends with .onnx in a folder that exists")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file")


def _examples(card: ModelCard, example: Tensor | Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    """Name of each input -> an example, the state last, in the module's order."""
    if example is None:
        if card.state:
            raise InputError(f"{card.name} carries state; give an example of it, by name")
        samples = made_samples(card, length=card.length, seed=1)
        example = torch.from_numpy(given_of(card, samples)[None])
    if isinstance(example, Tensor):
        example = {"frames" if card.size else "traces": example}
    free = [name for name in example if name not in card.state.values()]
    lacking = set(card.state.values()) - set(example)
    if len(free) != 1 or lacking:
        raise InputError(
            f"{card.name} needs one input and the state {list(card.state.values())} but the "
            f"example has {list(example)}"
        )
    return {free[0]: example[free[0]]} | {name: example[name] for name in card.state.values()}


def _tests(card: ModelCard, shapes: Mapping[str, Tensor], real: Array | None) -> dict[str, Array]:
    """What both are given: random pictures or colours, and such as those of a person.

    Of a network whose card does not say what it takes, the example stands for a person.
    """
    first = next(iter(shapes.values()))[:1].detach().cpu().numpy().astype(np.float32)
    rng = np.random.default_rng(0)
    if not card.takes:
        noise = rng.normal(first.mean(), first.std() + 1e-3, first.shape).astype(np.float32)
        return {
            "random": noise,
            VARIED: first if real is None else np.asarray(real, np.float32)[None],
        }
    length = first.shape[time_axis(card)] - card.extra
    people = made_samples(card, length=length, seed=0) if real is None else real[:length]
    noise = rng.uniform(1, 255, people.shape).astype(people.dtype)
    return {"random": given_of(card, noise)[None], VARIED: given_of(card, people)[None]}


def time_axis(card: ModelCard) -> int:
    """Where the time is in the network's input, the batch being axis 0."""
    return 2 if card.layout == "CTHW" else 1


def _write_onnx(
    module: nn.Module,
    card: ModelCard,
    shapes: Mapping[str, Tensor],
    path: Path,
    free: tuple[str, ...],
) -> None:
    first = next(iter(shapes))
    outputs = [*card.outputs, *card.state]
    dynamic: dict[str, Any] = {}
    for name in shapes:
        axes = {0: "batch"} if "batch" in free else {}
        if name == first and "time" in free:
            axes |= {time_axis(card): "time"}
        dynamic[name] = dict.fromkeys(axes, torch.export.Dim.DYNAMIC)
    # one clip, or one sample, would be taken for a constant
    given = {n: x.detach().cpu() for n, x in shapes.items()}
    if "batch" in free:
        given = {n: torch.cat([x, x])[:2].contiguous() for n, x in given.items()}
    try:
        with quietly(), torch.no_grad():
            program = torch.onnx.export(
                module,
                tuple(given.values()),
                dynamo=True,
                external_data=False,
                opset_version=OPSET,
                input_names=list(given),
                output_names=outputs,
                dynamic_shapes=_as_taken(module, dynamic),
                verbose=False,
            )
            assert program is not None
            program.save(str(path), external_data=False)
        path.write_bytes(without_origin(path.read_bytes()))
    except Exception as error:
        raise _Refused(_reason(error)) from error


def without_origin(network: bytes) -> bytes:
    """An ONNX file without what the exporter notes of the machine: files, lines, names of modules.

    What it computes is the same; of whom it comes its card says.
    """
    import onnx

    made = onnx.load_from_string(network)
    for graph in (made.graph, *made.functions):
        parts = [*graph.node, *graph.value_info]
        if isinstance(graph, onnx.GraphProto):
            parts += [*graph.input, *graph.output, *graph.initializer]
        for part in (graph, *parts):
            part.ClearField("metadata_props")
            part.ClearField("doc_string")
    made.ClearField("doc_string")
    made.ClearField("metadata_props")
    found: bytes = made.SerializeToString()
    return found


def _reason(error: BaseException) -> str:
    """What lies at the bottom of it, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    told = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    return " ".join(told.split())[:200] or type(error).__name__


def _as_taken(module: nn.Module, dynamic: Mapping[str, Any]) -> tuple[Any, ...]:
    """The free axes in the structure of `forward`: a *state is one tuple."""
    values = list(dynamic.values())
    kinds = [p.kind for p in inspect.signature(module.forward).parameters.values()]
    if kinds and kinds[-1] is inspect.Parameter.VAR_POSITIONAL:
        fixed = len(kinds) - 1
        return (*values[:fixed], tuple(values[fixed:]))
    return tuple(values)


def _free_in(path: Path, card: ModelCard) -> set[str]:
    """Which of batch and time are free in the file's input."""
    import onnx

    network = onnx.load(path)
    shape = network.graph.input[0].type.tensor_type.shape.dim
    named = {"batch": shape[0], "time": shape[time_axis(card)]} if len(shape) > 1 else {}
    return {name for name, dim in named.items() if not dim.HasField("dim_value")}


def _carded(path: Path, card: ModelCard, tests: Mapping[str, Array]) -> ModelCard:
    """The card with the digest and, where time is fixed, the length of this file."""
    found = replace(card, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    if "time" not in _free_in(path, card) and card.takes:
        length = tests[VARIED].shape[time_axis(card)] - card.extra
        found = replace(found, length=length)
    return found


def _agreement(
    module: nn.Module, model: Model, tests: Mapping[str, Array], free: tuple[str, ...]
) -> dict[str, float]:
    """Largest difference for every test; a batch and a length that are free are varied in one."""
    name = next(iter(model.inputs))
    axis = time_axis(model.card)
    apart = {}
    for kind, array in tests.items():
        given = [array]
        if kind == VARIED and "batch" in free and not model.card.state:
            given.append(np.concatenate([array, array[:, ::-1] * np.float32(0.5)]))
        if kind == VARIED and "time" in free:
            given.append(_longer(array, axis, model.card))
        apart[kind] = max(_differs(module, model, name, one) for one in given)
    return apart


def _longer(array: Array, axis: int, card: ModelCard) -> Array:
    """Twice as long, as networks take multiples of some number of samples."""
    begin = np.take(array, range(array.shape[axis] - card.extra), axis=axis)
    return np.concatenate([begin, array], axis=axis)


def _differs(module: nn.Module, model: Model, name: str, given: Array) -> float:
    """Largest difference of any output.

    A network that carries state is run as often as takes it past its warm-up, of which nothing is
    used, and twice more; each carries its own state.
    """
    card = model.card
    model.reset()
    state, names = model.state, [*card.outputs, *card.state]
    begin = math.ceil(card.warm_up * (card.rate or 0.0) / given.shape[time_axis(card)])
    worst = 0.0
    for call in range(begin + 2 if state else 1):
        try:
            found = model({name: given})
        except InputError:
            raise
        except Exception as error:
            raise _Refused(_reason(error)) from error
        after = dict(zip(names, _told(module, given, state), strict=True))
        both = found | {out: model.state[into] for out, into in card.state.items()}
        if call >= begin or not state:
            worst = max([worst, *(difference(after[key], both[key]) for key in names)])
        state = {into: after[out] for out, into in card.state.items()}
    model.reset()
    return worst


def _golden(module: nn.Module, model: Model, tests: Mapping[str, Array]) -> dict[str, Array]:
    """A short input like that of a person, and what comes out of it by torch.

    It has few levels, so that it takes little room.
    """
    name, shape = next(iter(model.inputs.items()))
    axis = time_axis(model.card)
    whole = tests[VARIED]
    step = float(np.abs(whole).max()) / GOLDEN_LEVELS or 1.0
    whole = (np.round(whole / step) * step).astype(np.float32)
    for length in (*SHORT, None):
        given = whole
        if length is not None:
            if isinstance(shape[axis], int) or length + model.card.extra >= whole.shape[axis]:
                continue
            given = np.take(whole, range(length + model.card.extra), axis=axis)
        try:
            model.reset()
            told = _told(module, given, model.state)
            model({name: given})
        except Exception:
            if length is None:
                raise
            continue  # too short for it
        break
    model.reset()
    outputs = zip(model.card.outputs, told, strict=False)
    return {f"input.{name}": given} | {f"output.{key}": array for key, array in outputs}


def _told(module: nn.Module, given: Array, state: Mapping[str, Array]) -> list[Array]:
    """What torch says of the same arrays."""
    arrays = [given, *state.values()]
    with torch.no_grad():
        told = module(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))
    return [tensor.numpy() for tensor in ([told] if isinstance(told, Tensor) else told)]


def _place(path: Path, weights: bytes, card: ModelCard, golden: Mapping[str, Array]) -> None:
    """All three files or none; a full disk leaves the ones before."""
    import io

    buffer = io.BytesIO()
    arrays: dict[str, Any] = dict(golden)
    np.savez_compressed(buffer, **arrays)
    files = {
        golden_path(path): buffer.getvalue(),
        path: weights,
        path.with_suffix(".json"): card.text().encode(),
    }
    with on_disk(path, needed=sum(map(len, files.values()))):
        write_together(files)
