"""`camvitals simulate`: made people with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from camvitals.records import InputError
from camvitals.report.progress import Bar

DRAWN_HZ = 30.0  # of pictures that are made: put in, not assumed of anything
OWN_LAYOUT = "heartratenet"
DEALT = ("motion", "light")  # of which a corpus may have several


def simulate(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="Video to write, or folder with --subjects.")],
    heart_rate: Annotated[float, typer.Option(help="Mean, in bpm.")] = 72.0,
    duration: Annotated[float, typer.Option(help="In seconds.")] = 30.0,
    fps: Annotated[
        float | None, typer.Option(help="Pictures a second; 30, or as the layout's owners do.")
    ] = None,
    tone: Annotated[int, typer.Option(help="Fitzpatrick type, 1–6.")] = 2,
    motion: Annotated[
        str, typer.Option(help="still, sway, turn, talk, expression; many with --subjects.")
    ] = "still",
    light: Annotated[
        str, typer.Option(help="daylight, lamp, changing, dim, screen; many with --subjects.")
    ] = "daylight",
    codec: Annotated[str, typer.Option(help="h264, vp9, mpeg4, mjpeg, ffv1.")] = "h264",
    crf: Annotated[int | None, typer.Option(help="Compression; lower is better.")] = None,
    bit_rate: Annotated[int | None, typer.Option(help="Bits a second, instead of crf.")] = None,
    size: Annotated[str, typer.Option(help="Width x height, in pixels.")] = "640x480",
    pulse: Annotated[float, typer.Option(help="Factor on the pulse; 0 removes it.")] = 1.0,
    rhythm: Annotated[str, typer.Option(help="sinus, fibrillation.")] = "sinus",
    ectopic: Annotated[float, typer.Option(help="Share of premature beats, 0–0.3.")] = 0.0,
    ecg: Annotated[
        str, typer.Option(help="Shape of the true ECG: textbook, own (each person's).")
    ] = "textbook",
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
        int | None, typer.Option(help="Make a corpus of so many people instead.")
    ] = None,
    layout: Annotated[
        str, typer.Option(help="How a corpus is laid out; see docs/corpora.")
    ] = OWN_LAYOUT,
    seed: Annotated[int, typer.Option(help="The same seed gives the same person.")] = 0,
) -> None:
    """Make a person whose vital signs are known: a video and its truth, or a labelled corpus."""
    fields: dict[str, Any] = {
        "size": _size(size),
        "light": light,
        "motion": motion,
        "subject": subject,
        "clock": clock,
        "pulse": pulse,
        "sway_px": sway_px,
        "rhythm": rhythm,
        "ectopic": ectopic,
        "ecg": ecg,
    }
    if subjects is None and layout != OWN_LAYOUT:
        raise InputError(f"--layout {layout} is that of a corpus; say of how many by --subjects")
    if subjects is not None:
        # only what was asked for is the same for all; the rest is drawn
        shared = {name: value for name, value in fields.items() if _asked(context, name)}
        shared |= {name: text.split(",") for name, text in shared.items() if name in DEALT}
        shared |= {"duration": duration, "seed": seed}
        if layout == OWN_LAYOUT:
            _simulate_corpus(out, subjects, {"rate": DRAWN_HZ if fps is None else fps} | shared)
        else:
            _simulate_layout(out, layout, subjects, fps, shared)
        return
    from camvitals.data.synthetic.scenario import Scenario
    from camvitals.data.synthetic.simulate import simulate as simulate_one

    if out.is_dir() or not out.absolute().parent.is_dir():
        trouble = "is a folder" if out.is_dir() else f"needs the folder {out.parent}, not there"
        raise InputError(f"{out} {trouble}; give the name of a video to write, such as clip.mp4")
    scenario = Scenario(
        seed=seed,
        duration=duration,
        rate=DRAWN_HZ if fps is None else fps,
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


def _simulate_corpus(folder: Path, subjects: int, shared: dict[str, Any]) -> None:
    from camvitals.data.synthetic.corpus import simulate_corpus

    truths = simulate_corpus(folder, subjects=subjects, **shared)
    print(f"{folder}: {len(truths)} people of {shared['duration']:g} s, truth beside each")


def _simulate_layout(
    folder: Path, name: str, subjects: int, fps: float | None, shared: dict[str, Any]
) -> None:
    """Size and rate are the owners' unless they were asked for; so is a steady clock."""
    from camvitals.data.synthetic.corpus import dealt
    from camvitals.data.synthetic.layouts import LAYOUTS, write_corpus
    from camvitals.data.synthetic.scenario import draw

    if name not in LAYOUTS:
        raise InputError(f"no layout {name!r}; choose one of {', '.join(LAYOUTS)}")
    if subjects < 1:
        raise InputError(f"a corpus needs 1 subject or more but got {subjects}")
    layout = LAYOUTS[name]
    asked = {"size": layout.size, "clock": "steady"} | shared
    asked["rate"] = layout.rate if fps is None else fps
    seed = asked.pop("seed")
    write_corpus(folder, layout, [draw(seed + k, **dealt(asked, k)) for k in range(subjects)])
    each = "one recording" if layout.takes == 1 else f"{layout.takes} recordings"
    more = ""
    if layout.more_from is not None and subjects >= layout.more_from:
        more = f", one more from number {layout.more_from} on"
    print(f"{folder}: {subjects} people in the layout of {name}, {each} of each{more}")


def _asked(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise InputError(f"size needs width x height such as 640x480 but got {text!r}")
    return int(width), int(height)
