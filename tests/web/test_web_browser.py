"""The engine in a real browser: made films are measured there as here, and withheld where here."""

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.simulate import simulate
from camvitals.pipeline import measure

WEB = Path(__file__).resolve().parents[2] / "web"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FILMS = {
    "face": Scenario(seed=3, duration=14.0, rate=30.0, heart_rate=72.0, size=(480, 360), crf=18),
    "still": Scenario(seed=4, duration=9.0, rate=30.0, subject="still-picture", size=(320, 240)),
    "chair": Scenario(seed=5, duration=7.0, rate=30.0, subject="wall", size=(320, 240)),
}
pytestmark = pytest.mark.slow


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files, without a word to the terminal, as the page's server gives them."""

    def log_message(self, *_: object) -> None: ...

    def end_headers(self) -> None:
        self.send_header(
            "Content-Security-Policy",
            "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; media-src 'self' blob:; "
            "worker-src 'self'; connect-src 'self'",
        )
        super().end_headers()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built harness and the films beside it."""
    node = shutil.which("node")
    if node is None or not (WEB / "node_modules" / "vite").is_dir():
        pytest.skip("needs Node 20 and `npm ci` in web/ to build the engine")
    out = tmp_path_factory.mktemp("harness")
    vite = "node_modules/vite/bin/vite.js"
    command = [node, vite, "build", "--mode", "harness", "--outDir", str(out), "--emptyOutDir"]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for name, scenario in FILMS.items():
        simulate(out / f"{name}.mp4", scenario)
    return out


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[Any]:
    """A page with the harness, in Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("needs Chromium")
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with playwright.sync_playwright() as started:
        flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = started.chromium.launch(executable_path=found, args=flags)
        view = browser.new_page()
        view.set_default_timeout(400_000)
        view.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        yield view
        browser.close()
    server.shutdown()
    server.server_close()


def told(page: Any, name: str) -> dict[str, Any]:
    """The first report of a film."""
    answer: dict[str, Any] = page.evaluate(f'measured("{name}.mp4")')
    report: dict[str, Any] = answer["document"]["reports"][0]
    return report


def reading(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in report["readings"] if entry["name"] == name)


def test_a_face_has_the_rate_in_the_browser_that_it_has_here(page: Any, folder: Path) -> None:
    found = reading(told(page, "face"), "heart_rate")
    here = measure(folder / "face.mp4").reading("heart_rate")
    assert found["value"] is not None, found["why"]
    assert here.value is not None
    assert abs(found["value"] - here.value) < 2
    assert abs(found["value"] - 72) < 2
    assert found["low"] <= 72 <= found["high"]


@pytest.mark.parametrize("name", ["still", "chair"])
def test_what_does_not_live_has_no_rate(page: Any, name: str) -> None:
    report = told(page, name)
    assert [r["name"] for r in report["readings"] if r["value"] is not None] == []
    assert reading(report, "heart_rate")["why"]
    assert all(r["value"] is None for r in report["rolling"])


def test_nothing_is_asked_of_any_other_host(page: Any) -> None:
    names: list[str] = page.evaluate("performance.getEntriesByType('resource').map((r) => r.name)")
    home = page.url.rsplit("/", 1)[0]
    assert names
    assert all(name.startswith((home, "blob:")) for name in names)
