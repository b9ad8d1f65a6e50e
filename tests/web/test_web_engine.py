"""The browser's engine passes its own tests: equal to this package on the golden vectors."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "web"
FEW = "clear,still,lamp_hides"
QUICK = tuple(f"test/{name}.test.ts" for name in ("dsp", "lamps", "report"))


@pytest.fixture(scope="module")
def node() -> str:
    """The path of node, where the engine's tests can run."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs Node 20; install it to test the browser's engine")
    if not (WEB / "node_modules" / "vitest").is_dir():
        pytest.skip("needs the engine's libraries; run `npm ci` in web/")
    return found


def run(node: str, *arguments: str, cases: str = "") -> str:
    """What a command of web/node_modules says; fails with what it said."""
    environment = os.environ | ({"CAMVITALS_CASES": cases} if cases else {})
    done = subprocess.run(
        [node, *arguments], cwd=WEB, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_engine_gives_waves_and_readings_of_the_package(node: str) -> None:
    vitest = "node_modules/vitest/vitest.mjs"
    told = run(node, vitest, "run", *QUICK, cases=FEW)
    assert "passed" in told


@pytest.mark.slow
def test_engine_passes_all_its_tests(node: str) -> None:
    assert "passed" in run(node, "node_modules/vitest/vitest.mjs", "run")


@pytest.mark.slow
def test_engine_is_well_typed(node: str) -> None:
    compiler = json.loads((WEB / "node_modules/typescript/package.json").read_text())["bin"]["tsc"]
    run(node, str(WEB / "node_modules/typescript" / compiler), "--noEmit")


def test_lock_file_names_the_only_libraries() -> None:
    package = json.loads((WEB / "package.json").read_text())
    assert set(package["dependencies"]) == {"onnxruntime-web"}
    tools = {"vite", "typescript", "vitest", "@types/node"}
    assert set(package["devDependencies"]) == tools
    assert (WEB / "package-lock.json").is_file()
