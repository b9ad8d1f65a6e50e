"""What every pulse method promises, over the whole dict."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

from camvitals.dsp.clean import bandpass
from camvitals.dsp.spectrum import peak, spectrum
from camvitals.records import InputError
from camvitals.waves import METHODS, blind, classical, many, motion, rectify, subspace, wave_of
from camvitals.waves.blind import clarity, upright
from camvitals.waves.many import pair_sources, vote
from camvitals.waves.motion import steady
from camvitals.waves.rectify import calm_segments, joined

PARTS = {
    classical.channel,
    clarity,
    upright,
    blind.band_mask,
    pair_sources,
    vote,
    steady,
    calm_segments,
    joined,
}
SCIPY_FREE = ("green", "chrom", "pos", "pbv", "lgi", "omit", "pca", "ica", "ssr")
BATCHED = ("green", "pca", "ica", "chrom", "pos", "pbv", "lgi", "omit")
GAIN_FREE = (
    "green",
    "pca",
    "ica",
    "chrom",
    "pos",
    "pbv",
    "li",
    "subramaniam",
    "subramaniam_reflectance",
    "samc",
    "lam_kuno",
)
UNSIGNED = ("balakrishnan",)


def rate_bpm(values, rate):
    frequency, power = spectrum(values, rate=rate)
    return 60 * peak(frequency, power, low=0.65, high=4.0)[0]


def run(name, made, change=lambda x: x):
    method = METHODS[name]
    return method.function(*map(change, made.inputs[method.needs]), rate=made.rate)


@pytest.fixture(params=METHODS)
def name(request):
    return request.param


def test_every_public_method_is_in_the_dict():
    written = {
        function
        for module in (classical, blind, subspace, rectify, many, motion)
        for key, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not key.startswith("_")
    }
    assert written - PARTS == {method.function for method in METHODS.values()}
    assert set(SCIPY_FREE + BATCHED + GAIN_FREE + UNSIGNED) <= set(METHODS)


def test_facts_of_a_method(name):
    method = METHODS[name]
    assert method.needs in {"rgb", "background", "grid", "moments", "points"}
    assert method.window is None or method.window >= method.minimum > 0
    assert any(year in method.source for year in map(str, range(2008, 2025)))
    parameters = inspect.signature(method.function).parameters
    assert parameters["rate"].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["rate"].default is inspect.Parameter.empty


def test_shape_mean_and_determinism(name, made):
    wave = run(name, made)
    assert wave.shape == made.time.shape
    assert wave.dtype == np.float64
    assert abs(wave.mean()) < 1e-9 * max(wave.std(), 1e-12)
    np.testing.assert_array_equal(wave, run(name, made))


@pytest.mark.parametrize(("rate", "bpm"), [(30.0, 52.0), (30.0, 131.0), (12.5, 83.0), (61.0, 70.0)])
def test_rate_and_polarity_of_a_made_pulse(name, maker, rate, bpm):
    made = maker(rate=rate, bpm=bpm)
    wave = bandpass(run(name, made), rate=rate, low=0.65, high=4.0)
    assert rate_bpm(wave, rate) == pytest.approx(bpm, abs=0.5)
    likeness = np.corrcoef(wave, made.blood)[0, 1]
    assert (abs(likeness) if name in UNSIGNED else likeness) > 0.8


def test_inputs_are_left_alone(name, made):
    before = [x.copy() for x in made.inputs[METHODS[name].needs]]
    run(name, made)
    for old, new in zip(before, made.inputs[METHODS[name].needs], strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", GAIN_FREE)
def test_gain_of_a_channel_is_without_effect(name, made):
    gain = np.array([0.4, 1.7, 3.0])
    inputs = made.inputs[METHODS[name].needs]
    gained = METHODS[name].function(inputs[0] * gain, *inputs[1:], rate=made.rate)
    plain = run(name, made)
    np.testing.assert_allclose(gained, plain, atol=1e-5 * plain.std())


@pytest.mark.parametrize("name", BATCHED)
def test_regions_side_by_side_equal_one_by_one(name, made):
    grid = made.inputs["grid"][0]
    together = METHODS[name].function(grid, rate=made.rate)
    alone = [METHODS[name].function(cell, rate=made.rate) for cell in np.moveaxis(grid, 1, 0)]
    assert together.shape == grid.shape[:2]
    np.testing.assert_allclose(together, np.stack(alone, axis=1), atol=1e-6 * together.std())


@pytest.mark.parametrize("level", [0.0, 128.0, 255.0])
def test_what_stands_still_has_no_pulse(name, made, level):
    wave = run(name, made, lambda x: np.full_like(x, level))
    assert np.abs(wave).max() < 1e-9


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("level", [0.0, 255.0])
def test_a_dead_or_saturated_channel_keeps_the_wave_finite(name, made, channel, level):
    def stuck(x):
        if x.shape[-1] != 3 or METHODS[name].needs == "moments":
            return x
        return np.where(np.arange(3) == channel, level, x)

    assert np.isfinite(run(name, made, stuck)).all()


def test_nan_is_refused(name, made):
    def holed(x):
        y = x.copy()
        y[7] = np.nan
        return y

    with pytest.raises(InputError, match=r"finite values but 1 of \d+ samples"):
        run(name, made, holed)


def test_too_short_is_refused(name, made):
    method = METHODS[name]
    keep = int(method.minimum * made.rate) - 3
    message = rf"needs {method.minimum:g} s of signal but got {keep / made.rate:.2f} s; record"
    with pytest.raises(InputError, match=message):
        run(name, made, lambda x: x[:keep])


def test_wrong_shape_is_refused(name, made):
    with pytest.raises(InputError, match=r"needs .*but got"):
        run(name, made, lambda x: x[..., 0])


@pytest.mark.parametrize("rate", [0.0, -30.0, float("nan")])
def test_impossible_rate_is_refused(name, made, rate):
    method = METHODS[name]
    with pytest.raises(InputError, match="rate above 0 Hz"):
        method.function(*made.inputs[method.needs], rate=rate)


def test_wave_of_a_trace(name, made):
    wave = wave_of(made.trace(), method=name, rate=25.0)
    assert (wave.name, wave.unit) == ("pulse", "1")
    assert np.diff(wave.time) == pytest.approx(1 / 25.0)
    assert wave.values.std() == pytest.approx(1.0, abs=1e-3)
    assert rate_bpm(wave.values, 25.0) == pytest.approx(made.bpm, abs=0.5)


def test_simple_methods_leave_scipy_alone():
    program = (
        "import sys, numpy as np\n"
        "from camvitals.waves import METHODS\n"
        "rgb = 100 + np.random.default_rng(0).random((200, 3))\n"
        "moments = np.einsum('ti,tj->tij', rgb, rgb)\n"
        f"for name in {SCIPY_FREE!r}:\n"
        "    given = moments if METHODS[name].needs == 'moments' else rgb\n"
        "    METHODS[name].function(given, rate=30.0)\n"
        "assert not any(m.split('.')[0] == 'scipy' for m in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
