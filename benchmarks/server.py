"""How old pictures get in the server, what it costs, and its memory.

    python benchmarks/server.py           # visitors in real time, about four minutes
    python benchmarks/server.py --hour    # the memory of an hour, about four minutes

Visitors and server share this computer. A message's age is the time from sending it to hearing that
a monitor has seen it; that of a reading is the time from sending the newest picture that it knows
of to having it. In real time: 20 visitors who send colours and 4 who send JPEG of 640×480, at 15
pictures a second, each kind with a server of its own; the floor beside is the same visitors at one
fifth of the rate, when hardly anybody waits for anybody.

The hour is simulated: one visitor who sends pictures and one who sends colours send the 54,000
samples of an hour at 15 a second, the next as soon as the last were seen: the clock of the samples
shows an hour, that of the wall some minutes. Reports come every 5 s of it, and once a minute of it
a third visitor comes, sends a second of colours, and leaves.
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
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import websockets

RATE_HZ = 15.0
SIZE = (640, 480)
MADE_S = 20


WARM_S = 5.0
PERIOD_S = 5.0  # from one report to the next in the hour
FROM = 3  # of the ten marks of the hour: by then every window has been full for long


@dataclass
class Tally:
    """What all visitors together saw.

    ages, late: ages of messages and of readings [s].   rates: heart rates [bpm].
    """

    ages: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    sent: int = 0
    dropped: int = 0
    rates: list[float] = field(default_factory=list)


@dataclass
class Spent:
    """What it took from one moment to another: cores of server and visitors, and memory [MB]."""

    server: float
    visitors: float
    memory: tuple[float, float]


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
    how: dict[str, Any] = {"max_size": None, "compression": None, "open_timeout": 60}
    async with websockets.connect(f"{address}/monitor", **how) as socket:
        await socket.send(json.dumps({"type": "start", "seen": True, **start}))
        assert json.loads(await socket.recv())["type"] == "started"
        yield socket


async def hear(socket: Any, tally: Tally, sent: dict[float, float]) -> None:
    """Note what the server says."""
    async for text in socket:
        message, now = json.loads(text), time.monotonic()
        if message["type"] == "seen":
            tally.ages.append(now - sent[message["time"]])
        elif message["type"] == "report":
            tally.late.append(now - sent[message["time"]])
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
        return struct.pack("<d", at) + bytes(made[count % len(made)])
    record = made[count % len(made)].copy()
    record["time"] = at
    return bytes(record.tobytes())


def crowd(kind: str, count: int, *, seconds: float, slower: float) -> tuple[Tally, Spent]:
    """So many visitors at once: what they saw, and what it took once all were there."""
    start, made = sender(kind)
    tally = Tally()

    async def all_of_them(address: str, pid: int) -> Spent:
        how = {"seconds": seconds, "slower": slower}
        each = [visitor(address, start, made, tally, late=k / count, **how) for k in range(count)]
        watching = asyncio.create_task(watched(pid, seconds))
        await asyncio.gather(*each)
        return await watching

    with server() as (address, pid):
        return tally, asyncio.run(all_of_them(address, pid))


async def watched(pid: int, seconds: float) -> Spent:
    """What a server takes from a while after now until shortly before the end."""
    await asyncio.sleep(WARM_S)
    begin, server_s, own_s = time.monotonic(), spent_s(pid), time.process_time()
    await asyncio.sleep(max(0.0, seconds / 2 - WARM_S))
    half = memory_mb(pid)
    await asyncio.sleep(seconds / 2 - 1.0)
    wall = time.monotonic() - begin
    cores = (spent_s(pid) - server_s) / wall, (time.process_time() - own_s) / wall
    return Spent(*cores, (half, memory_mb(pid)))


@cache
def sender(kind: str) -> tuple[dict[str, Any], Any]:
    """The start message of visitors of this kind, and what they send."""
    if kind == "frames":
        return {"input": kind}, pictures()
    regions, record = colours()
    return {"input": kind, "regions": regions}, record


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


def hour(*, minutes: float) -> list[float]:
    """Memory [MB] of server and monitors at each tenth of an hour that is sent as fast as seen."""
    total = round(60 * minutes * RATE_HZ)
    marks = set(np.linspace(0, total, 11).astype(int).tolist())
    (frames, shown), (traces, told) = sender("frames"), sender("traces")

    async def pass_by(address: str) -> None:
        async with visit(address, **traces) as socket:
            for k in range(round(RATE_HZ)):
                await show(socket, message_of(told, k, k / RATE_HZ))

    async def stay(address: str, pid: int) -> list[float]:
        found = []
        async with (
            visit(address, period=PERIOD_S, **frames) as one,
            visit(address, period=PERIOD_S, **traces) as other,
        ):
            for k in range(total + 1):
                await asyncio.gather(
                    show(one, message_of(shown, k, k / RATE_HZ)),
                    show(other, message_of(told, k, k / RATE_HZ)),
                )
                if k % round(60 * RATE_HZ) == 0:
                    await pass_by(address)
                if k in marks:
                    found.append(memory_mb(pid))
        return found

    limits = ("messages_per_s=100000", "session_s=1000000", "stale_s=100000")
    with server(*limits) as (address, pid):
        return asyncio.run(stay(address, pid))


async def show(socket: Any, message: bytes) -> None:
    """Send a message and wait until it was seen."""
    await socket.send(message)
    while json.loads(await socket.recv())["type"] != "seen":
        pass


def tell_crowds(seconds: float) -> None:
    """Print the table of visitors in real time."""
    print(
        "| visitors | pictures/s each | age ms: median | 99 % | oldest | dropped | reading's age "
        "ms: median | oldest | readings/s each | heart rate, bpm | cores of server | of visitors "
        "| MB at half time, end |\n|---|" + "---:|" * 12
    )
    for kind, count in (("traces", 20), ("frames", 4)):
        for slower in (1.0, 5.0):
            lasts = seconds if slower == 1 else seconds / 2
            tally, spent = crowd(kind, count, seconds=lasts, slower=slower)
            ages, late = (sorted(1000 * age for age in each) for each in (tally.ages, tally.late))
            rate = f"{statistics.median(tally.rates):.1f}" if tally.rates else "–"
            print(
                f"| {count} of {kind} | {RATE_HZ / slower:g} | {statistics.median(ages):.0f} "
                f"| {ages[int(0.99 * len(ages))]:.0f} | {ages[-1]:.0f} "
                f"| {tally.sent - len(ages)} of {tally.sent} | {statistics.median(late):.0f} "
                f"| {late[-1]:.0f} | {len(late) / count / lasts:.2f} | {rate} "
                f"| {spent.server:.2f} | {spent.visitors:.2f} "
                f"| {spent.memory[0]:.0f}, {spent.memory[1]:.0f} |",
                flush=True,
            )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="in real time")
    parser.add_argument("--hour", action="store_true", help="the memory of an hour instead")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the simulated hour")
    options = parser.parse_args()
    if not options.hour:
        tell_crowds(options.seconds)
        return
    begin = time.monotonic()
    found = hour(minutes=options.minutes)
    print(f"{options.minutes:g} simulated minutes in {time.monotonic() - begin:.0f} s")
    print(f"MB at 0, 10, … 100 %: {', '.join(f'{mb:.0f}' for mb in found)}")
    print(f"growth from {10 * FROM} % to the end: {found[-1] - found[FROM]:+.1f} MB")


if __name__ == "__main__":
    main()
