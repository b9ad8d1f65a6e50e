"""Live monitors over a socket: pictures and colours in, readings out, and what is refused."""

import asyncio
import json
import os
import signal
import struct
import time
import zlib
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
import websockets
from app_served import TOKEN, until
from websockets.exceptions import ConnectionClosed, InvalidStatus

from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.stream import Monitor, TraceMonitor
from camvitals.video.write import picture_bytes

RATE = 15.0
PERSON, _ = made_trace(Scenario(seed=5, duration=40, rate=RATE, heart_rate=75))
REGIONS = list(PERSON.names)
WALL = np.full((48, 64, 3), 90, np.uint8)


def colours(first, last):
    """The made person's colours as one binary message."""
    record = np.zeros(last - first, [("time", "<f8"), ("rgb", "<f4", (len(REGIONS), 3))])
    record["time"], record["rgb"] = PERSON.time[first:last], PERSON.rgb[first:last]
    return record.tobytes()


def colours_of_skin(k):
    return struct.pack("<d3f", PERSON.time[k], *PERSON.region("skin")[k])


def picture(image, at, kind="png"):
    return struct.pack("<d", at) + picture_bytes(image, kind)


def raw(image, at):
    height, width = image.shape[:2]
    return struct.pack("<d4sHH", at, b"RGB8", width, height) + image.tobytes()


def said(socket, kind, *, seconds=60):
    """The next message of this type."""
    while True:
        message = json.loads(socket.recv(seconds))
        if message["type"] == kind:
            return message


def closed(socket, *, seconds=60):
    """The code and reason with which the server closes, whatever it says before."""
    with pytest.raises(ConnectionClosed) as ended:
        while True:
            socket.recv(seconds)
    return ended.value.rcvd.code, ended.value.rcvd.reason


def bomb(width, height):
    """A PNG of black alone: small to send, large to unfold."""

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    packer = zlib.compressobj(9)
    first = packer.compress(bytes(3 * width + 1)) + packer.flush(zlib.Z_FULL_FLUSH)
    row = packer.compress(bytes(3 * width + 1)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(9, wbits=-15).flush()
    check = struct.pack(">HH", height * (3 * width + 1) % 65521, 1)  # Adler-32 of zeros
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = first + row * (height - 1) + end + check
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def knock(served, **headers):
    """The status of a handshake."""
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    asked |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    asked |= {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=30)) as connection:
        connection.request("GET", "/monitor", headers=asked)
        return connection.getresponse().status


def asked(socket):
    """The report that is asked for now, again if the question was dropped."""
    while True:
        socket.send(json.dumps({"type": "now"}))
        with suppress(TimeoutError):
            while not (report := said(socket, "report", seconds=5))["asked"]:
                pass
            return report


def test_colours_give_the_readings_of_a_monitor(served):
    with served.visit(input="traces", regions=REGIONS, window=20, send="report") as socket:
        for first in range(0, 450, 50):
            socket.send(colours(first, first + 50))
        (report,) = asked(socket)["document"]["reports"]
    own = TraceMonitor(REGIONS, window=20)
    for k in range(450):
        own.push_colours(PERSON.rgb[k], float(PERSON.time[k]))
    heart = next(r for r in report["readings"] if r["name"] == "heart_rate")
    assert heart["value"] == pytest.approx(75, abs=3)
    assert heart["value"] == pytest.approx(own.now().reading("heart_rate").value)


def test_reports_come_by_themselves_when_nobody_sends(served):
    with served.visit(input="traces", regions=["skin"], period=1.0) as socket:
        for k in range(0, 20):
            socket.send(colours_of_skin(k))
        assert said(socket, "report")["time"] == pytest.approx(1.0, abs=0.1)


def test_colours_as_words_and_reports_with_waves(served):
    with served.visit(input="traces", regions=["skin"], send="waves") as socket:
        skin = PERSON.region("skin")
        for first in range(0, 120, 20):
            times = PERSON.time[first : first + 20].tolist()
            rgb = [[sample] for sample in skin[first : first + 20].tolist()]
            rgb[3] = [[None, None, None]]
            socket.send(json.dumps({"type": "trace", "time": times, "rgb": rgb}))
        (person,) = asked(socket)["people"]
    assert {wave["name"] for wave in person["waves"]} >= {"pulse"}
    assert {r["name"] for r in person["readings"]} >= {"heart_rate", "hrv_rmssd"}


def test_pictures_of_every_kind_give_the_report_of_a_monitor(served, face):
    own = Monitor(window=10)
    with served.visit(window=10, seen=True) as socket:
        for k, at in enumerate(face.time[:60:3].tolist()):
            image = np.array(face.images[3 * k])
            socket.send(raw(image, at) if k % 2 else picture(image, at))
            own.push(image, at)
            said(socket, "seen")
        report = asked(socket)
    (box,) = report["faces"]
    assert box == pytest.approx(own.faces[0].box, abs=2)
    assert "dropped" not in report


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (b"", "8 bytes of time"),
        (b"\0" * 40, "JPEG, PNG or WebP"),
        (struct.pack("<d", 1.0) + b"\xff\xd8\xff" + bytes(100), "could not be decoded"),
        (picture(WALL, 1.0)[:-40], "damaged|could not be decoded"),
        (struct.pack("<d", float("nan")) + picture_bytes(WALL, "png"), "finite time"),
        (raw(WALL, 1.0)[:-1], "bytes of RGB"),
        (struct.pack("<d4sHH", 1.0, b"RGB8", 0, 0), "bytes of RGB"),
        ("{", "needs to be JSON"),
        ("[]", 'object with a "type"'),
        ('{"type": "dance"}', "no message 'dance'"),
        ('{"type": "trace", "time": [0], "rgb": [[[1, 2, 3]]]}', "no message 'trace'"),
        ("[" * 5000, "needs to be JSON"),
    ],
)
def test_malformed_messages_are_told_and_the_visit_goes_on(served, message, told):
    with served.visit(seen=True) as socket:
        socket.send(message)
        error = said(socket, "error")
        assert error["code"] == "bad_message"
        assert any(part in error["message"] for part in told.split("|"))
        socket.send(raw(WALL, 5.0))
        assert said(socket, "seen")["time"] == 5.0


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (b"12345", "records of"),
        (colours(0, 1)[:-4] + struct.pack("<f", 900.0), "0–255"),
        (struct.pack("<d", 1.0) + bytes(12 * len(REGIONS)) + b"x", "records of"),
        (colours(3, 4) * 2000, "records of"),
        (
            colours(3, 4) + struct.pack("<d", float(PERSON.time[3]) + 1e-6) + colours(3, 4)[8:],
            "apart",
        ),
        ('{"type": "trace", "time": [0], "rgb": [[[1, 2]]]}', "a trace needs time"),
        ('{"type": "trace", "time": "x"}', "as numbers"),
        ('{"type": "trace", "time": [0]}', "as numbers"),
    ],
)
def test_malformed_colours_are_told(served, message, told):
    with served.visit(input="traces", regions=REGIONS) as socket:
        socket.send(message)
        assert told in said(socket, "error")["message"]
        asked(socket)


def test_a_bomb_is_refused_before_it_unfolds(served):
    small = zlib.decompress(bomb(30, 20)[41:-16])
    assert small == bytes(20 * 91)
    the_bomb = bomb(30_000, 30_000)
    assert len(the_bomb) < 4_000_000
    with served.visit(seen=True) as socket:
        socket.send(struct.pack("<d", 0.0) + the_bomb)
        assert "at most 9 megapixels" in said(socket, "error")["message"]
        socket.send(struct.pack("<d4sHH", 0.0, b"RGB8", 60_000, 60_000) + bytes(10))
        assert "bytes of RGB" in said(socket, "error")["message"]
        socket.send(raw(WALL, 1.0))
        said(socket, "seen")
    (pid, *_) = served.app.state.pool.processes
    peak = int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0])
    assert peak < 1_000_000  # kB; unfolded it is 2.7 GB


def test_who_sends_nothing_but_nonsense_is_asked_to_leave(served):
    with served.visit() as socket:
        for _ in range(20):
            socket.send(b"nonsense, nonsense, nonsense")
            with_error = said(socket, "error")
        assert with_error
        code, reason = closed(socket)
    assert code == 1007
    assert "20 messages in a row" in reason


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ("{", "JSON"),
        ('{"type": "now"}', '"type": "start"'),
        ('{"type": "start", "colour": "red"}', "no such 'colour'"),
        ('{"type": "start", "window": "long"}', "no such 'window'"),
        ('{"type": "start", "window": 1e9}', "5 to 120 s"),
        ('{"type": "start", "window": NaN}', "no such 'window'"),
        ('{"type": "start", "period": 0}', "0.5 s"),
        ('{"type": "start", "method": "magic"}', "no method 'magic'"),
        ('{"type": "start", "method": "/etc/passwd"}', "no method '/etc/passwd'"),
        ('{"type": "start", "roi": "../face"}', "no roi"),
        ('{"type": "start", "input": "traces"}', "traces need regions"),
        ('{"type": "start", "regions": ["skin"]}', "traces need regions"),
        ('{"type": "start", "regions": [1]}', "no such 'regions'"),
        ('{"type": "start", "seen": 1}', "no such 'seen'"),
        (b"\x00\x01", "start message in JSON"),
    ],
)
def test_a_wrong_start_is_told_and_ends_the_visit(served, start, told):
    with served.monitor() as socket:
        socket.send(start)
        assert told in said(socket, "error")["message"]
        assert closed(socket)[0] == 1007


def test_regions_that_do_not_exist_are_told(served):
    with served.monitor() as socket:
        start = {"type": "start", "input": "traces", "regions": ["hat"]}
        socket.send(json.dumps(start))
        assert "regions need names" in said(socket, "error")["message"]


def test_limits_of_a_visit(serving):
    limits = {"message_mb": 0.05, "messages_per_s": 50, "silent_s": 1.0, "monitors": 1}
    served = serving(limits=limits)
    with served.visit() as socket:
        socket.send(bytes(60_000))
        assert closed(socket)[0] == 1009
    with served.visit() as socket:
        for _ in range(200):
            socket.send(json.dumps({"type": "dance"}))
        code, reason = closed(socket)
        assert code in (1007, 1008)
    with served.visit() as socket:
        code, reason = closed(socket)
        assert (code, reason) == (1001, "no message for 1 s")
    until(lambda: served.client().get("/health").json()["sockets"] == 0)


def test_a_token_is_asked_for(serving):
    served = serving(token=TOKEN, limits={"monitors": 1, "wrong_tokens_per_minute": 3})
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        assert knock(served, **headers) == 401
    with served.monitor(additional_headers={"Authorization": f"Bearer {TOKEN}"}) as socket:
        assert socket.subprotocol is None
    with served.monitor(subprotocols=["camvitals.monitor.1", f"bearer.{TOKEN}"]) as socket:
        assert socket.subprotocol == "camvitals.monitor.1"
    told = [knock(served, Sec_WebSocket_Protocol="bearer.wrong") for _ in range(3)]
    assert told == [401, 401, 429]


def test_pages_of_others_may_not_ask(served):
    assert knock(served, Origin="https://elsewhere.example") == 403
    assert knock(served, Host="elsewhere.example") == 403
    assert knock(served, Origin="null") == 403
    assert knock(served, Origin=served.url) == 101
    assert knock(served) == 101


def test_a_process_that_dies_takes_its_visitors_along_and_no_more(serving):
    served = serving(limits={"monitors": 2})
    with served.visit(seen=True) as one, served.visit(seen=True) as other:
        first, second = served.app.state.pool.processes
        os.kill(first, signal.SIGKILL)
        code, reason = closed(one)
        assert code == 1011
        assert "died" in reason
        other.send(raw(WALL, 1.0))
        said(other, "seen")
        with served.visit(seen=True) as third:
            third.send(raw(WALL, 1.0))
            said(third, "seen")
        assert second in served.app.state.pool.processes
        assert first not in served.app.state.pool.processes


def test_a_process_that_hangs_is_ended(serving):
    served = serving(limits={"monitors": 1, "stuck_s": 1.0})
    with served.visit() as socket:
        (pid,) = served.app.state.pool.processes
        os.kill(pid, signal.SIGSTOP)
        socket.send(raw(WALL, 1.0))
        assert closed(socket)[0] == 1011
    with served.visit(seen=True) as socket:
        socket.send(raw(WALL, 1.0))
        said(socket, "seen")


def test_what_waited_too_long_is_dropped_and_told(serving):
    served = serving(limits={"monitors": 1, "stale_s": 0.2})
    with served.visit(seen=True) as socket:
        (pid,) = served.app.state.pool.processes
        os.kill(pid, signal.SIGSTOP)
        for k in range(20):
            socket.send(raw(WALL, 1.0 + k / 15))
        time.sleep(0.5)
        os.kill(pid, signal.SIGCONT)
        times, now = [], 9.0
        while not times or times[-1] < 9.0:
            socket.send(raw(WALL, now))
            now += 0.1
            with suppress(TimeoutError):
                times.append(said(socket, "seen", seconds=0.1)["time"])
        assert asked(socket)["dropped"] >= 20
    assert not [time for time in times if time < 9.0]


def test_a_thousand_sockets(serving):
    """As many as there is room for come in, the others are told so, and the server stays up."""
    served = serving(limits={"sockets": 40, "address_sockets": 40, "monitors": 1})

    async def come():
        counts = {"in": 0, "told": 0, "other": 0}

        async def one():
            try:
                address = f"ws://127.0.0.1:{served.port}/monitor"
                async with websockets.connect(address, proxy=None, open_timeout=60) as socket:
                    counts["in"] += 1
                    await leave.wait()
                    await socket.close()
            except InvalidStatus as refused:
                body = json.loads(refused.response.body)
                counts["told"] += body["code"] == "sockets_full"
            except (OSError, websockets.WebSocketException):
                counts["other"] += 1

        leave = asyncio.Event()
        tasks = [asyncio.create_task(one()) for _ in range(1000)]
        while sum(counts.values()) < 1000:
            await asyncio.sleep(0.05)
        leave.set()
        await asyncio.gather(*tasks)
        return counts

    counts = asyncio.run(come())
    assert counts["in"] == 40
    assert counts["in"] + counts["told"] + counts["other"] == 1000
    assert counts["told"] > 400
    assert served.client().get("/health").status_code == 200
    with served.visit(seen=True) as socket:
        socket.send(raw(WALL, 1.0))
        said(socket, "seen")


def test_a_visit_ends_in_time(serving):
    served = serving(limits={"monitors": 1, "session_s": 1.0})
    with served.visit() as socket:
        code, reason = closed(socket)
    assert (code, reason) == (1001, "a visit ends after 1 s")
