"""Files of pruned weights that are smaller than dense ones, and come back bit for bit.

One .safetensors file, whole or not at all. Of a masked kernel NAME it holds `NAME/values`, the kept
weights in their order, and where they are:
    indices: `NAME/gaps`, uint16: how many weights are left out before each value. 65535 has no
        value: 65535 weights are left out, and the next gap goes on.
    bitmask: `NAME/bits`, uint8: a bit for every weight, the first in the highest bit.
    dense:   nothing; the whole kernel under its own name, zeros too.
All else is there as it is. The header says which form it is, and the shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from camvitals.records import Array, InputError
from camvitals.train.checkpoint import load_tensors, save_tensors
from camvitals.train.prune.masks import ENDING, PLACE, is_mask, masks_in, plain_name

FORMS = ("dense", "indices", "bitmask")
FORM, SHAPES = "sparse", "shapes"  # facts in the header
FILLER = 65535  # a gap that no value follows


def save_sparse(path: Path | str, module: nn.Module, form: str = "bitmask") -> int:
    """Write a pruned network's weights; returns the bytes of the file.

    form: one of FORMS. Raises InputError for another, and when the file cannot be written.
    """
    if form not in FORMS:
        raise InputError(f"no form {form!r} of pruned weights; choose one of {', '.join(FORMS)}")
    state = module.state_dict()
    masks = masks_in(state)
    tensors: dict[str, Tensor] = {}
    shapes: dict[str, list[int]] = {}
    for full, tensor in state.items():
        name = plain_name(full)
        if is_mask(full):
            continue
        if name not in masks or form == "dense":
            tensors[name] = tensor
            continue
        mask = np.asarray(masks[name].cpu()).ravel()
        shapes[name] = list(tensor.shape)
        tensors[f"{name}/values"] = tensor.detach().cpu().flatten()[torch.from_numpy(mask)]
        where = gaps_of(mask) if form == "indices" else np.packbits(mask)
        tensors[f"{name}/{_WHERE[form]}"] = torch.from_numpy(where)
    path = Path(path)
    save_tensors(path, tensors, {FORM: form, SHAPES: shapes})
    return path.stat().st_size


_WHERE = {"indices": "gaps", "bitmask": "bits"}


def load_sparse(path: Path | str) -> dict[str, Tensor]:
    """The state dict of the network that `save_sparse` wrote, with masks but for a dense form.

    Raises InputError for a file that is damaged or no such file.
    """
    tensors, facts = load_tensors(Path(path))
    if facts.get(FORM) not in FORMS:
        raise InputError(f"{path} holds no pruned weights; write it with save_sparse")
    return unpacked(tensors, facts, str(path))


def unpacked(
    tensors: Mapping[str, Tensor], facts: Mapping[str, Any], name: str
) -> dict[str, Tensor]:
    """The state dict of what such a file holds; that of any other is as it is. name: of the file.

    Raises InputError where values and places do not go together.
    """
    form, shapes = facts.get(FORM), facts.get(SHAPES, {})
    if form not in _WHERE:
        return dict(tensors)
    found = {full: tensor for full, tensor in tensors.items() if "/" not in full}
    for kernel, shape in shapes.items():
        count = int(np.prod(shape))
        try:
            values, where = tensors[f"{kernel}/values"], tensors[f"{kernel}/{_WHERE[form]}"]
        except KeyError as error:
            raise InputError(f"{name} lacks {error.args[0]}; get the file again") from error
        array = np.asarray(where)
        mask = mask_of(array, count) if form == "indices" else _bits(array, count)
        if mask is None or int(mask.sum()) != len(values):
            raise InputError(
                f"{name} is damaged: {kernel} has {len(values)} values that do not fit their "
                "places; get the file again"
            )
        dense = torch.zeros(count, dtype=values.dtype)
        kept = torch.from_numpy(mask)
        dense[kept] = values
        layer, _, key = kernel.rpartition(".")
        begin = f"{layer}.{PLACE}.{key}" if layer else f"{PLACE}.{key}"
        found[f"{begin}.original"] = dense.reshape(shape)
        found[begin + ENDING] = kept.reshape(shape)
    return found


def gaps_of(mask: Array) -> Array:
    """uint16 gaps of a flat mask, as the head of this file says."""
    places = np.flatnonzero(mask)
    left_out = np.diff(places, prepend=-1) - 1
    fillers, rest = np.divmod(left_out, FILLER)
    gaps = np.full(len(places) + int(fillers.sum()), FILLER, dtype=np.uint16)
    gaps[np.cumsum(fillers + 1) - 1] = rest
    return gaps


def mask_of(gaps: Array, count: int) -> Array | None:
    """The flat mask of so many weights that has these gaps; None where they lead out of it."""
    valued = gaps != FILLER
    places = np.cumsum(np.where(valued, gaps.astype(np.int64) + 1, FILLER)) - 1
    chosen = places[valued]
    if len(chosen) and chosen[-1] >= count:
        return None
    mask = np.zeros(count, dtype=bool)
    mask[chosen] = True
    return mask


def _bits(packed: Array, count: int) -> Array | None:
    if len(packed) != -(-count // 8):
        return None
    return np.unpackbits(packed, count=count).astype(bool)
