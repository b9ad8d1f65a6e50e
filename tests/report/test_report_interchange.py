"""Every interchange format, read back by the library that others read it with."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from camvitals.records import InputError, Wave
from camvitals.report import signals
from camvitals.report.bids import write_bids
from camvitals.report.edf import write_edf
from camvitals.report.fhir import to_fhir, write_fhir
from camvitals.report.nwb import write_nwb
from camvitals.report.signals import signals_of
from camvitals.report.wfdb_file import write_wfdb

BEGUN = datetime(2026, 5, 4, 9, 30, 0, 250000, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture
def report(make_report):
    """One minute of somebody, from second 3.2 of the clock on, with a gap from 25 to 27 s."""
    made = make_report(seconds=30)
    late = tuple(replace(wave, time=wave.time + 3.2) for wave in made.waves)
    settings = {**made.settings, "started": BEGUN.isoformat()}
    return replace(made, waves=late, beats=made.beats + 3.2, settings=settings)


@pytest.fixture
def gap(report):
    pulse = report.wave("pulse")
    return ~np.isfinite(pulse.values)


@pytest.fixture(scope="module")
def pynwb():
    return pytest.importorskip("pynwb")


def read_edf(path):
    pyedflib = pytest.importorskip("pyedflib")
    with pyedflib.EdfReader(str(path)) as file:
        waves = {
            name: (file.readSignal(k), file.getSampleFrequency(k), file.getPhysicalDimension(k))
            for k, name in enumerate(file.getSignalLabels())
        }
        return waves, list(zip(*file.readAnnotations(), strict=True)), file.getStartdatetime()


def test_edf_has_waves_beats_readings_and_says_where_it_has_nothing(report, gap, tmp_path):
    waves, notes, start = read_edf(write_edf(tmp_path / "a.edf", [report]))
    values, rate, unit = waves["pulse"]
    pulse = report.wave("pulse")
    assert (rate, unit, set(waves)) == (30, "1", {"pulse", "breath"})
    step = 2.01 * np.nanmax(np.abs(pulse.values)) / 65534
    assert values[: len(gap)][~gap] == pytest.approx(pulse.values[~gap], abs=step)
    assert not values[: len(gap)][gap].any()
    first, last = np.flatnonzero(gap)[[0, -1]]
    told = {text: (onset, length) for onset, length, text in notes if text != "beat"}
    assert told["gap pulse"] == pytest.approx((first / 30, (last - first + 1) / 30), abs=1e-3)
    beats = [onset for onset, _, text in notes if text == "beat"]
    assert beats == pytest.approx(report.beats - 3.2, abs=1e-3)
    assert "heart_rate 72.04 bpm" in told and "heart_rate quality 0.930" in told
    assert "hrv_lf withheld" in told
    why = [text for _, _, text in notes if text.startswith("why ")]
    assert "LF power needs 120 s of beats but there are 60 s." in " ".join(w[7:] for w in why)
    assert start == datetime(2026, 5, 4, 9, 30, 3)
    assert "begins 0.450 s after the header" in told


def test_edf_of_an_unknown_day_says_so_and_pads_to_a_whole_second(make_report, tmp_path):
    made = make_report(seconds=12)
    cut = replace(
        made, waves=tuple(replace(w, time=w.time[:345], values=w.values[:345]) for w in made.waves)
    )
    waves, notes, start = read_edf(write_edf(tmp_path / "a.edf", [cut]))
    assert start == datetime(1985, 1, 1)
    assert len(waves["pulse"][0]) == 360
    assert (11.5, 0.5, "end pulse") in [(o, n, t) for o, n, t in notes]


def test_edf_takes_uneven_and_broken_rates_to_a_whole_one(make_report, tmp_path):
    time = np.arange(500) / 25.2 + np.random.default_rng(0).uniform(-0.004, 0.004, 500)
    wave = Wave(np.sin(2 * np.pi * 1.1 * time), time, "pulse")
    made = replace(make_report(seconds=20), waves=(wave,), beats=np.zeros(0))
    waves, _, _ = read_edf(write_edf(tmp_path / "a.edf", [made]))
    values, rate, _ = waves["pulse"]
    at = time[0] + np.arange(len(values)) / rate
    inside = at < time[-1]
    assert rate in (25, 26)
    assert values[inside] == pytest.approx(np.sin(2 * np.pi * 1.1 * at[inside]), abs=0.03)


def test_wfdb_keeps_gaps_and_beats_to_the_millisecond(report, tmp_path):
    wfdb = pytest.importorskip("wfdb")
    write_wfdb(tmp_path / "person.hea", [report])
    record = wfdb.rdrecord(str(tmp_path / "person"))
    pulse = report.wave("pulse")
    assert (record.fs, record.sig_name, record.units) == (30, ["pulse", "breath"], ["NU", "NU"])
    step = np.nanmax(np.abs(pulse.values)) / 30000
    assert record.p_signal[:, 0] == pytest.approx(pulse.values, abs=step, nan_ok=True)
    assert record.base_datetime == BEGUN.replace(tzinfo=None) + timedelta(seconds=3.2)
    beats = wfdb.rdann(str(tmp_path / "person"), "atr")
    assert set(beats.symbol) == {"N"}
    assert beats.sample / beats.fs == pytest.approx(report.beats - 3.2, abs=1e-3)
    assert any(c.startswith("heart_rate 72.04 bpm low 71.24 high 72.84") for c in record.comments)
    assert any("hrv_lf withheld" in c and "needs 120 s of beats" in c for c in record.comments)
    assert "start 3.200000 s" in record.comments


def test_nwb_has_series_beats_and_tables(report, pynwb, tmp_path):
    path = write_nwb(tmp_path / "a.nwb", [report])
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        read = file.read()
        module = read.processing["vital_signs"]
        pulse = module["pulse"]
        assert np.array_equal(pulse.data[:], report.wave("pulse").values, equal_nan=True)
        assert (pulse.starting_time, pulse.rate, pulse.unit) == (3.2, 30.0, "a.u.")
        assert module["beats"].timestamps[:] == pytest.approx(report.beats)
        table = module["readings"].to_dataframe()
        rolling = module["rolling"].to_dataframe()
        begun = read.session_start_time
    assert begun == BEGUN
    assert list(table["vital"]) == [r.name for r in report.readings]
    assert table["value"][0] == 72.04 and table["stop_time"][0] == 60.0
    assert np.isnan(table["value"].iloc[-1]) and "needs 120 s" in table["why"].iloc[-1]
    assert len(rolling) == len(report.rolling)


def test_nwb_keeps_the_times_of_an_uneven_wave(make_report, pynwb, tmp_path):
    time = np.array([0.0, 0.1, 0.25, 0.3])
    made = replace(make_report(seconds=10), waves=(Wave(np.arange(4.0), time, "pulse"),))
    path = write_nwb(tmp_path / "a.nwb", [made])
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        series = file.read().processing["vital_signs"]["pulse"]
        assert series.timestamps[:] == pytest.approx(time) and series.rate is None


def test_bids_is_a_table_and_a_sidecar(report, gap, tmp_path):
    path = write_bids(tmp_path / "sub-01_task-rest_physio.tsv.gz", [report])
    about = json.loads((tmp_path / "sub-01_task-rest_physio.json").read_text("utf-8"))
    assert (about["SamplingFrequency"], about["StartTime"]) == (30.0, 3.2)
    assert about["Columns"] == ["cardiac", "respiratory"]
    assert about["cardiac"]["Units"] == "arbitrary"
    rows = [row.split("\t") for row in gzip.decompress(path.read_bytes()).decode().splitlines()]
    table = np.array([[np.nan if x == "n/a" else float(x) for x in row] for row in rows])
    assert table[:, 0] == pytest.approx(report.wave("pulse").values, rel=1e-6, nan_ok=True)
    assert rows[int(np.argmax(gap))][0] == "n/a"
    assert about["CamvitalsReadings"][-1]["why"].startswith("LF power needs")
    assert about["CamvitalsBeats"] == pytest.approx(report.beats, abs=1e-6)


def test_bids_gives_another_clock_a_file_of_its_own(make_report, tmp_path):
    write_bids(tmp_path / "sub-01_physio.tsv.gz", [make_report(seconds=12, ecg=True)])
    about = json.loads((tmp_path / "sub-01_recording-ecgmodeloutput_physio.json").read_text())
    assert about["SamplingFrequency"] == 250.0 and about["Columns"] == ["ecg_model_output"]


def bundle_of(reports, release):
    pytest.importorskip("fhir.resources")
    if release == "R4":
        from fhir.resources.R4B.bundle import Bundle
    else:
        from fhir.resources.bundle import Bundle
    return Bundle.model_validate_json(to_fhir(reports, release=release))


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_fhir_observations_have_codes_units_times_and_reasons(report, release):
    bundle = bundle_of([report], release)
    device, *found = (entry.resource for entry in bundle.entry)
    by_code = {o.code.coding[-1].code: o for o in found}
    heart = by_code["heart_rate"]
    assert (heart.code.coding[0].system, heart.code.coding[0].code) == (
        "http://loinc.org",
        "8867-4",
    )
    value = heart.valueQuantity
    assert (float(value.value), value.code, value.system) == (
        72.04, "/min", "http://unitsofmeasure.org",
    )  # fmt: skip
    assert heart.effectivePeriod.start == BEGUN
    assert heart.effectivePeriod.end == BEGUN + timedelta(seconds=60)
    parts = {c.code.coding[0].code: c for c in heart.component}
    assert float(parts["interval"].valueRange.low.value) == 71.24
    assert float(parts["quality"].valueQuantity.value) == 0.93
    assert heart.category[0].coding[0].code == "vital-signs"
    assert heart.device.reference == bundle.entry[0].fullUrl and "camera, pos" in heart.method.text
    assert device.get_resource_type() == "Device"
    assert by_code["respiration_rate"].code.coding[0].code == "9279-1"
    assert by_code["hrv_sdnn"].code.coding[0].code == "80404-7"
    assert by_code["hrv_sdnn"].valueQuantity.code == "ms"
    assert [c.system for c in by_code["hrv_rmssd"].code.coding] == ["urn:camvitals:reading"]
    silent = by_code["hrv_lf"]
    assert silent.valueQuantity is None
    assert silent.dataAbsentReason.text == "LF power needs 120 s of beats but there are 60 s."


def test_fhir_has_saturation_by_its_code(make_report):
    made = make_report(seconds=12, oxygen=True)
    bundle = bundle_of([replace(made, readings=made.over_time("spo2")[:1])], "R5")
    observation = bundle.entry[1].resource
    assert observation.code.coding[0].code == "59408-5"
    assert (observation.valueQuantity.code, observation.valueQuantity.unit) == ("%", "%")


def test_fhir_does_not_invent_a_time(make_report):
    text = to_fhir([make_report(seconds=12)], release="R5")
    period = json.loads(text)["entry"][1]["resource"]["effectivePeriod"]
    assert set(period) == {"_start", "_end"}
    assert period["_start"]["extension"][0]["valueCode"] == "unknown"


def test_fhir_of_the_same_is_the_same(make_report, bare, tmp_path):
    reports = [make_report(seconds=12, person=1), make_report(seconds=12, person=2), bare]
    path = write_fhir(tmp_path / "a.fhir.json", reports)
    assert path.read_text("utf-8") == to_fhir(reports, release="R5")
    ids = [entry["fullUrl"] for entry in json.loads(path.read_text("utf-8"))["entry"]]
    assert len(set(ids)) == len(ids) == 1 + 2 * len(reports[0].readings) + len(bare.readings)


@pytest.mark.parametrize("write", [write_edf, write_wfdb, write_bids])
def test_nothing_over_time_is_refused_and_leaves_nothing(write, bare, tmp_path):
    name = {write_edf: "a.edf", write_wfdb: "a.hea", write_bids: "a_physio.tsv.gz"}[write]
    with pytest.raises(InputError, match="needs a wave but the report has none"):
        write(tmp_path / name, [bare])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", [write_edf, write_wfdb, write_nwb, write_bids])
def test_a_report_needs_a_person_and_a_folder(write, report, tmp_path):
    name = {write_edf: "a.edf", write_wfdb: "a.hea", write_nwb: "a.nwb"}.get(
        write, "a_physio.tsv.gz"
    )
    with pytest.raises(InputError, match="needs a report but got none"):
        write(tmp_path / name, [])
    with pytest.raises(InputError, match="is missing; make it first"):
        write(tmp_path / "no" / name, [report])


def test_names_that_the_formats_do_not_have_are_refused(report, tmp_path):
    with pytest.raises(InputError, match="name of letters, digits"):
        write_wfdb(tmp_path / "a b.hea", [report])
    with pytest.raises(InputError, match=r"BIDS needs a name that ends in _physio\.tsv\.gz"):
        write_bids(tmp_path / "a.tsv", [report])


def test_a_start_that_is_none_is_refused(report):
    odd = replace(report, settings={"started": "yesterday"})
    with pytest.raises(InputError, match="a start needs a date and time but got 'yesterday'"):
        to_fhir([odd], release="R5")
    assert signals.started(replace(report, settings={"started": "2026-05-04T09:30Z"})).tzinfo == UTC


def test_waves_that_begin_apart_share_one_clock(make_report):
    time = np.arange(300) / 30
    early, late = Wave(np.sin(time), time + 1, "pulse"), Wave(np.cos(time), time + 1.5, "breath")
    start, (pulse, breath) = signals_of(replace(make_report(seconds=10), waves=(early, late)))
    assert start == 1.0
    assert np.array_equal(pulse.values, early.values)
    assert np.isnan(breath.values[:15]).all()
    assert np.array_equal(breath.values[15:], late.values)


def test_a_gap_between_samples_stays_one(make_report):
    time = np.r_[np.arange(0, 2, 0.101), np.arange(4, 6, 0.101)]
    wave = Wave(np.ones(len(time)), time, "pulse")
    made = replace(make_report(seconds=10), waves=(wave,))
    _, (pulse,) = signals_of(made, rates=[10.0])
    at = np.arange(len(pulse.values)) / 10
    assert np.isnan(pulse.values[(at > 2.3) & (at < 3.7)]).all()
    assert np.isfinite(pulse.values[at < 1.9]).all()


@pytest.mark.parametrize(
    ("library", "write", "name"),
    [
        ("pyedflib", write_edf, "a.edf"),
        ("wfdb", write_wfdb, "a.hea"),
        ("pynwb", write_nwb, "a.nwb"),
        ("fhir.resources.bundle", write_fhir, "a.fhir.json"),
    ],
)
def test_a_missing_library_is_named(library, write, name, report, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(InputError, match=r"pip install 'camvitals\[formats\]'"):
        write(tmp_path / name, [report])
    assert not list(tmp_path.iterdir())
