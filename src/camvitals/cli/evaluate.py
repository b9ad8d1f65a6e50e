"""`camvitals evaluate`: any corpus, any methods, one protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from camvitals.cli.voice import complain
from camvitals.records import InputError
from camvitals.report.progress import Bar

if TYPE_CHECKING:
    from camvitals.data.recording import Recording
    from camvitals.evaluate.protocol import Protocol
    from camvitals.evaluate.result import Result

SKIPPED = 1
SHOWN = ("agreement", "degradation", "left_out")
MADE = "made"
MADE_SEED, MADE_S, MADE_HZ = 6_000_000, 60.0, 30.0  # people whom no model was fitted on
FILM_S = 30.0  # of each of them as pictures, which take long to draw
FILM: dict[str, Any] = {"size": (640, 480)}


def evaluate(
    corpus: Annotated[
        str, typer.Argument(metavar="CORPUS", help="Layout, such as ubfc-rppg-2; or made.")
    ],
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="Where it is; for made, how many people.")
    ],
    methods: Annotated[str, typer.Option(help="Names with commas, or all.")] = "auto",
    protocol: Annotated[
        str, typer.Option(help="ours, rppg-toolbox, li2014, li2014-report or heartratenet.")
    ] = "ours",
    window: Annotated[
        str | None, typer.Option(help="10, 30, 60 (s) or whole, instead of the protocol's.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, val or test; all if unset.")] = "",
    degrade: Annotated[
        str, typer.Option(help="Score the videos made worse too: face-16,crf-36, or face, crf.")
    ] = "",
    enhance: Annotated[
        str | None,
        typer.Option(metavar="NETWORK", help="Better pictures: enhancer-small-64, or a file."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the result as JSON.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write one line a window.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="The same as Parquet.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write all tables as Markdown.")] = None,
    latex: Annotated[Path | None, typer.Option(help="Write all tables for a paper.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write one page with plots.")] = None,
    traces: Annotated[
        Path | None, typer.Option(help="Folder that keeps the colours found in videos.")
    ] = None,
    waves: Annotated[bool, typer.Option("--waves", help="Score the waves too.")] = False,
    jobs: Annotated[int | None, typer.Option(help="Recordings at a time; all cores.")] = None,
) -> None:
    """Score methods on a corpus; exit code 1 says that something of it was skipped."""
    from camvitals.evaluate.run import evaluate as run

    forms = {"csv": csv, "parquet": parquet, "markdown": markdown, "latex": latex, "html": html}
    _check_targets(out, *forms.values())
    chosen = _protocol(protocol, window, split, _levels(degrade))
    takes = _takes(corpus, folder, bool(chosen.degrade) or enhance is not None)
    with Bar("recordings") as bar:
        result = run(
            takes,
            methods=_methods(methods),
            protocol=chosen,
            jobs=jobs,
            progress=lambda done: bar.show(done, len(takes)),
            traces=traces,
            waves=waves,
            enhance=enhance,
        )
    _write(result, takes, json=out, forms=forms, traces=traces)
    show(result)
    for one in result.skipped:
        complain(f"skipped {one.corpus} {one.recording}: {one.why}")
    if result.skipped:
        raise typer.Exit(SKIPPED)


def show(result: Result) -> None:
    """Print the protocol, a table for each vital sign with its floors, and what was left out."""
    from rich.console import Console

    from camvitals.evaluate.render import terminal
    from camvitals.evaluate.table import sheet_of

    terminal(sheet_of(result), console=Console(), only=SHOWN)


def _levels(text: str) -> tuple[str, ...]:
    """The levels named; face and crf stand for the five of that axis."""
    from camvitals.data.degrade import AXES

    names = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(level for name in names for level in AXES.get(name, (name,)))


def _protocol(name: str, window: str | None, split: str, degrade: tuple[str, ...]) -> Protocol:
    from camvitals.evaluate.protocol import WINDOWS_S, protocol

    if split not in ("", "train", "val", "test"):
        raise InputError(f"--split needs train, val or test but got {split!r}")
    if window is None:
        return protocol(name, split=split, degrade=degrade)
    if window == "whole":
        return protocol(name, window=None, split=split, degrade=degrade)
    known = {f"{seconds:g}": seconds for seconds in WINDOWS_S}
    if window not in known:
        raise InputError(f"--window needs {', '.join(known)} or whole but got {window!r}")
    return protocol(name, window=known[window], split=split, degrade=degrade)


def _methods(text: str) -> tuple[str, ...]:
    from camvitals.waves.auto import AUTO
    from camvitals.waves.run import METHODS

    if text == "all":
        return (AUTO, *METHODS)
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _takes(name: str, folder: str, films: bool) -> tuple[Recording, ...]:
    """The recordings of a corpus; of made people their films, or else their colours."""
    if name != MADE:
        from camvitals.data.corpora import corpus

        return corpus(name).read(folder)
    if not folder.isdigit() or int(folder) < 1:
        raise InputError(f"made needs how many people there are to be but got {folder!r}")
    from camvitals.data.synthetic.recordings import made_corpus, made_film
    from camvitals.data.synthetic.scenario import draw

    seeds = range(MADE_SEED, MADE_SEED + int(folder))
    if films:
        return tuple(made_film(draw(s, duration=FILM_S, rate=MADE_HZ, **FILM)) for s in seeds)
    return made_corpus(draw(seed, duration=MADE_S, rate=MADE_HZ) for seed in seeds)


def _check_targets(*paths: Path | None) -> None:
    """Refuse before the work, not after it."""
    for path in paths:
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            what = "is a folder" if path.is_dir() else f"needs the folder {path.parent}"
            raise InputError(f"{path} {what}; give another name")


def _write(
    result: Result,
    takes: tuple[Recording, ...],
    *,
    json: Path | None,
    forms: dict[str, Path | None],
    traces: Path | None,
) -> None:
    from camvitals.evaluate.write import WRITERS, save_page

    if json is not None:
        result.save(json)
    for form, path in forms.items():
        if path is not None and form == "html":
            save_page(result, path, recordings=takes, traces=traces)
        elif path is not None:
            WRITERS[form](result, path)
