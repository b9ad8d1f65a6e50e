"""`camvitals explain`: what a trained network's answer rests on."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from camvitals.cli.train import say
from camvitals.records import InputError


def explain(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT", help="Folder of a finished training, or NAME.safetensors."
        ),
    ],
    source: Annotated[
        Path | None,
        typer.Argument(metavar="INPUT", help="Video, or table of colours (.csv)."),
    ] = None,
    made: Annotated[
        int | None, typer.Option(metavar="PERSON", help="A made person of this number instead.")
    ] = None,
    method: Annotated[str, typer.Option(help="lrp, integrated-gradients or occlusion.")] = "lrp",
    rule: Annotated[str, typer.Option(help="Rule or composite of lrp.")] = "epsilon",
    question: Annotated[
        str | None, typer.Option(help="pulse, mean or sample; by the network if unset.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="What is subtracted: level, mean or zero.")
    ] = None,
    start: Annotated[float, typer.Option(help="Where the clip begins, in seconds.")] = 0.0,
    rate: Annotated[
        float | None, typer.Option(help="Samples a second, for weights that do not say.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write one page.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write numbers and, for pictures, still and video."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Make the checks that can refute it.")
    ] = True,
    own_code: Annotated[
        bool, typer.Option("--own-code", help="Run Python that the recipe names; if it is yours.")
    ] = False,
) -> None:
    """Show what in a clip a network's answer rests on, and check that this is so."""
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("captum") is None:
        raise InputError(
            "an explanation needs torch and captum; install them with pip install "
            "'camvitals[train]'"
        )
    if (source is None) == (made is None):
        raise InputError("explain needs either INPUT or --made PERSON")
    from camvitals.train.explain import explanation, subject
    from camvitals.train.explain.attribute import explainer

    explainer(method, rule=rule)  # a wrong name is told before anything is read
    network = subject.subject_of(checkpoint, own_code=own_code, rate=rate)
    if source is None:
        scene = subject.made(network, person=made or 0)
    else:
        scene = subject.read(network, source, start=start)
    found = explanation.explain(
        network, scene, method=method, rule=rule, asked=question, reference=reference, check=check
    )
    _tell(found)
    _write(found, html=html, out=out)


def _tell(found: object) -> None:
    from camvitals.train.explain.explanation import Explanation

    assert isinstance(found, Explanation)
    relevance = found.relevance
    say(
        f"{found.scene.name}: answer {relevance.answer:.4g}, at the reference "
        f"{relevance.reference:.4g}; relevance {relevance.total:.4g}, biases "
        f"{relevance.absorbed:.4g}"
    )
    for kind, parts in found.shares.items():
        shares = ", ".join(f"{name} {share.size:.0%}" for name, share in parts.items())
        say(f"{kind}: {shares}")
    for check in found.checks:
        word = {True: "passed", False: "FAILED", None: "does not apply"}[check.passed]
        say(f"{check.name}: {word}; {check.said}")


def _write(found: object, *, html: Path | None, out: Path | None) -> None:
    from camvitals.report.files import write_atomically
    from camvitals.report.relevance import png
    from camvitals.train.explain import page
    from camvitals.train.explain.explanation import Explanation

    assert isinstance(found, Explanation)
    if html is not None:
        page.write_page(html, found)
    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "explanation.json", found.to_json())
    if "H" in found.axes:
        (out / "still.png").write_bytes(png(page.still(found)))
        page.write_overlay(out / "overlay.mp4", found)
