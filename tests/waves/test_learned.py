"""Networks as pulse methods: from pictures and colours, carried and in windows, live and filed."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from made_network import green_of_crops, green_of_regions, leaky_of_crops

from camvitals import Monitor, measure
from camvitals.card import ModelCard, digest
from camvitals.data.recording import Recording
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.evaluate.seen import see
from camvitals.face.collect import Collector
from camvitals.pipeline import Settings, measure_trace
from camvitals.records import Frame, InputError, Source
from camvitals.runtime import check_golden
from camvitals.video import open_video
from camvitals.waves.learned import MODELS, learned, shipped, takers_of
from camvitals.waves.run import find, wave_of

pytest.importorskip("onnx", reason="making a small network needs onnx")
MADE = Scenario(seed=3, duration=30, rate=30, heart_rate=72, sdnn=10)


def film(bpm=72.0, *, seconds=14.0, rate=30.0, times=None):
    """(image, time): skin that fills the picture and beats, in grain that hides 8 bits."""
    grain = np.random.default_rng(1).normal(0, 2, (24, 32, 32, 1))
    times = np.arange(round(seconds * rate)) / rate if times is None else times
    for k, t in enumerate(times):
        beat = -1.2 * np.sin(2 * np.pi * bpm / 60 * t)
        picture = np.array([180.0, 130.0, 105.0]) + np.array([0.4, 1.0, 0.6]) * beat
        yield (picture + grain[k % 24] + 0.5).astype(np.uint8), float(t)


def seen(path, pictures, **options):
    collector = Collector(roi="frame", takers=takers_of([str(path)]), **options)
    for image, time in pictures:
        collector.push(Frame.of_rgb(image, time))
    return collector.traces()[0]


def likeness(wave, bpm=72.0):
    """Correlation with the pulse put in."""
    known = np.isfinite(wave.values)
    truth = np.sin(2 * np.pi * bpm / 60 * wave.time[known])
    return np.corrcoef(wave.values[known], truth)[0, 1]


@pytest.mark.parametrize("make", [green_of_crops, leaky_of_crops])
@pytest.mark.parametrize("rate", [30.0, 25.0, 17.0])
def test_a_network_sees_the_pulse_in_pictures_of_any_rate(tmp_path, make, rate):
    path = make(tmp_path)
    trace = seen(path, film(rate=rate))
    wave = wave_of(trace, method=str(path), rate=rate)
    assert likeness(wave) > 0.97
    assert np.isfinite(wave.values).mean() > 0.97


def test_time_is_measured_in_pictures_of_changing_rate(tmp_path):
    path = green_of_crops(tmp_path)
    times = np.r_[np.arange(0, 7, 1 / 30), np.arange(7, 14, 1 / 15)]
    trace = seen(path, film(times=times))
    assert likeness(wave_of(trace, method=str(path), rate=30.0)) > 0.95


def test_colours_of_the_regions_that_the_card_names(tmp_path):
    path = green_of_regions(tmp_path)
    trace, _ = made_trace(MADE)
    wave = wave_of(trace, method=str(path), rate=30.0)
    plain = replace(
        trace,
        rgb=trace.rgb[:, [trace.names.index("forehead")]],
        pixels=trace.pixels[:, :1],
        names=("forehead",),
    )
    green = wave_of(plain, method="green", rate=30.0)
    both = np.isfinite(wave.values) & np.isfinite(green.values)
    assert both.mean() > 0.95
    assert np.corrcoef(wave.values[both], green.values[both])[0, 1] > 0.5
    heart = measure_trace(trace, source=Source("made"), settings=Settings(str(path)))
    assert heart.reading("heart_rate").value == pytest.approx(72, abs=3)


@pytest.mark.parametrize("make", [green_of_crops, leaky_of_crops])
def test_monitor_and_measure_give_the_same_wave(tmp_path, make):
    method = str(make(tmp_path))
    pictures = list(film())
    monitor = Monitor(window=20.0, period=1.0, roi="frame", method=method)
    for image, time in pictures:
        monitor.push(image, time)
    live = monitor.now()
    images = np.stack([image for image, _ in pictures])
    filed = measure(images, fps=30.0, roi="frame", method=method)
    np.testing.assert_allclose(live.wave("pulse").values, filed.wave("pulse").values, atol=1e-6)
    assert filed.reading("heart_rate").value == pytest.approx(72, abs=2)
    assert live.reading("heart_rate").value == pytest.approx(
        filed.reading("heart_rate").value, abs=1e-6
    )


def test_a_face_is_followed_for_the_network(tmp_path, face_file, face):
    method = str(green_of_crops(tmp_path))
    heart = measure(face_file, method=method).reading("heart_rate")
    assert heart.value == pytest.approx(77, abs=3), heart.why


def test_a_face_that_leaves_starts_the_network_anew(tmp_path):
    path = leaky_of_crops(tmp_path)
    pictures = [(image, t if t < 7 else t + 3) for image, t in film()]
    trace = seen(path, pictures)
    pulse = trace.pulses[str(path)]
    after = (trace.time >= 9.9) & (trace.time < 10.15)
    assert np.isnan(pulse[after]).sum() >= 5  # it warms up again
    assert np.isfinite(pulse[trace.time > 10.5]).all()
    wave = wave_of(trace, method=str(path), rate=30.0)
    assert np.isnan(wave.values[(wave.time > 7.2) & (wave.time < 9.8)]).all()


def test_what_was_not_the_person_is_withdrawn(tmp_path):
    taker = learned(str(green_of_crops(tmp_path))).taker(None)()
    time = np.arange(0, 8, 0.04)
    for t in time:
        taker.take(np.full((12, 12, 3), 100 + np.sin(7 * t), np.float32), t)
    assert np.isfinite(taker.pulse(time)).all()
    taker.withdraw(5.0)
    assert np.isnan(taker.pulse(time)[time > 5.01]).all()
    assert np.isfinite(taker.pulse(time)[time < 4.99]).all()


def test_memory_is_bounded_by_what_is_kept(tmp_path):
    taker = learned(str(green_of_crops(tmp_path, length=16))).taker(5.0)()
    picture = np.zeros((12, 12, 3), np.uint8)
    for k in range(8000):
        taker.take(picture, k / 25)
    (stretch,) = taker._stretches
    assert stretch._sums._sums.shape[1] < 4000
    time = np.arange(7900, 8000) / 25
    assert np.isfinite(taker.pulse(time)).all()


def test_a_delayed_output_is_put_where_it_belongs(tmp_path):
    late = green_of_regions(tmp_path, delay=10)
    trace, _ = made_trace(MADE)
    shifted = wave_of(trace, method=str(late), rate=25.0)
    plain = wave_of(trace, method=str(green_of_regions(tmp_path)), rate=25.0)
    both = np.isfinite(shifted.values[:-40]) & np.isfinite(plain.values[10:-30])
    a, b = shifted.values[:-40][both], plain.values[10:-30][both]
    assert np.corrcoef(a, b)[0, 1] > 0.99


def test_a_region_out_of_sight_has_the_colour_of_the_face(tmp_path):
    trace, _ = made_trace(MADE)
    rgb = trace.rgb.copy()
    rgb[200:500, trace.names.index("forehead")] = np.nan
    method = str(green_of_regions(tmp_path))
    wave = wave_of(replace(trace, rgb=rgb), method=method, rate=25.0)
    assert np.isfinite(wave.values).mean() > 0.95


def test_too_short_is_withheld_with_the_reason(tmp_path):
    method = str(green_of_crops(tmp_path, length=200))
    images = np.stack([image for image, _ in film(seconds=7.0)])
    heart = measure(images, fps=30.0, roi="frame", method=method).reading("heart_rate")
    assert heart.value is None
    assert "needs 8 s in view without a break" in heart.why
    monitor = Monitor(window=10.0, period=1.0, roi="frame", method=method)
    whys = [r.reading("heart_rate").why for i, t in film(seconds=7.0) if (r := monitor.push(i, t))]
    assert "needs" in whys[-1]


def test_evaluations_see_once_and_keep_what_was_seen(tmp_path, face_file):
    crops, regions = str(green_of_crops(tmp_path)), str(green_of_regions(tmp_path))
    take = Recording(
        "made", "one", dict, pictures=partial(open_video, face_file), files=(face_file,)
    )
    kept = tmp_path / "kept"
    for _ in range(2):
        found = see(take, methods=["auto", crops, regions], roi="face", skin="otsu", folder=kept)
        for method in (crops, regions):
            wave = wave_of(found.for_method(method), method=method, rate=25.0)
            assert np.isfinite(wave.values).mean() > 0.8
    assert len(list(kept.iterdir())) == 1
    green_of_crops(tmp_path, length=32)
    see(take, methods=[crops], roi="face", skin="otsu", folder=kept)
    assert len(list(kept.iterdir())) == 2


def test_the_report_says_which_network_it_was(tmp_path):
    path = green_of_regions(tmp_path)
    trace, _ = made_trace(MADE)
    report = measure_trace(trace, source=Source("made"), settings=Settings(str(path)))
    digest = ModelCard.load(path.with_suffix(".json")).sha256[:12]
    assert report.versions["green_regions"] == f"1 (sha256 {digest})"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"task": "face"}, "is for face and gives pulse"),
        ({"gives": "rate"}, "gives rate; a pulse method needs"),
        ({"rate": None}, "needs the rate it was trained at"),
        ({"takes": "sepia"}, "no frames 'sepia'"),
        ({"layout": "HWTC"}, "has layout 'HWTC'"),
        ({"size": (12, 16)}, "crops are square"),
        ({"size": (36, 36)}, "its card asks for"),
        ({"length": None}, "needs a length"),
        ({"crop": {"box": "round"}}, "has box 'round'"),
        ({"crop": {"margin": 1}}, "a crop has box, extension, smooth"),
        ({"outputs": {}}, "needs to name its outputs"),
        ({"outputs": {"wave": "pulse"}}, "names the outputs"),
        ({"length": 10, "delay": 8}, "with its delay it needs more"),
    ],
)
def test_cards_that_do_not_fit_are_refused(tmp_path, facts, told):
    path = green_of_crops(tmp_path, **facts)
    with pytest.raises(InputError, match=told):
        Settings(str(path)).collector()


@pytest.mark.parametrize(
    ("facts", "told"),
    [({"regions": ()}, "of 0 regions"), ({"takes": "raw"}, "takes 'raw'")],
)
def test_cards_of_colours_that_do_not_fit_are_refused(tmp_path, facts, told):
    with pytest.raises(InputError, match=told):
        learned(str(green_of_regions(tmp_path, **facts)))


def test_a_state_cannot_be_carried_through_what_needs_whole_clips(tmp_path):
    path = leaky_of_crops(tmp_path, takes="standardised")
    with pytest.raises(InputError, match="carries state, and so can take only"):
        learned(str(path))


def test_files_that_are_no_method(tmp_path):
    with pytest.raises(InputError, match=r"no .*none\.onnx: No such file"):
        Settings(str(tmp_path / "none.onnx")).collector()
    path = green_of_crops(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="but its card says"):
        learned(str(path))
    card = ModelCard.load(path.with_suffix(".json"))
    replace(card, sha256=digest(path)).save(path.with_suffix(".json"))
    with pytest.raises(InputError, match="is not an ONNX network that runs here"):
        learned(str(path))
    path.write_bytes(whole)
    path.with_suffix(".json").unlink()
    with pytest.raises(InputError, match=r"no .*green_crops\.json"):
        learned(str(path))


def test_a_trace_without_the_network_says_what_to_do(tmp_path):
    trace, _ = made_trace(MADE)
    with pytest.raises(InputError, match="needs pictures, of which this trace was made without it"):
        wave_of(trace, method=str(green_of_crops(tmp_path)), rate=30.0)
    with pytest.raises(InputError, match="no region 'left_ear'"):
        method = str(green_of_regions(tmp_path, regions=("forehead", "left_ear")))
        wave_of(trace, method=method, rate=30.0)


def test_every_shipped_network_is_a_method():
    for name in shipped():
        assert find(name).needs in ("crops", "regions")
        golden = MODELS / f"{name}.golden.npz"
        assert check_golden(learned(name).network, golden) < 1e-3


def test_the_network_that_ships_speaks_of_every_sample():
    trace, truth = made_trace(Scenario(seed=1, duration=15.0, rate=30.0))
    wave = wave_of(trace, method="regionpulse", rate=30.0)
    assert np.isfinite(wave.values).all()
    pulse = truth.physiology.pulse_at(wave.time)
    for part in (slice(0, 150), slice(-150, None)):  # warm-up and delay lie in them
        assert np.corrcoef(wave.values[part], pulse[part])[0, 1] > 0.6
