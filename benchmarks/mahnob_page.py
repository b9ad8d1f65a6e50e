"""The page of results/mahnob, from what `benchmarks/mahnob.py` scored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from camvitals.card import ModelCard
from camvitals.evaluate.cells import counted
from camvitals.evaluate.entrant import entrants
from camvitals.evaluate.render import markdown_table
from camvitals.evaluate.result import STRATUM, Result
from camvitals.evaluate.sequences import by_sequence
from camvitals.evaluate.table import tables_of
from camvitals.records import Report
from camvitals.report.figure import svg
from camvitals.report.files import write_atomically
from camvitals.report.over_rate import say_spectra, spectra

RESULTS = Path(__file__).resolve().parents[1] / "results" / "mahnob"
HEART = "heart_rate"
CONDITION = f"{STRATUM}condition"
# A drawing that stands alone brings the page's colours along; see report/page.css.
STYLE = (
    "<style>svg{--ink:#191c20;--muted:#5d666f;--line:#e2e4e5;--heart:#b3223f;--red:#cf3f3a;"
    "--green:#2c8a57;--blue:#3368c4;background:#fff;font-family:system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{--ink:#e9ebed;--muted:#9ba5ae;--line:#2c3238;"
    "--heart:#ff7186;--red:#ff7b72;--green:#57c98a;--blue:#74a7ff;background:#191d21}}</style>"
)
HEAD = """# Table I of system B

Made by `python benchmarks/mahnob.py KEEP`; do not edit. What the columns are, what was published
and how to do this on the real corpus: [the MAHNOB-HCI table](../../docs/evaluation/mahnob.md).
"""
MADE = """**Made people, not MAHNOB-HCI**: {people} made people (seeds from 9,800,000, seen by no
fit) in its layout, 61 pictures a second, 36 s, 200×150 px, H.264 at CRF 14; a face is about 50 px
wide, where the real ones have some 200. Each has two sequences: one at rest in daylight, and one
disturbed, by light (a lamp on 60 Hz, which 61 pictures a second show as a swing of 120 bpm; a
screen; clouds) or by moving (swaying, talking, turning, a face that moves). The values say how the
methods compare here. They are not comparable with published ones.

`auto` is the wave of `measure` read as the protocol reads all waves; *auto, as told* is the heart
rate that `measure` tells of the same seconds (protocol `li2014-report`), or withholds.
"""
REAL = "On the corpus given, whose {people} people were scored: {sequences} sequences.\n"
MANY = """## {people} people without pictures

{sequences} sequences of made people of the same kind (seeds from 9,810,000) as traces of colour:
what a perfect face finder takes from pictures of 780×580 px, the size of the real ones, H.264 at
CRF 23; {excluded} more have no sound reference. Nobody is lost and no point slips, so these values
flatter every method, `balakrishnan` most. The five regions of the face stand for the grid of
`samc`, `lam_kuno` and `subramaniam_reflectance`. Networks that look at pictures have none here.
Answers: [many.csv](many.csv).
"""
VARIED = """## What the details of the baselines do

Where a baseline of ours leaves its paper, it was scored both ways, on the {sequences} sequences of
the table above. `li` drops the 5 % of the segments of *this* recording that vary most, so nothing
of other recordings enters; the paper takes its threshold from the whole data set, test sequences
included.
"""
NETWORK = "*{name}* is `{card}`, version {version}: {size} px, {rate:g} pictures a second, {data}."
ORDER = ("steady", "light", "motion")


def write(
    result: Result,
    varied: Result,
    *,
    many: Result | None,
    figure: tuple[str, Report] | None,
    out: Path,
    made: bool,
    networks: Mapping[str, ModelCard] = MappingProxyType({}),
    draws: int = 2000,
) -> None:
    """README.md, sequences.csv, many.csv and spectra.svg.

    varied: baselines and their variants.   many: of people without pictures.
    figure: a sequence and its report, for Figure 2.
    networks: name in the tables -> card of those that look at pictures.
    """
    out.mkdir(parents=True, exist_ok=True)
    people, sequences = (len(result.names(name)) for name in ("subject", "recording"))
    parts = [HEAD, (MADE if made else REAL).format(people=people, sequences=sequences)]
    parts += [said_of(name, card) for name, card in networks.items()]
    first = tables_of(result, HEART, draws=draws)[0]
    parts.append(markdown_table(first))
    parts += _conditions(result, draws)
    if many is not None:
        table = by_sequence(entrants(many, HEART), HEART, about=(), draws=draws, notes=())
        asked = {
            "people": len(many.names("subject")),
            "sequences": len(many.names("recording")),
            "excluded": sum(one.windows for one in many.excluded),
        }
        parts += [MANY.format(**asked), markdown_table(table, level=3), *_conditions(many, draws)]
        many.save_csv(out / "many.csv")
    if len(varied):
        table = by_sequence(entrants(varied, HEART), HEART, about=(), draws=draws, notes=())
        parts += [
            VARIED.format(sequences=len(varied.names("recording"))),
            markdown_table(table, level=3),
        ]
    if figure is not None:
        parts.append(_figure(*figure, out))
    parts.append(_origin(result))
    text = "\n\n".join(part.strip() for part in parts)
    write_atomically(out / "README.md", text + "\n")
    result.save_csv(out / "sequences.csv")


def said_of(name: str, card: ModelCard) -> str:
    """What a network in the tables is."""
    return NETWORK.format(
        name=name,
        card=card.name,
        version=card.version,
        size="×".join(map(str, card.size or ())),
        rate=card.rate or float("nan"),
        data=f"learned from {card.training_data}",
    )


def _conditions(result: Result, draws: int) -> list[str]:
    """The same columns for each condition alone."""
    if CONDITION not in result.columns:
        return []
    found = []
    for word in ORDER:
        part = result.where(result.columns[CONDITION] == word)
        count = len(part.names("recording"))
        about = (f"{counted(count, 'sequence')}, one of each person.",)
        table = by_sequence(entrants(part, HEART), HEART, about=about, draws=draws, notes=())
        text = markdown_table(table, level=3)
        found.append(text.replace(text.partition("\n")[0], f"### {word.capitalize()}", 1))
    return found


def _figure(name: str, report: Report, out: Path) -> str:
    figure = spectra(report, True)
    if figure is None:
        return ""
    text = svg(figure, label=say_spectra(report), key="mahnob")
    head, _, rest = text.partition(">")
    drawn = f'{head} xmlns="http://www.w3.org/2000/svg">{STYLE}{rest}\n'
    write_atomically(out / "spectra.svg", drawn)
    return (
        "## Figure 2: power spectra of the rPPG signals corresponding to each RGB channel\n\n"
        f"![Spectra of red, green, blue and of the pulse](spectra.svg)\n\n"
        f"Sequence {name}, all of it, as every page of `camvitals measure --html` has it. "
        f"{say_spectra(report)}"
    )


def _origin(result: Result) -> str:
    silent = np.isnan(result.columns["estimate"]).sum()
    return (
        f"Protocol {result.protocol.name}, hash {result.protocol.hash[:12]}; camvitals "
        f"{result.versions.get('camvitals', '')}; every answer: [sequences.csv](sequences.csv), "
        f"{silent} of {len(result)} withheld. {result.protocol.text}"
    )
