"""How fast, beside a floor measured in the same run. Run: python benchmarks/speed.py.

Every figure comes from a fresh process, which finds its modules compiled, as in any installation
(one run before the first sees to that). The floor is PyAV decoding the same file with the same
decoder settings and looking at nothing; the two take turns, REPEATS times, and the least disturbed
run of each counts, for memory the middle one. Clips are made once and kept in benchmarks/clips.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CLIPS = Path(__file__).parent / "clips"
REPEATS = 5
CRF = 12  # what a camera records: about 4 Mbit/s at 640×480


def made_clip(name: str, *, size: tuple[int, int], seconds: int, loops: int = 1) -> Path:
    """A made person on an H.264 file; longer files repeat the same pictures on a running clock."""
    from camvitals.data.synthetic.scenario import Scenario
    from camvitals.data.synthetic.scene import frames
    from camvitals.video import write_video

    path = CLIPS / f"{name}.mp4"
    if path.exists():
        return path
    CLIPS.mkdir(exist_ok=True)
    scenario = Scenario(seed=5, duration=float(seconds), rate=30.0, size=size, motion="sway")
    once = [image for image, _ in frames(scenario)]
    count = len(once) * loops

    def pictures() -> Iterator[Any]:
        forth_and_back = once + once[::-1]
        for index in range(count):
            yield forth_and_back[index % len(forth_and_back)]

    write_video(path, pictures(), time=[i / 30 for i in range(count)], codec="h264", crf=CRF)
    return path


def repeated(source: Path, name: str, *, times: int) -> Path:
    """The same coded pictures again and again on one running clock, without coding them anew."""
    import av

    path = CLIPS / f"{name}.mp4"
    if path.exists():
        return path
    with av.open(str(path), "w") as out:
        stream, offset = None, 0
        for _ in range(times):
            with av.open(str(source)) as container:
                video = container.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                end = 0
                for packet in container.demux(video):
                    if packet.pts is None or packet.dts is None:
                        continue
                    end = max(end, packet.pts + packet.duration)
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = stream
                    out.mux(packet)
                offset += end
    return path


# --- what a fresh process does; each prints one JSON object ---------------------------------------


def decode(path: str) -> dict[str, float]:
    """The floor: decode every picture, look at none."""
    import av

    start, cpu = time.perf_counter(), time.process_time()
    count = 0
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for _ in container.decode(stream):
            count += 1
    return _spent(count, start, cpu)


def measure(path: str) -> dict[str, float]:
    """`measure` on the same file, everything that a process needs already imported or not."""
    from camvitals import measure as run

    start, cpu = time.perf_counter(), time.process_time()
    report = run(path)
    spent = _spent(report.source.frames, start, cpu)
    return spent | {"heart_rate": report.reading("heart_rate").value or float("nan")}


def push(path: str) -> dict[str, float]:
    """Time of every `Monitor.push` on one core."""
    os.sched_setaffinity(0, {0})
    from camvitals import Monitor
    from camvitals.video import open_video

    monitor = Monitor()
    spent = []
    with open_video(path) as video:
        for frame in video:
            start = time.perf_counter()
            monitor.push(frame)
            spent.append(1e3 * (time.perf_counter() - start))
    late = sorted(spent[60:])
    return {
        "median_ms": statistics.median(late),
        "p99_ms": late[int(0.99 * len(late))],
        "max_ms": late[-1],
        "pushes": len(spent),
    }


def bare_import(_: str) -> dict[str, float]:
    """Time of `import camvitals`."""
    start = time.perf_counter()
    import camvitals  # noqa: F401

    return {"seconds": time.perf_counter() - start}


def _spent(frames: int, start: float, cpu: float) -> dict[str, float]:
    wall = time.perf_counter() - start
    return {"frames": frames, "wall_s": wall, "cpu_s": time.process_time() - cpu}


TASKS: dict[str, Callable[[str], dict[str, float]]] = {
    "decode": decode,
    "measure": measure,
    "push": push,
    "import": bare_import,
}


def fresh(task: str, path: Path | str = "") -> dict[str, float]:
    """Run a task in a fresh process; adds its whole CPU seconds and peak memory [MB]."""
    code = [sys.executable, __file__, "--task", task, str(path)]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(CLIPS / "compiled")
    ran = subprocess.run(code, check=True, stdout=subprocess.PIPE, env=environment)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def in_turns(*tasks: tuple[str, Path | str]) -> list[list[dict[str, float]]]:
    """REPEATS runs of each (task, path), taking turns, so that a busy moment meets them all."""
    runs = [[fresh(*task) for task in tasks] for _ in range(REPEATS)]
    return [list(of_one) for of_one in zip(*runs, strict=True)]


def least(runs: list[dict[str, float]], key: str) -> float:
    """The least disturbed figure."""
    return min(run[key] for run in runs)


def main() -> None:
    """Measure and print the table."""
    hd = made_clip("hd", size=(1920, 1080), seconds=10, loops=3)
    vga = made_clip("vga", size=(640, 480), seconds=30)
    minute = made_clip("minute", size=(640, 480), seconds=20, loops=3)
    ten = repeated(minute, "ten", times=10)

    fresh("measure", vga)  # compiles
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {REPEATS} processes each\n")
    throughput(hd)
    processor(vga)
    pushes(vga)
    memory(minute, ten)
    (runs,) = in_turns(("import", ""))
    print(f"import camvitals {least(runs, 'seconds'):.3f} s (aim < 0.3)")


def throughput(path: Path) -> None:
    """Frames a second beside decoding alone."""
    floor, ours = in_turns(("decode", path), ("measure", path))
    speed = [runs[0]["frames"] / least(runs, "wall_s") for runs in (floor, ours)]
    print("1080p30 H.264, 30 s: throughput (aim >= 0.90)")
    print(f"  decode only {speed[0]:7.0f} frames/s")
    print(f"  measure     {speed[1]:7.0f} frames/s  ratio {speed[1] / speed[0]:.2f}")


def processor(path: Path) -> None:
    """CPU seconds beside decoding alone, and peak memory."""
    floor, ours = in_turns(("decode", path), ("measure", path))
    print("640×480 H.264, 30 s: processor seconds in the call, and of the whole process")
    for name, runs in (("decode only", floor), ("measure", ours)):
        print(f"  {name:12}{least(runs, 'cpu_s'):6.2f} {least(runs, 'process_cpu_s'):6.2f}")
    for key in ("cpu_s", "process_cpu_s"):
        pairs = [run[key] / beside[key] for run, beside in zip(ours, floor, strict=True)]
        print(
            f"  ratio {least(ours, key) / least(floor, key):.2f}, median of pairs "
            f"{statistics.median(pairs):.2f} (aim <= 1.25)"
        )
    peaks = [statistics.median(run["peak_mb"] for run in runs) for runs in (ours, floor)]
    print(f"  peak memory {peaks[0]:.0f} MB (aim <= 150; decode only {peaks[1]:.0f})")


def pushes(path: Path) -> None:
    """How long a live picture takes."""
    (runs,) = in_turns(("push", path))
    pushed = min(runs, key=lambda run: run["p99_ms"])
    print("Monitor.push, 640×480, one core")
    print(
        f"  median {pushed['median_ms']:.2f} ms, p99 {pushed['p99_ms']:.2f} ms (aim <= 8), "
        f"max {pushed['max_ms']:.1f} ms"
    )


def memory(minute: Path, ten: Path) -> None:
    """Peak memory of a long recording beside a short one."""
    peaks = [
        statistics.median(run["peak_mb"] for run in runs)
        for runs in in_turns(("measure", minute), ("measure", ten))
    ]
    print("Peak memory")
    print(
        f"  1 minute {peaks[0]:.0f} MB, 10 minutes {peaks[1]:.0f} MB  "
        f"ratio {peaks[1] / peaks[0]:.2f} (aim <= 1.10)"
    )


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--task":
        result = TASKS[sys.argv[2]](sys.argv[3])
        usage = resource.getrusage(resource.RUSAGE_SELF)
        result["process_cpu_s"] = usage.ru_utime + usage.ru_stime
        result["peak_mb"] = usage.ru_maxrss / 1024
        print(json.dumps(result))
    else:
        main()
