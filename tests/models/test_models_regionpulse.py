"""RegionPulse: the same however a clip is cut, blind to what is not seen, and only looking back."""

import numpy as np
import pytest
import torch

from camvitals.data.synthetic.traces import REGIONS as MADE
from camvitals.models import MODELS
from camvitals.models.regionpulse import REGIONS, SEEN, changes
from camvitals.records import InputError

IT = MODELS["regionpulse"]
BACKGROUND, SKIN = REGIONS.index("background"), REGIONS.index("skin")


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return IT.build(size=IT.size).eval()


def colours(n=2, length=90):
    rng = np.random.default_rng(0)
    walk = 100 + np.cumsum(rng.normal(0, 0.1, (n, length, len(REGIONS), 3)), axis=1)
    return torch.tensor(walk, dtype=torch.float32)


def test_its_regions_are_those_of_made_people():
    assert REGIONS == MADE


@pytest.mark.parametrize("cuts", [[1] * 90, [17, 60, 13], [90]])
def test_it_does_not_matter_how_a_clip_is_cut(network, cuts):
    clip, told, state = colours(), [], network.start(2)
    with torch.no_grad():
        for part in clip.split(cuts, dim=1):
            said, state = network.carry(part, state)
            told.append(said)
        torch.testing.assert_close(torch.cat(told, dim=1), network(clip), atol=1e-5, rtol=0)


def test_what_comes_later_changes_nothing_before(network):
    clip = colours()
    other = clip.clone()
    other[:, 50:] += 5
    with torch.no_grad():
        a, b = network(clip), network(other)
    torch.testing.assert_close(a[:, :50], b[:, :50])
    assert (a[:, 50:] - b[:, 50:]).abs().max() > 1e-4


def test_a_background_that_is_not_seen_does_not_change():
    clip = colours()
    none, at = torch.zeros(2, len(REGIONS), 3), torch.zeros(2, 1)
    behind = slice(6, 9)
    assert changes(clip, none, at)[0].shape == (2, 90, len(REGIONS) - 1, SEEN)
    assert changes(clip, none, at)[0][..., behind].abs().max() > 0
    clip[:, :, BACKGROUND] = clip[:, :, SKIN]
    assert changes(clip, none, at)[0][..., behind].abs().max() == 0


def test_brightness_alone_is_no_change(network):
    """Twice as bright is the same change of log colour: only the tenth channel knows."""
    clip = colours()
    none, at = torch.zeros(2, len(REGIONS), 3), torch.zeros(2, 1)
    dim, bright = (changes(clip * gain, none, at)[0][..., :9] for gain in (0.5, 1.0))
    torch.testing.assert_close(dim, bright, atol=2e-3, rtol=0)


def test_other_regions_are_refused():
    with pytest.raises(InputError, match="regionpulse takes the regions forehead"):
        IT.build(size=(3, 3))
