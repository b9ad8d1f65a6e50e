"""Tables as people and programs read them: terminal, Markdown, LaTeX, CSV, HTML.

Each form is one small function of a Table; a number is made text in one place, `text_of`.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from camvitals.evaluate.cells import Cell, Column, Row, Sheet, Table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

NAME_CELLS, WIDE_CELLS, NARROW_CELLS = 20, 18, 15  # widths on a terminal
NONE, FLOOR = "–", "floor: "
MINUS = "\N{MINUS SIGN}"
ASCII_FOR = str.maketrans({"–": "-", MINUS: "-", "≤": "<=", "λ": "lambda", "χ": "chi", "²": "2"})
LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",
    "]": "{]}",
    '"': "''",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    MINUS: "$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "²": r"$^2$",
    "χ": r"$\chi$",
    "λ": r"$\lambda$",
    "α": r"$\alpha$",
    "→": r"$\rightarrow$",
}
# Letters with accents are left to LaTeX, which reads UTF-8; these have no meaning there.
OUTSIDE = re.compile(r"[^\x00-\x7f\u00c0-\u017f]")


def number(value: float, digits: int) -> str:
    """A number as printed, with a true minus; a dash for NaN, `<0.001` for a p below that."""
    if not math.isfinite(value):
        return NONE
    least = 10.0**-digits
    if digits > 2 and 0 < value < least / 2:
        return f"<{least:.{digits}f}"
    text = f"{value:.{digits}f}"
    return text.replace("-", MINUS) if float(text) else text.lstrip("-")


def text_of(cell: Cell, column: Column) -> str:
    """A cell as printed: words, or the number with its interval in brackets."""
    if cell.text:
        return cell.text
    if not math.isfinite(cell.value) or not (math.isfinite(cell.low) and math.isfinite(cell.high)):
        return number(cell.value, column.digits)
    low, high = (number(end, column.digits) for end in (cell.low, cell.high))
    return f"{number(cell.value, column.digits)} [{low}–{high}]".replace(f"–{MINUS}", f" – {MINUS}")


def heading_of(column: Column) -> str:
    """A column's title with its unit."""
    return f"{column.title}, {column.unit}" if column.unit else column.title


def name_of(row: Row) -> str:
    """A row's name, floors said to be such."""
    return f"{FLOOR}{row.name}" if row.floor else row.name


def terminal(sheet: Sheet, *, console: Console, only: tuple[str, ...] = ()) -> None:
    """Print the protocol and the tables; only: keys or their last words, such as agreement.

    Where the console is narrow, intervals stand below their numbers, and columns that do not fit
    below each other.
    """

    def say(text: str, *, style: str = "dim") -> None:
        console.print(_shown(text, console), style=style)

    say(f"protocol {sheet.protocol} {sheet.hash[:12]}", style="")
    say(sheet.text)
    for table in sheet.tables:
        if only and not {table.key, *table.key.split(".")[1:2]} & set(only):
            continue
        console.print()
        say(table.title, style="bold")
        count = len(table.columns)
        narrow = console.width < NAME_CELLS + WIDE_CELLS * count
        block = max(1, (console.width - NAME_CELLS) // NARROW_CELLS) if narrow else count
        for first in range(0, count, block):
            part = slice(first, first + block)
            rows = tuple(Row(row.name, row.cells[part], row.floor) for row in table.rows)
            _print(replace(table, columns=table.columns[part], rows=rows), console, narrow)
        for note in table.notes:
            say(note)


def _print(table: Table, console: Console, narrow: bool) -> None:
    from rich.table import Table as Drawn

    drawn = Drawn(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    drawn.add_column(_shown(table.lead, console), max_width=NAME_CELLS)
    for column in table.columns:
        head = heading_of(column).replace(", ", "\n" if narrow else ", ")
        drawn.add_column(_shown(head, console), justify="right", max_width=NARROW_CELLS * 2)
    for row in table.rows:
        texts = [text_of(c, k) for c, k in zip(row.cells, table.columns, strict=True)]
        cells = [text.replace(" [", "\n[") if narrow else text for text in texts]
        shown = [_shown(text, console) for text in (name_of(row), *cells)]
        drawn.add_row(*shown, style="dim" if row.floor else "")
    console.print(drawn)


def _shown(text: str, console: Console) -> Text:
    """Text as the console can show it: never read as markup, in ASCII where it has no Unicode."""
    from rich.text import Text

    if not console.encoding.lower().startswith("utf"):
        text = text.translate(ASCII_FOR).encode("ascii", "replace").decode("ascii")
    return Text(text)


def markdown(sheet: Sheet) -> str:
    """The whole sheet as one Markdown document."""
    parts = [f"# {_plain(sheet.title)}", _about(sheet)]
    parts += [markdown_table(table) for table in sheet.tables]
    return "\n\n".join(parts) + "\n"


def markdown_table(table: Table, *, level: int = 2) -> str:
    """One table with its title and notes."""
    heads = [table.lead, *(heading_of(column) for column in table.columns)]
    lines = [_line(heads), "|---" + "|---:" * len(table.columns) + "|"]
    for row in table.rows:
        cells = [text_of(c, k) for c, k in zip(row.cells, table.columns, strict=True)]
        name = _plain(name_of(row))
        lines.append(_line([f"*{name}*" if row.floor else name, *cells], escaped=1))
    notes = "\n\n".join(_plain(note) for note in table.notes)
    return "\n\n".join(
        part for part in (f"{'#' * level} {_plain(table.title)}", "\n".join(lines), notes) if part
    )


def _line(cells: list[str], *, escaped: int = 0) -> str:
    rest = [_plain(cell) for cell in cells[escaped:]]
    return f"| {' | '.join([*cells[:escaped], *rest])} |"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return re.sub(r"([\\`*_<>|]|(?<=\])\()", r"\\\1", " ".join(text.split()))


def _about(sheet: Sheet) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in sheet.versions.items())
    told = f"Protocol **{_plain(sheet.protocol)}** `{sheet.hash[:12]}`. {_plain(sheet.text)}"
    return f"{told}\n\n{_plain(versions)}." if versions else told


def latex(sheet: Sheet) -> str:
    r"""Tables for \input into a paper that uses booktabs; each has the label tab:KEY."""
    about = f"protocol {sheet.protocol} {sheet.hash}"
    head = [f"% {escape_latex(about)}", r"% needs \usepackage{booktabs} and \usepackage{graphicx}"]
    return "\n".join([*head, *(latex_table(table) for table in sheet.tables)])


def latex_table(table: Table) -> str:
    """One table, no wider than the text, its notes in the caption."""
    heads = [table.lead, *(heading_of(column) for column in table.columns)]
    lines, floors = [], False
    for row in table.rows:
        if row.floor and not floors:
            lines.append(r"\midrule")
            floors = True
        cells = [text_of(c, k) for c, k in zip(row.cells, table.columns, strict=True)]
        lines.append(_latex_line([name_of(row), *cells]))
    caption = escape_latex(" ".join((f"{table.title}.", *table.notes)))
    label = re.sub(r"[^A-Za-z0-9.:-]", "-", table.key)
    return "\n".join(
        (
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\label{{tab:{label}}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            r"\toprule",
            _latex_line(heads),
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
            "",
        )
    )


def _latex_line(cells: list[str]) -> str:
    return " & ".join(escape_latex(cell) for cell in cells) + r" \\"


def escape_latex(text: str) -> str:
    """Text that LaTeX sets as it is; characters that it cannot set become a question mark."""
    parts = [LATEX.get(character, character) for character in " ".join(text.split())]
    return "".join(OUTSIDE.sub("?", part) for part in parts)


def to_csv(sheet: Sheet) -> str:
    """One line for each number: table, row, column, unit, value, low, high, and the protocol."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head = ("protocol", "table", "row", "floor", "column", "unit", "value", "low", "high", "text")
    writer.writerow(head)
    protocol = f"{sheet.protocol} {sheet.hash[:12]}"
    for table in sheet.tables:
        for row in table.rows:
            for cell, column in zip(row.cells, table.columns, strict=True):
                numbers = [
                    f"{n:.6g}" if math.isfinite(n) else ""
                    for n in (cell.value, cell.low, cell.high)
                ]
                said = cell.text or cell.note
                kind = "yes" if row.floor else "no"
                place = (protocol, table.key, row.name, kind, column.key, column.unit)
                writer.writerow((*place, *numbers, said))
    return out.getvalue()


def html_table(table: Table) -> str:
    """One table; it scrolls by itself where it is wider than the page, by keyboard too."""
    heads = "".join(
        f'<th scope="col" class="number">{escape(column.title)}{_unit(column)}</th>'
        for column in table.columns
    )
    body = "".join(_html_row(row, table.columns) for row in table.rows)
    title = escape(table.title, quote=True)
    notes = "".join(f"<p>{escape(note)}</p>" for note in table.notes)
    return (
        f'<section class="card" id="{escape(table.key, quote=True)}"><h3>{escape(table.title)}</h3>'
        f'<div class="scroll" role="region" aria-label="{title}" tabindex="0"><table class="sheet">'
        f'<thead><tr><th scope="col">{escape(table.lead)}</th>{heads}</tr></thead>'
        f'<tbody>{body}</tbody></table></div><div class="notes">{notes}</div></section>\n'
    )


def _unit(column: Column) -> str:
    return f" <small>{escape(column.unit)}</small>" if column.unit else ""


def _html_row(row: Row, columns: tuple[Column, ...]) -> str:
    cells = "".join(
        _html_cell(cell, column) for cell, column in zip(row.cells, columns, strict=True)
    )
    kind = ' class="floor"' if row.floor else ""
    tag = '<small class="tag">floor</small> ' if row.floor else ""
    return f'<tr{kind}><th scope="row">{tag}{escape(row.name)}</th>{cells}</tr>'


def _html_cell(cell: Cell, column: Column) -> str:
    note = f' title="{escape(cell.note, quote=True)}"' if cell.note else ""
    if cell.text:
        return f"<td{note}>{escape(cell.text)}</td>"
    text = number(cell.value, column.digits)
    if text != NONE and math.isfinite(cell.low) and math.isfinite(cell.high):
        bare = Column(column.key, column.title, "", column.digits)
        span = text_of(cell, bare).removeprefix(f"{text} [").removesuffix("]")
        text = f"{text}<small>{escape(span)}</small>"
    return f'<td class="number"{note}>{text.replace("<0", "&lt;0")}</td>'


RENDERERS: dict[str, Callable[[Sheet], str]] = {
    ".md": markdown,
    ".tex": latex,
    ".csv": to_csv,
}
