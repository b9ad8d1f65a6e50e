import csv

import numpy as np
import pytest

from camvitals.records import InputError, Report, Source, Wave
from camvitals.report.csv_file import column_name, write_csv, write_table
from camvitals.report.files import write_atomically


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_four_tables_hold_what_the_reports_hold(make_report, bare, tmp_path):
    report = make_report(name='a, "b".mp4', person=2)
    paths = write_csv(f"{tmp_path}/new/", [report, bare])
    assert [p.name for p in paths] == ["readings.csv", "rolling.csv", "waves.csv", "beats.csv"]
    readings, rolling, waves, beats = map(rows, paths)
    assert (readings[0]["file"], readings[0]["person"]) == ('a, "b".mp4', "2")
    assert float(readings[0]["value"]) == 72.04 and readings[0]["why"] == ""
    assert readings[-1]["value"] == "" and readings[-1]["why"].startswith("No face")
    assert len(rolling) == len(report.rolling)
    pulse = [float(row["pulse"] or "nan") for row in waves]
    np.testing.assert_allclose(pulse, report.wave("pulse").values, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose([float(b["beat_s"]) for b in beats], report.beats, atol=1e-6)


def test_a_column_says_that_a_network_made_it_up(make_report, tmp_path):
    _, _, waves, _ = map(rows, write_csv(f"{tmp_path}/new/", [make_report(seconds=6, ecg=True)]))
    assert {"pulse", "ecg_model_output", "breath"} < set(waves[0]) and "ecg" not in waves[0]


def test_waves_on_their_own_clocks_share_one_table(tmp_path):
    pulse = Wave(np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.5, 1.0]), "pulse")
    breath = Wave(np.array([7.0, 8.0]), np.array([0.5, 0.75]), "breath")
    write_csv(tmp_path / "x.csv", [Report((), Source("x"), waves=(pulse, breath))])
    table = [(r["time_s"], r["pulse"], r["breath"]) for r in rows(tmp_path / "x_waves.csv")]
    assert table == [
        ("0.000000", "1", ""),
        ("0.500000", "2", "7"),
        ("0.750000", "", "8"),
        ("1.000000", "3", ""),
    ]


def test_many_files_make_one_table(make_report, bare, tmp_path):
    first, second = rows(write_table(tmp_path / "all.csv", iter([make_report(), bare])))
    assert first["heart_rate_bpm"] == "72.04" and first["problems"] == "compression"
    assert first["hrv_lf_ms2"] == "" and first["hrv_lf_why"].startswith("LF power")
    assert second["heart_rate_bpm"] == "" and second["heart_rate_why"].startswith("No face")
    assert second["hrv_sdnn_ms"] == second["hrv_sdnn_why"] == ""


@pytest.mark.parametrize(
    ("name", "unit", "column"),
    [
        ("hrv_lf_hf", "1", "hrv_lf_hf"),
        ("respiration_rate", "breaths/min", "respiration_rate_per_min"),
        ("hrv_pnn50", "%", "hrv_pnn50_percent"),
    ],
)
def test_columns_carry_their_unit(name, unit, column):
    assert column_name(name, unit) == column


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "half \udc80")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_is_replaced_with_its_permissions(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    assert write_atomically(path, "new\r\n").read_bytes() == b"new\r\n"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(InputError, match="which is missing; make it first"):
        write_atomically(tmp_path / "none" / "a.txt", "")
    with pytest.raises(InputError, match="is a folder"):
        write_atomically(tmp_path, "")
