"""`camvitals oxygen`, and `measure --oxygen` on a finger whose saturation is known."""

import json
import sys

import numpy as np
import pytest

from camvitals import InputError, Monitor, Settings, Source, cli, measure_trace
from camvitals.data.corpora import CORPORA
from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
from camvitals.data.synthetic.scenario import Scenario
from camvitals.vitals.calibration import Calibration

COURSE = ((0.0, 98.0), (25.0, 98.0), (50.0, 78.0), (80.0, 96.0))
ALL = [[-9.0, 9.0], [-9.0, 9.0]]


@pytest.fixture
def run(monkeypatch, capsys):
    """Exit code and output of a command."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["camvitals", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture(scope="module")
def fingers(tmp_path_factory):
    """Three people, both hands, whose colours follow the saturation by one line."""
    folder = tmp_path_factory.mktemp("corpora") / "oximetry"
    people = [
        Scenario(seed=k, duration=80, rate=30.0, heart_rate=62.0 + 7 * k, spo2_course=COURSE)
        for k in range(3)
    ]
    write_corpus(folder, LAYOUTS["oximetry"], people)
    for path in sorted(folder.rglob("ppg-csv/*/*.csv")):
        _even(path, people[int(path.stem) % 3])
    return folder


def _even(path, scenario):
    """Fingers of one kind, so that one line holds for all of them."""
    time = np.arange(80 * 30) / 30
    spo2 = np.interp(time, *np.transpose(COURSE))
    beat = np.sin(2 * np.pi * scenario.heart_rate / 60 * time)
    ratio = (110 - spo2) / 25
    depth = 0.02 * np.stack([ratio, np.ones(len(time)), 0.7 + 0.2 * ratio], axis=1)
    rng = np.random.default_rng(scenario.seed)
    rgb = np.array([150.0, 90.0, 60.0]) * (1 + depth * beat[:, None])
    rgb += 0.05 * rng.standard_normal(rgb.shape)
    np.savetxt(path, rgb, "%.6f", ",", header="R,G,B", comments="")


@pytest.fixture(scope="module")
def calibration(fingers, tmp_path_factory):
    """The file that the command writes."""
    path = tmp_path_factory.mktemp("cal") / "cal.json"
    words = ["oxygen", "calibrate", fingers, "--corpus", "oximetry", "--camera", "phone"]
    words += ["--method", "rg", "--out", path, "--jobs", 1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["camvitals", *map(str, words)])
        try:
            cli.main()
        except SystemExit as ended:
            assert not ended.code
    return path


def test_a_calibration_covers_what_it_saw(calibration, run):
    found = Calibration.load(calibration)
    assert (found.subjects, found.recordings, found.site) == (3, 6, "finger")
    assert found.alone.mae < 4 and found.alone.tells and len(found.table) == 64
    code, out, _ = run("oxygen", "show", calibration)
    assert code == 0 and "6 recordings of 3 subjects" in out and "each subject left out" in out


@pytest.mark.parametrize("method", ["rg", "multi", "shared"])
def test_a_reading_of_someone_new_holds_the_truth(fingers, tmp_path, run, method):
    path = tmp_path / "cal.json"
    words = ("--corpus", "oximetry", "--camera", "phone", "--out", path, "--method", method)
    assert run("oxygen", "calibrate", fingers, *words)[0] == 0
    take = CORPORA["oximetry"].read(fingers)[0]
    report = measure_trace(
        take.colours(), source=Source("x"), settings=Settings(roi="finger", oxygen=path)
    )
    told = [r for r in report.over_time("spo2") if r.value is not None]
    truth = np.interp([r.span[1] for r in told], *np.transpose(COURSE))
    assert len(told) > 40
    assert np.mean([r.low <= t <= r.high for r, t in zip(told, truth, strict=True)]) > 0.85
    assert report.settings["oxygen"].startswith(f"phone, finger, {method}, ")


def test_without_a_calibration_there_is_no_saturation(fingers):
    take = CORPORA["oximetry"].read(fingers)[0]
    report = measure_trace(take.colours(), source=Source("x"), settings=Settings(roi="finger"))
    assert not [r for r in (*report.readings, *report.rolling) if r.name == "spo2"]


def test_a_monitor_takes_a_calibration_but_no_baseline(calibration):
    assert Monitor(roi="finger", oxygen=calibration).settings.oxygen == Calibration.load(
        calibration
    )
    with pytest.raises(InputError, match="forgets the seconds of a baseline"):
        Monitor(roi="finger", oxygen=Calibration.load(calibration).known("98@0-30"))


def test_a_calibration_of_another_site_is_refused(calibration):
    with pytest.raises(InputError, match="of roi 'finger' but got 'face'"):
        Settings(roi="face", oxygen=calibration)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--oxygen", "no.json"), "no calibration in no.json"),
        (("--baseline", "98@0-30"), "--baseline belongs to a calibration"),
        (("--oxygen", "uncalibrated", "--camera", "phone"), "--camera belongs to a calibration"),
    ],
)
def test_what_does_not_go_together_is_refused(run, words, why):
    code, _, err = run("measure", "a.mp4", *words)
    assert code == 2 and why in err


def test_the_camera_must_be_that_of_the_calibration(run, calibration):
    code, _, err = run(
        "measure", "a.mp4", "--roi", "finger", "--oxygen", calibration, "--camera", "webcam"
    )
    assert code == 2 and "of camera 'phone' but got 'webcam'" in err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--method", "infrared"), "no oxygen method"),
        (("--out", "no/where.json"), "there is no folder no"),
        (("--corpus", "nothing"), "no corpus 'nothing'"),
        (("--jobs", 0), "--jobs needs"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(run, fingers, tmp_path, words, why):
    given = {"--corpus": "oximetry", "--out": tmp_path / "c.json", "--camera": "x"}
    given |= dict([words])
    code, _, err = run("oxygen", "calibrate", fingers, *(w for pair in given.items() for w in pair))
    assert code == 2 and why in err and not (tmp_path / "c.json").exists()


def test_a_grey_video_has_no_saturation(run, calibration, tmp_path):
    """A finger before a camera without colours: there is a pulse, and no ratio."""
    from camvitals.video.write import write_video

    loose = json.loads(calibration.read_text())
    path = tmp_path / "loose.json"
    path.write_text(json.dumps(loose | {"colours": ALL, "ratios": [[-9.0, 9.0]]}))
    time = np.arange(360) / 30
    level = 120 * (1 + 0.05 * np.sin(2 * np.pi * 1.2 * time))
    images = (np.full((32, 48, 3), round(v), np.uint8) for v in level)
    video = tmp_path / "grey.mkv"
    write_video(video, images, time=time, codec="ffv1")
    code, out, _ = run("measure", video, "--roi", "finger", "--oxygen", path, "--json")
    readings = {r["name"]: r for r in json.loads(out)["reports"][0]["readings"]}
    assert code == 0 and readings["spo2"]["value"] is None
    assert "grey" in readings["spo2"]["why"] or "no trusted pulse" in readings["spo2"]["why"]
