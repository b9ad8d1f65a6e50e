"""`camvitals serve`: an address, or one line that says why not."""

import importlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from websockets.sync.client import connect

from camvitals.cli import main

cli_serve = importlib.import_module("camvitals.cli.serve")


@pytest.fixture
def serve(tmp_path, monkeypatch, capsys):
    """serve(*words): the one line on standard error with which it ends."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["camvitals", "serve", "--folder", str(tmp_path), *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.count("\n") == 1
        return told.err

    return run


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--host", "0.0.0.0"], "lets others in, which needs a token"),
        (["--host", "0.0.0.0", "--token", "short"], "a token needs 16 to 200"),
        (["--limit", "speed=3"], "no limit 'speed'"),
        (["--database", "nonsense"], "the URL of the database cannot be used"),
        (["--port", "99999"], "a port needs 0 to 65535"),
        (["--host", "192.0.2.1", "--token", "x" * 20], "cannot be used"),
    ],
)
def test_what_cannot_be_served_is_told(serve, words, told):
    assert told in serve(*words)


def test_a_port_that_is_taken(serve):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"127.0.0.1 port {port} is taken by another program" in serve("--port", str(port))


def test_libraries_that_are_missing_are_named(serve, monkeypatch):
    find = importlib.util.find_spec
    gone = {"fastapi", "alembic"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n in gone else find(n))
    told = serve()
    assert "serving needs fastapi, alembic; install with pip install 'camvitals[web]'" in told


@contextmanager
def started(folder):
    """The command in a process of its own, which ends with the block in any case."""
    command = [sys.executable, "-W", "error", "-m", "camvitals", "serve", "--port", "0"]
    with subprocess.Popen(
        [*command, "--folder", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"CAMVITALS_TOKEN": "from-the-environment-1"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_it_serves_until_ctrl_c(tmp_path):
    with started(tmp_path) as first:
        told = first.stdout.readline()
        address = told.split()[2]
        with urllib.request.urlopen(f"{address}/health", timeout=30) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/jobs", timeout=30)
        assert refused.value.code == 401
        refused.value.close()
        with started(tmp_path) as second:
            out, err = second.communicate(timeout=60)
        assert (second.returncode, out) == (2, "")
        assert "another server uses" in err
        first.send_signal(signal.SIGINT)
        out, err = first.communicate(timeout=60)
    assert (first.returncode, out, err) == (0, "", "")
    assert told == f"camvitals serves {address} (Ctrl-C ends it)\n"


def test_the_command_line_does_not_load_the_server():
    heavy = "{'fastapi', 'uvicorn', 'sqlalchemy'}"
    code = f"import sys, camvitals.cli; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def children_of(pid):
    stats = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            stats[int(place.parent.name)] = place.read_text().rpartition(")")[2].split()
    return [child for child, words in stats.items() if int(words[1]) == pid and words[0] != "Z"]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see processes")
def test_the_children_of_a_server_that_is_killed_end(tmp_path):
    with started(tmp_path) as process:
        address = process.stdout.readline().split()[2].replace("http", "ws")
        shown = {"Authorization": "Bearer from-the-environment-1"}
        with connect(f"{address}/monitor", additional_headers=shown) as visit:
            visit.send('{"type": "start"}')
            assert "started" in visit.recv(60)
            (child,) = children_of(process.pid)
            process.kill()
            process.wait(30)
            end = time.monotonic() + 30
            while Path(f"/proc/{child}/exe").exists() and time.monotonic() < end:
                time.sleep(0.05)
            assert not Path(f"/proc/{child}/exe").exists()


def test_the_page_is_opened_when_asked_for(monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or len(opened) < 2)
    cli_serve._show("http://127.0.0.1:1")
    cli_serve._show("http://0.0.0.0:2")
    told = capsys.readouterr()
    assert opened == ["http://127.0.0.1:1", "http://127.0.0.1:2"]
    assert told.out.count("camvitals serves") == 2
    assert told.err == "no browser was found here; open that address in one\n"
