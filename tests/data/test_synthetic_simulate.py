import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from camvitals.data.synthetic import scene
from camvitals.data.synthetic.corpus import simulate_corpus
from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.simulate import simulate
from camvitals.data.synthetic.truth import Truth
from camvitals.records import InputError
from camvitals.video.open import open_video

SMALL = {"seed": 2, "duration": 2.0, "rate": 15.0, "size": (96, 80)}


def pictures(path: Path) -> tuple[np.ndarray, list[float]]:
    with open_video(path) as video:
        seen = [(frame.rgb(), frame.time) for frame in video]
    return np.stack([image for image, _ in seen]), [time for _, time in seen]


def test_a_video_and_its_truth_lie_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "one.mp4"
    truth = simulate(path, Scenario(**SMALL, clock="jitter"))
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"one.mp4", "one.truth.json", "one.truth.csv"}
    images, times = pictures(path)
    assert images.shape == (30, 80, 96, 3)
    assert times == pytest.approx(truth.frames, abs=1e-4)
    assert Truth.load(path).frames == pytest.approx(truth.frames, abs=1e-5)


def test_the_file_holds_what_the_scene_drew(tmp_path: Path) -> None:
    made = Scenario(**SMALL, codec="ffv1")
    simulate(tmp_path / "one.mkv", made)
    images, _ = pictures(tmp_path / "one.mkv")
    drawn = np.stack([image for image, _ in scene.frames(made)])
    assert np.array_equal(images, drawn)


def test_a_cut_file_still_opens_and_is_shorter(tmp_path: Path) -> None:
    made = Scenario(**SMALL, subject="wall", codec="mjpeg")
    truth = simulate(tmp_path / "whole.mkv", made)
    simulate(tmp_path / "cut.mkv", made, keep=0.5)
    whole, cut = (pictures(tmp_path / name)[0] for name in ("whole.mkv", "cut.mkv"))
    assert len(whole) == 30 and 5 < len(cut) < 25
    assert len(Truth.load(tmp_path / "cut.mkv").frames) == len(truth.frames)


@pytest.mark.parametrize(("name", "keep"), [("a.mp4", 0.5), ("a.mkv", 1.5), ("a.mkv", 0.0)])
def test_a_cut_that_cannot_be_read_is_refused(tmp_path: Path, name: str, keep: float) -> None:
    with pytest.raises(InputError, match="a cut needs keep between 0 and 1"):
        simulate(tmp_path / name, Scenario(**SMALL), keep=keep)
    assert not list(tmp_path.iterdir())


def test_the_same_seed_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    names = ("h264.mp4", "mjpeg.avi", "vp9.webm", "ffv1.mkv")
    for run in ("1", "2"):
        (tmp_path / run).mkdir()
        code = f"""
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.simulate import simulate
for name in {names}:
    codec = name.split(".")[0]
    made = Scenario(seed=3, duration=0.5, rate=15.0, size=(96, 80), codec=codec)
    simulate("{tmp_path}/{run}/" + name, made)
"""
        environment = os.environ | {"PYTHONHASHSEED": run}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / k).iterdir()} for k in "12")
    assert len(first) > 2 * len(names)
    assert {name for name in first if first[name] != second[name]} == set()


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(_: Scenario):
        for k in range(5):
            yield np.zeros((80, 96, 3), np.uint8), k / 15
        raise RuntimeError("the pencil broke")

    monkeypatch.setattr(scene, "frames", breaking)
    with pytest.raises(RuntimeError, match="pencil"):
        simulate(tmp_path / "one.mp4", Scenario(**SMALL))
    with pytest.raises(RuntimeError, match="pencil"):
        simulate_corpus(tmp_path, subjects=1, duration=1.0, rate=15.0)
    assert not list(tmp_path.iterdir())


def test_a_corpus_has_the_layout_of_heartratenet(tmp_path: Path) -> None:
    truths = simulate_corpus(
        tmp_path, subjects=2, duration=1.0, rate=10.0, seed=40, size=(96, 80), light="daylight"
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["Subject_001", "Subject_002"]
    expected = draw(41, duration=1.0, rate=10.0, size=(96, 80), light="daylight")
    assert truths[1].scenario == expected
    for k, truth in enumerate(truths, start=1):
        folder = tmp_path / f"Subject_{k:03d}"
        clock = (folder / "image_timestamps.csv").read_text().splitlines()
        assert clock[0] == "ID,Time" and clock[1].startswith("0000,")
        assert len(list((folder / "images").glob("*.bmp"))) == len(truth.frames) == len(clock) - 1
        wave = np.loadtxt(folder / "ground_truth.csv", delimiter=",", skiprows=1)
        assert (folder / "ground_truth.csv").read_text().startswith("Time,PulseWaveform\n")
        assert np.diff(wave[:, 0]) == pytest.approx(np.full(60, 1 / 60), abs=1e-5)
        first = float(clock[1].split(",")[1])
        assert first > 1.5e9
        start = first - truth.frames[0]
        assert wave[:, 1] == pytest.approx(truth.physiology.pulse_at(wave[:, 0] - start), abs=1e-3)
        assert Truth.load(folder / f"{folder.name}.truth.json").scenario == truth.scenario


def test_a_corpus_does_not_write_over_another(tmp_path: Path) -> None:
    (tmp_path / "Subject_001").mkdir()
    with pytest.raises(InputError, match="is there already"):
        simulate_corpus(tmp_path, subjects=1, duration=1.0, rate=10.0)
    with pytest.raises(InputError, match="1–999 subjects"):
        simulate_corpus(tmp_path, subjects=0, duration=1.0, rate=10.0)
