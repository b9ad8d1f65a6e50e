import numpy as np
import pytest

from camvitals.data.synthetic.physiology import simulate_physiology
from camvitals.data.synthetic.scenario import Scenario
from camvitals.evaluate.ecg import beat_times, ecg_scores, heart_rates_of, window_scores
from camvitals.evaluate.ecg_plots import PLOTS, Overlay, overlay_svg
from camvitals.evaluate.ecg_table import SCORES, aggregate, ecg_table
from camvitals.evaluate.render import markdown_table
from camvitals.records import InputError, Wave

RATE, N = 12.0, 720  # pictures of a minute


def person(**fields):
    asked = {"seed": 2, "duration": 60.0, "rate": 30.0, "heart_rate": 70.0} | fields
    return simulate_physiology(Scenario(**asked))


def full(body):
    """ECG of the recording at 250 Hz, its beats and which are ectopic."""
    inside = (body.time >= 0) & (body.time < body.duration)
    beat = (body.r_peaks >= 0) & (body.r_peaks < body.duration)
    return body.ecg[inside], body.r_peaks[beat], body.ectopic[beat]


def labels(beats):
    out = np.zeros(N)
    out[np.floor(beats * RATE).astype(int)] = 1
    return out


def peaks_of(predicted, true, **options):
    return ecg_scores(predicted, true, rate=RATE, window=1.0, kind="peaks", **options)


def test_floors_of_the_peaks_are_p_and_p_times_the_rest_exactly():
    for share in (60, 90, 144):
        true = np.zeros(N)
        true[:: N // share] = 1
        p = true.mean()
        zero, mean = peaks_of(np.zeros(N), true), peaks_of(np.full(N, p), true)
        assert p == share / N
        assert zero["mse"] == zero["zero_mse"] == zero["zero_mae"] == p
        assert mean["mse"] == pytest.approx(p * (1 - p), rel=1e-12)
        assert mean["mean_mse"] == pytest.approx(p * (1 - p), rel=1e-12)
        assert mean["r2"] == pytest.approx(0, abs=1e-12) and mean["r"] == 0
        assert zero["f1"] == mean["f1"] == 0 and np.isnan(mean["heart_rate_mae"])
        assert zero["heart_rate_answered"] == 0


def test_the_right_answer_has_no_error():
    ecg, beats, _ = full(person())
    found = ecg_scores(ecg, ecg, rate=250.0, window=1.0, kind="trace", beats=beats)
    assert found["r"] == found["r2"] == found["f1"] == pytest.approx(1)
    assert found["mse"] == 0 and found["windows"] == 60
    assert found["interval_mae_ms"] < 1 and found["heart_rate_mae"] < 0.05
    assert found["heart_rate"] == pytest.approx(70, abs=1)
    assert found["sdnn_ms"] == pytest.approx(40, rel=0.1)
    assert found["sdnn_error_ms"] < 1 and found["rmssd_error_ms"] < 1


def test_pictures_cost_what_their_clock_costs():
    """A beat is known to 1/12 s: even over which, so that an interval is 83 / √6 ms off."""
    _, beats, _ = full(person(duration=600.0))
    true = np.zeros(7200)
    true[np.floor(beats * RATE).astype(int)] = 1
    found = peaks_of(true, true, beats=beats)
    assert found["f1"] == found["r"] == pytest.approx(1)
    assert found["interval_mae_ms"] == pytest.approx(1e3 / RATE / 3, rel=0.1)
    assert found["rmssd_error_ms"] == pytest.approx(found["rmssd_clock_ms"], rel=0.02)
    assert found["rmssd_clock_ms"] > 15
    assert found["heart_rate_mae"] < 1


def test_one_picture_off_is_found_and_two_are_not():
    _, beats, _ = full(person(sdnn=10.0))
    true = labels(beats)
    assert peaks_of(np.roll(true, 1), true)["f1"] > 0.99
    assert peaks_of(np.roll(true, 2), true)["f1"] == 0
    assert peaks_of(np.roll(true, 2), true, within=2.1 / RATE)["f1"] > 0.97


def test_a_beat_is_said_where_it_is_more_likely_than_not():
    chance = np.zeros(60)
    chance[[10, 11, 12]] = 0.2, 0.25, 0.1  # 0.55 within a picture
    chance[[30, 31, 32]] = 0.1, 0.25, 0.1  # 0.45
    chance[45], chance[0] = 0.5, 1.0
    found = beat_times(chance, rate=RATE, kind="peaks") * RATE - 0.5
    at = (10 * 0.2 + 11 * 0.25 + 12 * 0.1) / 0.55
    assert found == pytest.approx([0, at, 45])
    assert len(beat_times(np.full(60, 0.1), rate=RATE, kind="peaks")) == 0


def test_a_metronome_hits_by_chance_as_often_as_its_tolerance_is_wide():
    _, beats, _ = full(person(sdnn=40.0, duration=60.0))
    floor = peaks_of(labels(beats), labels(beats))["f1_floor"]
    assert floor == pytest.approx(3 / RATE * 70 / 60, rel=0.25)  # three pictures of an interval


def test_windows_are_scored_one_by_one():
    rng = np.random.default_rng(0)
    true = rng.standard_normal((10, 12))
    predicted = 0.5 * true + 0.1
    predicted[3] = 0.2
    predicted[4, 2] = np.nan
    true[5] = 1.0
    r, r2 = window_scores(predicted.ravel(), true.ravel(), rate=RATE, window=1.0)
    assert r[0] == pytest.approx(1) and r[3] == 0
    assert np.isnan(r[[4, 5]]).all() and np.isnan(r2[[4, 5]]).all()
    by_hand = 1 - ((predicted[0] - true[0]) ** 2).sum() / ((true[0] - true[0].mean()) ** 2).sum()
    assert r2[0] == pytest.approx(by_hand)
    found = ecg_scores(predicted.ravel(), true.ravel(), rate=RATE, window=1.0, kind="trace")
    assert found["windows"] == 8 and found["r"] == pytest.approx(7 / 8)
    known = np.isfinite(predicted) & np.isfinite(true)
    error = ((predicted - true)[known] ** 2).mean()
    assert found["r2"] == pytest.approx(1 - error / true[known].var())


def test_early_beats_are_told_apart():
    ecg, beats, ectopic = full(person(ectopic=0.1, sdnn=10.0))
    near = np.abs(np.arange(len(ecg)) / 250 - beats[ectopic][:, None]).min(axis=0) < 0.15
    blind = np.where(near, 0.0, ecg)
    found = ecg_scores(
        blind, ecg, rate=250.0, window=1.0, kind="trace", beats=beats, ectopic=ectopic
    )
    assert found["sensitivity_normal"] > 0.97 and found["sensitivity_ectopic"] == 0


def test_a_heart_rate_is_of_ten_seconds_from_beat_to_beat():
    beats = np.r_[np.arange(0.2, 10, 0.8), np.arange(10.1, 20, 1.0), 25.0]
    found = heart_rates_of(beats, start=0.0, stop=30.0)
    assert found[:2] == pytest.approx([75, 60]) and np.isnan(found[2])


def test_waves_are_brought_to_one_clock():
    body = person()
    truth = Wave(body.ecg, body.time, "ecg", "mV")
    clock = np.arange(0.0, 50.0, 1 / 125)
    late = Wave(np.interp(clock, body.time, body.ecg), clock, "ecg", "mV")
    found = ecg_scores(late, truth, rate=125.0, window=1.0, kind="trace", beats=body.r_peaks)
    assert found["r"] > 0.999 and found["f1"] > 0.98 and found["windows"] == 50
    after = Wave(late.values, late.time + 1000, "ecg", "mV")
    with pytest.raises(InputError, match="two waves of one time"):
        ecg_scores(after, truth, rate=125.0, window=1.0, kind="trace")


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="kind trace or peaks"):
        ecg_scores(np.zeros(24), np.zeros(24), rate=RATE, window=1.0, kind="beats")
    with pytest.raises(InputError, match="reference needs shape"):
        ecg_scores(np.zeros(24), np.zeros(25), rate=RATE, window=1.0, kind="trace")
    with pytest.raises(InputError, match="recording of one window"):
        ecg_scores(np.zeros(6), np.zeros(6), rate=RATE, window=1.0, kind="trace")


def test_nothing_known_is_nan_not_an_error():
    found = peaks_of(np.full(N, np.nan), labels(np.arange(0.5, 59, 0.9)))
    assert np.isnan(found["r"]) and np.isnan(found["mse"]) and found["windows"] == 0


def rows_of(values, **fields):
    return [{"subject": who, "r": value, **fields} for who, value in values]


def test_a_person_counts_once_and_intervals_are_over_people():
    rows = rows_of([("a", 0.0), ("a", 0.0), ("a", 0.0), ("b", 1.0)], model="m", scheme="s")
    score = aggregate(rows, by=("model",), names=("r",))[("m",)]["r"]
    assert (score.value, score.low, score.high, score.subjects) == (0.5, 0.0, 1.0, 2)
    spread = rows_of([(str(k), float(k % 2)) for k in range(40)], model="m")
    narrow = aggregate(spread, by=("model",), names=("r",))[("m",)]["r"]
    assert narrow.high - narrow.low == pytest.approx(4 * 0.5 / np.sqrt(40), rel=0.15)


def test_the_mean_of_the_others_is_the_floor_of_the_rate():
    rows = [
        {"subject": who, "model": "m", "heart_rate": bpm}
        for who, bpm in (("a", 60.0), ("a", 62.0), ("b", 70.0), ("c", 81.0))
    ]
    score = aggregate(rows, by=("model",), names=("heart_rate_floor",))[("m",)]
    by_hand = np.mean([75.5 - 61, 71 - 70, 81 - 65.5])
    assert score["heart_rate_floor"].value == pytest.approx(by_hand)


def test_the_table_has_every_group_and_every_score():
    _, beats, ectopic = full(person(ectopic=0.05))
    true = labels(beats)
    found = peaks_of(true, true, beats=beats, ectopic=ectopic)
    assert set(found) | {"heart_rate_floor"} == set(SCORES)
    rows = [
        {"subject": who, "model": model, "loss": loss, **found}
        for who in "abc"
        for model in ("siamese", "i3d")
        for loss in ("mse", "mae")
    ]
    table = ecg_table(rows, by=("model", "loss"), title="System A")
    assert [row.name for row in table.rows] == [
        f"{model}, {loss}" for model in ("siamese", "i3d") for loss in ("mse", "mae")
    ]
    text = markdown_table(table)
    assert "| i3d, mae | 1.00 \\[1.00–1.00\\]" in text or "| i3d, mae | 1.00 [1.00–1.00]" in text
    assert "people drawn again" in text
    with pytest.raises(InputError, match="names of"):
        ecg_table(rows, by=("model",), names=("loss",))
    with pytest.raises(InputError, match="needs rows"):
        ecg_table([], by=("model",))


def test_a_score_that_nobody_has_is_a_dash():
    table = ecg_table([{"subject": "a", "model": "m"}], by=("model",), names=("f1",))
    assert "| m | – |" in markdown_table(table)


@pytest.fixture
def rows():
    _, beats, _ = full(person())
    true, time = labels(beats), (np.arange(N) + 0.5) / RATE
    ecg = full(person())[0]
    return (
        Overlay("peaks", time, true, np.full(N, true.mean()), kind="peaks", r=0.0),
        Overlay("full rate", np.arange(len(ecg)) / 250, ecg, 0.5 * ecg, unit="mV", r=0.91),
    )


def test_predictions_are_drawn_over_what_was_true(rows):
    plot = PLOTS["overlay"]
    for wide, seconds in ((True, 10), (False, 5)):
        figure = plot.draw(rows, wide)
        assert len(figure.axes) == 2
        assert figure.axes[1].get_xlim() == pytest.approx((0, seconds), abs=0.01)
        line = figure.axes[1].lines
        assert len(line) == 2 and np.ptp(line[0].get_ydata()) == pytest.approx(
            2 * np.ptp(line[1].get_ydata())
        )
    said = plot.say(rows)
    assert "peaks varies 0.00 times as much as the truth, r 0.00" in said
    assert "full rate varies 0.50 times" in said


def test_a_drawing_stands_alone(rows):
    text = overlay_svg(rows)
    assert text.startswith("<svg") and 'xmlns="http://www.w3.org/2000/svg"' in text
    assert "var(--heart)" in text and "full rate, mV" in text
    with pytest.raises(InputError, match="at least one row"):
        overlay_svg(())
    with pytest.raises(InputError, match="kind trace or peaks"):
        Overlay("x", np.arange(3.0), np.zeros(3), np.zeros(3), kind="lines")
