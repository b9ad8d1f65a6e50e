"""The command as people use it: what it prints where, its exit codes, and that it never breaks."""

import csv
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from camvitals import cli
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.truth import Truth
from camvitals.report.json_file import from_document, to_json
from camvitals.video import write_video

COMMAND = [sys.executable, "-m", "camvitals"]
PLAIN = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR", "NO_COLOR")}


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch, capsys) -> Callable[..., Ended]:
    """run("measure", …): the command in this process."""

    def call(*words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["camvitals", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return Ended(ended.value.code, told.out, told.err)

    return call


@pytest.fixture(scope="session")
def small(once) -> Path:
    """A second of grey: quick to read, nothing to measure."""

    def make(path: Path) -> None:
        path.mkdir()
        images = np.full((30, 48, 64, 3), 120, np.uint8)
        write_video(path / "small.mp4", images, time=np.arange(30) / 30)

    return once("small", make) / "small.mp4"


@pytest.fixture(scope="session")
def long(once) -> Path:
    """Five minutes of nobody: seconds to read."""

    def make(path: Path) -> None:
        path.mkdir()
        grain = np.random.default_rng(0).integers(0, 255, (96, 128, 3)).astype(np.uint8)
        images = (grain for _ in range(9000))
        write_video(path / "long.mp4", images, time=np.arange(9000) / 30, preset="ultrafast")

    return once("long", make) / "long.mp4"


def one_line(ended: Ended, told: str) -> None:
    """Exit code 2, nothing on standard output, one line of complaint that says this."""
    assert ended.code == 2, ended
    assert ended.out == ""
    assert re.search(told, ended.err), ended.err
    assert ended.err.startswith("camvitals: ") and ended.err.count("\n") == 1


def strict(text: str):
    def refuse(token):
        raise AssertionError(f"{token} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_face_as_people_read_it(run, face_file, face):
    ended = run("measure", face_file)
    assert (ended.code, ended.err) == (0, "")
    (line,) = [line for line in ended.out.splitlines() if "Heart rate" in line]
    assert float(line.split()[2]) == pytest.approx(face.truth.heart_rate, abs=3)
    assert "320×240 px · 30.00 frames/s · 14.0 s · 420 frames" in ended.out
    assert "Withheld" in ended.out and "\x1b" not in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


def test_json_is_alone_on_standard_output(run, face_file):
    ended = run("measure", face_file, "--json")
    assert (ended.code, ended.err) == (0, "")
    document = strict(ended.out)
    assert to_json(from_document(document)) == ended.out
    (report,) = document["reports"]
    assert report["source"]["name"] == "face.mp4"
    assert {reading["name"] for reading in report["readings"]} >= {"heart_rate", "hrv_sdnn"}


def test_json_of_many_with_a_bad_one_among_them(run, small, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    ended = run("measure", small, tmp_path / "text.mp4", small, "--json", "--jobs", 1)
    assert ended.code == 2
    assert [r["source"]["frames"] for r in strict(ended.out)["reports"]] == [30, 30]
    assert ended.err.count("\n") == 1 and "text.mp4 is not a video" in ended.err


def test_json_when_none_could_be_read(run):
    ended = run("measure", "a.mp4", "b.mp4", "--json", "--jobs", 1)
    assert (ended.code, strict(ended.out)["reports"]) == (2, [])
    assert ended.err.count("\n") == 2


def test_files_that_are_written(run, face_file, tmp_path):
    page, folder, table = tmp_path / "p.html", tmp_path / "csv", tmp_path / "t.csv"
    ended = run("measure", face_file, "--html", page, "--csv", folder, "--table", table)
    assert (ended.code, ended.err) == (0, "")
    assert page.read_text().startswith("<!doctype html>") and "<svg" in page.read_text()
    assert {p.name for p in folder.iterdir()} == {
        "readings.csv", "rolling.csv", "waves.csv", "beats.csv",
    }  # fmt: skip
    (row,) = csv.DictReader(table.read_text().splitlines())
    assert row["file"] == "face.mp4" and float(row["heart_rate_bpm"]) > 60
    assert sorted(p.name for p in tmp_path.iterdir()) == ["csv", "p.html", "t.csv"]


def test_one_table_of_many(run, small, face_file, tmp_path):
    other = tmp_path / "d" / small.name
    other.parent.mkdir()
    shutil.copy(small, other)
    ended = run("measure", small, other, face_file, "--table", tmp_path / "t.csv")
    assert (ended.code, ended.err) == (0, "")
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert [row["file"] for row in rows] == [str(small), str(other), "face.mp4"]
    assert [bool(row["heart_rate_bpm"]) for row in rows] == [False, False, True]
    assert "nobody was seen" in rows[0]["heart_rate_why"]
    assert "Recording" in ended.out and "face.mp4" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


def test_beside_the_truth(run, face_file, face):
    ended = run("measure", face_file, "--truth", face_file.with_name("face.truth.json"))
    words = next(line for line in ended.out.splitlines() if "heart_rate" in line).split()
    assert words[1:3] == ["bpm", f"{face.truth.heart_rate:.1f}"]
    assert abs(float(words[4])) < 3


def test_two_people_beside_the_truth(run, film, tmp_path):
    scene = Scenario(
        seed=1, duration=14, rate=20, size=(480, 240), people=2, heart_rate=62, sdnn=15
    )
    pair = film(scene)
    path = tmp_path / "pair.mp4"
    write_video(path, pair.images, time=pair.time, crf=6, preset="ultrafast")
    pair.truth.save(path)
    ended = run("measure", path, "--truth", path)
    put = [line.split()[2] for line in ended.out.splitlines() if line.startswith(" heart_rate")]
    assert put == [f"{Truth.of(scene.person(k), pair.time).heart_rate:.1f}" for k in (0, 1)]


def bad_files(folder: Path, small: Path) -> dict[str, tuple[Path, str]]:
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("no video")
    (folder / "folder").mkdir()
    (folder / "cut.mp4").write_bytes(small.read_bytes()[:600])
    write_sound(folder / "sound.m4a")
    return {
        "empty": (folder / "empty.mp4", "is empty"),
        "text": (folder / "text.mp4", "is not a video"),
        "no pictures": (folder / "folder", "needs pictures"),
        "cut off": (folder / "cut.mp4", "cut.mp4"),
        "no video stream": (folder / "sound.m4a", "needs a video stream"),
        "missing": (folder / "missing.mp4", "no file or folder"),
        "no name": (Path(), "needs pictures|no file or folder"),
        "device": (Path("/dev/null"), "cannot be opened"),
    }


def write_sound(path: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        for k in range(8):
            sound = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            sound.sample_rate, sound.pts = 8000, 1024 * k
            container.mux(stream.encode(sound))
        container.mux(stream.encode(None))


def test_a_bad_file_is_one_line_and_exit_code_2(run, small, tmp_path):
    for path, told in bad_files(tmp_path, small).values():
        one_line(run("measure", path), told)
        one_line(run("measure", path, "--json"), told)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--fps", "-1"], "rate > 0 Hz but got -1"),
        (["--fps", "nan"], "rate > 0 Hz but got nan"),
        (["--jobs", "0"], "whole number >= 1 but got 0"),
        (["--method", "magic"], "no method 'magic'; choose one of auto, green"),
        (["--roi", "foot"], "no roi 'foot'; choose face"),
        (["--skin", "thick"], "no skin mask 'thick'; choose otsu"),
        (["--html", "/no/such/page.html"], "--html .*no folder /no/such; make it first"),
        (["--csv", "/no/such/folder"], "--csv .*no folder /no/such"),
        (["--table", "/no/such/table.csv"], "--table .*no folder /no/such"),
        (["--html", "."], "--html . needs a file"),
        (["--csv", __file__], "--csv .* needs a folder"),
        (["--table", "/dev/null"], "--table /dev/null needs a file"),
        (["--html", "/proc/page.html"], "/proc/page.html"),
        (["--html", "x.out", "--table", "x.out"], "another option"),
        (["--truth", "missing.json"], "no truth at missing.json"),
        (["--truth", __file__], "a truth needs"),
    ],
)
def test_absurd_options_are_refused(options, told, run, small, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    ended = run("measure", small, *options)
    if options[1] == "/proc/page.html":  # a superuser learns it from the attempt, with the readings
        ended = Ended(ended.code, "", ended.err)
    one_line(ended, told)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fps", [1e-3, 0.5, 1e9])
def test_an_unlikely_clock_gives_no_heart_rate(fps, run, small):
    ended = run("measure", small, "--fps", fps, "--json")
    assert ended.code == 0
    heart = strict(ended.out)["reports"][0]["readings"][0]
    assert heart["value"] is None and heart["why"]


def test_a_source_is_never_written_over(run, small, tmp_path):
    clip = tmp_path / "clip.mp4"
    shutil.copy(small, clip)
    one_line(run("measure", clip, "--table", clip), "is to be read")
    assert clip.read_bytes() == small.read_bytes()


def test_truth_needs_one_video_on_the_terminal(run, face_file):
    truth = face_file.with_name("face.truth.json")
    one_line(run("measure", face_file, "--truth", truth, "--json"), "got --json")
    one_line(run("measure", face_file, face_file, "--truth", truth), "got 2 videos")


def test_a_full_disk_still_tells_what_was_measured(run, small, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("camvitals.report.page.write_page", full)
    ended = run("measure", small, "--html", tmp_path / "p.html")
    assert ended.code == 2
    assert "p.html cannot be written (No space left on device)" in ended.err
    assert "small.mp4" in ended.out


def test_a_file_name_of_any_bytes(small, tmp_path):
    odd = os.fsencode(tmp_path) + b"/caf\xe9 \xff [b].mp4"
    shutil.copy(small, odd)
    for words in (["--json"], ["--html", "p.html", "--table", "t.csv"]):
        for encoding in ("utf-8", "ascii"):
            ended = subprocess.run(
                [*COMMAND, "measure", odd, *words],
                capture_output=True,
                cwd=tmp_path,
                env=PLAIN | {"PYTHONIOENCODING": encoding},
                check=False,
            )
            assert (ended.returncode, ended.stderr) == (0, b"")
            assert b"[b].mp4" in ended.stdout
            if words == ["--json"]:
                strict(ended.stdout.decode("utf-8"))


def simulated(run, path: Path, *more: object) -> Ended:
    words = ["--duration", 1, "--fps", 5, "--size", "64x48", *more]
    return run("simulate", path, *words)


def test_simulate_writes_a_clip_and_its_truth(run, tmp_path):
    ended = simulated(run, tmp_path / "a.mp4", "--heart-rate", 80)
    assert (ended.code, ended.err) == (0, "")
    assert "heart rate 80.0 bpm" in ended.out
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.mp4", "a.truth.csv", "a.truth.json",
    ]  # fmt: skip
    assert Truth.load(tmp_path / "a.mp4").scenario.size == (64, 48)
    assert "no pulse" in simulated(run, tmp_path / "w.mp4", "--subject", "wall").out


def test_simulate_makes_hearts_out_of_rhythm(run, tmp_path):
    truths = []
    for words in ((), ("--rhythm", "fibrillation"), ("--ectopic", 0.3)):
        path = tmp_path / f"{len(truths)}.mp4"
        assert simulated(run, path, *words, "--duration", 20).code == 0
        truths.append(Truth.load(path))
    even, fibrillation, ectopic = (np.diff(truth.beats) for truth in truths)
    assert fibrillation.std() > 3 * even.std() and ectopic.std() > 2 * even.std()


def test_simulate_makes_a_corpus(run, tmp_path):
    ended = simulated(run, tmp_path / "corpus", "--subjects", 2, "--light", "lamp")
    assert ended.code == 0 and "2 people" in ended.out
    truths = sorted((tmp_path / "corpus").glob("*/*.truth.json"))
    assert [Truth.load(p).scenario.light for p in truths] == ["lamp", "lamp"]


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("a.mp4", ["--heart-rate", "500"], "30 to 220 bpm but got 500"),
        ("a.mp4", ["--fps", "-1"], "1 to 1000 Hz but got -1"),
        ("a.mp4", ["--duration", "nan"], "0.5 to 86400 s but got nan"),
        ("a.mp4", ["--size", "big"], "such as 640x480 but got 'big'"),
        ("a.mp4", ["--size", "3x3"], "two even numbers"),
        ("a.mp4", ["--keep", "0.5"], "a cut needs"),
        ("a.mp4", ["--codec", "magic"], "one of h264"),
        ("a.mp4", ["--subjects", "0"], "1–999 subjects"),
        ("a.text", [], "needs .avi, .m4v"),
        ("no/a.mp4", [], "needs the folder"),
        (".", [], "is a folder"),
    ],
)
def test_what_cannot_be_simulated(name, options, told, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one_line(simulated(run, Path(name), *options), told)
    assert not list(tmp_path.iterdir())


def test_methods_are_listed_with_their_sources(run):
    from camvitals.waves import METHODS
    from camvitals.waves.ecg import drawers
    from camvitals.waves.learned import shipped

    ended = run("methods")
    assert ended.code == 0
    assert [line.split()[0] for line in ended.out.splitlines() if line[1:2].strip()][1:] == [
        *METHODS,
        *shipped(),
        *drawers(),
    ]


def test_help_version_and_wrong_usage(run):
    assert run("--version").out.startswith("camvitals 0.")
    assert "simulate" in run("--help").out
    for words in (["measure"], ["measure", "--bogus"], ["frob"]):
        ended = run(*words)
        assert (ended.code, ended.out) == (2, "") and "Usage" in ended.err


def test_the_module_is_the_command(small):
    script = Path(sys.executable).with_name("camvitals")
    commands = [COMMAND, [str(script)]] if script.exists() else [COMMAND]
    for command in commands:
        ended = subprocess.run(
            [*command, "measure", small, "--json"], capture_output=True, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, b"")
        assert strict(ended.stdout.decode())["reports"][0]["source"]["frames"] == 30


def test_a_reader_that_leaves_early_hears_no_complaint(small):
    for words in (["measure", str(small)], ["measure", str(small), "--json"], ["methods"]):
        reading, writing = os.pipe()
        os.close(reading)
        try:
            ended = subprocess.run(
                [*COMMAND, *words], stdout=writing, stderr=subprocess.PIPE, check=False
            )
        finally:
            os.close(writing)
        assert (ended.returncode, ended.stderr) == (1, b""), words


def test_no_standard_output_at_all(small):
    ended = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "measure", str(small), "--json"],
        stderr=subprocess.PIPE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


def is_read(path: Path, group: int) -> bool:
    """Whether a process of this group has the file open."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == group and any(
                link.readlink() == path for link in (folder / "fd").iterdir()
            ):
                return True
        except OSError:
            continue
    return False


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("files", [1, 2])
def test_ctrl_c_ends_at_once_and_writes_nothing(files, long, tmp_path):
    ended = subprocess.Popen(
        [*COMMAND, "measure", *[str(long)] * files, "--table", tmp_path / "t.csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=PLAIN,
        start_new_session=True,
        # a shell's background jobs ignore Ctrl-C, and so would their children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    while not is_read(long.resolve(), ended.pid):
        assert ended.poll() is None, ended.communicate()
        time.sleep(0.05)
    os.killpg(ended.pid, signal.SIGINT)
    out, err = ended.communicate(timeout=30)
    assert (ended.returncode, out, err.strip()) == (130, b"", b"")
    assert not list(tmp_path.iterdir())


def on_terminal(words: list[str]) -> tuple[bytes, bytes]:
    """Standard output of a command whose standard error is a terminal, and what that shows."""
    leader, follower = pty.openpty()
    env = PLAIN | {"COLUMNS": "80", "TERM": "xterm"}
    with subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=follower, env=env
    ) as command:
        os.close(follower)
        shown = b""
        while True:
            try:
                piece = os.read(leader, 4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        out = command.stdout.read()
    os.close(leader)
    assert command.returncode == 0
    return out, shown


@pytest.mark.parametrize("files", [1, 2])
def test_a_bar_with_the_time_left_on_a_terminal(files, long):
    out, shown = on_terminal(["measure", *[str(long)] * files, "--json"])
    assert len(strict(out.decode())["reports"]) == files
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert ("reading" if files == 1 else "files") in text
    assert re.search(r"\d+/9000" if files == 1 else r"\d/2", text)
    assert re.search(r"0:00:\d\d", text)
    assert shown.rstrip().endswith((b"\x1b[2K", b"\x1b[?25h")), "the bar must go when it is done"


def test_no_bar_for_short_work(small):
    _, shown = on_terminal(["measure", str(small), "--json"])
    assert shown == b""


def test_no_bar_where_there_is_no_terminal(long):
    ended = subprocess.run(
        [*COMMAND, "measure", str(long), "--roi", "face", "--json"], capture_output=True, check=True
    )
    assert ended.stderr == b""
