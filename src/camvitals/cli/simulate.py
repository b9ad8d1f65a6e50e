"""`camvitals simulate`: made people with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from camvitals.records import InputError
from camvitals.report.progress import Bar

DRAWN_HZ = 30.0  # of pictures that are made: put in, not assumed of anything


def simulate(
    out: Annotated[Path, typer.Argument(help="Video to write, or folder with --subjects.")],
    heart_rate: Annotated[float, typer.Option(help="Mean, in bpm.")] = 72.0,
    duration: Annotated[float, typer.Option(help="In seconds.")] = 30.0,
    fps: Annotated[float, typer.Option(help="Pictures a second.")] = DRAWN_HZ,
    tone: Annotated[int, typer.Option(help="Fitzpatrick type, 1–6.")] = 2,
    motion: Annotated[str, typer.Option(help="still, sway, turn, talk, expression.")] = "still",
    light: Annotated[str, typer.Option(help="daylight, lamp, changing, dim, screen.")] = "daylight",
    codec: Annotated[str, typer.Option(help="h264, vp9, mpeg4, mjpeg, ffv1.")] = "h264",
    crf: Annotated[int | None, typer.Option(help="Compression; lower is better.")] = None,
    bit_rate: Annotated[int | None, typer.Option(help="Bits a second, instead of crf.")] = None,
    size: Annotated[str, typer.Option(help="Width x height, in pixels.")] = "640x480",
    pulse: Annotated[float, typer.Option(help="Factor on the pulse; 0 removes it.")] = 1.0,
    sway_px: Annotated[float, typer.Option(help="How far a sway goes, in pixels.")] = 8.0,
    clock: Annotated[
        str, typer.Option(help="steady, jitter, halved (rate halves midway), dropped, ntsc.")
    ] = "steady",
    subject: Annotated[
        str, typer.Option(help="face, still-picture, painted-face, wall, noise.")
    ] = "face",
    people: Annotated[int, typer.Option(help="People in the picture, 1–4.")] = 1,
    keep: Annotated[float | None, typer.Option(help="Cut the file to this share.")] = None,
    subjects: Annotated[
        int | None, typer.Option(help="Make a HeartRateNet corpus of so many people instead.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same person.")] = 0,
) -> None:
    """Make a person whose vital signs are known: a video and its truth, or a labelled corpus."""
    fields: dict[str, Any] = {
        "size": _size(size),
        "motion": motion,
        "light": light,
        "subject": subject,
        "clock": clock,
        "pulse": pulse,
        "sway_px": sway_px,
    }
    if subjects is not None:
        _simulate_corpus(out, subjects, duration, fps, seed, fields)
        return
    from camvitals.data.synthetic.scenario import Scenario
    from camvitals.data.synthetic.simulate import simulate as simulate_one

    if out.is_dir() or not out.absolute().parent.is_dir():
        trouble = "is a folder" if out.is_dir() else f"needs the folder {out.parent}, not there"
        raise InputError(f"{out} {trouble}; give the name of a video to write, such as clip.mp4")
    scenario = Scenario(
        seed=seed,
        duration=duration,
        rate=fps,
        heart_rate=heart_rate,
        tone=tone,
        codec=codec,
        crf=crf,
        bit_rate=bit_rate,
        people=people,
        **fields,
    )
    with Bar("drawing") as bar:
        truth = simulate_one(out, scenario, keep=keep, progress=bar.show)
    rate = f"heart rate {truth.heart_rate:.1f} bpm" if truth.alive else "no pulse"
    print(f"{out}: {duration:g} s, {rate}; truth in {out.with_suffix('.truth.json')}")


def _simulate_corpus(
    folder: Path, subjects: int, duration: float, fps: float, seed: int, fields: dict[str, Any]
) -> None:
    """Only what was changed from the ordinary is the same for all; the rest is drawn."""
    from camvitals.data.synthetic.corpus import simulate_corpus

    ordinary: dict[str, Any] = {
        "size": (640, 480),
        "motion": "still",
        "light": "daylight",
        "subject": "face",
    }
    ordinary |= {"clock": "steady", "pulse": 1.0, "sway_px": 8.0}
    size = fields.pop("size")
    shared = {name: value for name, value in fields.items() if value != ordinary[name]}
    size = (320, 240) if size == ordinary["size"] else size
    truths = simulate_corpus(
        folder, subjects=subjects, duration=duration, rate=fps, seed=seed, size=size, **shared
    )
    print(f"{folder}: {len(truths)} people of {duration:g} s, truth beside each")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise InputError(f"size needs width x height such as 640x480 but got {text!r}")
    return int(width), int(height)
