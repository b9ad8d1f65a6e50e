"""Networks that read oxygen saturation from colours: sizes, inputs, what they can learn."""

import numpy as np
import pytest
import torch

from camvitals.dsp.streams import STREAMS, lowpass, streams
from camvitals.models import MODELS
from camvitals.models.spo2 import SpO2Net, colours_of, nine_streams, streams_of, three_seconds
from camvitals.records import InputError

NAMES = [name for name in MODELS if name.startswith("spo2")]
RATE = 30.0
TIME = np.arange(300) / RATE


def built(name, **options) -> SpO2Net:
    torch.manual_seed(0)
    return MODELS[name].build(size=(1, 1), **options)


def traces(n=4, length=300, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 40 + 30 * torch.rand(n, length, 1, 3, generator=generator)


def test_streams_part_a_wave_by_its_frequency():
    slow, fast = 50 + 3 * np.sin(2 * np.pi * 0.1 * TIME), 0.5 * np.sin(2 * np.pi * 1.4 * TIME)
    rgb = np.stack([slow + fast, slow, fast + 20], axis=1)
    found = dict(zip(STREAMS, streams(rgb, rate=RATE).T, strict=True))
    inner = slice(60, -60)
    np.testing.assert_array_equal(found["raw R"], rgb[:, 0])
    np.testing.assert_allclose(found["pulse R"][inner], fast[inner], atol=0.03)
    np.testing.assert_allclose(found["bias R"][inner], slow[inner], atol=0.05)
    assert np.ptp(found["pulse G"][inner]) < 0.05
    assert np.ptp(found["bias B"][inner]) < 0.05
    with pytest.raises(InputError, match="lowpass"):
        lowpass(rgb, rate=RATE, high=15.0)


def test_a_straight_line_is_all_bias():
    line = np.stack([TIME, 3 - TIME, TIME * 0 + 7], axis=1)
    found = streams(line, rate=RATE)
    np.testing.assert_allclose(found[:, 6:], line, atol=1e-9)


def test_the_torch_streams_are_those_of_numpy():
    clips = traces(3)
    theirs = np.stack([streams(one[:, 0].numpy(), rate=RATE).T for one in clips])
    ours = streams_of(clips, rate=RATE)
    np.testing.assert_allclose(ours.numpy(), theirs, atol=2e-4)


def test_regions_are_averaged_where_they_are_seen():
    clips = traces(1).repeat(1, 1, 3, 1)
    clips[:, :, 1] += 6
    clips[:, :, 2] = torch.nan
    torch.testing.assert_close(colours_of(clips), colours_of(traces(1)) + 3)
    with pytest.raises(InputError, match="traces"):
        colours_of(clips[0])


@pytest.mark.parametrize("name", NAMES)
def test_every_size_is_an_option(name):
    it = MODELS[name]
    for layers in (1, 2, 3):
        narrow, wide = (built(name, layers=layers, filters=f) for f in (4, 8))
        sizes = [sum(p.numel() for p in one.parameters()) for one in (narrow, wide)]
        assert sizes[0] < sizes[1]
        with torch.no_grad():
            assert narrow.eval()(it.prepare(traces())).shape == (4, 1)
    with pytest.raises(InputError, match="layers"):
        built(name, layers=0)


def test_windows_of_another_length_are_read():
    short, long = built("spo2-m1", length=90), built("spo2-m1", length=600)
    assert short.head[2].in_features < long.head[2].in_features
    for module in (short, long):
        for length in (90, 300, 600):
            assert module.eval()(colours_of(traces(length=length))).shape == (4, 1)
    with pytest.raises(InputError, match="halved"):
        built("spo2-ding", length=2)


def test_the_input_is_standardised_by_what_it_was_trained_on():
    module = built("spo2-m1")
    x = colours_of(traces(50))
    module.fit_input(x, torch.tensor([80.0, 90.0]))
    seen = module.standard(x)
    torch.testing.assert_close(seen.mean((0, 2)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen.std((0, 2)), torch.ones(3), atol=1e-3, rtol=0)
    assert module.centre.mean == 85
    brighter = module.standard(x[:1] + 10)  # a window keeps its level
    assert (brighter - module.standard(x[:1])).min() > 0.5
    module.train()(x)
    torch.testing.assert_close(module.standard(x), seen)


def test_untold_it_counts_what_it_sees_in_training():
    module = built("spo2-m1").train()
    batches = [colours_of(traces(8, seed=k)) + 5 * k for k in range(4)]
    for batch in batches:
        module(batch)
    every = torch.cat(batches).transpose(0, 1).flatten(1)
    torch.testing.assert_close(module.standard.mean[:, 0], every.mean(1), rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(
        module.standard.spread[:, 0], every.std(1, correction=0), rtol=1e-4, atol=1e-4
    )
    before = module.standard.mean.clone()
    module.eval()(batches[0] * 2)
    torch.testing.assert_close(module.standard.mean, before)


@pytest.mark.parametrize("make", [nine_streams, three_seconds])
def test_convolutions_see_a_pulse_by_its_depth(make):
    """Depth of the red pulse alone tells the saturation; a mean colour cannot."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    spo2 = rng.uniform(70, 100, 256)
    depth = 2.0 - (spo2 - 70) / 20
    beat = np.sin(2 * np.pi * (1.2 * TIME + rng.random((256, 1))))
    rgb = np.stack([depth[:, None] * beat, beat, beat], axis=2)[:, :, None] + 50
    clips, target = torch.tensor(rgb).float(), torch.tensor(spo2).float()
    name = "spo2-ding" if make is nine_streams else "spo2-hoffman"
    module, x = built(name, filters=8), MODELS[name].prepare(clips)
    module.fit_input(x[:192], target[:192])
    optimiser = torch.optim.Adam(module.parameters(), 3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        (module(x[:192])[:, 0] - target[:192]).square().mean().backward()
        optimiser.step()
    with torch.no_grad():
        error = (module.eval()(x[192:])[:, 0] - target[192:]).abs().mean()
    assert error < 0.5 * (target[192:] - target[:192].mean()).abs().mean()
