"""The page of results/transfer, from what `benchmarks/transfer.py` kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from camvitals.evaluate.participants import BARS, Participants, by_participant
from camvitals.evaluate.view import COLOURS, ticks, under
from camvitals.records import Array
from camvitals.report.figure import COLOUR, blank, heading, keys, place, svg
from camvitals.report.files import write_atomically
from camvitals.report.training import STYLE
from camvitals.train.transfer.made import Cast

RESULTS = Path(__file__).resolve().parents[1] / "results" / "transfer"
Kept = Mapping[str, Array]
NAMES = {
    "published": "as published",
    "still": "… trunk stands still",
    "longer": "… and 300 epochs instead of 15",
    "standardised": "… 15 epochs, features and target standardised",
    "relabelled": "… clean labels, true times, RGB",
    "repaired": "repaired",
    "classes": "classes: slow, normal, fast",
    "bins": "bins of 2 bpm, soft label",
    "recurrent": "recurrent head over 40 frames",
    "attention": "attention head over 40 frames",
    "auto": "`auto`, 20 s",
    "pos": "POS, 20 s",
    "green": "GREEN, 20 s",
}
FLOORS = {"mean": "floor: mean of those learnt from", "own": "floor: own mean of those learnt from"}
TITLES = {
    "people": "Five people not seen: learnt from 35, P36–P40 tested",
    "turn": "The same, everybody tested once in lots of five",
    "videos-random": "Videos not seen: 12 of each person's 16, drawn at random",
    "videos-first": "Videos not seen: the first 12 of each person's 16",
}
HEADINGS = ("model", "mean RMSE", "median", "R²", "r within people", "answered", "validation said")
SHOWN = ("repaired", "published", "recurrent")  # in bars, after the floor


def write(keep: Path, out: Path, *, weights: str | None, cast: Cast) -> None:
    """README.md, tables and plots."""
    out.mkdir(parents=True, exist_ok=True)
    parts, rows = [], []
    for protocol, title in TITLES.items():
        kept = kept_of(keep, protocol)
        if not kept:
            continue
        found = scored(kept)
        rows += [row_of(protocol, name, one, kept) for name, one in found.items()]
        parts.append(f"## {title}\n\n" + table(found, kept))
        if draw_bars(out, protocol, found):
            parts.append(f"![RMSE of each participant]({protocol}.svg)")
        write_atomically(out / f"{protocol}.csv", participants_csv(found))
    if (keep / "same_faces.npz").exists():
        parts.append(same_faces(keep, out))
    write_atomically(out / "table.csv", as_csv(list(rows[0]) if rows else [], rows))
    text = "\n\n".join([head(keep, weights, cast), *parts])
    write_atomically(out / "README.md", text + "\n")


def kept_of(keep: Path, protocol: str) -> dict[str, Kept]:
    """Everything of a protocol by name; the lots of `turn` joined where all are there."""
    lots = sorted({p.name.split(".")[0] for p in keep.glob(f"{protocol}*.repaired.npz")})
    lots = [one for one in lots if protocol in (one, "turn")]
    out: dict[str, Kept] = {}
    for name in NAMES:
        paths = [keep / f"{one}.{name}.npz" for one in lots]
        if paths and all(path.exists() for path in paths):
            out[name] = joined([dict(np.load(path)) for path in paths])
    return out


def joined(parts: Sequence[Kept]) -> Kept:
    """Test rows of all lots, each with the mean that its floor is."""
    if len(parts) == 1:
        return parts[0]
    rows = ("person", "video", "estimate", "clean", "published")
    out = {key: np.concatenate([part[key] for part in parts]) for key in rows}
    if "train" in parts[0]:
        floors = [np.full(len(part["estimate"]), part["train"].mean()) for part in parts]
        out["floor"] = np.concatenate(floors)
        out["validation"] = np.mean([part["validation"] for part in parts])
    out["seconds"] = np.sum([part["seconds"] for part in parts])
    return out


def scored(kept: Mapping[str, Kept]) -> dict[str, Participants]:
    """Models in the order of NAMES, and floors, all against R peaks at the pictures' times."""
    first = kept["repaired"]
    mean = (
        first["floor"] if "floor" in first else np.full(len(first["clean"]), first["train"].mean())
    )
    floors = {"mean": mean}
    if "train_person" in first:
        own = {
            p: first["train"][first["train_person"] == p].mean()
            for p in np.unique(first["train_person"])
        }
        if set(first["person"]) <= set(own):
            floors["own"] = np.array([own[p] for p in first["person"]])
    found = {
        name: by_participant(FLOORS[name], value, first["clean"], first["person"])
        for name, value in floors.items()
    }
    for name, one in kept.items():
        found[name] = by_participant(NAMES[name], one["estimate"], one["clean"], one["person"])
    return found


def table(found: Mapping[str, Participants], kept: Mapping[str, Kept]) -> str:
    """In Markdown."""
    lines = [" | ".join(HEADINGS), " | ".join(["---"] + ["---:"] * (len(HEADINGS) - 1))]
    for name, one in found.items():
        said = float(kept[name].get("validation", np.nan)) if name in kept else np.nan
        cells = (
            one.entrant,
            _with(one.mean, one.mean_interval),
            _with(one.median, one.median_interval),
            f"{one.r2:.2f}".replace("-", "−"),
            _with(one.within_r, one.within_interval) if np.isfinite(one.within_r) else "–",
            f"{one.coverage:.0%}",
            f"{said:.2f}" if np.isfinite(said) else "–",
        )
        lines.append(" | ".join(cells))
    return "\n".join(f"| {line} |" for line in lines)


def _with(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.2f} [{interval[0]:.2f} to {interval[1]:.2f}]".replace("-", "−")


def row_of(protocol: str, name: str, one: Participants, kept: Mapping[str, Kept]) -> dict[str, str]:
    """A line of table.csv."""
    numbers = {
        "mean_rmse_bpm": one.mean,
        "mean_low": one.mean_interval[0],
        "mean_high": one.mean_interval[1],
        "median_rmse_bpm": one.median,
        "median_low": one.median_interval[0],
        "median_high": one.median_interval[1],
        "r2": one.r2,
        "within_r": one.within_r,
        "coverage": one.coverage,
        "seconds": float(kept[name]["seconds"]) if name in kept else float("nan"),
    }
    return {"protocol": protocol, "model": name, "participants": str(len(one.names))} | {
        key: f"{value:.4f}" for key, value in numbers.items()
    }


def participants_csv(found: Mapping[str, Participants]) -> str:
    """RMSE of each participant, a column each entrant."""
    people = next(iter(found.values())).names
    each = {name: dict(zip(one.names, one.rmse, strict=True)) for name, one in found.items()}
    rows = [
        {"participant": str(p)}
        | {name: f"{e[p]:.3f}" if p in e else "" for name, e in each.items()}
        for p in people
    ]
    return as_csv(["participant", *found], rows)


def as_csv(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """As text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def draw_bars(out: Path, protocol: str, found: Mapping[str, Participants]) -> bool:
    """Bars of some, the best floor first."""
    floor = found.get("own", found["mean"])
    shown = [floor, *(found[name] for name in SHOWN if name in found)][:3]
    figure = BARS.draw(shown, True)
    if figure is None:
        return False
    save(out / f"{protocol}.svg", figure, label=BARS.say(shown), key=protocol)
    return True


def save(path: Path, figure: object, *, label: str, key: str) -> None:
    """A plot that stands alone, in light and dark."""
    text = svg(figure, label=label, key=f"transfer-{key}")
    first, rest = text.split(">", 1)
    write_atomically(path, f'{first} xmlns="http://www.w3.org/2000/svg">{STYLE}{rest}\n')


def same_faces(keep: Path, out: Path) -> str:
    """The demonstration: slopes of what is said over what is true, within each person."""
    kept = dict(np.load(keep / "same_faces.npz"))
    person, rate = kept.pop("person"), kept.pop("rate")
    lines = [
        "| model | slope, bpm said per bpm true | moved over 55–115 bpm | moved in a recording |",
        "|---|---:|---:|---:|",
    ]
    slopes = {}
    for name, value in kept.items():
        told = value[:, 0]
        slope, interval = slope_of(told, rate, person)
        slopes[name] = slope
        spread = np.nanmean([np.nanstd(told[person == p]) for p in np.unique(person)])
        frames = f"{value[:, 1].mean():.2f}" if value[:, 1].any() else "–"
        lines.append(f"| {NAMES[name]} | {_with(slope, interval)} | {spread:.2f} | {frames} |")
    draw_same(out, person, rate, kept)
    plot = "![What is said of the same faces](same_faces.svg)"
    return "\n\n".join([SAME, "\n".join(lines), plot])


def slope_of(told: Array, rate: Array, person: Array) -> tuple[float, tuple[float, float]]:
    """Mean over people of the slope of each, and its interval by drawing people again."""
    each = []
    for one in np.unique(person):
        rows = (person == one) & np.isfinite(told)
        if rows.sum() > 1:
            each.append(np.polyfit(rate[rows], told[rows], 1)[0])
    values = np.array(each)
    drawn = values[np.random.default_rng(0).integers(len(values), size=(2000, len(values)))].mean(1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(values.mean()), (float(low), float(high))


def draw_same(out: Path, person: Array, rate: Array, kept: Mapping[str, Array]) -> None:
    """Mean over people of what is said at each rate."""
    figure, (ax,) = blank(300, wide=True)
    place(figure, top=34, bottom=38)
    rates = np.unique(rate)
    ax.plot(rates, rates, color=COLOUR["muted"], lw=0.9, ls=(0, (2, 3)))
    for k, name in enumerate([n for n in ("repaired", "bins", "recurrent", "auto") if n in kept]):
        each = np.array(
            [
                [np.nanmean(kept[name][(rate == r) & (person == p), 0]) for r in rates]
                for p in np.unique(person)
            ]
        )
        colour = COLOUR[COLOURS[k]]
        ax.plot(rates, np.nanmean(each, axis=0), color=colour, lw=1.6, marker="o", ms=4, label=name)
        for line in each:
            ax.plot(rates, line, color=colour, lw=0.6, alpha=0.35)
    ticks(ax)
    heading(ax, "said, bpm")
    under(ax, "true, bpm")
    keys(ax, columns=4)
    save(
        out / "same_faces.svg",
        figure,
        label="What is said of the same faces at four heart rates",
        key="same",
    )


def head(keep: Path, weights: str | None, cast: Cast) -> str:
    """What was done."""
    frames = np.load(keep / "frames.npz")
    error = frames["published"] - frames["clean"]
    known = np.isfinite(error)
    trunk = f"The trunk has the weights of {weights}." if weights else RANDOM
    _, code = np.unique(frames["person"], return_inverse=True)
    means = np.bincount(code, frames["clean"]) / np.bincount(code)
    within = frames["clean"] - means[code]
    return HEAD.format(
        mean=means.mean(),
        between=means.std(),
        within=within.std(),
        clip_films=min(cast.films, 4),
        people=cast.people,
        films=cast.films,
        frames=len(frames["person"]),
        trunk=trunk,
        size=frames["images"].shape[2] - 1,
        mae=np.abs(error[known]).mean(),
        worst=np.abs(error[known]).max(),
    )


RANDOM = """**The trunk is random**: no file of ImageNet's weights and no network was at hand. A
random trunk still tells faces, skins and lights apart, which is all that a single picture is good
for here; how well a trained one would is not shown. `--weights` makes the same page with one."""
SAME = """## The same faces at other heart rates

P36–P40, each drawn four times in the same room, light and movement, with a steady heart rate of 55,
75, 95 and 115 bpm. What looks at single pictures has learnt from twelve of their films, so that it
has something to say of them; what looks at many has never seen them. A model that sees a heart rate
has slope 1; one that sees whom it looks at has slope 0. *Moved*: standard deviation [bpm] of what
is said of one person over the four rates, and of four pictures of one recording."""
HEAD = """# Heart rate by transfer learning (system C), on made people

Made by `python benchmarks/transfer.py KEEP`; do not edit. What it means:
[the page](../../docs/transfer.md).

{people} made people, {films} films each: two pictures of every film for what looks at single
pictures ({frames} in all, {size} px instead of 127), and a clip of 48 pictures in 5.8 s (32 px) for
what looks at many, of their first {clip_films} films. Hearts beat at {mean:.0f} ± {between:.1f} bpm
between people and ± {within:.1f} within them. Drawn without a codec, each face cut out where it
truly is. The clips are made easy on purpose, to ask what a head can see and not how well: nobody in
them moves, and the pulse is three times as strong as in life, as it would drown in the noise of so
small a picture. `auto`, POS and GREEN are given 20 s of colour traces of the same films as in life.

{trunk}

All rows are scored against R peaks within 10 s around the picture's own time: RMSE [bpm] of each
participant, then mean and median of these; in brackets 95 % intervals, participants drawn again. *r
within people* is the correlation after each participant's own means are taken away. *Validation
said*: the RMSE that the training itself saw; in the first rows on a random fifth of the pictures,
as published, whose neighbours it learns. The published labels (24 s of ECG, 5 samples a picture
where 5.12 would be right) are {mae:.2f} bpm away from these on the mean, {worst:.1f} at most. The
trunk that drifts is run in bfloat16. One seed."""
