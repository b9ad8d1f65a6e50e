"""`camvitals live` as people use it: on a terminal, in a pipe, and when things end."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from camvitals.report.json_file import from_document, schema
from camvitals.video import write_video

COMMAND = [sys.executable, "-m", "camvitals", "live"]
WATCH = ["--roi", "frame", "--skin", "none", "--period", "0.5"]
PLAIN = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR", "NO_COLOR")}


@pytest.fixture(scope="session")
def wall(once) -> Path:
    """A minute of a wall that beats 72 times a minute, 10 pictures a second."""

    def make(folder: Path) -> None:
        folder.mkdir()
        rng = np.random.default_rng(0)
        beat = 4 * np.sin(2 * np.pi * 1.2 * np.arange(600) / 10)
        colour = np.array([180.0, 130, 105]) + beat[:, None] * np.array([0.4, 1, 0.6])
        images = colour[:, None, None] + rng.normal(0, 2, (600, 24, 32, 1))
        write_video(
            folder / "wall.mkv", images.astype(np.uint8), time=np.arange(600) / 10, codec="ffv1"
        )

    return once("wall", make) / "wall.mkv"


def start(*words, **more):
    return subprocess.Popen([*COMMAND, *map(str, words)], env=PLAIN, **more)


def ended(*words):
    done = subprocess.run(
        [*COMMAND, *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        env=PLAIN,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def test_lines_of_json_are_reports(wall):
    code, out, err = ended("--camera", wall, *WATCH, "--duration", "2.8", "--json")
    assert (code, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    reports = [from_document(line)[0] for line in lines]
    assert len(reports) >= 4
    assert all(line["schema"] == schema()["properties"]["schema"]["const"] for line in lines)
    ends = [report.readings[0].span[1] for report in reports]
    assert ends == sorted(ends) and ends[-1] > 2.5
    assert "in view without a break" in reports[-1].reading("heart_rate").why


def test_a_reader_that_leaves_early_ends_it_without_a_word(wall):
    process = start("--camera", wall, *WATCH, "--json", stdout=-1, stderr=-1)
    assert process.stdout.readline().startswith(b'{"schema"')
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_with_what_was_recorded(wall, number, tmp_path):
    path = tmp_path / "a.traces"
    words = ["--camera", wall, *WATCH, "--json", "--record", path]
    process = start(*words, stdout=-1, stderr=-1)
    process.stdout.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    last = from_document(json.loads(out.splitlines()[-1]))[0]
    measured = subprocess.run(
        [sys.executable, "-m", "camvitals", "measure", path, "--json"],
        capture_output=True, check=True, env=PLAIN,
    )  # fmt: skip
    (again,) = from_document(json.loads(measured.stdout))
    assert again.readings == last.readings


def test_a_crash_costs_seconds(wall, tmp_path):
    path = tmp_path / "a.traces"
    process = start("--camera", wall, *WATCH, "--json", "--record", path, stdout=-1)
    for line in process.stdout:
        if from_document(json.loads(line))[0].readings[0].span[1] > 2.6:
            break
    process.kill()
    process.communicate(timeout=60)
    (again,) = from_document(json.loads(measured_json(path)))
    assert again.source.duration > 1.9


def measured_json(path):
    command = [sys.executable, "-m", "camvitals", "measure", str(path), "--json"]
    return subprocess.run(command, capture_output=True, check=True, env=PLAIN).stdout


def test_a_pipe_without_json_gets_a_line_a_report(wall):
    code, out, _ = ended("--camera", wall, *WATCH, "--duration", "1.2")
    assert code == 0
    assert re.fullmatch(r" +1\.[01] s  no heart rate: .* in view .*", out.splitlines()[-1])
    assert "\x1b" not in out


@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_on_a_terminal_a_key_ends_it_and_the_terminal_is_as_it_was(wall, key):
    import termios

    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = start(
        "--camera", wall, *WATCH, stdin=slave, stdout=slave, stderr=slave,
        preexec_fn=lambda: (os.setsid(), __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0)),
    )  # fmt: skip
    screen, pressed, deadline = b"", False, time.monotonic() + 100
    while process.poll() is None and time.monotonic() < deadline:
        if select_readable(master):
            screen += os.read(master, 65536)
        if not pressed and b"Heart rate" in screen:
            os.write(master, key)
            pressed = True
    while select_readable(master):
        screen += os.read(master, 65536)
    after = termios.tcgetattr(slave)
    os.close(master)
    os.close(slave)
    assert process.returncode == 0 and pressed
    assert after == before
    text = screen.decode()
    assert text.index("\x1b[?1049h") < text.index("\x1b[?1049l")  # the page came and went
    assert "frames/s" in text and "q ends" in text and "Traceback" not in text
    assert "Withheld" in text.split("\x1b[?1049l")[1]  # the last report, in full


def select_readable(handle):
    import select

    return bool(select.select([handle], [], [], 0.2)[0])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--camera", "nowhere.mp4"], "no file or folder at 'nowhere.mp4'"),
        (["--camera", "99"], "no camera at /dev/video99"),
        (["--camera", "rtsp://127.0.0.1:9/x"], "rtsp://127.0.0.1:9/x cannot be opened"),
        (["--window", "1"], "window >= 5 s"),
        (["--duration", "-1", "--camera", "WALL"], "--duration needs seconds > 0"),
        (["--camera", "WALL", "--record", "/no/such/a.traces"], "cannot be written"),
        (["--camera", "WALL", "--record", "WALL"], "is there already"),
        (["--osc", "9000"], "--osc needs HOST:PORT"),
    ],
)
def test_what_cannot_be_is_one_line(words, told, wall, capsys, monkeypatch):
    from camvitals import cli

    given = [str(wall) if word == "WALL" else word for word in words]
    monkeypatch.setattr(sys, "argv", ["camvitals", "live", *given])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    assert end.value.code == 2 and out == ""
    assert told in err and err.startswith("camvitals: ") and err.count("\n") == 1


def run(monkeypatch, capsys, *words):
    from camvitals import cli

    monkeypatch.setattr(sys, "argv", ["camvitals", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return (end.value.code, *capsys.readouterr())


def test_measure_writes_every_form_of_a_recording(wall, tmp_path, monkeypatch, capsys):
    path = tmp_path / "a.traces"
    code, *_ = run(
        monkeypatch, capsys,
        "live", "--camera", wall, *WATCH, "--duration", "2", "--json", "--record", path,
    )  # fmt: skip
    assert code == 0
    forms = {"--edf": "a.edf", "--wfdb": "rec", "--nwb": "a.nwb", "--bids": "sub-01_task-rest"}
    forms |= {"--fhir": "a.json", "--fhir-r4": "b.json"}
    options = [word for option, name in forms.items() for word in (option, tmp_path / name)]
    code, _, err = run(
        monkeypatch, capsys, "measure", path, *options, "--started", "2026-05-04T09:30:00Z"
    )
    assert (code, err) == (0, "")
    names = {"a.edf", "a.nwb", "a.json", "b.json", "rec.hea", "rec.dat"}
    names |= {f"sub-01_task-rest_physio{end}" for end in (".json", ".tsv.gz")}
    assert names <= {file.name for file in tmp_path.iterdir()} <= names | {"a.traces", "rec.atr"}
    bundle = json.loads((tmp_path / "a.json").read_text("utf-8"))
    period = bundle["entry"][1]["resource"]["effectivePeriod"]
    assert period["start"].startswith("2026-05-04T09:30:00")


def test_recordings_and_videos_together(wall, tmp_path, monkeypatch, capsys):
    path = tmp_path / "a.traces"
    words = ["--camera", wall, *WATCH, "--duration", "1", "--json", "--record", path]
    run(monkeypatch, capsys, "live", *words)
    (tmp_path / "bad.traces").write_bytes(path.read_bytes()[:50])
    sources = [path, tmp_path / "bad.traces", path]
    code, out, err = run(monkeypatch, capsys, "measure", *sources, "--json")
    assert code == 2 and "bad.traces is no recording" in err
    assert [r["source"]["name"] for r in json.loads(out)["reports"]] == ["a.traces"] * 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--started", "today"], "a start needs a date and time but got 'today'"),
        (["--fps", "30"], "has the times of its pictures; leave --fps out"),
        (["--edf", "/no/such/a.edf"], "--edf .*no folder /no/such"),
    ],
)
def test_options_that_do_not_fit_a_recording(words, told, wall, tmp_path, monkeypatch, capsys):
    path = tmp_path / "a.traces"
    options = ["--camera", wall, *WATCH, "--duration", "1", "--json", "--record", path]
    run(monkeypatch, capsys, "live", *options)
    code, out, err = run(monkeypatch, capsys, "measure", path, *words)
    assert (code, out) == (2, "") and re.search(told, err)
