"""Table I of system B on made people in the layout of MAHNOB-HCI, or on MAHNOB-HCI: results/mahnob.

    python benchmarks/mahnob.py KEEP [--methods NAMES] [--corpus FOLDER] [--out FOLDER] [--jobs N]

The made corpus and the colours found in it are kept in the folder KEEP, so that a second run goes
on. --methods takes what `camvitals evaluate` does: names with commas, also paths of ONNX files with
a card; WORDS=FILE.onnx is called WORDS in the tables. --corpus: the real one, its folder of
Sessions/.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import mahnob_made as made
import mahnob_page as page
import numpy as np
from mahnob_variants import with_variants

from camvitals.data.corpora import corpus
from camvitals.data.recording import Recording
from camvitals.evaluate.protocol import PROTOCOLS
from camvitals.evaluate.readings import FIELDS, HEART, cut_out
from camvitals.evaluate.result import Result, joined
from camvitals.evaluate.run import evaluate
from camvitals.evaluate.seen import see
from camvitals.pipeline import Settings, measure_trace
from camvitals.records import Array, InputError, Report
from camvitals.waves.auto import AUTO
from camvitals.waves.learned import learned, takers_of

METHODS = (
    "li",
    "samc",
    "lam_kuno",
    "subramaniam_reflectance",
    "subramaniam",
    "balakrishnan",
    "auto",
    "chrom",
    "pos",
    "green",
)
CONDITION = "condition"
TOLD = "auto, as told"


def called(text: str) -> dict[str, str]:
    """Each method of --methods -> what it is called in the tables.

    Raises InputError where two would be called the same.
    """
    found: dict[str, str] = {}
    for part in filter(None, (word.strip() for word in text.split(","))):
        words, equals, file = part.partition("=")
        found[file.strip() if equals else part] = words.strip()
    if len(set(found.values())) < len(found):
        raise InputError(f"two methods have one name: {', '.join(found.values())}; rename one")
    return found


def recordings(folder: Path, *, people: int) -> tuple[Recording, ...]:
    """The recordings of the first made people, with what disturbs them as a stratum."""
    sitters = {f"P{sitter.number:02d}": sitter for sitter in made.cast()[:people]}
    found = [take for take in corpus("mahnob-hci").read(folder) if take.subject in sitters]
    return tuple(
        replace(
            take, attributes={CONDITION: made.condition_of(sitters[take.subject], take.session)}
        )
        for take in found
    )


def score(takes: Sequence[Recording], methods: Sequence[str], keep: Path, jobs: int) -> Result:
    """By the protocol of Li et al., colours kept; `auto` also as a person gets it."""
    folder = keep / "colours"
    read = evaluate(takes, methods=methods, protocol=PROTOCOLS["li2014"], jobs=jobs, traces=folder)
    rows = read.of(method=AUTO).columns
    if len(rows["method"]) == 0:
        return read
    return replace(read, columns=joined([read.columns, told(rows, takes, methods, folder)]))


def told(
    rows: Mapping[str, Array], takes: Sequence[Recording], methods: Sequence[str], folder: Path
) -> dict[str, Array]:
    """The rows of auto as the protocol li2014-report has them, from the colours that are kept."""
    known = {take.name: take for take in takes}
    found, why = [], []
    for name, start, stop in zip(rows["recording"], rows["start"], rows["stop"], strict=True):
        take = known[name]
        seen = see(take, methods=methods, roi=take.roi, skin="otsu", folder=folder)
        said = cut_out(seen, Settings(AUTO), {HEART: np.array([[start, stop]])})[HEART]
        found.append(said.numbers[0])
        why.append(said.why[0])
    numbers = dict(zip(FIELDS, np.array(found).T, strict=True))
    words = {
        "method": np.full(len(why), TOLD, dtype=object),
        "why": np.array(why, dtype=object),
    }
    return dict(rows) | numbers | words


def main() -> None:
    """Make, score, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("keep", type=Path)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--out", type=Path, default=page.RESULTS)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--people", type=int, default=made.PEOPLE, help="made people, 12 at most")
    given = parser.parse_args()
    names = called(given.methods)
    methods = tuple(names)
    given.keep.mkdir(parents=True, exist_ok=True)
    if given.corpus:
        takes = corpus("mahnob-hci").read(given.corpus)
    else:
        takes = recordings(made.make(given.keep / "made", people=given.people), people=given.people)
    result = renamed(score(takes, methods, given.keep, given.jobs), names)
    result.save(given.keep / "result.json")
    colours = given.keep / "colours"
    many, subject = None, (result, takes)
    if not given.corpus:
        without = made.traces()
        blind = [name for name in methods if not takers_of([name])]  # look at no pictures
        many = renamed(score(without, blind, given.keep, given.jobs), names)
        subject = (many, without)
    varied = with_variants(subject[1], subject[0], folder=colours, methods=methods)
    page.write(
        result,
        varied,
        many=many,
        figure=figure(takes, methods, colours),
        networks={names[path]: learned(path).card for path in methods if takers_of([path])},
        out=given.out,
        made=not given.corpus,
    )


def renamed(result: Result, names: Mapping[str, str]) -> Result:
    """The result with methods called as in the tables."""
    methods = [names.get(name, name) for name in result.columns["method"]]
    return replace(result, columns=result.columns | {"method": np.array(methods, dtype=object)})


def figure(
    takes: Sequence[Recording], methods: Sequence[str], folder: Path
) -> tuple[str, Report] | None:
    """The first sequence whose rate is told, and its report."""
    for take in takes:
        seen = see(take, methods=methods, roi=take.roi, skin="otsu", folder=folder)
        trace = seen.for_method(AUTO)
        report = measure_trace(trace, source=seen.source, settings=Settings())
        if report.reading(HEART).value is not None:
            return take.name, report
    return None


if __name__ == "__main__":
    main()
