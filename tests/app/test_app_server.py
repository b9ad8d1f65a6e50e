"""The server by HTTP: measured, told, deleted; and what is refused with which code."""

import re
import socket
import struct
import time
from threading import Thread

import numpy as np
import pytest
from app_served import TOKEN, children_gone, until
from sqlalchemy import event
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from camvitals import InputError
from camvitals.app import pages, uploads
from camvitals.app.server import create_app
from camvitals.app.settings import Settings
from camvitals.report.json_file import from_document, schema
from camvitals.video import write_video

GREY = [np.full((48, 64, 3), 90, np.uint8)] * 3
ALL = {
    ("POST", "/measure"),
    ("GET", "/jobs"),
    ("GET", "/jobs/{identity}"),
    ("POST", "/jobs/{identity}/cancel"),
    ("DELETE", "/jobs/{identity}"),
    ("GET", "/report/{identity}"),
}


def problem(answer):
    """The code and message of a refusal."""
    body = answer.json()
    assert set(body) == {"code", "message"}
    return body["code"], body["message"]


@pytest.fixture(scope="module")
def short(once):
    """Three grey pictures as a file."""

    def make(folder):
        folder.mkdir()
        write_video(folder / "short.mp4", GREY, time=[0.0, 0.1, 0.2])

    return (once("short", make) / "short.mp4").read_bytes()


def huge(path, *, side, frank):
    """A film of pictures of so many rows and columns: its few bytes would unfold to gigabytes.

    frank: whether its container admits it.
    """
    write_video(path, GREY, time=[0.0, 0.1, 0.2], codec="mjpeg")
    old, new = (48, 64), (side, side)
    data, count = re.subn(
        b"(\xff\xc0\x00\x11\x08)" + re.escape(struct.pack(">HH", *old)),
        lambda found: found[1] + struct.pack(">HH", *new),
        path.read_bytes(),
    )
    assert count == 3
    said, bold = struct.pack("<II", *old[::-1]), struct.pack("<II", *new)
    assert data.count(said) >= 1
    return data.replace(said, bold) if frank else data


def test_a_file_is_measured_kept_and_deleted(served, face_file):
    client = served.client()
    parameters = {"name": "../my face.mp4", "wait": 60}
    answer = client.post("/measure", params=parameters, content=face_file.read_bytes())
    assert answer.status_code == 200
    (report,) = from_document(answer.json())
    assert report.reading("heart_rate").value == pytest.approx(77, abs=3)
    assert report.source.name == "my face.mp4"
    place = answer.headers["location"]
    identity = place.rpartition("/")[2]
    assert client.get(place).text == answer.text
    table = client.get(place, params={"form": "csv", "table": "beats"})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(table.text.splitlines()) > 8
    page = client.get(place, params={"form": "html"})
    assert "my face.mp4" in page.text
    assert "sandbox" in page.headers["content-security-policy"]
    job = client.get(f"/jobs/{identity}").json()
    assert (job["state"], job["progress"], job["name"]) == ("done", 1.0, "my face.mp4")
    assert identity in {entry["id"] for entry in client.get("/jobs").json()}
    until(lambda: children_gone(served.settings.folder))
    assert client.delete(f"/jobs/{identity}").status_code == 204
    for gone in (place, f"/jobs/{identity}"):
        assert problem(client.get(gone))[0] == "not_found"
    assert client.delete(f"/jobs/{identity}").status_code == 404


def test_long_ones_are_asked_for_later(served, short):
    client = served.client()
    answer = client.post("/measure", content=short)
    assert answer.status_code == 202
    place, job = answer.headers["location"], answer.json()
    assert place == f"/jobs/{job['id']}"
    early = client.get(f"/report/{job['id']}")
    assert early.status_code in (200, 409)
    done = client.get(place, params={"wait": 60}).json()
    assert done["state"] == "done"
    (report,) = client.get(f"/report/{job['id']}").json()["reports"]
    assert report["readings"][0]["value"] is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"this is a letter", "is no recording that can be read here"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "is no recording that can be read here"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "is no recording that can be read here"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is no recording that can be read here"),
    ],
)
def test_what_is_no_video(served, content, told):
    answer = served.client().post("/measure", params={"name": "x.mp4", "wait": 60}, content=content)
    code, message = problem(answer)
    assert (answer.status_code, code) == (422, "bad_media")
    assert message.startswith("x.mp4 ")
    assert told in message


@pytest.mark.parametrize(
    ("side", "frank", "told"),
    [
        (12_000, True, "12000×12000, more than 9 megapixels"),
        (20_000, True, "no picture that can be decoded"),
        (20_000, False, "no picture that can be decoded"),
    ],
)
def test_pictures_too_large_are_refused_before_they_unfold(served, tmp_path, side, frank, told):
    content = huge(tmp_path / "huge.avi", side=side, frank=frank)
    assert len(content) < 50_000
    answer = served.client().post("/measure", params={"name": "h.avi", "wait": 60}, content=content)
    code, message = problem(answer)
    assert code == "bad_media"
    assert told in message
    assert served.client().get("/health").status_code == 200


def test_videos_too_long_are_refused(serving, short, tmp_path):
    served = serving(limits={"video_s": 5})
    write_video(tmp_path / "long.mkv", GREY, time=[0.0, 4.0, 8.0])
    content = (tmp_path / "long.mkv").read_bytes()
    answer = served.client().post("/measure", params={"wait": 60}, content=content)
    assert problem(answer) == (
        "too_long",
        "the recording has more than the 5 s that are taken here; cut it shorter",
    )
    assert served.client().post("/measure", params={"wait": 60}, content=short).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"method": "magic"}, "no method 'magic'"),
        ({"method": "../../model.onnx"}, "no method"),
        ({"roi": "foot"}, "no roi"),
        ({"skin": "x" * 500}, "no skin"),
        ({"roi": "frame", "method": "li"}, "needs roi 'face'"),
        ({"wait": "long"}, "wait: "),
        ({"wait": -1}, "wait: "),
        ({"wait": 1e9}, "wait: "),
    ],
)
def test_wrong_wishes(served, parameters, told):
    answer = served.client().post("/measure", params=parameters, content=b"x")
    assert answer.status_code == 422
    code, message = problem(answer)
    assert code == "bad_request"
    assert told in message


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/..%2f..%2fetc%2fpasswd",
        "/report/../../etc/passwd",
        "/jobs/" + "A" * 32,
        "/x",
        "/..%2f",
    ],
)
def test_paths_with_tricks_lead_nowhere(served, path):
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b'"code":"not_found"' in answer


def test_uploads_of_the_wrong_size(serving, short):
    served = serving(limits={"upload_mb": 0.1})
    client = served.client()
    answer = client.post("/measure", content=bytes(200_000))
    assert (answer.status_code, problem(answer)[0]) == (413, "too_large")

    def pieces():  # nobody says how much it will be
        for _ in range(30):
            yield bytes(10_000)

    answer = served.client().post("/measure", content=pieces())
    assert (answer.status_code, problem(answer)[0]) == (413, "too_large")
    assert problem(served.client().post("/measure", content=b""))[0] == "empty"
    assert served.client().get("/jobs").json() == []
    assert children_gone(served.settings.folder)


def trickle(served, *, count, pause):
    """What the server says to an upload that comes in drops."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as raw:
        head = "POST /measure HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
        raw.sendall(head.encode())
        raw.settimeout(0.01)
        answer = b""
        for _ in range(count):
            try:
                raw.sendall(b"x" * 10)
                answer += raw.recv(65_536)
            except TimeoutError:
                pass
            except OSError:
                break
            if answer:
                break
            time.sleep(pause)
        raw.settimeout(30)
        return answer + b"".join(iter(lambda: raw.recv(65_536), b""))


def test_uploads_that_stall_or_trickle(serving):
    served = serving(limits={"stall_s": 0.6, "slowest_kb_s": 5})
    stalled = trickle(served, count=1, pause=0)
    assert stalled.startswith(b"HTTP/1.1 408")
    assert b"nothing came for 0.6 s" in stalled
    slow = trickle(served, count=100, pause=0.1)
    assert slow.startswith(b"HTTP/1.1 408")
    assert b"an upload needs 5 kB/s" in slow
    assert children_gone(served.settings.folder)


def test_an_upload_that_breaks_off_leaves_nothing(served):
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(b"POST /measure HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\nhalf")
        until(lambda: not children_gone(served.settings.folder))
    until(lambda: children_gone(served.settings.folder))


def test_too_many_uploads(serving, short):
    served = serving(limits={"uploads_per_minute": 2, "uploads": 1})
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(b"POST /measure HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\nhalf")
        until(lambda: not children_gone(served.settings.folder))
        answer = served.client().post("/measure", content=short)
        assert (answer.status_code, problem(answer)[0]) == (503, "queue_full")
    answer = served.client().post("/measure", content=short)
    assert (answer.status_code, problem(answer)[0]) == (429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 30


def test_no_room_for_uploads(served, short, monkeypatch):
    async def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "_write", full)
    answer = served.client().post("/measure", content=short)
    assert (answer.status_code, problem(answer)[0]) == (507, "storage_full")
    assert children_gone(served.settings.folder)


def test_a_database_in_trouble_is_told_and_nothing_stays_behind(serving, short):
    served = serving(limits={"database_s": 0.2})
    client, engine = served.client(), served.app.state.store.engine
    with engine.connect() as other:
        other.exec_driver_sql("BEGIN EXCLUSIVE")
        answer = client.post("/measure", content=short)
        assert (answer.status_code, problem(answer)[0]) == (503, "database_busy")
        assert int(answer.headers["retry-after"]) >= 1
        other.rollback()
    assert children_gone(served.settings.folder)
    answer = served.client().post("/measure", params={"wait": 60}, content=short)
    assert answer.status_code == 200


def test_a_result_waits_until_a_full_database_has_room(serving, short):
    served = serving()
    client, engine = served.client(), served.app.state.store.engine

    most = [1_000_000]

    @event.listens_for(engine, "checkout")
    def narrow(connection, *_):
        connection.execute(f"PRAGMA max_page_count={most[0]}")

    job = client.post("/measure", content=short).json()
    with engine.connect() as connection:
        most[0] = connection.exec_driver_sql("PRAGMA page_count").scalar()
    until(lambda: "full" in client.get(f"/jobs/{job['id']}").json()["message"])
    assert client.get(f"/jobs/{job['id']}").json()["state"] == "running"
    most[0] = 1_000_000
    assert client.get(f"/jobs/{job['id']}", params={"wait": 60}).json()["state"] == "done"
    assert client.get(f"/report/{job['id']}").status_code == 200


def test_a_token_is_asked_for_everywhere(serving):
    served = serving(token=TOKEN, limits={"wrong_tokens_per_minute": 100})
    described = served.client().get("/openapi.json").json()["paths"]
    routes = {(m.upper(), path) for path, methods in described.items() for m in methods}
    assert routes == ALL | {("GET", "/health")}
    for method, path in ALL:
        place = path.replace("{identity}", "a" * 32)
        for shown in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            answer = served.client().request(method, place, headers=shown)
            assert (answer.status_code, problem(answer)[0]) == (401, "wrong_token")
            assert answer.headers["www-authenticate"] == "Bearer"
    client = served.client(headers={"Authorization": f"Bearer {TOKEN}"})
    assert client.get("/jobs").json() == []
    assert served.client().get("/health").status_code == 200


def test_the_page_needs_no_token_and_no_address_carries_one(serving):
    """Its pictures stay on the device, so that it asks nothing of the server."""
    served = serving(host="0.0.0.0", token=TOKEN)
    page = served.client().get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert served.client().get("/", params={"token": TOKEN}).text == page.text
    own = re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page.text)
    assert {place.rpartition(".")[2] for place in own} >= {"js", "css"}
    for place in own:
        assert served.client().get(f"/{place}").status_code == 200
    for where in ("/jobs", f"/report/{'a' * 32}"):
        assert served.client().get(where, params={"token": TOKEN}).status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{served.port}/monitor?token={TOKEN}", proxy=None)
    assert refused.value.response.status_code == 401
    assert "http" not in page.headers["content-security-policy"]


def test_the_api_describes_itself(served):
    document = served.client().get("/openapi.json").json()
    measured = document["paths"]["/measure"]["post"]
    assert measured["requestBody"]["content"]["application/octet-stream"]
    assert measured["security"] == [{"HTTPBearer": []}]
    assert "Problem" in document["components"]["schemas"]
    assert document["openapi"].startswith("3.1")
    assert served.client().get("/docs").status_code == 404
    (given,) = measured["responses"]["200"]["content"].values()
    assert given["schema"] == schema()


def test_every_answer_has_its_manners(served):
    client = served.client()
    evil = {"Origin": "https://evil.example"}
    for answer in (
        client.get("/health"),
        client.get("/nothing"),
        client.get("/jobs", headers=evil),
    ):
        headers = answer.headers
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "server" not in headers
    assert problem(client.get("/jobs", headers=evil))[0] == "forbidden_origin"
    answer = client.get("/jobs", headers={"Host": "evil.example"})
    assert (answer.status_code, problem(answer)[0]) == (403, "forbidden_host")


def test_the_page_is_served_with_the_right_types(serving, tmp_path, monkeypatch):
    place = tmp_path / "static"
    place.mkdir()
    for name in ("index.html", "a.js", "b.mjs", "c.wasm", "d.onnx", "e.css", "f.json"):
        (place / name).write_text("<p>hello")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr("camvitals.app.server.PLACE", place)
    served = serving()
    client = served.client()
    kinds = {
        "/": "text/html; charset=utf-8",
        "/a.js": "text/javascript; charset=utf-8",
        "/b.mjs": "text/javascript; charset=utf-8",
        "/c.wasm": "application/wasm",
        "/d.onnx": "application/octet-stream",
        "/e.css": "text/css; charset=utf-8",
        "/f.json": "application/json; charset=utf-8",
    }
    for path, kind in kinds.items():
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["cross-origin-embedder-policy"] == "require-corp"
    policy = client.get("/").headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "http" not in policy
    assert client.get("/..%2fsecret.txt").status_code == 404
    assert client.get("/jobs").json() == []
    assert pages.PLACE.name == "static"


def test_a_thousand_idle_connections(serving):
    """Those without a word are closed, those beyond the limit at once; then all is well."""
    served = serving(limits={"connections": 200, "header_s": 1.0})
    idle = []
    try:
        for _ in range(1000):
            idle.append(socket.create_connection(("127.0.0.1", served.port), timeout=30))
        for one in idle:
            assert gone(one)
    finally:
        for one in idle:
            one.close()
    assert served.client().get("/health").status_code == 200


def gone(one):
    try:
        return one.recv(10) == b""
    except ConnectionError:
        return True


def test_many_at_once_all_get_an_answer(served):
    statuses = []

    def ask():
        with served.client() as client:
            statuses.extend(client.get("/jobs").status_code for _ in range(10))

    threads = [Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 100


def test_folders_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written to"):
        create_app(Settings(tmp_path / "file" / "folder"))
