"""Augmentations: each does to the reference what it says, and leaves a clip of the same kind."""

import dataclasses
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from camvitals.data import degrade
from camvitals.data.degrade_size import cells
from camvitals.records import InputError
from camvitals.train import augment, change_pictures, change_time
from camvitals.train.augment import AUGMENTATIONS
from camvitals.train.change import COLOURS, PICTURES, Change, named
from camvitals.train.change_time import beat_rate
from camvitals.train.clips import Clip, MadeClips, MadeTraces, Sample
from camvitals.train.objective import Augmentations
from camvitals.train.recipe import Augment, Model, Recipe, Term
from camvitals.train.stream import Clips

RATE = 30.0
CALM = {"motion": "still", "light": "daylight", "clock": "steady", "ectopic": 0.0, "sdnn": 5.0}
STRONG = CALM | {"pulse": 3.0, "codec": "ffv1", "heart_rate_slope": 0.0, "heart_rate": 72.0}
CLIP = Clip(200, RATE, margin=0.5)
RETIMED = ("time_scale", "drop", "jitter")
EACH = pytest.mark.parametrize("name", AUGMENTATIONS)


@pytest.fixture(scope="module")
def pictures() -> Sample:
    return MadeClips(size=24, fixed=STRONG).open(CLIP, seed=1, held_out=False).sample(0)


@pytest.fixture(scope="module")
def traces() -> Sample:
    return MadeTraces(fixed=STRONG).open(CLIP, seed=1, held_out=False).sample(0)


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(
        name="augmented",
        model=Model(name="tracenet"),
        corpus=MadeTraces(),
        clip=CLIP,
        loss=(Term(name="negative_pearson"),),
        steps=1,
    )


@pytest.fixture(scope="module")
def of_kind(pictures, traces):
    return {PICTURES: pictures, COLOURS: traces}


def changed(name: str, sample: Sample, seed: int = 0, **options):
    change = AUGMENTATIONS[name](**{"share": 1.0} | options)
    return change(sample.images, sample.time, sample.target, np.random.default_rng(seed))


def rate_in(values, rate=RATE, high=5.0):
    from camvitals.dsp.spectrum import peak, spectrum

    return 60 * peak(*spectrum(values, rate=rate), low=0.4, high=high)[0]


def pulse_of(images):
    from camvitals.waves.classical import pos

    middle = images[:, 8:16, 8:16] if images.ndim == 4 else images
    return pos(middle.reshape(len(images), -1, 3).mean(axis=1), rate=RATE)


def psnr(images, others):
    error = np.mean((images.astype(float) - others) ** 2)
    return 10 * np.log10(255**2 / error)


def test_every_change_that_is_written_is_in_the_table():
    written = {
        cls
        for module in (augment, change_pictures, change_time)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Change) and cls is not Change
    }
    assert set(AUGMENTATIONS.values()) == written
    assert all(name == named(cls) for name, cls in AUGMENTATIONS.items())


@EACH
def test_the_clip_stays_of_its_kind_and_only_chance_is_drawn(name, of_kind):
    kind = AUGMENTATIONS[name]
    assert re.fullmatch(r"[A-Z][^.]+\.", kind.to_reference)
    for takes in kind.takes:
        sample = of_kind[takes]
        before = [np.copy(part) for part in (sample.images, sample.time, sample.target)]
        images, time, target = changed(name, sample)
        assert images.dtype == sample.images.dtype
        assert images.shape[1:] == sample.images.shape[1:]
        assert len(images) == len(time) == len(target)
        assert target.dtype == sample.target.dtype
        assert np.isfinite(images).all()
        assert images.min() >= 0
        assert images.max() <= 255
        assert (np.diff(time) > 0).all()
        again = changed(name, sample)
        assert all(np.array_equal(a, b) for a, b in zip((images, time, target), again, strict=True))
        if name != "flip":  # in which nothing is by chance
            others = [changed(name, sample, seed)[0] for seed in (1, 2, 3)]
            assert any(not np.array_equal(images, other) for other in others)
        after = (sample.images, sample.time, sample.target)
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@EACH
def test_the_reference_is_what_it_says(name, of_kind):
    """At the times that are given back it is the truth at these times, whatever was done."""
    for takes in AUGMENTATIONS[name].takes:
        sample = of_kind[takes]
        _, time, target = changed(name, sample, seed=2)
        if AUGMENTATIONS[name].to_reference == "Unchanged.":
            assert np.array_equal(target, sample.target)
            assert np.array_equal(time, sample.time)
        else:
            truth = np.interp(time, sample.time, sample.target)
            assert np.allclose(target, truth, atol=1e-5)
            assert not np.array_equal(time, sample.time[: len(time)])
    assert (AUGMENTATIONS[name].to_reference == "Unchanged.") == (name not in RETIMED)


@EACH
def test_a_clip_of_another_kind_is_told_even_when_it_is_not_chosen(name, of_kind):
    kind = AUGMENTATIONS[name]
    for other in {PICTURES, COLOURS} - set(kind.takes):
        sample = of_kind[other]
        with pytest.raises(InputError, match=f"{name} changes {kind.takes[0]} .* gives {other}"):
            kind(share=0.0)(sample.images, sample.time, sample.target, np.random.default_rng(0))


@EACH
def test_each_loads_from_a_recipe_of_json(name, recipe, of_kind):
    kind = AUGMENTATIONS[name]
    given = {field.name: getattr(kind(), field.name) for field in dataclasses.fields(kind)}
    recipe = dataclasses.replace(recipe, augmentation=(Augment(name=name, options=given),))
    recipe = Recipe.from_json(json.dumps(json.loads(recipe.to_json())))
    (made,) = pickle.loads(pickle.dumps(Augmentations(recipe)))()
    assert made == kind()
    assert pickle.loads(pickle.dumps(made)) == made
    text = recipe.with_settings({"augmentation.0.options.share": "0"})
    sample = of_kind[kind.takes[0]]
    images, time, _ = Augmentations(text)()[0](
        sample.images, sample.time, sample.target, np.random.default_rng(0)
    )
    first = int(np.argmin(np.abs(sample.time - time[0])))
    assert np.array_equal(images, sample.images[first : first + len(images)])


@EACH
def test_an_option_that_there_is_not_is_named(name):
    with pytest.raises(InputError, match=f"{name} has options share.* but not 'strength'"):
        AUGMENTATIONS[name](strength=2)
    with pytest.raises(InputError, match=rf"{name}.share needs 0 to 1, but got 1.5"):
        AUGMENTATIONS[name](share=1.5)


@EACH
def test_limits_are_of_options_and_hold(name):
    kind = AUGMENTATIONS[name]
    assert set(kind.limits) <= {field.name for field in dataclasses.fields(kind)}
    for option, (low, high) in kind.limits.items():
        two = isinstance(getattr(kind(), option), tuple)
        for odd in (low - 1, high + 1):
            with pytest.raises(InputError, match=rf"{name}.{option} needs"):
                kind(**{option: (odd, odd) if two else odd})
        if two:
            with pytest.raises(InputError, match="the first not above the second"):
                kind(**{option: (high, low)})


def test_a_word_for_a_number_is_told():
    with pytest.raises(InputError, match=r"illumination\.drift needs a number but got 'much'"):
        AUGMENTATIONS["illumination"](drift="much")
    with pytest.raises(InputError, match=r"crop\.size needs 2 values between commas"):
        AUGMENTATIONS["crop"](size=0.5)


def test_an_unknown_name_is_told_with_those_there_are(recipe):
    recipe = dataclasses.replace(recipe, augmentation=(Augment(name="mirror"),))
    with pytest.raises(InputError, match=r"no augmentation 'mirror'; choose one of time_scale, "):
        Augmentations(recipe)()


@pytest.mark.parametrize("factor", [0.7, 1.5])
@pytest.mark.parametrize("takes", [PICTURES, COLOURS])
def test_time_scale_moves_the_pulse_and_its_truth_by_the_factor(takes, factor, of_kind):
    sample = of_kind[takes]
    images, time, target = changed("time_scale", sample, factor=(factor, factor))
    assert rate_in(target) == pytest.approx(factor * rate_in(sample.target), rel=0.04)
    assert np.diff(time) == pytest.approx(factor / RATE)
    assert len(images) == round(300 / max(factor, 1))
    pulse = pulse_of(images)
    assert rate_in(pulse) == pytest.approx(factor * 72, abs=3)


def test_time_scale_covers_the_rates_that_are_wanted(recipe):
    wide = {"factor": (0.4, 2.5), "rates": (30, 180), "share": 1}
    recipe = dataclasses.replace(recipe, augmentation=(Augment(name="time_scale", options=wide),))
    clip = Clip(200, RATE, margin=1.5)
    source = MadeTraces(fixed=STRONG).open(clip, seed=1, held_out=False)
    clips = Clips(source, clip, 0, Augmentations(recipe))
    found = [clips.sample(index) for index in range(60)]
    rates = np.array([sample.heart_rate for sample in found])
    assert 28 < rates.min() < 42
    assert 168 < rates.max() < 184
    parts, _ = np.histogram(rates, bins=[28, 68, 106, 144, 184])
    assert parts.min() >= 6  # even: 15 of each
    for sample in found[:10]:
        assert len(sample.images) == 200
        assert rate_in(sample.target) == pytest.approx(sample.heart_rate, rel=0.06)


@pytest.mark.parametrize(
    ("name", "options", "margin"),
    [("time_scale", {"factor": (0.5, 1.5)}, 0.4), ("drop", {"lost": 0.1}, 0.05)],
)
def test_a_margin_too_small_is_told_at_the_first_clip(name, options, margin, recipe):
    options = options | {"share": 0.0}
    recipe = dataclasses.replace(recipe, augmentation=(Augment(name=name, options=options),))
    clip = Clip(100, RATE, margin=margin)
    clips = Clips(MadeTraces().open(clip, seed=0, held_out=False), clip, 0, Augmentations(recipe))
    with pytest.raises(InputError, match=r"use a larger clip.margin"):
        clips.sample(0)


@pytest.mark.parametrize("length", [64, 99, 100, 101, 128, 180])
@pytest.mark.parametrize("amount", [0.02, 0.1, 0.25, 1 / 3])
def test_the_margin_that_the_page_names_is_enough(length, amount):
    for name, options, margin in (
        ("time_scale", {"factor": (0.9, 1 + amount)}, amount),
        ("drop", {"lost": amount, "repeated": 0}, amount / (1 - amount)),
    ):
        cut = Clip(length, RATE, margin=margin).cut
        images, time = np.zeros((cut, 2, 3), np.float32), np.arange(cut) / RATE
        sample = Sample(images, time, np.sin(7 * time), 67.0, "")
        for seed in range(5):
            assert len(changed(name, sample, seed, **options)[0]) >= length


@pytest.mark.parametrize("reference", ["pulse", "ecg"])
def test_the_rate_of_a_reference_is_read_from_its_beats(reference):
    fixed = CALM | {"heart_rate_slope": 0.0}
    source = MadeTraces(reference=reference, fixed=fixed).open(CLIP, seed=3, held_out=False)
    for index in range(12):
        sample = source.sample(index)
        found = beat_rate(sample.target, rate=RATE)
        assert found == pytest.approx(sample.heart_rate, abs=4)


def test_a_reference_without_beats_has_no_rate():
    assert beat_rate(np.zeros(300), rate=RATE) is None
    assert beat_rate(np.random.default_rng(0).standard_normal(300), rate=RATE) is None
    assert beat_rate(np.sin(2 * np.pi * 0.2 * np.arange(300) / RATE), rate=RATE) is None


def test_what_is_lost_leaves_the_rest_at_its_true_times(traces):
    images, time, target = changed("drop", traces, 1, lost=0.3, repeated=0.0)
    at = np.searchsorted(traces.time, time)
    assert np.array_equal(traces.time[at], time)
    assert np.array_equal(traces.target[at], target)
    assert np.array_equal(traces.images[at], images)
    assert len(time) == 210
    assert np.diff(at).max() > 1


def test_a_repeated_picture_stands_while_the_reference_goes_on(pictures):
    images, time, target = changed("drop", pictures, 3, lost=0.0, repeated=0.4, longest=4)
    assert np.array_equal(target, pictures.target)
    assert np.array_equal(time, pictures.time)
    still = (images[1:] == images[:-1]).all(axis=(1, 2, 3))
    assert 0 < still.sum() <= 0.4 * 300
    kept = (images == pictures.images).all(axis=(1, 2, 3))
    assert np.array_equal(~kept[1:], still)


def test_jitter_is_as_large_as_asked(traces):
    _, time, _ = changed("jitter", traces, size=(5, 5))
    assert np.std(time - traces.time) * 1e3 == pytest.approx(5, rel=0.15)


@pytest.mark.parametrize("name", ["illumination", "colour", "resolution", "noise", "flip"])
def test_the_pulse_that_pos_finds_is_still_there(name, pictures):
    # 64 pixels are averaged here: the strongest noise would drown a pulse in so few
    options = {"shot": (0.02, 0.02), "read": (1, 1)} if name == "noise" else {}
    before = pulse_of(pictures.images)
    assert rate_in(before, high=2.5) == pytest.approx(72, abs=3)
    for seed in range(4):
        after = pulse_of(changed(name, pictures, seed, **options)[0])
        assert rate_in(after, high=2.5) == pytest.approx(72, abs=3)
        assert np.corrcoef(before, after)[0, 1] > (0.95 if name == "flip" else 0.7)


def test_light_changes_all_channels_alike(traces):
    images, _, _ = changed("illumination", traces, gain=(0.9, 0.9), drift=0.2, gradient=0.1)
    ratio = images / traces.images
    assert np.allclose(ratio, ratio[..., :1], rtol=1e-5)
    across = ratio[..., 0] / ratio[:1, :, 0]
    assert np.allclose(across, across[:, :1], rtol=1e-5)  # each region's own gain stays
    assert ratio.std() > 0.01


def test_noise_has_the_variance_of_its_model():
    grey = np.repeat(np.float32([40, 160]), 3).reshape(1, 2, 3)
    images = np.broadcast_to(grey, (4000, 2, 3)).astype(np.float32)
    sample = Sample(images, np.arange(4000) / RATE, np.zeros(4000, np.float32), 60.0, "")
    found, _, _ = changed("noise", sample, shot=(0.1, 0.1), read=(2, 2), pixels=(1, 1))
    assert found.var(axis=0) == pytest.approx(0.1 * grey[0] + 4, rel=0.12)
    pooled, _, _ = changed("noise", sample, shot=(0.1, 0.1), read=(2, 2), pixels=(100, 100))
    assert pooled.var(axis=0) == pytest.approx((0.1 * grey[0] + 4) / 100, rel=0.12)


@pytest.mark.parametrize("takes", [PICTURES, COLOURS])
def test_unsteady_skin_is_redder_than_a_pulse(takes):
    shape = (1200, 9, 9, 3) if takes == PICTURES else (1200, 4, 3)
    images = np.full(shape, 120).astype(np.uint8 if takes == PICTURES else np.float32)
    sample = Sample(images, np.arange(1200) / RATE, np.zeros(1200, np.float32), 60.0, "")
    found, _, _ = changed("unsteady", sample, size=(0.02, 0.02), exponent=(2, 2))
    wave = found.reshape(1200, -1).mean(axis=1) / 120 - 1
    assert wave.std() == pytest.approx(0.02, rel=0.3)
    power = np.abs(np.fft.rfft(wave - wave.mean())) ** 2
    hertz = np.fft.rfftfreq(1200, 1 / RATE)
    bands = [power[(hertz > low) & (hertz < 2 * low)].mean() for low in (0.25, 0.5, 1.0, 2.0)]
    assert bands == sorted(bands, reverse=True)
    slope = np.polyfit(np.log([1, 2, 4, 8]), np.log(bands), 1)[0]
    assert slope == pytest.approx(-2, abs=0.6)


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9", "mpeg4", "mjpeg"])
def test_a_codec_costs_detail_but_no_picture(codec, pictures):
    few = dataclasses.replace(
        pictures,
        images=pictures.images[:40, :23, :],  # an odd number of rows
        time=pictures.time[:40],
        target=pictures.target[:40],
    )
    fine, _, _ = changed("compression", few, codecs=[codec], crf=(12, 12))
    assert fine.shape == few.images.shape
    assert 30 < psnr(few.images, fine) < 60
    if codec in degrade.CRF:
        coarse, _, _ = changed("compression", few, codecs=[codec], crf=(45, 45))
        assert coarse.shape == few.images.shape
        assert psnr(few.images, coarse) < psnr(few.images, fine) - 5
    shift = fine.mean(axis=(0, 1, 2)) - few.images.mean(axis=(0, 1, 2))
    assert np.abs(shift).max() < 3  # colours come back as they went in


def test_a_codec_that_there_is_not_is_told():
    with pytest.raises(InputError, match=r"codecs needs some of h264, .* but got 'hevc'"):
        AUGMENTATIONS["compression"](codecs=["hevc"])
    with pytest.raises(InputError, match="but got none"):
        AUGMENTATIONS["compression"](codecs=())


def test_an_enhancer_is_told_the_level_that_was_drawn(pictures):
    change = AUGMENTATIONS["degrade"](levels=["face-16", "face-8"])
    assert isinstance(change, change_pictures.Degrade)
    seen = set()
    for seed in range(8):
        images, place = change.told(pictures.images, pictures.time, np.random.default_rng(seed))
        level = degrade.AXES["face"][place]
        assert np.array_equal(images, degrade.degrade_clip(pictures.images, level, rate=RATE))
        seen.add(place)
    assert seen == {3, 4}


def test_a_level_that_there_is_not_is_told():
    with pytest.raises(InputError, match="no degradation 'worse'"):
        AUGMENTATIONS["degrade"](levels=["face-8", "worse"])
    with pytest.raises(InputError, match=r"degrade\.levels needs some .* but got none"):
        AUGMENTATIONS["degrade"](levels=[])


def test_a_crop_shows_a_part_as_large_as_asked():
    ramp = np.tile(np.arange(0, 240, 10, dtype=np.uint8)[None, None, :, None], (3, 24, 1, 3))
    sample = Sample(ramp, np.arange(3) / RATE, np.zeros(3, np.float32), 60.0, "")
    images, _, _ = changed("crop", sample, size=(0.5, 0.5))
    slope = np.diff(images[0, 12, 3:-3, 0].astype(float)).mean()
    assert slope == pytest.approx(5, abs=0.3)
    assert (images[0] == images[2]).all()


def test_fewer_pixels_keep_the_mean_and_lose_the_detail(pictures):
    images, _, _ = changed("resolution", pictures, size=(0.25, 0.25))
    assert images.mean() == pytest.approx(pictures.images.mean(), abs=1)
    detail = [
        np.abs(np.diff(part.astype(float), axis=2)).mean() for part in (images, pictures.images)
    ]
    assert detail[0] < 0.7 * detail[1]


@pytest.mark.parametrize(("length", "count"), [(24, 24), (24, 7), (7, 24), (5, 1)])
def test_cells_are_means(length, count):
    weights = cells(length, count)
    assert weights.shape == (count, length)
    assert weights.sum(axis=1) == pytest.approx(1)
    assert weights.min() >= 0
    if length == count:
        assert np.allclose(weights, np.eye(length))
    if length > count:
        assert weights.sum(axis=0) == pytest.approx(count / length)


def test_the_background_is_one_colour_and_the_middle_stays(pictures):
    images, _, _ = changed("blank_background", pictures, width=(0.9, 0.9), height=(0.9, 0.9))
    corners = images[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == corners[0, 0]).all()
    assert np.array_equal(images[:, 8:16, 8:16], pictures.images[:, 8:16, 8:16])


def test_one_region_stands_for_all(traces):
    images, _, _ = changed("one_region", traces, region=2)
    assert (images == traces.images[:, 2:3]).all()
    drawn = {float(changed("one_region", traces, seed)[0][0, 0, 1]) for seed in range(20)}
    assert drawn <= {float(value) for value in traces.images[0, :, 1]}
    assert len(drawn) > 2
    with pytest.raises(InputError, match=r"one_region\.region needs 0 to 5 .* but got 6"):
        changed("one_region", traces, region=6)


def test_the_share_is_of_clips(traces):
    same = [
        np.array_equal(changed("colour", traces, seed, share=0.3)[0], traces.images)
        for seed in range(200)
    ]
    assert np.mean(same) == pytest.approx(0.7, abs=0.1)


def test_the_page_lists_them_as_they_are():
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    table = page.split("\n| name | changes | options | the reference |\n")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[1:]]
    assert [row[0].strip("`") for row in rows] == list(AUGMENTATIONS)
    for name, takes, options, reference in rows:
        kind = AUGMENTATIONS[name.strip("`")]
        made = kind()
        assert takes == ("both" if len(kind.takes) == 2 else kind.takes[0])
        assert reference == kind.to_reference
        told = dict(re.findall(r"`(\w+)` (?:up to )?([\d.]+(?: to [\d.]+)?)", options))
        fields = [field.name for field in dataclasses.fields(kind)]
        assert re.findall(r"`(\w+)`", options) == fields
        for option, said in told.items():
            value = getattr(made, option)
            ends = value if isinstance(value, tuple) else (value,)
            assert tuple(map(float, said.split(" to "))) == ends


def test_what_the_page_shows_can_be_made(recipe):
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    shown = page.split("## Augmentation\n")[1].split("```\n")[1]
    found = eval(f"dict({shown})", {"Clip": Clip, "Augment": Augment})
    assert len(Augmentations(dataclasses.replace(recipe, **found))()) == 3
    clip = found["clip"]
    source = MadeClips(size=16).open(clip, seed=0, held_out=False)
    clips = Clips(source, clip, 0, Augmentations(dataclasses.replace(recipe, **found)))
    assert clips.sample(0).images.shape == (180, 16, 16, 3)
