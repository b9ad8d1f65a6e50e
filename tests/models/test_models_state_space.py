"""ME-rPPG: the same numbers however a clip is cut, with a state of constant size."""

import math

import pytest
import torch

from camvitals.models.merppg import MERPPG, MERPPGStream, straightened
from camvitals.models.state_space import StateSpace, scan
from camvitals.records import InputError


def clip(length: int, *, seed: int = 0, size: int = 18):
    """A face whose places beat by half a percent, with noise."""
    generator = torch.Generator().manual_seed(seed)
    face = torch.rand(1, 1, 3, size, size, generator=generator)
    beat = torch.sin(torch.arange(length) / 30 * 2 * math.pi * 1.2)[None, :, None, None, None]
    noise = torch.randn(1, length, 3, size, size, generator=generator)
    return 0.3 + 0.3 * face + 0.005 * beat * face + 0.004 * noise


@pytest.fixture(scope="module")
def flow():
    torch.manual_seed(0)
    return MERPPG(size=(18, 18), mode="flow").eval()


def in_pieces(module, x, lengths):
    state, pulse = module.start(len(x)), []
    with torch.no_grad():
        for piece in x.split(lengths, 1):
            out, state = module.carry(piece, state)
            pulse.append(out)
    return torch.cat(pulse, 1), state


@pytest.mark.parametrize(("taps", "count"), [(12, 604_909), (4, 580_333)])
def test_parameters_are_those_of_the_paper_and_of_the_release(taps, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in MERPPG(taps=taps).parameters()) == count


def test_frame_by_frame_gives_what_the_whole_clip_gives(flow):
    x = clip(160)
    with torch.no_grad():
        whole = flow(x)
    single, _ = in_pieces(flow, x, 1)
    # While little has been seen, places that hardly changed are scaled up, rounding with them.
    torch.testing.assert_close(single[:, 10:], whole[:, 10:], atol=1e-4, rtol=0)
    torch.testing.assert_close(single, whole, atol=2e-3, rtol=0)
    assert whole.std() > 0.01


def test_the_cut_of_a_clip_makes_no_difference(flow):
    x = clip(40).double()
    flow.double()
    with torch.no_grad():
        whole = flow(x)
    for lengths in (1, [7, 20, 13], [39, 1]):
        torch.testing.assert_close(in_pieces(flow, x, lengths)[0], whole, atol=1e-9, rtol=0)
    flow.float()


def test_what_comes_later_changes_nothing_before(flow):
    x, other = clip(30), clip(30)
    other[:, 20:] = 0.9
    with torch.no_grad():
        a, b = flow(x), flow(other)
    torch.testing.assert_close(a[:, :20], b[:, :20], atol=1e-4, rtol=0)
    assert (a[:, 20:] - b[:, 20:]).abs().max() > 1e-3


def test_the_state_has_the_shapes_that_it_names_and_stays_small(flow):
    _, state = in_pieces(flow, clip(5), 1)
    assert [tuple(s.shape[1:]) for s in state] == list(flow.state_shapes().values())
    with torch.device("meta"):
        usual = MERPPG(mode="flow").state_shapes()
    assert sum(math.prod(shape) for shape in usual.values()) * 4 < 2e6  # bytes


def test_a_stream_takes_its_state_and_gives_it_back(flow):
    x = clip(3)
    stream, state = MERPPGStream(flow), flow.start(1)
    with torch.no_grad():
        for at in range(3):
            pulse, *state = stream(x[:, at : at + 1], *state)
    torch.testing.assert_close(pulse, in_pieces(flow, x, 1)[0][:, 2:])
    with pytest.raises(InputError, match="flow"):
        MERPPGStream(MERPPG(size=(18, 18)))


def test_neither_gain_nor_a_straight_line_counts_in_a_whole_clip():
    x = torch.rand(1, 40, 3, 9, 9, dtype=torch.float64)
    ramp = torch.linspace(0, 5, 40, dtype=torch.float64)[None, :, None, None, None]
    plain = straightened(x)
    torch.testing.assert_close(straightened(x + ramp), plain, atol=1e-9, rtol=0)
    torch.testing.assert_close(straightened(2 * x - ramp), plain, atol=1e-3, rtol=0)
    torch.testing.assert_close(
        plain.square().mean(1), torch.ones(1, 3, 9, 9).double(), atol=1e-3, rtol=0
    )


def test_an_unknown_mode_is_refused():
    with pytest.raises(InputError, match="chunk, flow"):
        MERPPG(mode="online")


def test_the_scan_is_the_recurrence():
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, step, rate = draw(2, 6, 3, 4), draw(2, 6, 3).exp(), -draw(3).exp()
    into, out, memory = draw(2, 6, 5), draw(2, 6, 5), draw(2, 3, 4, 5)
    y, after = scan(x, step=step, rate=rate, into=into, out=out, memory=memory)
    for t in range(6):
        kept = torch.exp(step[:, t] * rate)[..., None, None] * memory
        memory = kept + torch.einsum("na,nap,ns->naps", step[:, t], x[:, t], into[:, t])
        torch.testing.assert_close(y[:, t], torch.einsum("naps,ns->nap", memory, out[:, t]))
    torch.testing.assert_close(after, memory)


def test_the_length_of_a_piece_makes_no_difference():
    torch.manual_seed(0)
    layer = StateSpace(32, memory=8).eval().double()
    x = torch.randn(1, 20, 32, dtype=torch.float64)
    start = [torch.zeros(1, *shape, dtype=torch.float64) for shape in layer.carried]
    whole = layer(x, *start)
    layer.piece = 6
    for a, b in zip(layer(x, *start), whole, strict=True):
        torch.testing.assert_close(a, b)
