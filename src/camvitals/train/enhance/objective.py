"""What a step asks of an enhancer, of the recovery of the pulse, or of both.

The objective "enhancement" takes pairs (`enhance.pairs`) and a network that is an enhancer (gives
images), a recovery (`rppgnet`), or both (`stven-rppgnet`). The recipe's terms say the stage:

reconstruction  enhanced − clean clip.            options: kind (rmse, l1, mse, psnr)
loop            back to the quality it had − as it was.    kind; the source's "loop loss"
distil          enhanced − enhanced by a teacher. network: folder of its training; kind
colours         how colours of cells change over time − the same of the clean clip
shown           the mean colour of the skin − the reference pulse, by correlation
written         the same − a pulse of fixed strength, or silence where there is none
recovery        skin, four parts, auxiliary, whole, as published.  network: of a frozen recovery,
                "" for the one that is trained
perceptual      features and outputs of the recovery on the enhanced − on the clean clip.
                network, kind (mse, l1)

Joint training as released: freeze "recovery.", terms recovery, perceptual, and 1e-4 of
reconstruction and loop. As in system B both are updated: freeze nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from camvitals.models.architecture import Architecture
from camvitals.models.rppgnet import RPPGNet
from camvitals.records import InputError
from camvitals.train.enhance import losses
from camvitals.train.enhance.pairs import CLEAN, GIVEN, SKINNED
from camvitals.train.enhance.quality import one_hot
from camvitals.train.stream import Batch

if TYPE_CHECKING:
    from camvitals.train.recipe import Recipe


class Step:
    """One batch of pairs, and what the networks make of it, each computed once at most.

    half: frozen networks in bfloat16, as the one that is trained is in by the recipe's precision.
    """

    def __init__(
        self, module: Any, architecture: Architecture, batch: Batch, *, half: bool = False
    ) -> None:
        if batch.images.ndim != 5 or batch.images.shape[-1] != SKINNED + 1:
            raise InputError("objective enhancement needs pairs; give a corpus of kind pairs")
        self._module, self._architecture, self._batch = module, architecture, batch
        self._half = half
        self.target, self.rate = batch.target, batch.rate
        self.alive = torch.isfinite(batch.heart_rate)
        self.levels = [key.rsplit(" ", 1)[-1] for key in batch.keys]

    @cached_property
    def given(self) -> Tensor:
        """(N, 3, T, H, W) the degraded clip, −1…1."""
        return _signed(self._batch.images[..., GIVEN])

    @cached_property
    def clean(self) -> Tensor:
        """(N, 3, T, H, W) the clean clip, −1…1."""
        return _signed(self._batch.images[..., CLEAN])

    @cached_property
    def skin(self) -> Tensor:
        """(N, T, H, W) 1 on skin."""
        return self._batch.images[..., SKINNED].float()

    @property
    def enhances(self) -> bool:
        """Whether what is trained gives pictures."""
        return not isinstance(_bare(self._module), RPPGNet)

    @cached_property
    def enhancer(self) -> Any:
        """The enhancer that is trained. Raises InputError when there is none."""
        if not self.enhances:
            raise InputError("a recovery gives no pictures; train an enhancer, or drop the term")
        return getattr(self._module, "enhancer", self._module)

    @cached_property
    def _output(self) -> Any:
        if not self.enhances:
            return self._module((self.given + 1) / 2)
        return self._module(self.given, None)

    @cached_property
    def enhanced(self) -> Tensor:
        """(N, 3, T, H, W) the clip at its best quality."""
        _ = self.enhancer
        return getattr(self._output, "images", self._output)  # type: ignore[no-any-return]

    @cached_property
    def back(self) -> Tensor:
        """The enhanced clip at the quality that the degraded one has."""
        asked = one_hot(self.levels, count=int(self.enhancer.qualities))
        return self.enhancer(self.enhanced, asked.to(self.given))  # type: ignore[no-any-return]

    def recovered(self, network: str) -> Any:
        """What a recovery tells of the enhanced clip, or of the given one where none enhances."""
        if network:
            with self._precision():
                return self._frozen(network)((self.enhanced + 1) / 2)
        if not self.enhances:
            return self._output
        if self._architecture.gives == "images":
            raise InputError("this enhancer has no recovery; give the term network=FOLDER of one")
        return self._output.recovered

    def recovered_clean(self, network: str) -> Any:
        """The same of the clean clip, without gradients."""
        bare = self._frozen(network) if network else _bare(self._module).recovery
        with torch.no_grad(), self._precision():
            return bare((self.clean + 1) / 2)

    def taught(self, network: str) -> Tensor:
        """The clip enhanced by a teacher, without gradients."""
        if not network:
            raise InputError("term distil needs network=FOLDER of the teacher's training")
        with torch.no_grad(), self._precision():
            teacher = self._frozen(network)
            found: Tensor = getattr(teacher, "enhancer", teacher)(self.given)
        return found.float()

    def _precision(self) -> Any:
        return torch.autocast(self.given.device.type, torch.bfloat16, enabled=self._half)

    def _frozen(self, folder: str) -> nn.Module:
        return frozen_network(str(Path(folder).resolve())).to(self.given.device)


def _bare(module: Any) -> Any:
    """The module without what a device put around it."""
    return getattr(module, "module", module)


def _signed(images: Tensor) -> Tensor:
    """(N, 3, T, H, W) −1…1 of (N, T, H, W, 3) 0–255."""
    return (images.float() / 127.5 - 1).permute(0, 4, 1, 2, 3).contiguous()


@lru_cache(maxsize=4)
def frozen_network(folder: str) -> nn.Module:
    """The best network of a training, which learns no more. Raises InputError without one."""
    from camvitals.train.cards import trained

    module, _ = trained(folder)
    return module.requires_grad_(False)


def _reconstruction(step: Step, *, kind: str = "rmse") -> Tensor:
    return losses.apart(step.enhanced, step.clean, kind=kind)


def _loop(step: Step, *, kind: str = "rmse") -> Tensor:
    return losses.apart(step.back, step.given, kind=kind)


def _distil(step: Step, *, network: str = "", kind: str = "l1") -> Tensor:
    return losses.apart(step.enhanced, step.taught(network), kind=kind)


def _colours(step: Step) -> Tensor:
    return losses.colours(step.enhanced, step.clean)


def _shown(step: Step) -> Tensor:
    return losses.shown(step.enhanced, step.skin, step.target, step.alive)


def _written(step: Step) -> Tensor:
    return losses.written(step.enhanced, step.skin, step.target, step.alive, rate=step.rate)


def _recovery(step: Step, *, network: str = "") -> Tensor:
    return losses.recovery(step.recovered(network), step.target, step.skin, step.alive)


def _perceptual(step: Step, *, network: str = "", kind: str = "mse") -> Tensor:
    found, wanted = step.recovered(network), step.recovered_clean(network)
    return losses.perceptual(found, wanted, step.alive, kind=kind)


TERMS: dict[str, Callable[..., Tensor]] = {
    "reconstruction": _reconstruction,
    "loop": _loop,
    "distil": _distil,
    "colours": _colours,
    "shown": _shown,
    "written": _written,
    "recovery": _recovery,
    "perceptual": _perceptual,
}


def enhancement(
    module: nn.Module, architecture: Architecture, batch: Batch, recipe: Recipe
) -> dict[str, Tensor]:
    """The recipe's terms, unweighted, each by its name.

    Raises InputError for a term that the network cannot have, and for options that do not fit.
    """
    step = Step(module, architecture, batch, half=recipe.precision == "bf16-mixed")
    found = {}
    for term in recipe.loss:
        try:
            found[term.name] = TERMS[term.name](step, **term.options)
        except TypeError as error:
            raise InputError(f"term {term.name}: options do not fit ({error})") from error
    return found
