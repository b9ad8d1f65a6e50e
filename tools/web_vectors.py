"""Golden vectors for the browser's engine: traces in, waves and rates out, as we have them.

web/test reads them and holds the TypeScript to them; tests/web makes them anew and compares. Made
people only.

    python tools/web_vectors.py              writes web/vectors/*.json
    python tools/web_vectors.py --only clear
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import zlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from camvitals.data.synthetic.camera import gamma, linear
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.scene import frames
from camvitals.data.synthetic.traces import made_trace
from camvitals.dsp.clean import bandpass, uniform
from camvitals.dsp.spectrum import spectrum
from camvitals.dsp.spline import spline
from camvitals.face.collect import Collector
from camvitals.pipeline import Settings, measure_trace
from camvitals.records import Array, Frame, Report, Source, Trace
from camvitals.report.json_file import _plain, _reading_out
from camvitals.steps import finish
from camvitals.vitals.heart import windows_of
from camvitals.vitals.posterior import heart_model, posterior
from camvitals.waves.auto import candidates_steps, combine, parts_of
from camvitals.waves.evidence import weigh
from camvitals.waves.lamps import without_lamps
from camvitals.waves.run import wave_of
from camvitals.waves.view import clock_rate

ROOT = Path(__file__).resolve().parents[1]
VECTORS = ROOT / "web" / "vectors"
EVERY_RATE = 12  # of the facts, which are many, only every so many rates and some windows
METHODS = ("green", "chrom", "pos", "pbv", "lgi", "omit")
PICTURES, COVERED, PICTURES_FEW = 150, slice(90, 105), 60
MATRIX = np.array(
    [
        [1.164384, 0.0, 1.596027, -222.921618],
        [1.164384, -0.391762, -0.812968, 135.575409],
        [1.164384, 2.017232, 0.0, -276.835851],
    ],
    dtype=np.float32,
)
LAMP: dict[str, Any] = {"light": "lamp", "mains": 60, "camera": "phone"}
LATE_S = {"uneven": 0.004, "late": 0.02}
MAINS_50: dict[str, Any] = {"mains": 50, "motion": "sway"}
CASES: dict[str, Scenario] = {
    "clear": Scenario(seed=3, duration=20.0, rate=30.0),
    "still": Scenario(seed=4, duration=16.0, rate=30.0, subject="still-picture"),
    "wall": Scenario(seed=8, duration=16.0, rate=30.0, subject="wall"),
    "no_pulse": Scenario(seed=5, duration=16.0, rate=30.0, pulse=0.0, motion="talk"),
    "moving": Scenario(
        seed=6,
        duration=20.0,
        rate=24.0,
        heart_rate=88.0,
        motion="sway",
        sway_hz=1.2,
        sway_px=20.0,
        clock="jitter",
        light="lamp",
        tone=5,
    ),
    "gap": Scenario(seed=7, duration=36.0, rate=20.0, heart_rate=60.0, breath_rate=12.0),
    "long": Scenario(seed=3, duration=130.0, rate=15.0, heart_rate=66.0),
    # lamps seen at 120 bpm beside the heart, where it beats, and hardly; at 60 bpm in a face alone
    "lamp": Scenario(seed=9, duration=16.0, rate=61.0, heart_rate=76.0, **LAMP),
    "lamp_hides": Scenario(seed=9, duration=16.0, rate=61.0, heart_rate=120.0, sdnn=6.0, **LAMP),
    "lamp_weak": Scenario(seed=6, duration=45.0, rate=24.5, heart_rate=120.0, clock="dropped"),
    # no pulse, and shade by the square of the place: at twice the rate of the sway
    "shade": Scenario(
        seed=6, duration=16.0, rate=30.0, pulse=0.0, motion="sway", sway_hz=1.06, sway_px=25.0
    ),
    # times of the pictures that are late now and then: by little, and by more than a heart varies
    "uneven": Scenario(seed=100, duration=40.0, rate=20.0, heart_rate=66.0, sdnn=50.0),
    "late": Scenario(seed=101, duration=40.0, rate=20.0, heart_rate=72.0, sdnn=0.0),
    "lamp_alone": Scenario(seed=9, duration=12.0, rate=33.0, heart_rate=80.0, **LAMP | MAINS_50),
}


def encoded(values: Array, *, exact: bool = False) -> dict[str, Any]:
    """An array as its shape and base64 of its bytes, little-endian float32, or float64 if exact."""
    array = np.ascontiguousarray(values, dtype="<f8" if exact else "<f4")
    text = base64.b64encode(array.tobytes()).decode("ascii")
    return {"shape": list(array.shape), "f64" if exact else "f32": text}


def decoded(entry: dict[str, Any]) -> Array:
    """The array of `encoded`."""
    kind = "f64" if "f64" in entry else "f32"
    values = np.frombuffer(base64.b64decode(entry[kind]), dtype="<f8" if kind == "f64" else "<f4")
    return values.reshape(entry["shape"])


def trace_of(name: str) -> Trace:
    """The colours of a case."""
    trace, _ = made_trace(CASES[name])
    if name == "lamp_alone":
        return replace(
            trace,
            names=trace.names[:-1],
            rgb=trace.rgb[:, :-1],
            pixels=trace.pixels[:, :-1],
            box=np.full_like(trace.box, np.nan),
        )
    if name == "lamp_weak":
        gain = 1 + 5e-4 * np.sin(2 * np.pi * 100 * trace.time)
        lit = gamma(linear(trace.rgb) * gain[:, None, None])
        return replace(trace, rgb=lit.astype(np.float32))
    if name == "shade":
        place = trace.box[:, 0] / np.ptp(trace.box[:, 0])
        blush = 1 + 0.5 * np.outer(place - place.mean(), [0.33, 0.77, 0.53]) ** 2
        shaded = trace.rgb.copy()
        shaded[:, :-1] *= blush[:, None]
        return replace(trace, rgb=shaded)
    if name in LATE_S:
        rng, count = np.random.default_rng(1), len(trace.time)
        delay = LATE_S[name] * rng.exponential(size=count) * (rng.random(count) < 0.3)
        return replace(trace, time=np.sort(trace.time + delay) + 1e-5 * np.arange(count))
    if name != "gap":
        return trace
    rgb, box = trace.rgb.copy(), trace.box.copy()
    away = (trace.time > 17.0) & (trace.time < 18.5)
    rgb[away], box[away] = np.nan, np.nan
    rgb[:, trace.names.index("nose")] = np.nan
    return replace(trace, rgb=rgb, box=box)


def source_of(trace: Trace) -> Source:
    """What a live source would say of itself."""
    gaps = np.diff(trace.time)
    interval = float(np.median(gaps))
    return Source(
        name="live",
        width=640,
        height=480,
        frames=len(trace.time),
        duration=float(np.ptp(trace.time)) + interval,
        rate=1 / interval,
        jitter=float(gaps.std()),
    )


def made(name: str) -> dict[str, Any]:
    """Everything of one case."""
    trace = trace_of(name)
    report = measure_trace(trace, source=source_of(trace), settings=Settings())
    return {
        "trace": {
            "names": list(trace.names),
            "time": encoded(trace.time, exact=True),
            "rgb": encoded(trace.rgb),
            "pixels": encoded(trace.pixels),
            "box": encoded(trace.box),
        },
        "dsp": _dsp(trace),
        "methods": _methods(trace),
        "lamps": [asdict(lamp) for lamp in without_lamps(trace)[1]],
        "auto": _auto(trace),
        "report": _report(report),
    }


def _dsp(trace: Trace) -> dict[str, Any]:
    rate = clock_rate(trace)
    skin, clock = uniform(trace.region("skin")[:, :1], trace.time, rate=rate)
    seen = np.where(np.isfinite(skin), skin, 120.0)
    frequency, power = spectrum(seen[:, 0], rate=rate, step=0.02)
    points = np.sort(np.random.default_rng(1).uniform(0, 10, 20))
    values = np.cos(points)
    return {
        "rate": rate,
        "uniform": encoded(skin[:, 0]),
        "clock": encoded(clock, exact=True),
        "bandpass": encoded(bandpass(seen[:, 0], rate=rate, low=0.65, high=4.0)),
        "frequency": encoded(frequency, exact=True),
        "power": encoded(power),
        "points": encoded(points, exact=True),
        "values": encoded(values, exact=True),
        "spline": encoded(spline(values, points, np.linspace(-1, 11, 100))),
    }


def _methods(trace: Trace) -> dict[str, Any]:
    rate = clock_rate(trace)
    return {name: encoded(wave_of(trace, method=name, rate=rate).values) for name in METHODS}


def _auto(trace: Trace) -> list[dict[str, Any]]:
    """Each part on its way from colours to a pulse."""
    model, found = heart_model(), []
    for part in parts_of(trace, method="auto", rate=clock_rate(trace)):
        candidates = finish(candidates_steps(part))
        evidence = weigh(candidates)
        windows = windows_of([evidence], model)
        odds = model.log_odds(evidence.facts)
        some = slice(0, None, max(1, len(evidence.centre) // 3))
        found.append(
            {
                "start": float(part.time[0]),
                "count": len(part.time),
                "candidates": encoded(candidates.values[:, [0, 5, -1]]),
                "columns": candidates.values.shape[1],
                "guide": encoded(candidates.guide),
                "centre": encoded(evidence.centre, exact=True),
                "facts": encoded(evidence.facts[some, ::EVERY_RATE]),
                "explained": encoded(evidence.explained[some, ::EVERY_RATE]),
                "swing": encoded(evidence.swing[some, ::EVERY_RATE]),
                "odds": encoded(odds[some]),
                "null": encoded(posterior(odds, evidence)[:, -1]),
                "rate": encoded(windows.rate),
                "spread": encoded(windows.spread),
                "mass": encoded(windows.mass),
                "moved": [bool(m) for m in windows.moved],
                "pulse": encoded(combine(candidates, evidence, windows.rate)),
            }
        )
    return found


def _report(report: Report) -> dict[str, Any]:
    return {
        "readings": [_reading_out(reading) for reading in report.readings],
        "rolling": [_reading_out(reading) for reading in report.rolling],
        "waves": {wave.name: encoded(wave.values) for wave in report.waves},
        "beats": encoded(report.beats, exact=True),
        "capture": [
            {"name": f.name, "value": f.value, "fine": f.fine, "unit": f.unit, "remedy": f.remedy}
            for f in report.capture
        ],
        "source": _plain({"rate": report.source.rate, "duration": report.source.duration}),
    }


def text_of(name: str) -> str:
    """The file of a case."""
    document = pictures() if name == "pictures" else made(name)
    return json.dumps(document, ensure_ascii=False) + "\n"


def pictures() -> dict[str, Any]:
    """One made picture that is moved, lit, covered and shown again, and what is seen of it."""
    image, _ = next(frames(Scenario(seed=11, duration=1.0, rate=30.0, size=(320, 240))))
    time = np.arange(PICTURES) / 30.0
    shift = np.round(np.stack([4 * np.sin(time), 3 * np.sin(1.7 * time)], axis=1)).astype(int) * 2
    gain = 1 + 0.01 * np.sin(2 * np.pi * 1.2 * time)
    out: dict[str, Any] = {
        "image": zipped(image),
        "time": encoded(time, exact=True),
        "shift": shift.tolist(),
        "gain": encoded(gain, exact=True),
        "covered": [COVERED.start, COVERED.stop],
        "matrix": encoded(MATRIX, exact=True),
    }
    for kind in ("rgb", "yuv"):
        collector = Collector(roi="face")
        planes = [image[..., k] for k in range(3)] if kind == "rgb" else halved(image)
        for k, (at, (dx, dy), light) in enumerate(zip(time, shift, gain, strict=True)):
            moved = [shown(plane, dx, dy, light, k, image.shape) for plane in planes]
            if kind == "rgb":
                frame = Frame.of_rgb(np.stack(moved, axis=-1), float(at))
            else:
                frame = Frame((moved[0], moved[1], moved[2]), MATRIX, float(at))
            collector.push(frame)
        (trace,) = collector.traces().values()
        out[kind] = {
            "names": list(trace.names),
            "rgb": encoded(trace.rgb),
            "pixels": encoded(trace.pixels),
            "box": encoded(trace.box),
        }
    out["planes"] = [zipped(plane) for plane in halved(image)]
    two, _ = next(frames(Scenario(seed=21, duration=1.0, rate=30.0, people=2, size=(400, 240))))
    return out | {"two": _some(two), "coarse": _some(_coarse(image))}


def _some(image: Array) -> dict[str, Any]:
    """What is seen in some pictures of an image that sways: of two people, of a coarse face."""
    collector = Collector(roi="face")
    time = np.arange(PICTURES_FEW) / 30.0
    shift = np.round(np.stack([4 * np.sin(time), 3 * np.sin(1.7 * time)], axis=1)).astype(int) * 2
    for k, (at, (dx, dy)) in enumerate(zip(time, shift, strict=True)):
        moved = [shown(image[..., c], dx, dy, 1.0, k, image.shape) for c in range(3)]
        collector.push(Frame.of_rgb(np.stack(moved, axis=-1), float(at)))
    traces = collector.traces().values()
    return {
        "image": zipped(image),
        "count": PICTURES_FEW,
        "rgb": [encoded(trace.rgb) for trace in traces],
        "box": [encoded(trace.box) for trace in traces],
    }


def _coarse(image: Array) -> Array:
    """A picture with a tenth of its pixels along each side, brought back to its size."""
    rows, columns = image.shape[0] // 10, image.shape[1] // 10
    small = image.reshape(rows, 10, columns, 10, 3).mean(axis=(1, 3))
    for axis, count in ((0, rows), (1, columns)):
        at = (np.arange(10 * count) + 0.5) / 10 - 0.5
        low = np.clip(np.floor(at).astype(int), 0, count - 2)
        share = np.clip(at - low, 0, 1).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        small = small.take(low, axis) * (1 - share) + small.take(low + 1, axis) * share
    return np.round(small).astype(np.uint8)


def zipped(image: Array) -> dict[str, Any]:
    """Bytes, compressed."""
    packed = zlib.compress(np.ascontiguousarray(image).tobytes(), 9)
    return {"shape": list(image.shape), "zlib": base64.b64encode(packed).decode("ascii")}


def halved(image: Array) -> list[Array]:
    """Y, U and V of an RGB picture, U and V at half the size; limited range, BT.601."""
    turn = np.linalg.inv(MATRIX[:, :3].astype(float))
    yuv = (image.astype(float) - MATRIX[:, 3]) @ turn.T
    small = yuv.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2, 3).mean(axis=(1, 3))
    planes = [yuv[..., 0], small[..., 1], small[..., 2]]
    return [np.clip(np.round(plane), 0, 255).astype(np.uint8) for plane in planes]


def shown(
    plane: Array, dx: int, dy: int, light: float, number: int, shape: tuple[int, ...]
) -> Array:
    """A plane as picture `number` has it: moved and lit, or grey while the face is covered."""
    if COVERED.start <= number < COVERED.stop:
        return np.full_like(plane, 128)
    factor = shape[0] // plane.shape[0]
    lit = plane if factor > 1 else np.minimum(np.floor(plane * light + 0.5), 255).astype(np.uint8)
    return np.roll(lit, (dy // factor, dx // factor), axis=(0, 1))


def main() -> int:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", choices=[*CASES, "pictures"], action="append", help="these cases alone"
    )
    VECTORS.mkdir(exist_ok=True)
    for name in parser.parse_args().only or [*CASES, "pictures"]:
        text = text_of(name)
        (VECTORS / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}: {len(text) / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
