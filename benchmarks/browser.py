"""The page in Chromium, with a made person for a camera. Run: python benchmarks/browser.py.

What is downloaded, how long until the page is ready and until the first heart rate, and the time of
a picture in the engine, at 640×480 and 30 pictures a second. The floor beside is what the browser
itself takes to hand the same pictures over (VideoFrame.copyTo). A computer that does other things
too plays the clip more slowly, which is told as its pace.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "web"))

from web_page_served import Pace, Visits, camera_of, served, steady  # noqa: E402

from camvitals.app.pages import PLACE  # noqa: E402

RATE_HZ, BPM = 30.0, 72.0
LISTEN = """
  globalThis.told = { frames: [], reports: [] };
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...more) {
    if (message?.type === "open") {
      this.addEventListener("message", ({ data }) => {
        if (data.type === "taken" && data.view) told.frames.push(data.view.ms);
        if (data.type === "reports") told.reports.push(data.ms);
      });
    }
    return post.call(this, message, ...more);
  };
"""
FLOOR = """async () => {
  const video = document.querySelector("video"), out = [];
  for (let k = 0; k < 100; k++) {
    const frame = new VideoFrame(video, { timestamp: k });
    const place = new Uint8Array(frame.allocationSize());
    const begun = performance.now();
    await frame.copyTo(place);
    out.push(performance.now() - begun);
    frame.close();
  }
  return out;
}"""


def size_mb() -> tuple[float, float]:
    """Of all files of the page: as they are, and compressed."""
    texts = [path.read_bytes() for path in PLACE.rglob("*") if path.is_file()]
    return sum(map(len, texts)) / 1e6, sum(len(gzip.compress(text)) for text in texts) / 1e6


def first_rate(page: Any) -> tuple[float, str]:
    """Seconds from the first picture to the first heart rate, and that."""
    begun = time.monotonic()
    page.wait_for_function(
        "() => /^[0-9]+$/.test(document.querySelector('.card .value')?.textContent)"
    )
    return time.monotonic() - begun, page.locator(".card .value").inner_text()


def visit(camera: Path, seconds: float) -> dict[str, Any]:
    """One visit: what was measured of it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as url,
        Visits(url) as visits,
    ):
        begun = time.monotonic()
        page = visits.page(camera, script=LISTEN, viewport={"width": 1100, "height": 800})
        ready = time.monotonic() - begun
        begun = time.monotonic()
        page.locator("#start").click()
        page.wait_for_selector("body[data-state=live]")
        opened = time.monotonic() - begun
        pace = Pace(page, RATE_HZ)
        first, rate = first_rate(page)
        page.evaluate("told.frames.length = told.reports.length = 0")
        page.wait_for_timeout(1e3 * seconds)
        found = {"told": page.evaluate("told"), "pace": pace.share()}
        floor = page.evaluate(FLOOR)
    return found | {"ready": ready, "opened": opened, "first": first, "rate": rate, "floor": floor}


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--visits", type=int, default=3)
    given = parser.parse_args()
    plain, packed = size_mb()
    print(f"page: {packed:.2f} MB compressed ({plain:.2f} MB)   must be <= 8")
    with tempfile.TemporaryDirectory() as folder:
        person = steady(rate=RATE_HZ, heart_rate=BPM, size=(640, 480))
        camera = camera_of(Path(folder) / "camera.y4m", person)
        for k in range(given.visits):
            found = visit(camera, given.seconds)
            frames, reports = (np.array(found["told"][name]) for name in ("frames", "reports"))
            print(
                f"visit {k + 1}: ready in {found['ready']:.1f} s, camera {found['opened']:.1f} s, "
                f"first rate {found['rate']} bpm (made {BPM:.0f}) {found['first']:.1f} s after the "
                f"first picture   must be <= 10\n"
                f"  picture {np.median(frames):.1f} ms median, {np.quantile(frames, 0.95):.1f} ms "
                f"95 %, {len(frames) / given.seconds:.1f} a second   must be <= 12; floor "
                f"{np.median(found['floor']):.1f} ms\n"
                f"  report {np.median(reports):.0f} ms median of {len(reports)}, beside the "
                f"pictures; clip played at {found['pace']:.0%}; load {os.getloadavg()[0]:.1f}"
            )


if __name__ == "__main__":
    main()
