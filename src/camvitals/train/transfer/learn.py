"""Training of system C: a head behind a frozen trunk, as published and repaired.

Behind a trunk that stands still a picture's features are computed once. One that drifts takes its
normalisation from each batch, so that every epoch sees every picture again.
Shape letters: N samples, T pictures, F features, K classes or bins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camvitals.models import model
from camvitals.models.densenet import HEADS, DenseNetRate
from camvitals.models.rate_heads import (
    SAID_BPM,
    class_of,
    rate_of_bins,
    rate_of_classes,
    soft_label,
)
from camvitals.records import Array, InputError
from camvitals.train.pretrained import begin_from
from camvitals.train.transfer.recipe import SAYS, Transfer
from camvitals.train.transfer.samples import Samples
from camvitals.train.transfer.splits import Split

AT_ONCE = 32
MODES = {"rate": None, "classes": rate_of_classes, "bins": rate_of_bins}
Tell = Callable[[int, float, float], None]


@dataclass(frozen=True, slots=True)
class Learnt:
    """A trained head, or with a trunk that drifted a whole network.

    head: on features.   network: that drifted, or None.
    epoch: kept, from 1; 0: as it began, which is the mean of what was learnt from.
    validation: RMSE [bpm] there on what was held out; NaN where nothing was.
    """

    recipe: Transfer
    head: nn.Module
    network: DenseNetRate | None
    epoch: int
    validation: float


def head_name(recipe: Transfer) -> str:
    """Of HEADS."""
    return recipe.model.removeprefix("densenet-") if "-" in recipe.model else "rate"


def network_of(
    recipe: Transfer, *, size: int, weights: Mapping[str, Tensor] | None, trunk: int = 0
) -> DenseNetRate:
    """The network before it has learnt anything, its trunk frozen.

    size: rows of its pictures.   weights: of `pretrained`; None: a random trunk, of seed `trunk`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(trunk)
        network = model(recipe.model).build(size=(size, size), frozen=True, drift=recipe.drift)
        if not isinstance(network, DenseNetRate):
            raise InputError(f"{recipe.model} is no DenseNet")
        torch.manual_seed(recipe.seed)
        network.head = HEADS[head_name(recipe)](network.width)
    if weights is not None:
        begin_from(network, weights)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def pictures(images: Array, *, colours: str) -> Tensor:
    """What the trunk takes of crops (N, T, S, S, 3): one row and column less, by ImageNet's scale.

    As torchvision's middle of 127 of 128 pixels, the first row and column stay.
    """
    cut = images[:, :, :-1, :-1]
    cut = cut[..., ::-1] if colours == "BGR" else cut
    return model("densenet").prepare(torch.from_numpy(np.ascontiguousarray(cut)))


def features_of(network: DenseNetRate, samples: Samples, *, colours: str) -> Tensor:
    """(N, T, F) features of all samples by a trunk that stands still."""
    network.eval()
    n, t = samples.images.shape[:2]
    flat = samples.images.reshape(n * t, 1, *samples.images.shape[2:])
    with torch.no_grad():
        found = [
            network.seen(pictures(flat[at : at + AT_ONCE], colours=colours))
            for at in range(0, n * t, AT_ONCE)
        ]
    return torch.cat(found).reshape(n, t, -1)


def learn(
    recipe: Transfer, features: Tensor, rate: Array, split: Split, *, tell: Tell | None = None
) -> Learnt:
    """A head on features (N, T, F) and heart rates (N,) of all samples.

    tell: called after each epoch, from 1, with the loss and the validation RMSE [bpm].
    """
    if recipe.drift:
        raise InputError(f"{recipe.name} drifts and needs pictures; use learn_drifting")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        head = HEADS[head_name(recipe)](features.shape[-1])
        scale = _Scale.of(recipe, features[split.train], rate[split.train])
        if recipe.standardised:
            _begin_at_mean(recipe, head, rate[split.train])
        return _trained(recipe, _Still(head, features, scale), rate, split, tell)


def _begin_at_mean(recipe: Transfer, head: nn.Module, rate: Array) -> None:
    """The last layer begins with what is true on the mean, whatever is seen."""
    last = [part for part in head.modules() if isinstance(part, nn.Linear)][-1]
    share = _labels(recipe, torch.from_numpy(np.asarray(rate, np.float32)))
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
        if share is not None:
            last.bias.copy_(share.mean(0).clamp_min(1e-6).log())


def learn_drifting(
    recipe: Transfer, network: DenseNetRate, samples: Samples, split: Split, *, tell: Tell | None
) -> Learnt:
    """The whole network, whose trunk does not learn but moves."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        source = _Drifting(network, samples.images, recipe.colours)
        return _trained(recipe, source, samples.published, split, tell)


def estimates(learnt: Learnt, features: Tensor) -> Array:
    """(N,) heart rate [bpm] by a head, of features (N, T, F)."""
    t = learnt.recipe.length
    first = (features.shape[1] - t) // 2
    learnt.head.eval()
    with torch.no_grad():
        said = learnt.head(features[:, first : first + t])
    return _rates(learnt.recipe, said, len(features)).numpy()


def estimates_drifted(learnt: Learnt, samples: Samples) -> Array:
    """(N,) heart rate [bpm] by a network that drifted."""
    if learnt.network is None:
        raise InputError(f"{learnt.recipe.name} did not drift; use estimates")
    source = _Drifting(learnt.network, samples.images, learnt.recipe.colours)
    return source.told(learnt.recipe, np.arange(len(samples)))


def _rates(recipe: Transfer, said: Tensor, n: int) -> Tensor:
    read = MODES[SAYS[recipe.model]]
    return (said.reshape(n, -1).mean(1) if read is None else read(said, n)[:, 0]).float()


@dataclass(frozen=True, slots=True)
class _Scale:
    """Mean and spread of features and target; put into the weights by `into`."""

    centre: Tensor
    spread: Tensor
    mean: float
    deviation: float

    @classmethod
    def of(cls, recipe: Transfer, features: Tensor, rate: Array) -> _Scale:
        if not recipe.standardised:
            return cls(torch.zeros(1), torch.ones(1), 0.0, 1.0)
        if recipe.length > 1:  # what changes within a clip
            centre = torch.zeros(1)
            spread = (features - features.mean(1, keepdim=True)).square().mean((0, 1)).sqrt()
        else:
            centre, spread = features.mean((0, 1)), features.std((0, 1))
        alive = spread > 1e-6
        spread = torch.where(alive, spread, torch.inf)  # a feature that never moves is left out
        return cls(centre, spread, float(np.mean(rate)), float(np.std(rate)))

    def into(self, head: nn.Module, *, rates: bool) -> None:
        """Fold both into the first and the last layer, so that the head takes and gives plainly."""
        linear = [part for part in head.modules() if isinstance(part, nn.Linear)]
        first, last = linear[0], linear[-1]
        with torch.no_grad():
            first.weight /= self.spread
            if first.bias is not None:
                first.bias.sub_(first.weight @ self.centre.expand(first.in_features))
            if rates:
                last.weight *= self.deviation
                last.bias.copy_(last.bias * self.deviation + self.mean)


class _Still:
    """Features to learn from."""

    def __init__(self, head: nn.Module, features: Tensor, scale: _Scale) -> None:
        self.head, self.network, self._features, self._scale = head, None, features, scale

    def say(self, recipe: Transfer, rows: Array) -> tuple[Tensor, float]:
        """What the head gives, and how many times faster it was shown."""
        x, speed = self._features[torch.from_numpy(rows)], 1.0
        if recipe.length > 1:
            slow, fast = recipe.speeds
            speed = slow + (fast - slow) * float(torch.rand(()))
            x = _played(x, recipe.length, speed, float(torch.rand(())))
        return self.head(self._scaled(x)), speed

    def told(self, recipe: Transfer, rows: Array) -> Array:
        """(N,) rates [bpm]."""
        first = (self._features.shape[1] - recipe.length) // 2
        self.head.eval()
        with torch.no_grad():
            x = self._features[torch.from_numpy(rows), first : first + recipe.length]
            said = self.head(self._scaled(x))
        return self.rate(_rates(recipe, said, len(rows)), recipe).numpy()

    def _scaled(self, x: Tensor) -> Tensor:
        return (x - self._scale.centre) / self._scale.spread

    def rate(self, said: Tensor, recipe: Transfer) -> Tensor:
        """What was said in spreads, in bpm."""
        known = SAYS[recipe.model] == "rate"
        return said * self._scale.deviation + self._scale.mean if known else said

    def target(self, rate: Tensor) -> Tensor:
        """In spreads."""
        return (rate - self._scale.mean) / self._scale.deviation

    def finish(self, recipe: Transfer) -> None:
        """The weights take the scale in."""
        self._scale.into(self.head, rates=SAYS[recipe.model] == "rate")


class _Drifting:
    """Pictures to learn from."""

    def __init__(self, network: DenseNetRate, images: Array, colours: str) -> None:
        self.head: nn.Module = network
        self.network, self._images, self._colours = network, images, colours

    def say(self, recipe: Transfer, rows: Array) -> tuple[Tensor, float]:
        """What the network gives; the trunk in half precision, which says it twice as fast."""
        del recipe
        x = pictures(self._images[rows], colours=self._colours)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            seen = self.network.seen(x).float()
        return self.network.head(seen), 1.0

    def told(self, recipe: Transfer, rows: Array) -> Array:
        """(N,) rates [bpm]."""
        self.network.eval()
        with torch.no_grad():
            parts = [
                self.say(recipe, rows[at : at + AT_ONCE])[0] for at in range(0, len(rows), AT_ONCE)
            ]
        return _rates(recipe, torch.cat(parts), len(rows)).numpy()

    def target(self, rate: Tensor) -> Tensor:
        """As it is."""
        return rate

    def finish(self, recipe: Transfer) -> None:
        """Nothing to take in."""


def _played(x: Tensor, length: int, speed: float, start: float) -> Tensor:
    """(N, length, F) of (N, T, F), so many times faster, from a random beginning."""
    room = max(0.0, (x.shape[1] - 1) - (length - 1) * speed)
    at = (start * room + speed * torch.arange(length)).clamp(max=x.shape[1] - 1)
    left = at.floor().long().clamp(max=x.shape[1] - 2)
    share = (at - left)[None, :, None]
    return x[:, left] * (1 - share) + x[:, left + 1] * share


def _trained(
    recipe: Transfer, source: _Still | _Drifting, rate: Array, split: Split, tell: Tell | None
) -> Learnt:
    truth = torch.from_numpy(np.asarray(rate, dtype=np.float32))
    moving = [p for p in source.head.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(moving, recipe.step, weight_decay=recipe.weight_decay)
    rng = np.random.default_rng([recipe.seed, 101])
    best, kept, at, found = np.inf, None, recipe.epochs, np.nan
    choosing = recipe.choose_by == "groups"
    for epoch in range(0 if choosing else 1, recipe.epochs + 1):  # 0: the mean, if that is best
        loss = np.nan
        if epoch:
            loss = _epoch(recipe, source, truth, rng.permutation(split.train), optimiser)
        if len(split.validation) and (choosing or epoch == recipe.epochs):
            found = _rmse(source.told(recipe, split.validation), rate[split.validation])
            if choosing and found < best:
                best, at = found, epoch
                kept = {name: value.clone() for name, value in source.head.state_dict().items()}
        if tell is not None:
            tell(epoch, loss, found)
    if kept is not None:
        source.head.load_state_dict(kept)
        found = best
    source.finish(recipe)
    source.head.eval()
    return Learnt(recipe, source.head, source.network, at, float(found))


def _epoch(
    recipe: Transfer,
    source: _Still | _Drifting,
    truth: Tensor,
    order: Array,
    optimiser: torch.optim.Optimizer,
) -> float:
    """One pass; its mean loss."""
    source.head.train()
    total = 0.0
    for at in range(0, len(order), recipe.batch):
        rows = order[at : at + recipe.batch]
        if len(rows) < 2:  # no batch to take a normalisation from
            continue
        optimiser.zero_grad()
        said, speed = source.say(recipe, rows)
        loss = _loss(recipe, said, truth[torch.from_numpy(rows)] * speed, source)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += float(loss.detach()) * len(rows)
    return total / len(order)


def _loss(recipe: Transfer, said: Tensor, rate: Tensor, source: _Still | _Drifting) -> Tensor:
    share = _labels(recipe, rate)
    if share is not None:
        return F.cross_entropy(said.mean(1), share)
    said = said.reshape(len(rate), -1)
    return F.mse_loss(said, source.target(rate)[:, None].expand_as(said))


def _labels(recipe: Transfer, rate: Tensor) -> Tensor | None:
    """(N, K) what classes or bins should say of rates (N,); None where bpm are learnt."""
    kind = SAYS[recipe.model]
    if kind == "classes":
        return F.one_hot(class_of(rate), len(SAID_BPM)).float()
    return soft_label(rate) if kind == "bins" else None


def _rmse(estimate: Array, rate: Array) -> float:
    return float(np.sqrt(np.mean((estimate - rate) ** 2)))
