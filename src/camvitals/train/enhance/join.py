"""Weights of an enhancer and of a recovery as those of both in one network."""

from __future__ import annotations

from pathlib import Path

from camvitals.models.rppgnet import RPPGNet
from camvitals.records import InputError
from camvitals.train.cards import trained
from camvitals.train.checkpoint import save_tensors
from camvitals.train.enhance.ship import enhancer_of


def join_weights(enhancer: Path | str, recovery: Path | str, out: Path | str) -> None:
    """Write weights for `stven-rppgnet`, with which joint training begins.

    enhancer, recovery: folders of `camvitals train`.   Raises InputError where they are something
    else.
    """
    first, second = trained(enhancer)[0], trained(recovery)[0]
    if not isinstance(second, RPPGNet):
        raise InputError(f"{recovery} is of {type(second).__name__}; give a training of rppgnet")
    both = {"enhancer": enhancer_of(first), "recovery": second}
    tensors = {
        f"{side}.{name}": tensor
        for side, module in both.items()
        for name, tensor in module.state_dict().items()
    }
    save_tensors(Path(out), tensors, {"enhancer": str(enhancer), "recovery": str(recovery)})
