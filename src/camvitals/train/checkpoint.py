"""Weights and the state of a training on disk: whole or not at all, and never a pickle.

A checkpoint is one .safetensors file; what is no tensor is JSON in its header. So one rename makes
it, and a full disk or a killed process leaves the one before.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from camvitals.card import ModelCard
from camvitals.records import InputError

FACTS = "camvitals"  # the key in the header
WEIGHTS, OPTIMISER = "weights/", "optimiser/"
PICKLES = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin", ".tar")
MAGIC = (b"PK\x03\x04", b"\x80")  # of a zip, as torch.save writes, and of a bare pickle
CARD = ".json"  # after the whole name of the weights
LONGEST_HEADER = 100_000_000
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts to one file, on the disk when this returns.

    Raises InputError when the disk is full or the folder cannot be written to; what was at `path`
    before is still there then.
    """
    data = packed(tensors, facts)
    with on_disk(path, needed=len(data)):
        write_bytes(path, data)


def packed(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> bytes:
    """The content of a .safetensors file of these tensors and facts."""
    from safetensors.torch import save

    whole = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
    whole = {name: tensor.contiguous() for name, tensor in whole.items()}
    text = json.dumps(facts, ensure_ascii=True, allow_nan=False)
    return bytes(save(whole, {FACTS: text}))


def write_bytes(path: Path, data: bytes) -> None:
    """A file whole or not at all, on the disk when this returns. Raises OSError."""
    write_together({path: data})


def write_together(files: Mapping[Path, bytes]) -> None:
    """Files that belong together: all of them or none, on the disk when this returns.

    They take their names in this order, and only once every byte is on the disk, so that a full
    disk leaves the ones before. Raises OSError.
    """
    parts = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in files}
    try:
        for path, part in parts.items():
            with part.open("wb") as file:
                file.write(files[path])
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            part.replace(path)
        for place in {path.parent for path in files}:
            folder = os.open(place, os.O_RDONLY)
            try:
                os.fsync(folder)  # the new names too
            finally:
                os.close(folder)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


@contextmanager
def on_disk(path: Path, *, needed: int = 0) -> Iterator[None]:
    """Tell in one line when something cannot be written, and that nothing is lost."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno in FULL:
            free = shutil.disk_usage(path.parent).free
            why += f"; {needed / 1e6:.1f} MB were needed, {free / 1e6:.1f} MB are free"
        raise InputError(
            f"{path} could not be written ({why}); the checkpoint before is whole: make room and "
            "start the same command again, it goes on from there"
        ) from error


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and facts of a file. Raises InputError when it is missing, damaged, or a pickle."""
    from safetensors import SafetensorError, safe_open

    refuse_pickle(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = json.loads((file.metadata() or {}).get(FACTS, "{}"))
    except (OSError, SafetensorError, ValueError, struct.error) as error:
        raise InputError(f"{path} is no whole .safetensors file ({error}); get it again") from error
    return tensors, facts


def refuse_pickle(path: Path) -> None:
    """Raise InputError for files that run code when they are read, by name or by content."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise InputError(f"no weights in {path}: {error.strerror}; check the path") from error
    # The length of its header, which may begin with any byte, and the header's brace
    plain = start[8:] == b"{" and int.from_bytes(start[:8], "little") <= LONGEST_HEADER
    marked = path.suffix.lower() in PICKLES or any(start.startswith(magic) for magic in MAGIC)
    if marked and not plain:
        raise InputError(
            f"{path} holds pickled weights, which can run anything when they are read; where you "
            "trust them, save the tensors with safetensors.torch.save_file and give that file"
        )


def load_weights(module: nn.Module, path: Path | str) -> dict[str, Any]:
    """Put the weights of a file into a module; returns the file's facts.

    Takes a file of weights alone, or a checkpoint. Where a card lies beside it (NAME.safetensors
    .json) it must be that of the file. Raises InputError when names or shapes differ.
    """
    path = Path(path)
    tensors, facts = load_tensors(path)
    card = path.with_name(path.name + CARD)
    if card.exists():
        ModelCard.load(card).verify(path.read_bytes(), str(path))
    put_weights(module, _weights_of(tensors, facts, path), str(path))
    return facts


def weights_in(path: Path | str) -> dict[str, Tensor]:
    """The state dict in a file of weights, in a checkpoint, or in one of pruned weights."""
    tensors, facts = load_tensors(Path(path))
    return _weights_of(tensors, facts, Path(path))


def _weights_of(
    tensors: dict[str, Tensor], facts: Mapping[str, Any], path: Path
) -> dict[str, Tensor]:
    from camvitals.train.prune.storage import unpacked

    if any(name.startswith(WEIGHTS) for name in tensors):
        return _under(tensors, WEIGHTS)
    return unpacked(tensors, facts, str(path))


def put_weights(module: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """The same with tensors at hand; name: where they are from."""
    wanted = module.state_dict()
    odd = sorted(set(wanted) ^ set(tensors))
    if odd:
        side = "lacks" if odd[0] in wanted else "has"
        raise InputError(
            f"{name} is of another model: it {side} {odd[0]!r} and {len(odd) - 1} more names "
            "differ; build the model that the weights are of"
        )
    for key, tensor in wanted.items():
        if tensor.shape != tensors[key].shape:
            given, needed = tuple(tensors[key].shape), tuple(tensor.shape)
            raise InputError(
                f"{name} is of another model: {key} has shape {given} but {needed} is needed; "
                "build the model that the weights are of"
            )
    module.load_state_dict(dict(tensors))


def _under(tensors: Mapping[str, Tensor], beginning: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(beginning): tensor
        for name, tensor in tensors.items()
        if name.startswith(beginning)
    }


def save_state(
    path: Path,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    facts: Mapping[str, Any],
) -> None:
    """Write everything that a training needs to go on. Raises InputError as `save_tensors`."""
    tensors = {WEIGHTS + name: tensor for name, tensor in module.state_dict().items()}
    rest: dict[str, dict[str, Any]] = {}
    for index, slots in optimiser.state_dict()["state"].items():
        for slot, value in slots.items():
            if isinstance(value, Tensor):
                tensors[f"{OPTIMISER}{index}/{slot}"] = value
            else:
                rest.setdefault(str(index), {})[slot] = value
    save_tensors(path, tensors, dict(facts) | {"optimiser": rest})


def load_state(path: Path, module: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Put back what `save_state` wrote; returns the facts. Raises InputError when it differs."""
    tensors, facts = load_tensors(path)
    put_weights(module, _under(tensors, WEIGHTS), str(path))
    state: dict[int, dict[str, Any]] = {
        int(index): dict(slots) for index, slots in facts.pop("optimiser", {}).items()
    }
    for name, tensor in _under(tensors, OPTIMISER).items():
        index, slot = name.split("/", 1)
        state.setdefault(int(index), {})[slot] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    return facts
