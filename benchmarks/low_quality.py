"""What is left of the heart rate in poor pictures, and what helps.

People made for this study alone are drawn once, made worse at every one of LEVELS, and looked at by
every arm. What is counted are sliding windows of 10 s: how many have a heart rate within 5 bpm, how
far off the answers are, and what remains when a withheld window is charged what the mean of the
other people would have missed. Differences are paired by person.

    python benchmarks/low_quality.py FOLDER [--enhance NETWORK] [--people 24] [--levels face-16 …]

FOLDER keeps the drawn pictures, the colours found in them (in colours/: remove it when how colours
are found has changed) and every answer (*.json: remove them when a method has changed), so that it
can be stopped and run again; benchmarks/low_quality_page.py makes results/low_quality/README.md of
the answers.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from accuracy import bare_rate, bare_wave

from camvitals.data.degrade import degrade_clip
from camvitals.data.degrade_size import cells, resized
from camvitals.data.recording import Recording
from camvitals.data.synthetic.physiology import simulate_physiology
from camvitals.data.synthetic.scenario import Scenario, draw
from camvitals.data.synthetic.scene import Scene, frames
from camvitals.evaluate.seen import see
from camvitals.pipeline import Settings, measure_trace
from camvitals.records import Array, InputError, Reading, Report, Source, Trace
from camvitals.report.capture import bits_share
from camvitals.video import open_video, write_video
from camvitals.vitals.beats import beats
from camvitals.vitals.heart import by_beats, expected_rate, heart_rates, windows_of
from camvitals.vitals.posterior import heart_model
from camvitals.vitals.second import enhanced_of
from camvitals.waves.auto import AUTO, pulse_wave, stretches
from camvitals.waves.evidence import weigh
from camvitals.waves.view import clock_rate

SEED, PEOPLE = 9_700_000, 24
SECONDS, RATE, SIZE = 24.0, 20.0, (256, 192)
WINDOW_S = 10.0
AS_IS, FINE_COLOUR, SMALL = "as is", "crf-36, fine colour", "face-16, filmed small"
LEVELS = (
    *(AS_IS, "face-32", "face-16", "face-8", "crf-18", "crf-24", "crf-30", "crf-36"),
    *(FINE_COLOUR, SMALL),
)
Spans = list[tuple[float, float]]
Said = dict[str, list[list[float | None]]]
Watch = Callable[[Settings], Report]  # one person at one level


def scenario(k: int) -> Scenario:
    """The k-th person: tones in turn, still or lightly swaying, daylight or lamp, 45–160 bpm."""
    return draw(
        SEED + k,
        duration=SECONDS,
        rate=RATE,
        size=SIZE,
        tone=1 + k % 6,
        motion=("still", "sway")[k // 6 % 2],
        motion_scale=0.4,
        light=("daylight", "lamp")[k // 12 % 2],
        clock="steady",
        ectopic=0.0,
    )


def spans() -> Spans:
    """The windows that are counted, one a second."""
    return [(float(at), at + WINDOW_S) for at in range(int(SECONDS - WINDOW_S) + 1)]


def drawn(k: int, folder: Path) -> Array:
    """(T, H, W, 3) the pictures of a person, drawn once."""
    path = folder / f"{k:02d}.npy"
    if not path.is_file():
        part = path.with_suffix(".part.npy")
        np.save(part, np.stack([image for image, _ in frames(scenario(k))]))
        part.replace(path)
    return np.asarray(np.load(path, mmap_mode="r"))


def face_width(k: int) -> float:
    """How wide the face of a person is in the picture [px]: 1.9 times from eye to eye."""
    points = Scene(scenario(k)).landmarks(0.0)[0]
    return 2.2 * float(np.linalg.norm(points["left_eye"] - points["right_eye"]))


def film(k: int, level: str, folder: Path) -> Any:
    """What `measure` is given of a person at a level: pictures, or a file of an encoder."""
    images, width = drawn(k, folder), face_width(k)
    clock = np.arange(len(images)) / RATE
    if level == AS_IS:
        return images
    if level.startswith("face-") and level != SMALL:
        return degrade_clip(images, level, rate=RATE, face=width)
    path = folder / f"{k:02d}-{level.replace(', ', '-').replace(' ', '-')}.mp4"
    if path.is_file():
        return path
    if level == SMALL:
        sides = [2 * round(n * 16 / width / 2) for n in images.shape[1:3]]
        weights = [cells(n, few) for n, few in zip(images.shape[1:3], sides, strict=True)]
        small = (np.clip(resized(images, *weights), 0, 255) + 0.5).astype(np.uint8)
        write_video(path, small, time=clock, codec="h264", crf=18, threads=1)
    else:
        colour = "yuv444p" if level == FINE_COLOUR else "yuv420p"
        crf = int(level.removeprefix("crf-")[:2])
        write_video(path, images, time=clock, codec="h264", crf=crf, pixel_format=colour, threads=1)
    return path


def look(k: int, level: str, folder: Path, settings: Settings) -> Report:
    """The report of whoever is seen most."""
    source = film(k, level, folder)
    drawn_only = isinstance(source, np.ndarray)
    time = np.arange(len(source)) / RATE if drawn_only else None
    take = Recording(
        "low-quality",
        f"{k:02d}",
        dict,
        session=level,
        pictures=lambda: open_video(source, time=time),
        files=(folder / f"{k:02d}.npy" if drawn_only else source,),
    )
    found = see(
        take,
        methods=[AUTO],
        roi=settings.roi,
        skin=settings.skin,
        folder=folder / "colours",
        enhance=settings.enhance,
    )
    return measure_trace(found.for_method(AUTO), source=found.source, settings=settings)


def of_readings(report: Report) -> list[list[float | None]]:
    """For each window the sliding reading that begins with it: value, quality."""
    found: list[list[float | None]] = []
    readings = report.over_time("heart_rate")
    for start, _ in spans():
        near = [r for r in readings if abs(r.span[0] - start) < 0.51]
        best = min(near, key=lambda r: abs(r.span[0] - start), default=None)
        found.append([None, 0.0] if best is None else [best.value, best.quality])
    return found


def auto(trace: Trace, source: Source, *, coded: float) -> tuple[Report, Report]:
    """`auto` on a trace, as it answers, and as it would if nothing were ever withheld."""
    report = Report((), source)
    try:
        found = stretches(trace, method=AUTO, rate=clock_rate(trace))
    except (InputError, ValueError):
        return report, report
    if not found:
        return report, report
    evidence = [weigh(candidates) for candidates in found]
    windows = windows_of(evidence, heart_model())
    wave = pulse_wave(found, evidence, windows.rate)
    rate = expected_rate(windows)
    its_beats = beats(wave, rate_hz=(rate or 60.0) / 60)
    windows = by_beats(windows, its_beats)
    span = (float(trace.time[0]), float(trace.time[-1]))
    _, rolling = heart_rates(windows, its_beats, method=AUTO, span=span, coded=coded)
    always = tuple(
        with_value(reading, float(value))
        for reading, value in zip(rolling, windows.rate, strict=True)
    )
    return Report(rolling[:1], source, rolling=rolling), Report(always[:1], source, rolling=always)


def with_value(reading: Reading, value: float) -> Reading:
    """The reading with a value, whatever its quality."""
    return replace(reading, value=value, low=value, high=value, why="")


def only(trace: Trace, *names: str) -> Trace:
    """The trace of these regions alone."""
    chosen = [trace.names.index(name) for name in names if name in trace.names]
    return Trace(
        trace.rgb[:, chosen],
        trace.pixels[:, chosen],
        trace.time,
        tuple(trace.names[at] for at in chosen),
        trace.box,
    )


def bare(trace: Trace, method: str) -> list[list[float | None]]:
    """The spectral peak of one method in every window, always answered."""
    wave = bare_wave(trace, method)
    rates = [bare_rate(wave, *span) for span in spans()]
    return [[rate if np.isfinite(rate) else None, 1.0] for rate in rates]


def halves(trace: Trace, source: Source, coded: float) -> list[list[float | None]]:
    """`auto` on each half of the recording alone: what half the time is worth."""
    middle = SECONDS / 2
    parts = [auto(trace.between(a, a + middle), source, coded=coded)[0] for a in (0.0, middle)]
    return of_readings(Report((), source, rolling=tuple(r for p in parts for r in p.rolling)))


def plain_arms(watch: Watch) -> Said:
    """Everything that needs no enhancement."""
    report = watch(Settings())
    trace, facts = report.trace, report.source
    assert trace is not None
    coded = bits_share(facts)
    trusting, always = auto(trace, facts, coded=1.0)
    return {
        "auto": of_readings(report),
        "auto, bits not counted": of_readings(trusting),
        "auto, never withheld": of_readings(always),
        "auto, skin alone": of_readings(
            auto(only(trace, "skin", "background"), facts, coded=coded)[0]
        ),
        "auto, half the time": halves(trace, facts, coded),
        "pos, bare": bare(trace, "pos"),
        "regionpulse, bare": bare(trace, "regionpulse"),
    }


def enhanced_arms(watch: Watch, network: str) -> Said:
    """The arms with an enhancer."""
    report = watch(Settings(enhance=network))
    assert report.trace is not None
    trace, facts = enhanced_of(report.trace), report.source
    alone, _ = auto(trace, facts, coded=bits_share(facts))
    _, always = auto(trace, facts, coded=1.0)
    name = Path(network).stem
    return {
        f"auto + {name}": of_readings(report),
        f"auto, {name} alone": of_readings(alone),
        f"auto, {name} alone, never withheld": of_readings(always),
        f"pos + {name}, bare": bare(trace, "pos"),
        f"regionpulse + {name}, bare": bare(trace, "regionpulse"),
    }


def noted(watch: Watch, note: str) -> Said:
    """`auto` alone, after a change of the package."""
    return {f"auto, {note}": of_readings(watch(Settings()))}


def answers(k: int, level: str, kind: str, folder: Path, arms: Callable[[Watch], Said]) -> None:
    """Ask the arms of one kind about one person at one level, once."""
    path = folder / f"{k:02d}-{level.replace(', ', '-').replace(' ', '-')}-{kind}.json"
    if path.is_file():
        return
    body = simulate_physiology(scenario(k))
    truth = [body.rate_between(*span) for span in spans()]
    said = arms(partial(look, k, level, folder))
    path.write_text(json.dumps({"truth": truth, "arms": said}))


def stored(folder: Path) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """(person, level, what was answered) of everything that was asked."""
    for path in sorted(folder.glob("*.json")):
        for level in sorted(LEVELS, key=len, reverse=True):
            stem = level.replace(", ", "-").replace(" ", "-")
            if path.name[3:].startswith(f"{stem}-"):
                yield int(path.name[:2]), level, json.loads(path.read_text())
                break


def main() -> None:
    """Draw, make worse, ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--enhance", default=None, help="name, or a file with a card")
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--levels", nargs="*", default=list(LEVELS))
    parser.add_argument("--note", default="", help="what is new in the package, for a second run")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    arms: Callable[[Watch], Said] = plain_arms
    kind = given.note or "plain"
    if given.note:
        arms = partial(noted, note=given.note)
    elif given.enhance is not None:
        kind = Path(given.enhance).stem
        arms = partial(enhanced_arms, network=given.enhance)
    for k in range(given.people):
        for level in given.levels:
            answers(k, level, kind, given.folder, arms)
        print(f"person {k + 1} of {given.people}", flush=True)


if __name__ == "__main__":
    main()
