"""Weights of others into a network of ours: tensors alone, never code.

A `.pth` file is a pickle, which can run anything when it is read; it is read by torch's reader of
tensors alone, which refuses whatever else a pickle may hold.
"""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture
from camvitals.records import InputError
from camvitals.train.checkpoint import CARD, load_tensors, on_disk, packed, write_together
from camvitals.train.graph import card_of

SAFE = (".safetensors",)
PICKLED = (".pth", ".pt", ".ckpt", ".bin", ".tar")
WRAPPED = ("state_dict", "model_state_dict", "model", "weights")  # where public code puts tensors
PREFIXES = ("module.", "_orig_mod.")
MOST = 6  # names of a kind in a message


@dataclass(frozen=True, slots=True)
class Misfit:
    """How tensors differ from what a network needs: names, and name -> (given, needed) shapes."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.misshapen)

    def __str__(self) -> str:
        shapes = [
            f"{name} ({_shape(given)}, not {_shape(needed)})"
            for name, (given, needed) in self.misshapen.items()
        ]
        kinds = {
            "missing": self.missing,
            "unexpected": self.unexpected,
            "of another shape": tuple(shapes),
        }
        return "; ".join(f"{kind}: {_some(names)}" for kind, names in kinds.items() if names)


def read_tensors(path: Path | str) -> dict[str, Tensor]:
    """Name -> tensor of a .safetensors or .pth file, prefixes of wrappers taken away.

    Raises InputError for a file that is missing or damaged, holds anything but tensors, or would
    run code when it is read.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no weights in {path}: there is no such file; check the path")
    suffix = path.suffix.lower()
    if suffix in SAFE:
        tensors, _ = load_tensors(path)
    elif suffix in PICKLED:
        tensors = _tensors_in(_unpickled(path), path)
    else:
        raise InputError(
            f"{path} has a name that ends with {suffix or 'nothing'}; weights are "
            f"{', '.join((*SAFE, *PICKLED))}"
        )
    return {_bare(name): tensor for name, tensor in tensors.items()}


def import_weights(
    path: Path | str, architecture: Architecture, module: nn.Module, *, public: bool | None = None
) -> nn.Module:
    """Put the weights of a file into a module of this architecture; returns it.

    public: whether the names are those of the public code (`architecture.keys`), or ours; None:
        whichever fits better.
    Raises InputError that names what is missing, unexpected, or of another shape; the module is as
    it was then.
    """
    tensors = read_tensors(path)
    ways = {True: architecture.translate(tensors), False: tensors}
    misfits = {way: misfit(module, ways[way]) for way in ways if public in (None, way)}
    best = min(misfits, key=lambda way: _trouble(misfits[way]))
    if misfits[best]:
        raise InputError(
            f"{path} does not fit this network: {misfits[best]}; give the options that it was "
            "built with, or another model"
        )
    module.load_state_dict(ways[best])
    return module


def save_imported(
    source: Path | str,
    model: str,
    out: Path | str,
    *,
    size: tuple[int, int] | None,
    options: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> int:
    """Write weights of the network `model` of MODELS as .safetensors, with a card; their number.

    size: (rows, columns) of its pictures, None for the usual.   options: of its build.
    facts: licence, training_data and rate for the card.   Raises InputError as `import_weights`.
    """
    from camvitals.models import model as known

    source, out = Path(source), Path(out)
    if out.suffix != SAFE[0] or not out.absolute().parent.is_dir():
        raise InputError(f"{out} needs a name that ends with {SAFE[0]} in a folder that exists")
    architecture = known(model)
    size = size or architecture.size
    try:
        module = architecture.build(size=size, **options)
    except TypeError as error:
        raise InputError(f"{model} cannot be built so: {error}; see its options") from error
    tensors = import_weights(source, architecture, module).state_dict()
    data = packed(tensors, {"model": model, "options": dict(options)})
    card = card_of(architecture, name=out.stem, rate=facts["rate"], size=size, **_words(facts))
    sha256 = hashlib.sha256(data).hexdigest()
    card = replace(card, sha256=sha256, source=f"{architecture.source}; from {source.name}")
    with on_disk(out, needed=len(data)):
        write_together({out: data, out.with_name(out.name + CARD): card.text().encode()})
    return len(tensors)


def _words(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != "rate"}


def misfit(module: nn.Module, tensors: Mapping[str, Tensor]) -> Misfit:
    """How tensors differ from what a module needs.

    Counters of batches (`num_batches_tracked`), which nothing depends on in evaluation, may be
    missing and are filled in.
    """
    wanted = module.state_dict()
    for name, tensor in wanted.items():
        if name.endswith("num_batches_tracked") and name not in tensors:
            tensors = _with(tensors, name, tensor)
    shapes = {
        name: (tuple(tensors[name].shape), tuple(tensor.shape))
        for name, tensor in wanted.items()
        if name in tensors and tensors[name].shape != tensor.shape
    }
    return Misfit(
        missing=tuple(sorted(set(wanted) - set(tensors))),
        unexpected=tuple(sorted(set(tensors) - set(wanted))),
        misshapen=shapes,
    )


def _with(tensors: Mapping[str, Tensor], name: str, tensor: Tensor) -> Mapping[str, Tensor]:
    if isinstance(tensors, dict):
        tensors[name] = tensor
        return tensors
    return {**tensors, name: tensor}


def _trouble(found: Misfit) -> int:
    return len(found.missing) + len(found.unexpected) + len(found.misshapen)


def _unpickled(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not (zipfile.is_zipfile(path) or path.read_bytes()[:1] == b"\x80"):
            raise InputError(f"{path} is no whole file of weights; get it again") from error
        raise InputError(
            f"{path} holds more than tensors, and would run code when it is read: it was refused; "
            "ask who made it for a .safetensors file"
        ) from error
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path} is no whole file of weights ({reason}); get it again") from error


def _tensors_in(held: Any, path: Path) -> dict[str, Tensor]:
    """The state dict that a file holds, however it is wrapped."""
    for _ in range(3):
        if isinstance(held, Mapping) and not any(isinstance(v, Tensor) for v in held.values()):
            inner = [held[key] for key in WRAPPED if isinstance(held.get(key), Mapping)]
            if inner:
                held = inner[0]
                continue
        break
    if not isinstance(held, Mapping) or not held:
        raise InputError(f"{path} holds {type(held).__name__} and no state dict; save that alone")
    odd = [str(name) for name, value in held.items() if not isinstance(value, Tensor)]
    if odd:
        raise InputError(
            f"{path} holds {_some(tuple(odd))}, which are no tensors; save the state dict alone"
        )
    return {str(name): tensor for name, tensor in held.items()}


def _bare(name: str) -> str:
    while (bare := name.removeprefix(PREFIXES[0]).removeprefix(PREFIXES[1])) != name:
        name = bare
    return name


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "one number"


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
