"""One training while it runs: its network, where it stands, and what it does in a step.

Everything that is drawn at random in a step is seeded by the recipe's seed, the step and the rank,
so that there is no state of a generator to keep: a run that goes on computes what it would have.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from camvitals.models.architecture import TRACES
from camvitals.records import InputError
from camvitals.train.checkpoint import load_state, load_weights, save_state, weights_in
from camvitals.train.curve import CURVE, CURVE_COLUMNS, STEP_COLUMNS, STEPS, Table
from camvitals.train.objective import (
    Augmentations,
    architecture_of,
    kind_of,
    known_targets,
    objective_of,
    weighted,
)
from camvitals.train.pretrained import begin_from, pretrained
from camvitals.train.prune.start import prune_for, prune_like
from camvitals.train.recipe import PUBLISHED, Optimiser, Recipe
from camvitals.train.schedule import share_of_step
from camvitals.train.stream import Batch, Clips, Share, Stream, batch_of

LAST, BEST = "last.safetensors", "best.safetensors"
CLASSES: dict[str, Any] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "adadelta": torch.optim.Adadelta,
}


@dataclass(slots=True)
class Standing:
    """Where a training stands; all of it is in the checkpoint.

    step: updates done.   loss_sum: of the updates of this epoch.   best: lowest metric so far, at
    the end of best_epoch.   stale: looks since then.   stopped: why it ended early, "" if not.
    """

    step: int = 0
    loss_sum: float = 0.0
    best: float | None = None
    best_epoch: int = 0
    stale: int = 0
    stopped: str = ""


class Run:
    """The parts of one training on one of its devices.

    begun: whether it goes on with what lies in the folder.
    Raises InputError when the recipe does not fit together: model and clips, corpus and loss.
    """

    def __init__(
        self, fabric: Fabric, recipe: Recipe, folder: Path, *, workers: int, begun: bool = False
    ) -> None:
        self.fabric, self.recipe, self.folder = fabric, recipe, folder
        self.architecture = architecture_of(recipe)
        self.objective = objective_of(recipe)
        self.kind = kind_of(recipe, self.architecture)
        source = recipe.corpus.open(recipe.clip, seed=recipe.seed, held_out=False)
        self.clips = Clips(source, recipe.clip, recipe.seed, Augmentations(recipe))
        self.share = Share(recipe.batch, fabric.global_rank, fabric.world_size)
        self.workers = workers
        self.per_epoch = recipe.steps or _pass(source.count, recipe.batch)
        self.total = recipe.epochs * self.per_epoch
        first = self.clips.sample(0).images.shape
        self.size = (first[1], first[2])
        self.bare = self._built(pictures=len(first) == 4)
        if recipe.prune.method != "none":
            self._prune(begun=begun)
        chosen = [p for p in self.bare.parameters() if p.requires_grad]
        optimiser = optimiser_of(recipe.optimiser, chosen)
        self.module, self._wrapped = fabric.setup(self.bare, optimiser)
        self.optimiser = optimiser
        self.at = Standing()
        self.steps = Table(folder / STEPS, self._columns())
        self.curve = Table(folder / CURVE, CURVE_COLUMNS)
        self.stream: Stream | None = None
        self._spent = [0.0, 0.0]  # seconds of this epoch: in all, and waiting for clips
        self._steps_timed = 0

    def _columns(self) -> tuple[str, ...]:
        terms = [term.name for term in self.recipe.loss]
        several = len(terms) > 1 and self.recipe.objective == "supervised"
        return STEP_COLUMNS + (tuple(f"loss_{name}" for name in terms) if several else ())

    def _built(self, *, pictures: bool) -> nn.Module:
        """The network for the corpus, with the weights that it starts from."""
        recipe, architecture = self.recipe, self.architecture
        size, length = self.size, recipe.clip.length
        if pictures == (architecture.takes == TRACES):
            wanted, given = ("colours", "pictures") if pictures else ("pictures", "colours")
            raise InputError(f"{recipe.model.name} takes {wanted} but the corpus gives {given}")
        fits = architecture.fits(size=size, length=length)
        if not fits and (pictures or not architecture.fits(size=architecture.size, length=length)):
            sizes = architecture.sizes or (architecture.size,)
            known = ", ".join(f"{rows}×{columns}" for rows, columns in sizes)
            raise InputError(
                f"{recipe.model.name} takes {known} px and clips of at least "
                f"{architecture.shortest} samples, a multiple of {architecture.step}, but the "
                f"corpus gives {size[0]}×{size[1]} and clip.length is {length}"
            )
        torch.manual_seed(recipe.seed)
        module = architecture.build(**{"size": size, **recipe.model.options})
        if trunk := recipe.model.trunk:
            source = None if trunk == PUBLISHED else trunk
            found = pretrained(recipe.model.name, source, options=recipe.model.options)
            begin_from(module, found)
        if recipe.model.weights:
            load_weights(module, recipe.model.weights)
        _freeze(module, recipe.model.frozen)
        for parameter in module.parameters():  # 2-D convolutions are faster so
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return module

    def _prune(self, *, begun: bool) -> None:
        """Take weights out, by the first clips; a training that goes on, those that it took."""
        recipe, last = self.recipe, self.folder / LAST
        if begun:
            prune_like(self.bare, recipe.prune, weights_in(last), str(last))
            return
        clips = [self.clips.sample(n) for n in range(recipe.prune.batches * recipe.batch)]
        batches = [
            batch_of(clips[at : at + recipe.batch], rate=recipe.clip.rate)
            for at in range(0, len(clips), recipe.batch)
        ]
        prune_for(self.bare, recipe, self.architecture, batches)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint. Raises InputError when it is of another recipe."""
        facts = load_state(path, self.bare, self.optimiser)
        if facts.get("recipe") != self.recipe.hash:
            raise InputError(
                f"{path} is not of the recipe beside it; give another folder, or put the recipe "
                "back"
            )
        self.at = Standing(**facts["standing"])
        scaler = facts.get("precision")
        if scaler:
            self.fabric._precision.load_state_dict(scaler)

    def begin(self) -> None:
        """Bring the tables to where the training stands, and start making clips."""
        if self.fabric.is_global_zero:
            self.steps.cut(self.at.step)
            self.curve.cut(self.at.step)
        self.stream = Stream(
            self.clips,
            share=self.share,
            first=self.at.step,
            last=self.total,
            workers=self.workers,
            pinned=self.fabric.device.type == "cuda",
        )

    def save(self) -> None:
        """Write the checkpoint. Raises InputError on a full disk."""
        if self.fabric.is_global_zero:
            facts = {
                "recipe": self.recipe.hash,
                "standing": asdict(self.at),
                "precision": self.fabric._precision.state_dict(),
            }
            save_state(self.folder / LAST, self.bare, self.optimiser, facts)

    def update(self) -> None:
        """One step: clips, losses, gradients, weights. Raises InputError when it is not finite."""
        assert self.stream is not None
        begun, waited = time.perf_counter(), self.stream.waited
        batch = self.stream.next()
        if self._steps_timed == 0 and self.stream.waited == waited:
            begun = time.perf_counter()  # the start of the processes is told apart
        batch = batch.to(self.fabric.device)
        _seed(self.recipe.seed, self.at.step, self.fabric.global_rank)
        step_size = self._set_step()
        self.module.train()
        _still(self.bare, self.recipe.model.frozen)
        terms = dict(self.objective(self.module, self.architecture, batch, self.recipe))
        known = known_targets(batch, self.kind)
        loss = (weighted(terms, self.recipe) * known).mean()
        value = self._reduced(loss.detach(), "mean")
        if not math.isfinite(value):
            raise InputError(self._not_finite("the loss", _culprit(batch, terms), value))
        self._wrapped.zero_grad()
        self.fabric.backward(loss)
        norm = self._clipped()
        self._wrapped.step()
        self.at.step += 1
        self.at.loss_sum += value
        seconds = time.perf_counter() - begun
        self._spent[0] += seconds
        self._spent[1] += self.stream.waited - waited
        self._steps_timed += 1
        means = {f"loss_{name}": float((v.detach() * known).mean()) for name, v in terms.items()}
        row = {
            "step": self.at.step,
            "epoch": (self.at.step - 1) // self.per_epoch + 1,
            "loss": value,
            "gradient_norm": norm,
            "learning_rate": step_size,
            "seconds": seconds,
            "waited_s": self.stream.waited - waited,
        }
        if self.fabric.is_global_zero:
            self.steps.add({k: v for k, v in (row | means).items() if k in self.steps.columns})

    def _set_step(self) -> float:
        share = share_of_step(
            self.recipe.schedule, self.at.step, total=self.total, per_epoch=self.per_epoch
        )
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.optimiser.step * share
        return self.recipe.optimiser.step * share

    def _clipped(self) -> float:
        """Clip the gradients; returns their norm before. Raises InputError when it is not finite.

        With half precision some steps overflow and are left out by Fabric's scaler instead.
        """
        most = self.recipe.clip_norm if self.recipe.clip_norm is not None else math.inf
        found = self.fabric.clip_gradients(
            self.module, self._wrapped, max_norm=most, error_if_nonfinite=False
        )
        norm = float(found) if found is not None else 0.0
        if not math.isfinite(norm) and self.recipe.precision != "16-mixed":
            bad = (
                name
                for name, p in self.bare.named_parameters()
                if p.grad is not None and not torch.isfinite(p.grad).all()
            )
            where = next(bad, "their sum")
            raise InputError(self._not_finite("the gradient", f"of {where}", norm))
        return norm

    def _not_finite(self, what: str, where: str, value: float) -> str:
        step, last = self.at.step, self.folder / LAST
        return (
            f"training stopped at step {step + 1} (epoch {step // self.per_epoch + 1}): {what} "
            f"{where} is {value}; the last good checkpoint is {last}: train in another folder "
            f"with --set model.weights={last} and a smaller optimiser.step or clip_norm"
        )

    def end_epoch(self) -> dict[str, float]:
        """Facts of the epoch that just ended, for the table; begins the next."""
        spent, waiting = self._spent
        speed = self._steps_timed * self.recipe.batch / spent if spent else 0.0
        row = {
            "epoch": self.at.step // self.per_epoch,
            "step": self.at.step,
            "loss": self.at.loss_sum / self.per_epoch,
            "clips_per_second": speed,
            "waiting": waiting / spent if spent else 0.0,
        }
        self.at.loss_sum, self._spent, self._steps_timed = 0.0, [0.0, 0.0], 0
        return row

    def agreed(self, flag: bool) -> bool:
        """True on every device when it is on one."""
        if self.fabric.world_size == 1:
            return flag
        told = torch.tensor(float(flag), device=self.fabric.device)
        return self._reduced(told, "sum") > 0

    def _reduced(self, told: Tensor, how: str) -> float:
        found = self.fabric.all_reduce(told, reduce_op=how)
        return float(torch.as_tensor(found))

    def everywhere(self, value: float) -> float:
        """The value of the first device, on every device."""
        if self.fabric.world_size == 1:
            return value
        told = torch.tensor(value, dtype=torch.float64, device=self.fabric.device)
        return float(self.fabric.broadcast(told))

    def close(self) -> None:
        """End the processes that make clips."""
        if self.stream is not None:
            self.stream.close()


def optimiser_of(wanted: Optimiser, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser of torch. Raises InputError for options that it does not take."""
    if not parameters:
        raise InputError("nothing is left to train; freeze fewer parameters")
    options: dict[str, Any] = {"lr": wanted.step, "weight_decay": wanted.weight_decay}
    try:
        made: torch.optim.Optimizer = CLASSES[wanted.name](
            parameters, **(options | dict(wanted.options))
        )
        return made
    except (TypeError, ValueError) as error:
        raise InputError(f"optimiser.options do not fit {wanted.name}: {error}") from error


def _pass(count: int | None, batch: int) -> int:
    """Steps of one pass over a corpus with an end."""
    if not count or count < batch:
        raise InputError(f"the corpus has {count or 0} clips but batch is {batch}; use less")
    return count // batch


def _freeze(module: nn.Module, beginnings: tuple[str, ...]) -> None:
    names = [name for name, _ in module.named_parameters()]
    for beginning in beginnings:
        if not any(name.startswith(beginning) for name in names):
            raise InputError(
                f"model.frozen: no parameter begins with {beginning!r}; they begin with "
                f"{', '.join(sorted({name.split('.')[0] for name in names}))}"
            )
    for name, parameter in module.named_parameters():
        if name.startswith(beginnings or ("\0",)):
            parameter.requires_grad_(False)


def _still(module: nn.Module, beginnings: tuple[str, ...]) -> None:
    """Frozen modules keep their running statistics."""
    for name, part in module.named_modules():
        if beginnings and name.startswith(beginnings):
            part.eval()


def _seed(seed: int, step: int, rank: int) -> None:
    """Set all generators that a step may draw from."""
    state = np.random.SeedSequence([seed, 67, step, rank]).generate_state(4)
    torch.manual_seed(int(state[0]) << 31 | int(state[1]) >> 1)
    np.random.seed(int(state[2]))  # objectives of one's own may draw from it
    random.seed(int(state[3]))


def _culprit(batch: Batch, terms: dict[str, Tensor]) -> str:
    """Which term of which clip is not finite."""
    for name, value in terms.items():
        bad = torch.nonzero(~torch.isfinite(value.detach()).cpu()).ravel().tolist()
        if bad:
            pictures = batch.images[bad[0]]
            given = bool(
                torch.isfinite(pictures.float()).all()
                and torch.isfinite(batch.target[bad[0]]).all()
            )
            said = "" if given else ", whose own numbers are not finite"
            return f"{name} of clip {batch.keys[bad[0]]}{said}"
    return "of another device"
