"""One file measured, or one report drawn, in a process of its own; see `child`.

Hears one block, the request as JSON; says blocks of JSON: {"share": 0–1} now and then, and at last
{"document": …} or {"code": …, "message": …}.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, BinaryIO

from camvitals.app.child import bound, ears, hear, mouth, say
from camvitals.records import InputError, Report

OFTEN_S = 0.2
FASTEST_HZ = 250.0  # pictures a second; a file with more of them is longer than it says
DRAWN_MB = 64.0


class TooLong(InputError):
    """A recording of more seconds than are taken."""


def main() -> None:
    """Do what the one request asks."""
    out, source = mouth(), ears()
    heard = hear(source)
    if heard is None:
        return
    if hasattr(os, "nice"):
        os.nice(10)  # live pictures come first
    Thread(target=_end_with_server, args=(source,), daemon=True).start()
    request: dict[str, Any] = json.loads(heard)
    drawing = request["task"] == "draw"
    bound(
        memory_mb=request["memory_mb"],
        processor_s=request["processor_s"],
        written_mb=DRAWN_MB if drawing else 0.0,
    )
    say(out, json.dumps(_answer(request, _Progress(out).show)).encode())


def _answer(request: dict[str, Any], show: Callable[[int, int | None], None]) -> dict[str, Any]:
    try:
        if request["task"] == "draw":
            return {"document": drawn(request["document"], form=request["form"])}
        return {"document": measured(request, show)}
    except TooLong as error:
        return {"code": "too_long", "message": str(error)}
    except InputError as error:
        name = Path(request.get("path", "")).name
        told = str(error).replace(name, request["name"]) if name else str(error)
        return {"code": "bad_media", "message": told}
    except MemoryError:
        return {
            "code": "died",
            "message": "it needs more memory than a job may have; make it smaller",
        }
    except Exception as error:
        return {"code": "internal", "message": f"this is a fault of camvitals ({error!r:.200})"}


def measured(request: dict[str, Any], show: Callable[[int, int | None], None]) -> str:
    """The reports of a file as JSON. Raises InputError for what is no video or too much of it."""
    from camvitals.pipeline import Settings, measure_people
    from camvitals.report.json_file import to_json
    from camvitals.video.probe import probe

    path, longest = Path(request["path"]), float(request["video_s"])
    claims = probe(path, name=request["name"], megapixels=request["megapixels"])
    _check_long(claims.duration or 0.0, longest)

    def progress(count: int, expected: int | None) -> None:
        _check_long(count / FASTEST_HZ, longest)
        show(count, expected)

    reports = measure_people(path, settings=Settings(**request["wishes"]), progress=progress)
    _check_long(reports[0].source.duration - 1, longest)
    return to_json(_named(report, request["name"]) for report in reports)


def drawn(document: str, *, form: str) -> str:
    """A kept report in another form: html, or a name of a table of `write_csv`, or people."""
    from camvitals.report.csv_file import write_csv, write_table
    from camvitals.report.json_file import from_document

    reports = from_document(json.loads(document))
    if form == "html":
        from camvitals.report.page import to_page

        return to_page(reports)
    with tempfile.TemporaryDirectory() as folder:
        write_csv(folder, reports)
        write_table(Path(folder) / "people.csv", reports)
        return (Path(folder) / f"{form}.csv").read_text("utf-8")


def _named(report: Report, name: str) -> Report:
    return replace(report, source=replace(report.source, name=name))


def _check_long(seconds: float, longest: float) -> None:
    if seconds > longest:
        raise TooLong(
            f"the recording has more than the {longest:g} s that are taken here; cut it shorter"
        )


class _Progress:
    """Says what share is done, not too often."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._next = out, 0.0

    def show(self, count: int, expected: int | None) -> None:
        if monotonic() >= self._next:
            self._next = monotonic() + OFTEN_S
            share = min(1.0, count / expected) if expected else 0.0
            say(self._out, json.dumps({"share": round(share, 4)}).encode())


def _end_with_server(source: BinaryIO) -> None:
    """The server says no more; when its end of the pipe closes, nobody waits for an answer."""
    while source.read(1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
