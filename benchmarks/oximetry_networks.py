"""Networks of SpO2 on the Hoffman recordings, leave one subject out; what they said is kept in a
folder outside the project, so that a second run goes on. `benchmarks/oximetry.py` makes the tables.

    python benchmarks/oximetry_networks.py KEEP [ENTRANT …]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import real
import torch

from camvitals.data.corpora import corpus
from camvitals.records import Array
from camvitals.train.oxygen.instances import (
    Instance,
    Training,
    estimates,
    prepared,
    train_instance,
)
from camvitals.train.oxygen.splits import Split, leave_one_subject_out
from camvitals.train.oxygen.windows import (
    Take,
    Windows,
    cut,
    fitted_lag,
    read_takes,
    relative_to_start,
)

RATE_HZ, START_S, STRIDE_S = 30.0, 30.0, 1.0
LENGTH_S = {"spo2-hoffman": 3.0}  # others 10 s
LAGS_S = tuple(range(-10, 35, 5))
INSTANCES = 3
JUDGED = 4  # every fourth window of the subject that is chosen by
BUDGET = {"epochs": 12, "patience": 4, "draws": 500}
NETWORKS = ("spo2-m1", "spo2-m2", "spo2-m3", "spo2-ding", "spo2-fc", "spo2-hoffman")


@dataclass(frozen=True, slots=True)
class Entrant:
    """training: of what; from_start: colours over their mean in the first seconds."""

    training: Training
    from_start: bool = False

    @property
    def name(self) -> str:
        """For files."""
        way = "start" if self.from_start else "plain"
        return f"{self.training.name}.{way}{'.pulse' if self.training.pulse_only else ''}"


def entrants() -> list[Entrant]:
    """All that are trained."""
    plain = [Entrant(Training(name=name, **BUDGET)) for name in NETWORKS]
    start = [replace(one, from_start=True) for one in plain]
    pulse = [
        replace(one, training=replace(one.training, pulse_only=True))
        for one in start
        if one.training.name in ("spo2-m1", "spo2-ding")
    ]
    return [*plain, *start, *pulse]


def takes_of_hoffman() -> tuple[Take, ...]:
    """Both hands of the six."""
    return read_takes(corpus("oximetry").read(real.DATA / "oximetry"), rate=RATE_HZ)


def windows_of(takes: tuple[Take, ...], name: str) -> Windows:
    """Windows of a network, ending when those of ten seconds do."""
    found = cut(takes, length=LENGTH_S.get(name, 10.0), stride=STRIDE_S)
    return found.at(found.end > 9.9)


def trained(entrant: Entrant, takes: tuple[Take, ...]) -> dict[str, Array]:
    """estimates: (instances, W) raw; rmse: (instances, subjects) on who is chosen by; mix: (…)."""
    shown = relative_to_start(takes, until=START_S) if entrant.from_start else takes
    windows = windows_of(shown, entrant.training.name)
    x = prepared(windows, entrant.training)
    told = np.full((INSTANCES, len(windows)), np.nan)
    splits = list(leave_one_subject_out(windows))
    rmse = np.zeros((INSTANCES, len(splits)))
    mixes, lags = [], []
    for k, split in enumerate(splits):
        others = tuple(take for take in takes if take.subject != split.name)
        lags.append(fitted_lag(others, lags=LAGS_S))
        found = instances(entrant, windows, x, split, lags[-1])
        for n, one in enumerate(found):
            told[n, split.test] = estimates(one.module, x[split.test]).numpy()
            rmse[n, k] = one.rmse
            mixes.append(mix_of_module(one.module))
    return {"estimates": told, "rmse": rmse, "mix": np.array(mixes), "lag": np.array(lags)}


def instances(
    entrant: Entrant, windows: Windows, x: torch.Tensor, split: Split, lag: float
) -> list[Instance]:
    """The instances of one split, with labels `lag` after the end of a window."""
    label = np.concatenate(
        [take.spo2_at(windows.end[windows.take == k] + lag) for k, take in enumerate(windows.takes)]
    )
    rows = [r[np.isfinite(label[r])] for r in (split.train, split.validation[::JUDGED])]
    target = torch.tensor(label).float()
    return [
        train_instance(x, target, (rows[0], rows[1]), entrant.training, seed=seed)
        for seed in range(INSTANCES)
    ]


def mix_of_module(module: torch.nn.Module) -> Array:
    """(mixed, 3) weights of M1's mixing of colours, for codes of a spread of one; else empty."""
    first = module.features[0]
    is_mix = isinstance(first, torch.nn.Conv1d) and first.kernel_size == (1,)
    return first.weight.detach().numpy()[..., 0] if is_mix else np.zeros((0, 3))


def main() -> None:
    """Train what is not kept yet."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("keep", type=Path)
    ask.add_argument("entrants", nargs="*")
    given = ask.parse_args()
    torch.set_num_threads(1)
    given.keep.mkdir(parents=True, exist_ok=True)
    takes = takes_of_hoffman()
    for entrant in entrants():
        place = given.keep / f"{entrant.name}.npz"
        if place.exists() or (given.entrants and entrant.name not in given.entrants):
            continue
        began, spent = time.monotonic(), time.process_time()
        found = trained(entrant, takes)
        seconds = np.array([time.monotonic() - began, time.process_time() - spent])
        np.savez(place, seconds=seconds, training=str(asdict(entrant.training)), **found)
        print(f"{entrant.name}: {seconds[0]:.0f} s, {seconds[1]:.0f} s of processor", flush=True)


if __name__ == "__main__":
    main()
