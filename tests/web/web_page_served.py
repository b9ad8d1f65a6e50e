"""A browser whose camera is a made clip, and the page as `camvitals serve` gives it."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camvitals.app.pages import PLACE
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.scene import frames

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--enable-blink-features=ForceEagerMeasureMemory",  # asked for, it is told at once
)
CAMERA = "--use-fake-device-for-media-stream"
RATE_MS = 15_000
SLOWEST_PLAY = 0.98
LOAD_MS = 120_000  # a computer that has much else to do


def steady(**more: Any) -> Scenario:
    """A scenario that can be shown again and again: whole beats, all alike."""
    told = {"seed": 3, "duration": 5.0, "rate": 20.0, "heart_rate": 72.0, "sdnn": 0.0}
    return Scenario(**(told | {"breath_rate": 12.0, "size": (320, 240)} | more))


def write_y4m(path: Path, pictures: Iterable[Any], rate: float) -> Path:
    """av.VideoFrames of one size as the raw film that Chromium takes for a camera."""
    with path.open("wb") as out:
        for k, picture in enumerate(pictures):
            if k == 0:
                size = f"W{picture.width} H{picture.height}"
                out.write(f"YUV4MPEG2 {size} F{round(rate)}:1 Ip A1:1 C420jpeg\n".encode())
            planes = picture.reformat(format="yuv420p").to_ndarray()
            out.write(b"FRAME\n" + planes.tobytes())
    return path


def camera_of(path: Path, scenario: Scenario) -> Path:
    """A made scenario as a camera."""
    import av

    images = (np.ascontiguousarray(image) for image, _ in frames(scenario))
    pictures = (av.VideoFrame.from_ndarray(image, "rgb24") for image in images)
    return write_y4m(path, pictures, scenario.rate)


def camera_of_file(path: Path, film: Path, *, height: int, seconds: float) -> Path:
    """The first seconds of a film, in a smaller picture, as a camera."""
    import av

    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or 0)
        width = 2 * round(height * stream.width / stream.height / 2)
        decoded = itertools.islice(container.decode(stream), round(seconds * rate))
        small = (f.reformat(width=width, height=height, interpolation="AREA") for f in decoded)
        return write_y4m(path, small, rate)


def chromium() -> str:
    """The browser of this computer, or a skip."""
    if not (PLACE / "index.html").is_file():
        pytest.skip("needs the built page; run `npm ci && npm run app` in web/")
    names = (os.environ.get("CAMVITALS_CHROMIUM", ""), *BROWSERS)
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("needs Chromium; install it with apt-get install chromium")
    pytest.importorskip("playwright.sync_api", reason="needs playwright, in camvitals[dev]")
    return found


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address that `camvitals serve` tells, until the block ends."""
    words = [sys.executable, "-m", "camvitals", "serve", "--port", "0", "--folder", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://[\w.:]+", server.stdout.readline())
            assert found is not None, "camvitals serve told no address"
            yield found[0]
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


class Visits:
    """Browsers with a camera, ended with the test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._stack = ExitStack()
        self._driver: Any = None

    def __enter__(self) -> "Visits":
        from playwright.sync_api import sync_playwright

        self._driver = self._stack.enter_context(sync_playwright())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def page(self, camera: Path | None = None, *, script: str = "", **context: Any) -> Any:
        """A page that has loaded, in a browser of its own.   script: run before the page's own."""
        film = [f"--use-file-for-fake-video-capture={camera}"] if camera else []
        browser = self._driver.chromium.launch(
            executable_path=chromium(), args=[*FLAGS, CAMERA, *film]
        )
        self._stack.callback(browser.close)
        page = browser.new_context(**context).new_page()
        page.set_default_timeout(LOAD_MS)
        if script:
            page.add_init_script(script)
        page.goto(f"{self.url}/")  # and everything of it
        page.wait_for_selector("body[data-state=ready], body[data-state=failed]")
        told = page.locator("#notice").text_content()
        assert page.evaluate("document.body.dataset.state") == "ready", told
        return page


def rate_of(page: Any, *, within_ms: float = RATE_MS, card: int = 0) -> float:
    """The heart rate that the page shows, once it does [bpm].   card: 0, 1 … of several people."""
    page.wait_for_function(
        "(k) => /^[0-9]+$/.test(document.querySelectorAll('.card .value')[k]?.textContent ?? '')",
        arg=card,
        timeout=within_ms,
    )
    return float(page.locator(".card .value").nth(card).inner_text())


class Pace:
    """How fast the browser plays the clip: a busy computer makes a slower camera of it."""

    ASK = """() => {
      const [track] = document.querySelector("video").srcObject.getVideoTracks();
      return [performance.now() / 1e3, track.stats.totalFrames];
    }"""

    def __init__(self, page: Any, rate: float) -> None:
        self._page, self._rate = page, rate
        self._start = page.evaluate(self.ASK)

    def share(self) -> float:
        """Of the clip's own pace, since the beginning."""
        (start, first), (stop, last) = self._start, self._page.evaluate(self.ASK)
        return float((last - first) / (self._rate * (stop - start)))

    def check(self) -> None:
        """Skip when the clip was played too slowly to have the heart rate of its making."""
        share = self.share()
        if share < SLOWEST_PLAY:
            pytest.skip(f"the browser played the clip at {share:.0%} of its pace: too busy here")


def values_in(page: Any, seconds: float) -> list[str]:
    """What stood for the heart rate, looked at four times a second."""
    seen: list[str] = page.evaluate(
        """async (seconds) => {
          const seen = new Set(), end = performance.now() + 1e3 * seconds;
          while (performance.now() < end) {
            const values = document.querySelectorAll(".card .value");
            for (const value of values) seen.add(value.textContent);
            await new Promise((done) => setTimeout(done, 250));
          }
          return [...seen];
        }""",
        seconds,
    )
    return seen
