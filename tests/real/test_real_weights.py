"""Released weights on real faces: what goes in and comes out is what the weights expect."""

import numpy as np
import pytest
import torch
from golden import Golden, loaded

from camvitals.data.cache import Cache
from camvitals.data.corpora import corpus
from camvitals.data.prepare import prepare
from camvitals.data.prepared import PrepareSettings
from camvitals.dsp.clean import bandpass, detrend, uniform
from camvitals.dsp.spectrum import HEART_BAND_HZ, peak, spectrum
from camvitals.models import MODELS

pytestmark = pytest.mark.real
RATE = 30
# Documented, or where three classical methods agree [bpm]
RATES = {"evm/face": (53, 54), "bebosudo/still": (81, 86), "hschn58/light_50": (67, 67)}
LOW, HIGH = HEART_BAND_HZ


@pytest.fixture(scope="module")
def crops(real_data, tmp_path_factory):
    """Crops at 30 Hz, (T, 72, 72, 3), by name."""
    if not (real_data / "face-video").is_dir():
        pytest.skip("no real videos here: set CAMVITALS_DATA to their folder")
    torch.set_num_threads(1)
    takes = [t for t in corpus("face-video").read(real_data / "face-video") if t.name in RATES]
    folder = tmp_path_factory.mktemp("cache")
    settings = PrepareSettings(size=72, box="first", extension=0.5, traces=False)
    list(prepare(takes, folder, settings=settings, jobs=1))
    cache = Cache(folder)
    clips = {one.key.removeprefix("face-video/"): cache.clip(one.key) for one in cache.recordings}
    return {
        name: uniform(clip.images.astype(np.float32), clip.time, rate=RATE)[0]
        for name, clip in clips.items()
    }


def wave_of(real_data, case, name, images):
    it = MODELS[name]
    golden = Golden.load(real_data, case)
    module = loaded(it, it.build(size=(72, 72)), golden.state)
    whole = len(images) // it.step * it.step
    with torch.no_grad():
        found = it.wave(module(it.prepare(torch.tensor(images[None, :whole]).float())), 1)[0]
    wave = found.double().numpy()
    return detrend(np.cumsum(wave)) if it.gives == "derivative" else wave


def rate_of(wave):
    filtered = bandpass(wave, rate=RATE, low=LOW, high=HIGH)
    return 60 * peak(*spectrum(filtered, rate=RATE), low=LOW, high=HIGH)[0]


@pytest.mark.parametrize("name", RATES)
def test_factorizephys_reads_the_rate(real_data, crops, name):
    low, high = RATES[name]
    rate = rate_of(wave_of(real_data, "factorizephys_ubfc", "factorizephys", crops[name]))
    assert low - 2 <= rate <= high + 2


@pytest.mark.parametrize("name", RATES)
def test_physnet_reads_the_rate_or_its_double(real_data, crops, name):
    """These weights have seen hearts of 55 to 134 bpm; of a slow one they follow the harmonic."""
    low, high = RATES[name]
    rate = rate_of(wave_of(real_data, "physnet_ubfc", "physnet", crops[name]))
    assert any(n * (low - 2) <= rate <= n * (high + 2) for n in (1, 2))
