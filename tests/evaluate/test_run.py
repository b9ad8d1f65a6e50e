"""Evaluations of made people, whose answers are those of `measure`."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from camvitals.data.recording import Recording
from camvitals.data.synthetic.recordings import made_recording
from camvitals.data.synthetic.scenario import Scenario
from camvitals.evaluate import seen as seen_module
from camvitals.evaluate.protocol import PROTOCOLS, protocol
from camvitals.evaluate.run import evaluate
from camvitals.pipeline import Settings, measure_trace, pulse_of
from camvitals.records import InputError, Source, Trace, Wave
from camvitals.video import Video, open_video
from camvitals.waves.run import METHODS

SCENARIO = Scenario(seed=11, duration=30.0, rate=30.0, heart_rate=70.0, sdnn=15.0)
TAKE = made_recording(SCENARIO)
SOURCE = Source("made", rate=30.0)


def trace_of(take: Recording) -> Trace:
    assert take.colours is not None
    return take.colours()


def with_colours(take: Recording, trace: Trace, **changes: object) -> Recording:
    return replace(take, colours=lambda: trace, **changes)


def clip_references(rate_bpm: float, seconds: float) -> Mapping[str, Wave]:
    time = np.arange(0, seconds, 1 / 60)
    pulse = np.sin(2 * np.pi * rate_bpm / 60 * time) ** 3
    return {"pulse": Wave(pulse, time, "pulse"), "heart_rate": Wave(0 * time + rate_bpm, time, "")}


@pytest.mark.parametrize("method", ["auto", "pos"])
def test_sliding_windows_are_the_report_s(method: str) -> None:
    result = evaluate([TAKE], methods=[method], protocol=PROTOCOLS["ours"], jobs=1)
    report = measure_trace(trace_of(TAKE), source=SOURCE, settings=Settings(method))
    of_start = {round(reading.span[0], 2): reading for reading in report.rolling}
    assert list(result.columns["start"]) == [0, 5, 10, 15, 20]
    for row, start in enumerate(result.columns["start"]):
        reading = of_start[round(start, 2)]
        for name, value in (("estimate", reading.value), ("low", reading.low)):
            assert result.columns[name][row] == pytest.approx(
                np.nan if value is None else value, nan_ok=True
            )
        assert result.columns["quality"][row] == pytest.approx(reading.quality)
        assert result.columns["why"][row] == reading.why


def test_whole_recordings_have_all_readings_of_the_report() -> None:
    result = evaluate([TAKE], protocol=protocol("ours", window=None), jobs=1)
    report = measure_trace(trace_of(TAKE), source=SOURCE, settings=Settings())
    assert set(result.names("vital")) >= {"heart_rate", "respiration_rate", "hrv_sdnn"}
    for vital, estimate in zip(result.columns["vital"], result.columns["estimate"], strict=True):
        value = report.reading(vital).value
        assert estimate == pytest.approx(np.nan if value is None else value, nan_ok=True)


def test_a_window_cut_out_is_measured_as_a_recording() -> None:
    longer = made_recording(replace(SCENARIO, duration=62.0))
    result = evaluate([longer], methods=["pos"], protocol=protocol("ours", window=30.0), jobs=1)
    rows = result.of(vital="heart_rate").columns
    assert list(rows["start"]) == [0, 30]
    cut = trace_of(longer).between(30.0 - 1e-9, 60.0 - 1e-9)
    alone = measure_trace(cut, source=SOURCE, settings=Settings("pos")).readings[0]
    assert alone.value is not None
    assert rows["estimate"][1] == pytest.approx(alone.value)


@pytest.mark.parametrize("method", ["auto", "ica", "chrom"])
def test_pulses_are_those_of_reports_gaps_too(method: str) -> None:
    trace = trace_of(made_recording(replace(SCENARIO, duration=75.0)))
    trace.rgb[900:960] = np.nan
    report = measure_trace(trace, source=SOURCE, settings=Settings(method)).wave("pulse")
    pulse = pulse_of(trace, settings=Settings(method))
    assert pulse.time == pytest.approx(report.time)
    assert pulse.values == pytest.approx(report.values, abs=1e-9, nan_ok=True)
    assert np.isnan(pulse.values).any()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_reads_an_easy_person_right(name: str) -> None:
    take = made_recording(replace(SCENARIO, duration=40.0))
    methods = ("auto", "chrom")
    result = evaluate([take], methods=methods, protocol=PROTOCOLS[name], jobs=1, waves=True)
    heart = result.columns["vital"] == "heart_rate"  # variability asks for more than 30 s
    estimate, reference = (result.columns[name][heart] for name in ("estimate", "reference"))
    known = np.isfinite(estimate)
    assert known.mean() > 0.7
    error = np.abs(estimate - reference)[known]
    assert np.median(error) < 3.0
    likeness = result.of(method="auto").columns["wave_r"]
    assert np.nanmedian(likeness) > 0.6


def test_methods_see_nothing_outside_the_span_of_a_protocol() -> None:
    take = made_recording(replace(SCENARIO, duration=40.0))
    disturbed = trace_of(take)
    outside = (disturbed.time < 306 / 61) | (disturbed.time >= 2136 / 61)
    disturbed.rgb[outside] += 90 * np.sin(9 * disturbed.time[outside])[:, None, None]
    both = [
        evaluate([one], methods=["auto", "lgi"], protocol=PROTOCOLS["li2014"], jobs=1).columns
        for one in (take, with_colours(take, disturbed))
    ]
    assert np.isfinite(both[0]["estimate"]).all()
    assert list(both[0]["estimate"]) == list(both[1]["estimate"])


def test_all_methods_have_the_same_windows_and_those_that_cannot_say_why() -> None:
    result = evaluate([TAKE], methods=["green", "samc"], protocol=PROTOCOLS["heartratenet"], jobs=1)
    green, samc = (result.of(method=method).columns for method in ("green", "samc"))
    assert list(green["start"]) == list(samc["start"]) == [0, 10, 20]
    assert list(green["reference"]) == list(samc["reference"])
    assert np.isnan(samc["estimate"]).all()
    assert "samc needs a grid of regions" in samc["why"][0]


def test_windows_where_nobody_is_seen_are_asked_and_withheld() -> None:
    trace = trace_of(TAKE)
    trace.rgb[:450] = np.nan
    take = with_colours(TAKE, trace)
    for name in ("ours", "heartratenet"):
        result = evaluate([take], methods=["pos"], protocol=PROTOCOLS[name], jobs=1)
        estimate = result.columns["estimate"]
        assert np.isnan(estimate[result.columns["start"] < 14]).all()
        assert np.isfinite(estimate[-1])
        assert [bool(why) for why in result.columns["why"]] == list(np.isnan(estimate))


def test_bad_references_leave_their_windows_out() -> None:
    body = dict(TAKE.references())
    pulse = body["pulse"].values.copy()
    time = body["pulse"].time
    pulse[(time > 12) & (time < 19)] = np.nan
    take = replace(TAKE, references=lambda: {"pulse": Wave(pulse, time, "pulse")})
    result = evaluate([take], methods=["pos"], protocol=PROTOCOLS["heartratenet"], jobs=1)
    assert list(result.columns["start"]) == [0, 20]
    assert [(one.windows, one.vital) for one in result.excluded] == [(1, "heart_rate")]


def test_recordings_that_are_too_short_or_not_aligned_are_counted() -> None:
    short = protocol("ours", window=60.0)
    result = evaluate([TAKE], protocol=short, jobs=1)
    assert "30.0 s but 60.0 are needed" in result.excluded[0].why
    apart = replace(TAKE, aligned=False)
    assert "how pictures and reference lie" in evaluate([apart], jobs=1).excluded[0].why
    whole = evaluate([apart], methods=["pos"], protocol=protocol("ours", window=None), jobs=1)
    assert len(whole.of(vital="heart_rate")) == 1


def refuse() -> Mapping[str, Wave]:
    return {"pulse": Wave(np.zeros(3), np.array([0.0, 2.0, 1.0]), "pulse")}


def bad_takes(folder: Path) -> dict[str, Recording]:
    text = folder / "text.mp4"
    text.write_text("no video")
    video = partial(open_video, str(text))
    filmed = partial(replace, TAKE, colours=None, pictures=video)
    return {
        "missing.bin is missing or empty": replace(TAKE, files=(folder / "missing.bin",)),
        "text.mp4": filmed(),
        "it needs a reference with beats or rates": replace(TAKE, references=dict),
        "time must increase": replace(TAKE, references=refuse),
        "fault of camvitals": replace(TAKE, colours=partial(int, "x")),  # type: ignore[arg-type]
    }


def test_what_cannot_be_scored_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    bad = bad_takes(tmp_path)
    takes = [replace(take, subject=f"s{k}") for k, take in enumerate(bad.values())]
    result = evaluate([*takes, TAKE], methods=["green"], jobs=1)
    assert result.names("subject") == (TAKE.subject,)
    assert [one.recording for one in result.skipped] == [take.name for take in takes]
    for why, one in zip(bad, result.skipped, strict=True):
        assert why in one.why


def test_subjects_there_twice_or_in_two_splits_are_refused_alone() -> None:
    twice = [replace(TAKE, subject="a"), replace(TAKE, subject="a")]
    split = [replace(TAKE, subject="b", session=s, split=s) for s in ("train", "test")]
    result = evaluate([*twice, *split, TAKE], methods=["green"], jobs=1)
    assert result.names("subject") == (TAKE.subject,)
    told = {one.recording: one.why for one in result.skipped}
    assert "recording a of subject a is there 2 times" in told["a"]
    assert "subject b is in splits test, train" in told["b/train"]
    assert set(told) == {"a", "b/train", "b/test"}


def test_a_split_is_scored_alone() -> None:
    takes = [replace(TAKE, subject=s, split=s) for s in ("train", "test")]
    scored = evaluate(takes, methods=["green"], protocol=protocol("ours", split="test"), jobs=1)
    assert scored.names("subject") == ("test",)
    with pytest.raises(InputError, match="no recording of split 'val'; the corpus has test, train"):
        evaluate(takes, protocol=protocol("ours", split="val"))


def test_wrong_wishes_are_refused_before_the_work() -> None:
    with pytest.raises(InputError, match="no method 'posx'"):
        evaluate([TAKE], methods=["posx"])
    with pytest.raises(InputError, match="an evaluation needs recordings but got none"):
        evaluate([])


def test_two_processes_find_the_same_in_the_same_order() -> None:
    takes = [made_recording(replace(SCENARIO, seed=seed, duration=12.0)) for seed in (1, 2, 3)]
    one, two = (evaluate(takes, methods=["green", "pos"], jobs=jobs) for jobs in (1, 2))
    for name, column in one.columns.items():
        other = two.columns[name]
        if column.dtype.kind == "f":  # sums in other threads round in another order
            assert np.allclose(column, other, rtol=1e-4, equal_nan=True), name
        else:
            assert [str(v) for v in column] == [str(v) for v in other]


def filmed(face_file: Path) -> Recording:
    return Recording(
        "clips",
        "face",
        partial(clip_references, 77.0, 14.0),
        pictures=partial(open_video, str(face_file)),
        files=(face_file,),
    )


def test_pictures_are_read_once_for_all_methods_and_kept(
    face_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def count() -> Video:
        opened.append(1)
        return open_video(str(face_file))

    take = replace(filmed(face_file), pictures=count)
    methods = ("auto", "green", "samc", "balakrishnan", "ssr")
    first = evaluate([take], methods=methods, jobs=1, traces=tmp_path)
    assert len(opened) == 1
    again = evaluate([take], methods=methods, jobs=1, traces=tmp_path)
    assert len(opened) == 1
    assert again.columns["estimate"] == pytest.approx(first.columns["estimate"], nan_ok=True)
    auto = first.of(method="auto").columns
    assert np.abs(auto["estimate"] - 77.0).max() < 3.0
    monkeypatch.setattr(seen_module, "versions", lambda: {"camvitals": "other"})
    evaluate([take], methods=("green",), jobs=1, traces=tmp_path)
    assert len(opened) == 2


def test_a_grid_for_one_method_does_not_change_another(face_file: Path) -> None:
    alone = evaluate([filmed(face_file)], methods=["auto"], jobs=1)
    beside = evaluate([filmed(face_file)], methods=["auto", "samc"], jobs=1)
    together = beside.of(method="auto").columns["estimate"]
    # A matrix product of more rows rounds otherwise
    assert together == pytest.approx(alone.columns["estimate"], abs=0.01)


def test_only_the_span_of_a_take_is_looked_at(face_file: Path) -> None:
    take = replace(filmed(face_file), span=(2.0, 13.0))
    result = evaluate([take], methods=["green"], protocol=PROTOCOLS["heartratenet"], jobs=1)
    assert result.columns["start"] == pytest.approx([2.0], abs=0.05)


def test_every_method_can_be_asked_for() -> None:
    result = evaluate([TAKE], methods=tuple(METHODS), protocol=PROTOCOLS["rppg-toolbox"], jobs=1)
    assert result.names("method") == tuple(METHODS)
    for method in METHODS:
        told = result.of(method=method).columns
        assert np.isfinite(told["estimate"][0]) or told["why"][0]
