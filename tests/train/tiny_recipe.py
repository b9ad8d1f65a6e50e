"""Recipes that train in a second, with a network of their own."""

import os
import signal
from dataclasses import replace
from itertools import pairwise

import torch
from torch import nn

from camvitals.models.architecture import TRACES, Architecture
from camvitals.train.clips import Clip, MadeTraces
from camvitals.train.objective import supervised
from camvitals.train.recipe import Evaluation, Model, Optimiser, Recipe, Term


class Tiny(nn.Module):
    """(N, T, R, 3) colours -> (N, T)."""

    def __init__(self, *, size=(6, 3), width=8, dropout=0.1):
        super().__init__()
        self.mix = nn.Linear(size[0] * size[1], width)
        self.drop = nn.Dropout(dropout)
        self.time = nn.Conv1d(width, width, 9, padding=4)
        self.norm = nn.BatchNorm1d(width)
        self.out = nn.Conv1d(width, 1, 1)

    def forward(self, colours):
        x = self.mix(colours.flatten(2)).transpose(1, 2)
        return self.out(torch.tanh(self.norm(self.time(self.drop(x)))))[:, 0]


def relative(colours):
    x = colours.float()
    return 100 * (x / x.mean(dim=1, keepdim=True).clamp_min(1) - 1)


TINY = Architecture(
    build=Tiny,
    takes=TRACES,
    gives="pulse",
    size=(6, 3),
    length=60,
    parameters=737,
    source="these tests",
    transform=relative,
)


def tiny():
    return Recipe(
        name="tiny",
        model=Model(name=f"{__file__}:TINY"),
        corpus=MadeTraces(fixed={"light": "daylight", "motion": "still", "clock": "steady"}),
        clip=Clip(60, 15.0),
        loss=(Term(name="negative_pearson"),),
        optimiser=Optimiser(step=1e-2),
        evaluation=Evaluation(window=8.0, count=4),
        epochs=2,
        steps=3,
        batch=4,
        save_every=1,
    )


class Deep(nn.Module):
    """(N, T, R, 3) colours -> (N, T), by five convolutions, which skips can join."""

    def __init__(self, *, size=(6, 3), width=8):
        super().__init__()
        sides = [size[0] * size[1], *[width] * 4, 1]
        self.layers = nn.ModuleList(nn.Conv1d(a, b, 5, padding=2) for a, b in pairwise(sides))
        self.drop = nn.Dropout(0.1)

    def forward(self, colours):
        x = colours.flatten(2).transpose(1, 2)
        for layer in self.layers[:-1]:
            x = self.drop(torch.tanh(layer(x)))
        return self.layers[-1](x)[:, 0]


DEEP = replace(TINY, build=Deep, parameters=1761)


def deep():
    """Six steps with a checkpoint after each second one."""
    return replace(tiny(), model=Model(name=f"{__file__}:DEEP"), save_every=2)


def deadly(module, architecture, batch, recipe):
    """As `supervised`, but the process is killed in the step that the environment names."""
    deadly.steps += module.training
    if deadly.steps == int(os.environ.get("KILLED_IN_STEP", "-1")):
        os.kill(os.getpid(), signal.SIGKILL)
    return supervised(module, architecture, batch, recipe)


deadly.steps = 0


def killed():
    """Six steps with a checkpoint after each second one."""
    return replace(tiny(), objective=f"{__file__}:deadly", save_every=2)


def poisoned(module, architecture, batch, recipe):
    """The fifth step divides by zero."""
    poisoned.steps += module.training
    losses = supervised(module, architecture, batch, recipe)
    return {name: v / (0 if poisoned.steps == 5 else 1) * 0 + v for name, v in losses.items()}


poisoned.steps = 0


def steep(module, architecture, batch, recipe):
    """A loss of 1 whose slope is not a number."""
    losses = supervised(module, architecture, batch, recipe)
    return {name: 1 + (v - v.detach()).sqrt() * 0 for name, v in losses.items()}
