"""A method by name on a whole trace: gaps, choice of material, and plain refusals."""

import numpy as np
import pytest

from camvitals.records import InputError
from camvitals.waves import METHODS, Method, wave_of


def test_a_gap_stays_a_gap_and_both_sides_are_there(made):
    trace = made.trace()
    rgb = trace.rgb.copy()
    rgb[240:300] = np.nan
    wave = wave_of(made.trace(rgb=rgb), method="pos", rate=30.0)
    gap = np.isnan(wave.values)
    assert gap[240:300].all()
    assert gap.sum() == pytest.approx(60, abs=2)
    for side in (wave.values[:238], wave.values[302:]):
        assert side.std() == pytest.approx(1, abs=0.05)


def test_a_short_blink_is_bridged(made):
    rgb = made.trace().rgb.copy()
    rgb[240:250] = np.nan
    assert np.isfinite(wave_of(made.trace(rgb=rgb), method="pos", rate=30.0).values).all()


def test_runs_shorter_than_the_method_are_left_out(made):
    rgb = made.trace().rgb.copy()
    rgb[30:60] = np.nan
    wave = wave_of(made.trace(rgb=rgb), method="pos", rate=30.0)
    assert np.isnan(wave.values[:60]).all()
    assert np.isfinite(wave.values[60:]).all()


def test_nothing_long_enough_is_refused(made):
    rgb = made.trace().rgb.copy()
    rgb[20:] = np.nan
    with pytest.raises(InputError, match=r"pos needs 1.6 s without a gap but the longest .*0.6"):
        wave_of(made.trace(rgb=rgb), method="pos", rate=30.0)


@pytest.mark.parametrize(("given", "near"), [("POS", "pos"), ("chorm", "chrom"), ("xyz", "")])
def test_an_unknown_method_names_those_there_are(made, given, near):
    hint = f"did you mean '{near}'" if near else "choose one of green, pca"
    with pytest.raises(InputError, match=hint):
        wave_of(made.trace(), method=given, rate=30.0)


@pytest.mark.parametrize(
    ("method", "changes", "option"),
    [
        ("ssr", {"moments": None}, r"moments=True"),
        ("balakrishnan", {"points": None}, r"points=True"),
        ("samc", {"names": ("skin", "background", *map(str, range(9)))}, r"grid="),
        ("li", {"names": ("skin", "wall", *map(str, range(9)))}, r"background"),
    ],
)
def test_missing_material_says_how_to_collect_it(made, method, changes, option):
    with pytest.raises(InputError, match=rf"{method} needs .*Collector\(.*{option}"):
        wave_of(made.trace(**changes), method=method, rate=30.0)


def test_a_missing_region_names_those_there_are(made):
    with pytest.raises(InputError, match=r"no region 'nose'; this trace has skin, background"):
        wave_of(made.trace(), method="pos", rate=30.0, region="nose")


def test_the_region_asked_for_is_used(made):
    trace = made.trace()
    names = ("background", "skin", *trace.names[2:])
    swapped = wave_of(made.trace(names=names), method="pos", rate=30.0, region="background")
    expected = wave_of(trace, method="pos", rate=30.0)
    np.testing.assert_array_equal(swapped.values, expected.values)


def test_a_grid_cell_that_comes_and_goes_is_left_out(made):
    rgb = made.trace().rgb.copy()
    rgb[::7, 4] = np.nan
    rgb[100:400, 5] = np.nan
    wave = wave_of(made.trace(rgb=rgb), method="samc", rate=30.0)
    assert np.isfinite(wave.values).all()


@pytest.mark.parametrize("method", [name for name, m in METHODS.items() if m.window])
def test_long_runs_are_joined_without_turning_over(maker, method):
    made = maker(seconds=2.2 * METHODS[method].window, rate=20.0)
    wave = wave_of(made.trace(), method=method, rate=20.0).values
    thirds = [
        np.corrcoef(a, b)[0, 1]
        for a, b in zip(*(np.array_split(x, 3) for x in (wave, made.blood)), strict=True)
    ]
    assert np.abs(thirds).min() > 0.8
    assert len(set(np.sign(thirds))) == 1


def test_windows_of_either_sign_are_joined_to_one(maker, monkeypatch):
    made, calls = maker(seconds=40), []

    def turning(rgb, *, rate):
        calls.append(len(rgb))
        return (-1) ** (len(calls) // 2) * METHODS["pos"].function(rgb, rate=rate)

    monkeypatch.setitem(METHODS, "turning", Method(turning, "rgb", 2.0, "made", window=8.0))
    wave = wave_of(made.trace(), method="turning", rate=30.0).values
    expected = wave_of(made.trace(), method="pos", rate=30.0).values
    assert max(calls) == 240
    assert abs(np.corrcoef(wave, expected)[0, 1]) > 0.95


def test_points_replaced_half_way_still_give_a_wave(maker):
    made = maker(seconds=66, rate=20.0)
    points = made.inputs["points"][0].copy()
    points[700:, :6] = np.nan
    points[:500, 6:12] = np.nan
    wave = wave_of(made.trace(points=points), method="balakrishnan", rate=20.0).values
    assert abs(np.corrcoef(wave, made.blood)[0, 1]) > 0.8


def test_a_still_picture_has_a_flat_wave(made):
    rgb = np.broadcast_to(made.trace().rgb[:1], made.trace().rgb.shape)
    assert not wave_of(made.trace(rgb=rgb), method="pos", rate=30.0).values.any()


def test_slow_cameras_get_the_band_they_can_carry(maker):
    made = maker(rate=7.5, bpm=60.0)
    wave = wave_of(made.trace(), method="pos", rate=7.5)
    assert np.corrcoef(wave.values, made.blood)[0, 1] > 0.8
