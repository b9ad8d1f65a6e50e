"""The same trials on a Ray cluster, and what is said where there is none."""

import contextlib
import csv
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from camvitals.records import InputError
from camvitals.train.cluster import Cluster, _answers

HERE = Path(__file__).parent
needs_ray = pytest.mark.skipif(
    find_spec("ray") is None, reason="needs ray: pip install 'camvitals[cluster]'"
)


def test_ray_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"needs ray; install it with .*camvitals\[cluster\]"):
        Cluster("ray://local", None)
    with pytest.raises(InputError, match=r"--on needs ray://HOST:PORT.* but got 'http://a:1'"):
        Cluster("http://a:1", None)


@pytest.mark.parametrize("place", ["", "host", "host:", ":10001", "host:port"])
def test_an_address_that_is_none(place):
    with pytest.raises(InputError, match="--on needs ray://HOST:PORT"):
        _answers(place)


def test_nobody_answers():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(InputError, match=rf"answers at ray://127\.0\.0\.1:{port} .*check address"):
        _answers(f"127.0.0.1:{port}")


PATHS = [str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep), *sys.path]
# By default a cluster asks for a token that clients do not send
HERE_ALONE = {
    "PYTHONPATH": os.pathsep.join(filter(None, PATHS)),
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "0123456789abcdef" * 2,
}


def table_of(folder, *where):
    """The trials of a search as the command writes them, without their seconds."""
    words = [f"{HERE / 'search_recipe.py'}:kills", "--folder", str(folder), *where]
    found = subprocess.run(
        [sys.executable, "-m", "camvitals", "search", *words, "--jobs", "2"],
        check=False,
        env=dict(os.environ) | HERE_ALONE,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert found.returncode == 0, found.stderr
    with (folder / "trials.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def cluster():
    """The address of a cluster on this machine that nobody else uses."""
    port, folder = free_port(), tempfile.mkdtemp(prefix="r")  # its sockets need a short path
    words = ["start", "--head", "--block", "--num-cpus", "2", "--include-dashboard=false"]
    words += ["--port", str(free_port()), "--ray-client-server-port", str(port)]
    # Its own workers must not take the port first
    words += ["--min-worker-port", "0", "--max-worker-port", "0", "--disable-usage-stats"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ray.scripts.scripts", *words],
        env=dict(os.environ) | HERE_ALONE | {"RAY_TMPDIR": folder},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(120):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            assert process.poll() is None, "the cluster ended by itself"
            time.sleep(1)
        yield f"ray://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


@needs_ray
@pytest.mark.slow
def test_a_cluster_finds_what_this_computer_finds(tmp_path):
    here = table_of(tmp_path / "here")
    assert len(here) == 4
    assert table_of(tmp_path / "local", "--on", "ray://local") == here
    with cluster() as address:
        assert table_of(tmp_path / "there", "--on", address) == here
