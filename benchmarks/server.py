"""How old pictures get in the server, and its memory. Run: python benchmarks/server.py.

Visitors and server share this computer. A message's age is the time from sending it to hearing that
a monitor has seen it; a reading is never of an older picture. Three runs, each a server of its own:
20 visitors who send colours and 4 who send JPEG of 640×480, at 15 pictures a second in real time;
and one of each who sends an hour of pictures as fast as they are seen. The floor beside the first
two is the same visitors at one fifth of the rate, when nobody waits for anybody.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import websockets

RATE_HZ = 15.0
SIZE = (640, 480)
MADE_S = 20


@dataclass
class Tally:
    """Ages [s] of all messages, what was dropped, and the last heart rates [bpm]."""

    ages: list[float] = field(default_factory=list)
    sent: int = 0
    reports: int = 0
    dropped: int = 0
    rates: list[float] = field(default_factory=list)


@contextmanager
def server(*limits: str) -> Iterator[tuple[str, int]]:
    """A server of one's own: its address and process."""
    with tempfile.TemporaryDirectory() as folder:
        words = [word for limit in limits for word in ("--limit", limit)]
        command = [sys.executable, "-m", "camvitals", "serve", "--port", "0", "--folder", folder]
        process = subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[2].replace("http", "ws"), process.pid
        finally:
            process.terminate()
            process.wait(20)


def memory_mb(pid: int) -> float:
    """What a process and its children have for themselves alone and share, by half [MB]."""
    total = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            if pid in (int(place.name), parent):
                text = (place / "smaps_rollup").read_text()
                total += int(text.split("Pss:")[1].split()[0])
        except (OSError, IndexError):
            continue
    return total / 1000


def colours() -> tuple[list[str], Any]:
    """Regions, and records of a made person's colours."""
    from camvitals.data.synthetic.scenario import Scenario
    from camvitals.data.synthetic.traces import made_trace

    trace, _ = made_trace(Scenario(seed=5, duration=60, rate=RATE_HZ, heart_rate=75))
    fields: list[Any] = [("time", "<f8"), ("rgb", "<f4", (len(trace.names), 3))]
    record = np.zeros(len(trace.time), fields)
    record["rgb"] = trace.rgb
    return list(trace.names), record


def pictures() -> list[bytes]:
    """A made person as JPEG, forwards and back, so that it may go on for ever."""
    from av import CodecContext, VideoFrame

    from camvitals.data.synthetic.scenario import Scenario
    from camvitals.data.synthetic.scene import frames

    scenario = Scenario(seed=5, duration=MADE_S, rate=RATE_HZ, size=SIZE, heart_rate=75)
    coder: Any = CodecContext.create("mjpeg", "w")
    coder.width, coder.height = SIZE
    coder.pix_fmt, coder.time_base, coder.options = "yuvj420p", Fraction(1, 15), {"qmin": "3"}
    made = []
    for k, (image, _) in enumerate(frames(scenario)):
        frame = VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuvj420p")
        frame.pts = k
        made += [bytes(packet) for packet in coder.encode(frame)]
    made += [bytes(packet) for packet in coder.encode(None)]
    return made + made[-2:0:-1]


@asynccontextmanager
async def visit(address: str, **start: Any) -> AsyncIterator[Any]:
    """A socket whose monitor has begun."""
    async with websockets.connect(f"{address}/monitor", max_size=None, compression=None) as socket:
        await socket.send(json.dumps({"type": "start", "seen": True, **start}))
        assert json.loads(await socket.recv())["type"] == "started"
        yield socket


async def hear(socket: Any, tally: Tally, sent: dict[float, float]) -> None:
    """Note what the server says."""
    async for text in socket:
        message = json.loads(text)
        if message["type"] == "seen":
            tally.ages.append(time.monotonic() - sent.pop(message["time"]))
        elif message["type"] == "report":
            tally.reports += 1
            tally.dropped += message.get("dropped", 0)
            for person in message["people"][:1]:
                value = person["readings"][0]["value"]
                tally.rates += [] if value is None else [value]


async def visitor(address: str, start: dict[str, Any], made: Any, tally: Tally, **how: Any) -> None:
    """Send in real time for so many seconds, `slower` times slower than RATE_HZ."""
    async with visit(address, **start) as socket:
        sent: dict[float, float] = {}
        ears = asyncio.create_task(hear(socket, tally, sent))
        await asyncio.sleep(how["late"] / RATE_HZ)
        begin, count = time.monotonic(), 0
        while time.monotonic() - begin < how["seconds"]:
            at = count * how["slower"] / RATE_HZ
            await asyncio.sleep(max(0.0, begin + at - time.monotonic()))
            sent[at] = time.monotonic()
            await socket.send(message_of(made, count, at))
            tally.sent, count = tally.sent + 1, count + 1
        await asyncio.sleep(1.5)
        ears.cancel()


def message_of(made: Any, count: int, at: float) -> bytes:
    """The next picture or colours."""
    if isinstance(made, list):
        return struct.pack("<d", at) + made[count % len(made)]
    record = made[count % len(made)].copy()
    record["time"] = at
    return bytes(record.tobytes())


def crowd(kind: str, count: int, *, seconds: float, slower: float) -> tuple[Tally, float]:
    """So many visitors at once: what they saw, and the processor time of the server [cores]."""
    regions, record = colours()
    made: Any = pictures() if kind == "frames" else record
    start = {"input": kind} | ({"regions": regions} if kind == "traces" else {})
    tally = Tally()

    async def all_of_them(address: str) -> None:
        how = {"seconds": seconds, "slower": slower}
        each = [visitor(address, start, made, tally, late=k / count, **how) for k in range(count)]
        await asyncio.gather(*each)

    with server() as (address, pid):
        before, begin = spent_s(pid), time.monotonic()
        asyncio.run(all_of_them(address))
        return tally, (spent_s(pid) - before) / (time.monotonic() - begin)


def spent_s(pid: int) -> float:
    """Processor time of a process and its children so far [s]."""
    ticks = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if pid in (int(place.name), int(words[1])):
            ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def hour(kind: str, *, minutes: float) -> list[float]:
    """Memory [MB] at each tenth of an hour that is sent as fast as it is seen."""
    regions, record = colours()
    made: Any = pictures() if kind == "frames" else record
    start = {"input": kind, "period": 5.0} | ({"regions": regions} if kind == "traces" else {})
    marks = np.linspace(0, 60 * minutes * RATE_HZ, 11).astype(int)

    async def send(address: str, pid: int) -> list[float]:
        found = []
        async with visit(address, **start) as socket:
            for count in range(int(marks[-1]) + 1):
                if count in marks:
                    found.append(memory_mb(pid))
                await socket.send(message_of(made, count, count / RATE_HZ))
                while json.loads(await socket.recv())["type"] != "seen":
                    pass
        return found

    limits = ("messages_per_s=100000", "session_s=1000000", "stale_s=100000")
    with server(*limits) as (address, pid):
        return asyncio.run(send(address, pid))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="of the simulated hour; 0: none"
    )
    options = parser.parse_args()
    print(
        "| visitors | pictures/s each | age ms, median | 99 % | oldest | dropped "
        "| heart rate, bpm | cores |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for kind, count in (("traces", 20), ("frames", 4)):
        for slower in (1.0, 5.0):
            tally, cores = crowd(kind, count, seconds=options.seconds, slower=slower)
            ages = sorted(1000 * age for age in tally.ages)
            rate = f"{statistics.median(tally.rates):.1f}" if tally.rates else "–"
            print(
                f"| {count} of {kind} | {RATE_HZ / slower:g} | {statistics.median(ages):.0f} "
                f"| {ages[int(0.99 * len(ages))]:.0f} | {ages[-1]:.0f} "
                f"| {tally.sent - len(ages)} of {tally.sent} | {rate} | {cores:.2f} |",
                flush=True,
            )
    if options.minutes:
        print("\n| an hour of | memory MB at 0, 10, … 100 % |\n|---|---|")
        for kind in ("traces", "frames"):
            found = hour(kind, minutes=options.minutes)
            print(f"| {kind} | {', '.join(f'{mb:.0f}' for mb in found)} |", flush=True)


if __name__ == "__main__":
    main()
