"""A recipe for a network that carries state: a leaky sum of green with one number to learn."""

from dataclasses import replace

import torch
from tiny_recipe import TINY, tiny
from torch import nn

from camvitals.train.recipe import Model


class Leaky(nn.Module):
    """(N, T, R, 3) colours -> (N, T)."""

    def __init__(self, *, size=(6, 3)):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.1))

    def state_shapes(self):
        return {"sum": (1,)}

    def carry(self, given, state):
        green = self.gain * given[..., 1].mean(2) / 255
        age = torch.arange(green.shape[1], dtype=given.dtype)
        lapse = age[:, None] - age[None]
        share = 0.5 ** lapse.clamp_min(0) * (lapse >= 0)
        out = green @ share.T + state[0] * 0.5 ** (age + 1)
        return out, (out[:, -1:],)

    def forward(self, colours):
        return self.carry(colours, (colours.new_zeros(len(colours), 1),))[0]


LEAKY = replace(TINY, build=Leaky, parameters=1, transform=None)


def leaky():
    return replace(tiny(), name="leaky", model=Model(name=f"{__file__}:LEAKY"))
