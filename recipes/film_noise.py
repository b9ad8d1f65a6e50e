"""Noise that films have and drawn colours lack: of what has no pulse, through codec and detector.

Run it with: python recipes/film_noise.py FOLDER; recipes/heart_model.py does so itself.

Faces without a pulse are drawn, coded as hard as people's films are, found and tracked again; what
their regions do then is noise of a kind that no formula gives: blocks that wait for bits, boxes
that tremble. It is kept as relative changes and lent to drawn colours.
Shape letters: N samples, R regions.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from camvitals import measure
from camvitals.data.synthetic.scenario import draw
from camvitals.data.synthetic.scene import frames
from camvitals.records import Array, InputError, Trace
from camvitals.video import write_video

SEEDS = range(4_000_000, 4_000_050)
SECONDS = 16.0
DEAD: tuple[dict[str, object], ...] = (
    {"subject": "painted-face"},
    {"subject": "still-picture"},
    {"pulse": 0.0},
)
STILL = 0.7  # share of the scenes; motion has its own noise, which drawn colours have
CODINGS: tuple[dict[str, object], ...] = (
    {"codec": "h264", "crf": 12},
    {"codec": "h264", "crf": 18},
    {"codec": "h264", "crf": 23},
    {"codec": "h264", "crf": 28},
    {"codec": "mpeg4", "quality": 8},
    {"codec": "vp9", "crf": 32},
)
CODINGS_A_SCENE = 3


def noises(folder: Path) -> list[tuple[Array, float]]:
    """(N, R, 3) relative changes and their rate [Hz], of every film; made where they are not yet.

    folder: one file a scene is kept there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(_make, folder), SEEDS))
    return [found for seed in SEEDS for found in _kept(folder / f"{seed}.npz")]


def _kept(path: Path) -> Iterator[tuple[Array, float]]:
    with np.load(path) as file:
        for name in file.files:
            rate = name.partition("-")[0]
            yield file[name].astype(np.float32), float(rate)


def _make(folder: Path, seed: int) -> None:
    path = folder / f"{seed}.npz"
    if path.exists():
        return
    rng = np.random.default_rng(seed)
    rate = float(rng.choice([20.0, 30.0]))
    fixed = dict(DEAD[seed % len(DEAD)])
    if rng.random() < STILL:
        fixed["motion"] = "still"
    size = (640, 480) if rng.random() < 0.25 else (320, 240)
    scene = draw(seed, duration=SECONDS, rate=rate, size=size, **fixed)
    images, times = zip(*frames(scene), strict=True)
    found: dict[str, Array] = {}
    for k in rng.permutation(len(CODINGS))[:CODINGS_A_SCENE]:
        with tempfile.TemporaryDirectory() as there:
            film = Path(there) / "film.mp4"
            write_video(film, images, time=times, **CODINGS[k])
            try:
                noise = noise_of(measure(film).trace, rate)
            except InputError:
                continue
        if noise is not None:
            found[f"{rate:g}-{k}"] = noise.astype(np.float16)
    part = path.with_suffix(f".{os.getpid()}.part.npz")
    np.savez(part, **found)
    part.replace(path)


def noise_of(trace: Trace, rate: float) -> Array | None:
    """(N, R, 3) relative changes of the regions on an even clock; None where most is unseen."""
    clock = np.arange(trace.time[0], trace.time[-1], 1 / rate)
    flat = trace.rgb.reshape(len(trace.rgb), -1)
    seen = np.isfinite(flat)
    if seen.any(axis=1).mean() < 0.9:
        return None
    out = np.zeros((len(clock), flat.shape[1]))
    for c in range(flat.shape[1]):
        if seen[:, c].mean() > 0.9:
            values = flat[seen[:, c], c]
            out[:, c] = np.interp(clock, trace.time[seen[:, c]], values / values.mean() - 1)
    return out.reshape(len(clock), *trace.rgb.shape[1:])


def lent(trace: Trace, noises: list[tuple[Array, float]], rng: np.random.Generator) -> Trace:
    """A drawn trace with the noise of a film: stronger or weaker, faster or slower, turned."""
    noise, rate = noises[rng.integers(len(noises))]
    strength = float(np.exp(rng.uniform(np.log(0.3), np.log(2.0))))
    pace = rate * float(np.exp(rng.uniform(-0.25, 0.25)))
    if rng.random() < 0.5:
        noise = noise[::-1]
    # to and fro without a jump, for as long as the trace is
    place = np.abs(rng.uniform(0, len(noise)) + (trace.time - trace.time[0]) * pace)
    period = 2 * (len(noise) - 1)
    place = np.abs((place + len(noise) - 1) % period - (len(noise) - 1))
    low = np.minimum(place.astype(int), len(noise) - 2)
    share = (place - low)[:, None, None]
    changes = noise[low] * (1 - share) + noise[low + 1] * share
    regions = min(trace.rgb.shape[1], changes.shape[1])
    rgb = trace.rgb.copy()
    rgb[:, :regions] *= 1 + strength * changes[:, :regions]
    rgb = np.clip(rgb, 0, 255).astype(np.float32)
    return Trace(rgb, trace.pixels, trace.time, trace.names, trace.box, trace.moments)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(f"{len(noises(Path(sys.argv[1])))} films without a pulse in {sys.argv[1]}")
