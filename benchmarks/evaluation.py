"""How long an evaluation takes. Run: python benchmarks/evaluation.py [windows] [protocol …].

Windows of 10 s, 12 methods, two processes: the traces of made people as a corpus would keep them
after its videos were read once, each with a contact pulse at 64 Hz. Times are those of `evaluate`
from start to result, starting the processes included; the floor is the same work with GREEN alone.
Memory is the largest of the parent and of any of its processes. Default: 10,000 windows by the
protocols heartratenet and ours.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.recording import Recording
from camvitals.data.synthetic.scenario import draw
from camvitals.data.synthetic.traces import made_trace
from camvitals.evaluate.protocol import PROTOCOLS, Protocol
from camvitals.evaluate.run import evaluate
from camvitals.evaluate.windows import windows_of
from camvitals.records import Trace, Wave
from camvitals.waves.run import METHODS

WINDOWS, JOBS, SECONDS, RATE_HZ, PULSE_HZ, PEOPLE = 10_000, 2, 60.0, 30.0, 64.0, 30
METHODS_ON_TRACES = tuple(m for m in METHODS if METHODS[m].needs != "grid")
SEED = 8_000_000


def keep(folder: Path, number: int) -> Path:
    """Write the trace and the contact pulse of one made person."""
    scenario = draw(SEED + number, duration=SECONDS, rate=RATE_HZ, clock="steady")
    trace, truth = made_trace(scenario)
    time_T = np.arange(0, SECONDS, 1 / PULSE_HZ)
    path = folder / f"{number}.npz"
    arrays = {n: getattr(trace, n) for n in ("rgb", "pixels", "time", "box", "moments", "points")}
    pulse = truth.physiology.pulse_at(time_T)
    np.savez(path, names=np.array(trace.names), pulse=pulse, pulse_time=time_T, **arrays)
    return path


def colours(path: Path) -> Trace:
    """The trace as it was kept."""
    with np.load(path) as file:
        names = tuple(str(name) for name in file["names"])
        kept = {n: file[n] for n in ("rgb", "pixels", "time", "box", "moments", "points")}
    return Trace(names=names, **kept)


def references(path: Path) -> dict[str, Wave]:
    """The contact pulse as it was kept."""
    with np.load(path) as file:
        return {"pulse": Wave(file["pulse"], file["pulse_time"], "pulse")}


def recordings(paths: list[Path], count: int) -> list[Recording]:
    """So many recordings; people come again under other names."""
    return [
        Recording(
            "kept",
            f"{number:05d}",
            partial(references, paths[number % len(paths)]),
            colours=partial(colours, paths[number % len(paths)]),
        )
        for number in range(count)
    ]


def peak_mb(who: int) -> float:
    """Largest resident memory so far."""
    return resource.getrusage(who).ru_maxrss / 1024


def run(protocol: Protocol, wanted: int, paths: list[Path]) -> None:
    """Time one protocol, and its floor."""
    each = len(windows_of(protocol, 0.0, SECONDS, step=1 / RATE_HZ))
    takes = recordings(paths, -(-wanted // each))
    took = {}
    for methods in (("green",), METHODS_ON_TRACES):
        busy, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        result = evaluate(takes, methods=methods, protocol=protocol, jobs=JOBS)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took[methods] = time.perf_counter() - start
        processor = after.ru_utime + after.ru_stime - busy.ru_utime - busy.ru_stime
        windows = len(result) // len(methods)
        left_out = sum(one.windows for one in result.excluded)
        print(
            f"| {protocol.name} | {windows + left_out} ({left_out} left out) | {len(methods)} | "
            f"{took[methods]:.1f} s | {processor:.0f} s | "
            f"{1e6 * took[methods] / (windows * len(methods)):.0f} µs | "
            f"{peak_mb(resource.RUSAGE_SELF):.0f} / {peak_mb(resource.RUSAGE_CHILDREN):.0f} MB |"
        )
    ratio = took[METHODS_ON_TRACES] / took["green",]
    print(f"{protocol.name}: {len(METHODS_ON_TRACES)} methods take {ratio:.1f} times GREEN alone\n")


def main() -> None:
    """Make the traces, then time each protocol."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    names = [word for word in sys.argv[1:] if not word.isdigit()] or ["heartratenet", "ours"]
    with tempfile.TemporaryDirectory() as folder:
        with multiprocessing.get_context("spawn").Pool(JOBS) as pool:
            paths = pool.map(partial(keep, Path(folder)), range(PEOPLE))
        print("| protocol | windows | methods | wall | processor | a window and method | memory |")
        print("|---|---|---|---|---|---|---|")
        for name in names:
            run(PROTOCOLS[name], numbers[0] if numbers else WINDOWS, paths)


if __name__ == "__main__":
    main()
