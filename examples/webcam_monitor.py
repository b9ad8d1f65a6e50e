"""Watch the first camera: python examples/webcam_monitor.py [--simulate].

With --simulate a short made clip takes the place of the camera.
"""

import sys
import tempfile
from pathlib import Path

from camvitals import Monitor, open_video
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.simulate import simulate


def watch(source: int | Path) -> None:
    """Print the heart rate of the last window as it changes."""
    monitor = Monitor(window=10, period=1)
    with open_video(source) as video:
        for frame in video:
            report = monitor.push(frame)
            if report is not None:
                heart = report.reading("heart_rate")
                told = heart.why if heart.value is None else f"{heart.value:.0f} bpm"
                print(f"{frame.time:6.1f} s  {told}")


def main() -> None:
    """Watch the camera, or a made clip."""
    if "--simulate" not in sys.argv:
        watch(0)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "face.mp4"
        simulate(path, Scenario(seed=0, duration=14, rate=20, size=(320, 240)))
        watch(path)


if __name__ == "__main__":
    main()
