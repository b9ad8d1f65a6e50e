"""How fast, beside a floor measured in the same run. Run: python benchmarks/speed.py.

Every figure comes from a fresh process. The floor is PyAV decoding the same file with the same
decoder settings and looking at nothing. Clips are made once and kept in benchmarks/clips.
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
REPEATS = 3
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
    found: dict[str, float] = json.loads(subprocess.run(code, check=True, stdout=-1).stdout)
    return found


def best(task: str, path: Path | str, key: str) -> dict[str, float]:
    """The run with the smallest `key` of REPEATS fresh processes: the least disturbed one."""
    return min((fresh(task, path) for _ in range(REPEATS)), key=lambda run: run[key])


def main() -> None:
    """Measure and print the table."""
    hd = made_clip("hd", size=(1920, 1080), seconds=10, loops=3)
    vga = made_clip("vga", size=(640, 480), seconds=30)
    minute = made_clip("minute", size=(640, 480), seconds=20, loops=3)
    ten = repeated(minute, "ten", times=10)

    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, best of {REPEATS} processes\n")
    floor, ours = best("decode", hd, "wall_s"), best("measure", hd, "wall_s")
    ratio = floor["wall_s"] / ours["wall_s"]
    print("1080p30 H.264, 30 s: throughput (aim >= 0.90)")
    print(f"  decode only {floor['frames'] / floor['wall_s']:7.0f} frames/s")
    print(f"  measure     {ours['frames'] / ours['wall_s']:7.0f} frames/s  ratio {ratio:.2f}")

    floor, ours = best("decode", vga, "cpu_s"), best("measure", vga, "cpu_s")
    print("640×480 H.264, 30 s: processor seconds in the call, and of the whole process")
    print(f"  decode only {floor['cpu_s']:6.2f} {floor['process_cpu_s']:6.2f}")
    print(f"  measure     {ours['cpu_s']:6.2f} {ours['process_cpu_s']:6.2f}")
    for key in ("cpu_s", "process_cpu_s"):
        print(f"  ratio {ours[key] / floor[key]:.2f} (aim <= 1.25)")
    print(
        f"  peak memory {ours['peak_mb']:.0f} MB (aim <= 150; decode only {floor['peak_mb']:.0f})"
    )

    pushed = fresh("push", vga)
    print("Monitor.push, 640×480, one core")
    print(
        f"  median {pushed['median_ms']:.2f} ms, p99 {pushed['p99_ms']:.2f} ms (aim <= 8), "
        f"max {pushed['max_ms']:.1f} ms"
    )

    short, long = fresh("measure", minute), fresh("measure", ten)
    print("Peak memory")
    print(
        f"  1 minute {short['peak_mb']:.0f} MB, 10 minutes {long['peak_mb']:.0f} MB  "
        f"ratio {long['peak_mb'] / short['peak_mb']:.2f} (aim <= 1.10)"
    )
    print(f"import camvitals {best('import', '', 'seconds')['seconds']:.3f} s (aim < 0.3)")


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--task":
        result = TASKS[sys.argv[2]](sys.argv[3])
        usage = resource.getrusage(resource.RUSAGE_SELF)
        result["process_cpu_s"] = usage.ru_utime + usage.ru_stime
        result["peak_mb"] = usage.ru_maxrss / 1024
        print(json.dumps(result))
    else:
        main()
