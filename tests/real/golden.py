"""Outputs of the public networks, on a state and an input that anybody can make again."""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture


@dataclass(frozen=True)
class Golden:
    """One public network: its state under public names, its input, its outputs as stored."""

    state: dict[str, Tensor]
    input: Tensor
    facts: dict
    outputs: dict[int, np.ndarray]

    @classmethod
    def load(cls, folder: Path, name: str) -> "Golden":
        """From `folder`/parity, or skip."""
        index, stored = folder / "parity/golden.json", folder / "parity/golden.npz"
        if not index.is_file() or not stored.is_file():
            pytest.skip(f"no outputs of public networks in {folder / 'parity'}")
        facts = json.loads(index.read_text())[name]
        with np.load(stored) as file:
            count = len(facts["outputs"])
            outputs = {at: file[f"{name}/{at}"] for at in range(count) if f"{name}/{at}" in file}
        return cls(_state(folder, facts), _input(facts), facts, outputs)

    def stored(self, output: Tensor, index: int) -> np.ndarray:
        """`output` thinned out as the stored output of this index is."""
        how = self.facts["outputs"][index]["stored"]
        flat = output.detach().numpy()
        if how == "all":
            return flat.reshape(self.outputs[index].shape)
        return flat.ravel()[:: int(how.removeprefix("ravel()[::").removesuffix("]"))]

    def agrees(self, output: Tensor, index: int = 0, *, within: float = 1e-4) -> None:
        """Assert that an output is the public one, within `within` of its largest size."""
        theirs = self.outputs[index]
        scale = max(1.0, float(np.abs(theirs).max()))
        np.testing.assert_allclose(self.stored(output, index), theirs, atol=within * scale, rtol=0)


def loaded(
    architecture: Architecture, module: nn.Module, public: Mapping[str, Tensor]
) -> nn.Module:
    """The module with the public state, every tensor of it placed, ready for evaluation."""
    module.load_state_dict(architecture.translate(public))
    return module.eval()


def _state(folder: Path, facts: dict) -> dict[str, Tensor]:
    if "weights" in facts:
        path = folder / facts["weights"]
        if not path.is_file():
            pytest.skip(f"no released weights at {path}")
        return dict(torch.load(path, weights_only=True, map_location="cpu"))
    return {name: _tensor(name, shape, kind) for name, shape, kind in facts["state"]}


def _tensor(name: str, shape: list[int], kind: str) -> Tensor:
    if not kind.startswith("float"):
        return torch.zeros(shape, dtype=getattr(torch, kind))
    if name.endswith("running_mean"):
        return torch.zeros(shape)
    if name.endswith("running_var"):
        return torch.ones(shape)
    drawn = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if len(shape) >= 2:
        values = drawn.astype(np.float32) / np.float32(math.sqrt(math.prod(shape[1:])))
    else:
        values = 0.05 * drawn + (1 if name.endswith("weight") else 0)
    return torch.tensor(np.asarray(values, dtype=np.float32))


def _input(facts: dict) -> Tensor:
    rng = np.random.default_rng(0)
    draw = rng.random if facts["input"].startswith("uniform") else rng.standard_normal
    return torch.tensor(draw(facts["input_shape"]).astype(np.float32))
