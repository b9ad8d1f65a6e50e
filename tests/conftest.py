"""Made people, drawn once for all tests and all processes that run them."""

import fcntl
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from camvitals.data.synthetic.camera import time_stamps
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.scene import frames
from camvitals.data.synthetic.truth import Truth
from camvitals.video import write_video

Once = Callable[[str, Callable[[Path], object]], Path]


@dataclass(frozen=True)
class Film:
    """Pictures (T, H, W, 3) of a scenario, their times (T,) s, and the truth."""

    images: np.ndarray
    time: np.ndarray
    truth: Truth


@pytest.fixture(scope="session")
def once(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], object]], Path]:
    """once(name, make): the path that make(path) filled, made by one process for all."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base

    def get(name: str, make: Callable[[Path], object]) -> Path:
        path = shared / "made" / name
        path.parent.mkdir(exist_ok=True)
        with (path.parent / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                part = path.with_name(f"{uuid.uuid4().hex[:8]}-{name}")
                make(part)
                part.replace(path)
        return path

    return get


@pytest.fixture(scope="session")
def film(once: Once) -> Callable[[Scenario], Film]:
    """film(scenario): its pictures as they leave the camera, before any codec."""

    def draw(scenario: Scenario) -> Film:
        def make(path: Path) -> None:
            with path.open("wb") as file:
                np.save(file, np.stack([image for image, _ in frames(scenario)]))

        path = once(f"{uuid.uuid5(uuid.NAMESPACE_OID, scenario.to_json()).hex}.npy", make)
        time = time_stamps(scenario)
        return Film(np.load(path, mmap_mode="r"), time, Truth.of(scenario, time))

    return draw


@pytest.fixture(scope="session")
def face(film: Callable[[Scenario], Film]) -> Film:
    """One still person of 77 bpm in daylight: 14 s, 30 pictures a second, 320 × 240."""
    return film(Scenario(seed=0, duration=14, rate=30, size=(320, 240), heart_rate=77, sdnn=15))


@pytest.fixture(scope="session")
def face_file(once: Once, face: Film) -> Path:
    """`face` as a video file, with its truth beside it."""

    def make(folder: Path) -> None:
        folder.mkdir()
        write_video(folder / "face.mp4", face.images, time=face.time, crf=6, preset="ultrafast")
        face.truth.save(folder / "face.mp4")

    return once("face", make) / "face.mp4"
