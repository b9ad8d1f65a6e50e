"""The same trials on a Ray cluster, and what is said where there is none."""

import csv
import os
import socket
import subprocess
import sys
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


@needs_ray
@pytest.mark.slow
def test_a_cluster_finds_what_this_computer_finds(tmp_path):
    tables = []
    for name, where in (("here", []), ("there", ["--on", "ray://local"])):
        words = [f"{HERE / 'search_recipe.py'}:kills", "--folder", str(tmp_path / name), *where]
        paths = [str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep), *sys.path]
        found = subprocess.run(
            [sys.executable, "-m", "camvitals", "search", *words, "--jobs", "2"],
            check=False,
            env=dict(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert found.returncode == 0, found.stderr
        with (tmp_path / name / "trials.csv").open() as file:
            rows = [
                {k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)
            ]
        tables.append(rows)
    assert len(tables[0]) == 4
    assert tables[0] == tables[1]
