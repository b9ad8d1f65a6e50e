"""Pictures of the page for the documentation, of made people: python tools/page_pictures.py."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "web"))

from web_page_served import Visits, camera_of, rate_of, served, steady  # noqa: E402

TARGET = ROOT / "docs" / "pictures"
DESKTOP, PHONE = {"width": 1120, "height": 760}, {"width": 390, "height": 844}
MOST_BYTES = 200_000
PEOPLE: dict[str, dict[str, Any]] = {
    "one": {"seed": 3, "size": (640, 480), "tone": 3},
    "two": {"seed": 8, "size": (640, 480), "people": 2, "heart_rate": 66.0},
    "wall": {"seed": 5, "size": (320, 240), "duration": 3.0, "subject": "wall"},
}
# name: who, screen, colours, seconds after the first rate
PICTURES = {
    "page-start": ("", DESKTOP, "light", 0.0),
    "page-desktop-light": ("one", DESKTOP, "light", 36.0),
    "page-desktop-dark": ("two", DESKTOP, "dark", 12.0),
    "page-phone-dark": ("one", PHONE, "dark", 12.0),
    "page-phone-light": ("wall", PHONE, "light", 0.0),
}


def write(name: str, picture: bytes) -> None:
    """In few colours, so that it stays small."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    few = image.quantize(200, dither=Image.Dither.NONE)
    path = TARGET / f"{name}.png"
    few.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.name}: {size / 1e3:.0f} kB")
    assert size < MOST_BYTES


def main(names: list[str]) -> None:
    """Take all pictures, or those that are named."""
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place, served(Path(place) / "served") as url:
        for name in names or PICTURES:
            who, screen, colours, wait = PICTURES[name]
            camera = Path(place) / f"{who}.y4m"
            if who and not camera.exists():
                camera_of(camera, steady(**PEOPLE[who]))
            with Visits(url) as visits:
                scale = 1.5 if screen is PHONE else 1
                page = visits.page(
                    camera if who else None,
                    viewport=screen,
                    color_scheme=colours,
                    device_scale_factor=scale,
                )
                if who:
                    page.locator("#start").click()
                    page.wait_for_selector(".card")
                    if who != "wall":
                        rate_of(page, within_ms=60_000)
                    page.evaluate("document.querySelector('#camera').options[0].text = 'Webcam'")
                    page.wait_for_timeout(1e3 * max(wait, 8.0))
                write(name, page.screenshot())


if __name__ == "__main__":
    main(sys.argv[1:])
