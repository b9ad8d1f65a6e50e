"""The page in a real browser, with a made clip for a camera."""

import csv
import gzip
import hashlib
import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web_page_served import LOAD_MS, Pace, Visits, camera_of, chromium, rate_of, served, steady

from camvitals.app.pages import PLACE
from camvitals.report.csv_file import write_csv
from camvitals.report.json_file import read_json
from camvitals.report.wording import TITLES

WEB = Path(__file__).resolve().parents[2] / "web"
CHECKS = Path(__file__).with_name("web_page_checks.js").read_text("utf-8")
PHONE = {"width": 360, "height": 640}
MOST_MB = 8.0
RATE = steady().rate


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    chromium()
    with served(tmp_path_factory.mktemp("served")) as url, Visits(url) as found:
        yield found


@pytest.fixture(scope="module")
def camera(once: Any) -> Path:
    """72 beats a minute, again and again."""
    scenario = steady()
    path: Path = once("steady-72.y4m", lambda path: camera_of(path, scenario))
    return path


@pytest.fixture(scope="module")
def page(visits: Visits, camera: Path) -> Any:
    """The page that sees the clip. Tests of it run in their order, but not always all of them."""
    found = visits.page(camera, viewport=PHONE)
    found.asked = []
    found.failed = []
    found.on("request", lambda request: found.asked.append(request.url))
    found.on("pageerror", lambda error: found.failed.append(str(error)))
    return found


@pytest.fixture(scope="module")
def idle(visits: Visits) -> Any:
    """A page that never gets its camera."""
    return visits.page(viewport=PHONE)


@pytest.fixture
def live(page: Any) -> Any:
    """The page with the camera on; from then on it asks for nothing."""
    if page.evaluate("document.body.dataset.state") != "live":
        page.asked.clear()
        page.locator("#start").click()
        page.wait_for_selector("body[data-state=live]")
    return page


@pytest.fixture
def stopped(page: Any, request: pytest.FixtureRequest) -> Any:
    """The page once a rate was measured and the camera is off."""
    if page.evaluate("document.body.dataset.state") != "stopped":
        rate_of(request.getfixturevalue("live"), within_ms=LOAD_MS)
        page.locator("#start").click()
        page.wait_for_selector("body[data-state=stopped]")
    return page


def built() -> list[Path]:
    files = [path for path in PLACE.rglob("*") if path.is_file()]
    if not files:
        pytest.skip("needs the built page; run `npm ci && npm run app` in web/")
    return files


def test_the_page_is_built_of_these_sources() -> None:
    built()
    digest = hashlib.sha256()
    paths = [str(path.relative_to(WEB)) for path in (WEB / "src").rglob("*") if path.is_file()]
    for path in sorted([*paths, "index.html", "package-lock.json", "vite.config.ts"]):
        digest.update(path.encode() + (WEB / path).read_bytes())
    told = (PLACE / "sources.sha256").read_text("utf-8").strip()
    assert told == digest.hexdigest(), "run `npm ci && npm run app` in web/"


def test_the_page_has_the_networks_of_the_package() -> None:
    built()
    networks = list((PLACE / "models").glob("*.onnx"))
    assert len(networks) == 3
    for path in networks:
        (own,) = (PLACE.parents[1]).glob(f"*/models/{path.name}")
        assert path.read_bytes() == own.read_bytes(), "run `npm run app` in web/"


def test_the_page_is_light() -> None:
    packed = sum(len(gzip.compress(path.read_bytes(), 6)) for path in built())
    assert packed / 1e6 < MOST_MB


def test_the_page_has_the_wording_of_the_other_reports() -> None:
    text = (WEB / "src" / "app" / "words.ts").read_text("utf-8")
    table = text.split("TITLES: Record<string, string> = {")[1].split("}")[0]
    found = dict(re.findall(r'^  (\w+): "(.*)",$', table, re.MULTILINE))
    assert len(found) == table.count(":")
    assert found == {name: title for name, title in TITLES.items() if name in found}


def test_the_server_gives_every_file_with_its_type(visits: Visits) -> None:
    kinds = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
    for path in built():
        with urllib.request.urlopen(f"{visits.url}/{path.relative_to(PLACE)}") as answer:
            kind = answer.headers["content-type"]
            assert kind.startswith(kinds.get(path.suffix, "")), path
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
            assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.read() == path.read_bytes()


def test_the_page_loads_and_anybody_can_use_it(page: Any) -> None:
    assert page.evaluate("document.body.dataset.state") == "ready"
    assert page.evaluate(CHECKS) == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "start"
    page.asked.clear()  # from now on it asks for nothing
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-state=live]")


def test_the_page_shows_the_rate_of_the_clip(live: Any) -> None:
    pace = Pace(live, RATE)
    rate = rate_of(live, within_ms=60_000)
    pace.check()
    assert abs(rate - 72) <= 2
    card = live.locator(".card")
    plus = re.fullmatch(r"± (\d+)", card.locator(".plus").inner_text())
    assert plus is not None
    assert abs(rate - 72) <= int(plus[1])
    assert card.locator(".why").inner_text() == ""
    assert int(card.locator(".meter").get_attribute("aria-valuenow")) > 40
    assert live.locator("#conditions li").count() == 5
    live.wait_for_function(
        "() => /^Heart rate/.test(document.querySelector('#spoken').textContent)"
    )


def test_anybody_can_read_the_readings_by_day_and_night(live: Any) -> None:
    for scheme in ("light", "dark"):
        live.emulate_media(color_scheme=scheme)
        assert live.evaluate(CHECKS) == [], scheme


def saved(page: Any, kind: str, folder: Path) -> Path:
    page.locator("#download summary").click()
    with page.expect_download() as coming:
        page.locator(f"[data-save={kind}]").click()
    path = folder / f"{kind}{Path(coming.value.suggested_filename).suffix}"
    coming.value.save_as(path)
    return path


def test_what_is_saved_is_what_the_package_writes(stopped: Any, tmp_path: Path) -> None:
    (report,) = read_json(saved(stopped, "json", tmp_path))
    assert report.reading("heart_rate").unit == "bpm"
    for wanted in write_csv(f"{tmp_path / 'here'}/", [report]):
        kind = wanted.stem
        if kind == "rolling":
            continue
        paths = (saved(stopped, kind, tmp_path), wanted)
        found, here = (list(csv.reader(path.read_text("utf-8").splitlines())) for path in paths)
        assert len(found) == len(here) > 1
        for one, other in zip(found, here, strict=True):
            assert [plain(cell) for cell in one] == [plain(cell) for cell in other]


def plain(cell: str) -> Any:
    """A number as one, whichever of its forms it has."""
    try:
        return pytest.approx(float(cell), rel=1e-6, abs=1e-6)
    except ValueError:
        return cell


def test_the_printed_page_tells_everything(stopped: Any) -> None:
    stopped.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    stopped.emulate_media(media="print")
    sheet = stopped.locator("#sheet").inner_text()
    stopped.emulate_media(media="screen")
    for word in ("Heart rate", "Respiration rate", "LF/HF", "Conditions", "Head motion", "sha256"):
        assert word in sheet
    assert not stopped.locator("#sheet").is_visible()


def test_nothing_was_asked_of_anybody_since_it_was_loaded(stopped: Any) -> None:
    outside = [url for url in stopped.asked if not url.startswith(("blob:", "data:"))]
    assert outside == []
    assert stopped.failed == []
    assert json.loads(stopped.evaluate("JSON.stringify(localStorage)")) == {}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("NotAllowedError", "was not allowed"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "used by another program"),
        ("TypeError", "cannot be used"),
    ],
)
def test_a_camera_that_cannot_be_had_is_told(idle: Any, name: str, told: str) -> None:
    idle.evaluate(
        """(name) => {
          const refuse = () => Promise.reject(new DOMException("why", name));
          navigator.mediaDevices.getUserMedia = refuse;
        }""",
        name,
    )
    idle.locator("#start").click()
    idle.wait_for_selector("body[data-state=ready]")
    assert told in idle.locator("#notice[role=alert]").inner_text()
    assert idle.locator("#start").inner_text() == "Start the camera"


def test_a_file_that_is_no_film_is_told(idle: Any, tmp_path: Path) -> None:
    for name, content, told in (
        ("notes.txt", b"no film", "This is no film"),
        ("broken.mp4", b"\0\0\0 ftyp, and nothing more", "cannot play the film"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        idle.locator("#file").set_input_files(path)
        idle.wait_for_function(
            "(t) => document.querySelector('#notice').textContent.includes(t)", arg=told
        )
        assert idle.evaluate("document.body.dataset.state") == "ready"
