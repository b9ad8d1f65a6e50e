"""The tables, plots and words of `ecg_video.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg_video import (
    KEPT,
    MODELS,
    PICTURES,
    RATE_HZ,
    SIDES,
    Case,
    Size,
    kept,
    longer,
    recipe_of,
)
from ecg_video_controls import Controls

from camvitals.data.cache import Cache
from camvitals.evaluate.ecg_table import ecg_table
from camvitals.evaluate.render import markdown_table
from camvitals.records import Array
from camvitals.train.clips import Clip
from camvitals.train.frame_labels import PEAKS, SCHEMES
from camvitals.train.labelled import LabelClips

LIKENESS = ("r", "r2", "mse", "zero_mse", "mean_mse", "mae", "median_mae")
BEATS = ("f1", "f1_floor", "interval_mae_ms", "heart_rate_mae", "heart_rate_answered")
HEART = ("heart_rate_floor", "sdnn_error_ms", "rmssd_error_ms")
SHOWN_S = 10.0

Rows = Sequence[Mapping[str, Any]]


def write_page(out: Path, runs: Path, cache: Cache, rows: Rows, size: Size) -> None:
    """README.md and overlay.svg."""
    parts = [head(rows, cache, size)]
    apart = [row for row in rows if row["split"] == "participant"]
    people = [row for row in apart if row.get("recipe") != "repaired"]
    by = ("scheme", "model", "loss")
    parts += [
        table(people, by, LIKENESS, "People apart: how alike the traces are"),
        table(people, by, (*BEATS, *HEART), "People apart: beats and what is read off them"),
    ]
    leaky = [row for row in rows if row["split"] == "window"]
    if leaky:
        both = [row for row in (*people, *leaky) if row["loss"] in ("mse", "")]
        title = "People apart, and seconds shuffled: squared error"
        parts.append(table(both, ("scheme", "model", "split"), LIKENESS[:5], title))
    more = [row for row in apart if row.get("recipe") == "repaired"]
    if more:
        schemes = {row["scheme"] for row in more}
        floors = [r for r in people if r["scheme"] in schemes and not r["loss"]]
        title = f"Repaired, {size.long} steps, people apart"
        names = (*LIKENESS[:5], *BEATS, HEART[0])
        parts.append(table([*more, *floors], ("scheme", "model"), names, title))
    if overlay(out / "overlay.svg", runs, cache, size):
        parts.append(OVERLAY)
    (out / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def table(rows: Rows, by: Sequence[str], names: Sequence[str], title: str) -> str:
    """A table in Markdown, its rows in the order of scheme, model, loss."""
    order = ["zero", "mean", "linear", *MODELS, "label"]
    rank = {name: k for k, name in enumerate([*SCHEMES, *order, "", "mse", "mae"])}
    last = by[-1]
    ordered = sorted(
        rows,
        key=lambda r: (rank[r["scheme"]], rank[r["model"]], rank.get(r[last], 0), r[last]),
    )
    return markdown_table(ecg_table(ordered, by=by, names=names, title=title))


def head(rows: Rows, cache: Cache, size: Size) -> str:
    """What it is, and how large."""
    held = {row["subject"] for row in rows if row["split"] == "participant"}
    videos = {row["recording"] for row in rows if row["split"] == "participant"}
    plain = [row for row in rows if row.get("recipe") == "published"]
    done = len({(r["model"], r["scheme"], r["loss"], r["split"]) for r in plain})
    seconds = size.seconds * len(cache.recordings)
    labels, clip = labels_of(cache, size, SCHEMES[0]), Clip(PICTURES, RATE_HZ)
    learnt = len(labels.windows(cache, clip, held_out=False))
    return HEAD.format(
        subjects=size.subjects,
        videos=len(cache.recordings),
        seconds=size.seconds,
        minutes=seconds / 60,
        pixels=size.pixels,
        batch=size.batch,
        steps=size.steps,
        long=size.long,
        held=len(held),
        learnt=learnt,
        held_videos=len(videos),
        done=done,
        all=len(SIDES) * len(MODELS) * len(SCHEMES),
    )


def overlay(path: Path, runs: Path, cache: Cache, size: Size) -> bool:
    """Ten seconds of a person not seen: labels and what was predicted; whether there is any."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    drawn = panels(runs, cache, size)
    if not drawn:
        return False
    figure, axes = plt.subplots(
        len(drawn), 1, figsize=(7, 1.3 * len(drawn)), sharex=True, squeeze=False
    )
    for ax, (title, scheme, found) in zip(axes[:, 0], drawn, strict=True):
        key = sorted(found)[0]
        time, label = labels_of(cache, size, scheme).labels(cache, key, rate=RATE_HZ)
        part = time - time[0] < SHOWN_S
        for values, colour, name in ((label, "C0", "label"), (found[key], "C1", "predicted")):
            ax.plot((time - time[0])[part], values[part], color=colour, lw=1, label=name)
        ax.set_title(title, fontsize=8, loc="left")
        ax.tick_params(labelsize=7)
    axes[0, 0].legend(fontsize=7, loc="upper right", ncols=2)
    axes[-1, 0].set_xlabel("time [s]", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return True


def panels(runs: Path, cache: Cache, size: Size) -> list[tuple[str, str, dict[str, Array]]]:
    """Title, scheme and what was predicted: networks, longer ones, the linear control."""
    plain = [
        Case(model, scheme, "mse", "participant", size.steps)
        for model in MODELS
        for scheme in ("average", PEAKS)
    ]
    found = []
    for case in (*plain, *longer(size)):
        if (runs / case.name / KEPT).exists():
            title = f"{case.model}, {case.scheme}"
            if case not in plain:
                title += f", repaired, {case.steps} steps"
            found.append((title, case.scheme, kept(runs / case.name)))
    if found:
        linear = Controls(cache, Clip(PICTURES, RATE_HZ)).predicted(
            "linear", labels_of(cache, size, PEAKS)
        )
        found.append((f"linear, {PEAKS}", PEAKS, linear))
    return found


def labels_of(cache: Cache, size: Size, scheme: str) -> LabelClips:
    """The labels that are learnt with people apart."""
    case = Case(MODELS[0], scheme, "mse", "participant", 1)
    labels = recipe_of(case, cache.folder, size).corpus
    assert isinstance(labels, LabelClips)
    return labels


OVERLAY = """## Overlays

![Labels and predictions over ten seconds](overlay.svg)

As the source's figures 5 to 8: the first recording that was held out."""

HEAD = """# System A on made people

{subjects} made people, {videos} videos of {seconds:g} s ({minutes:.0f} minutes; the source has
242), 12 pictures a second, ECG at 2000 Hz, in the layout `ecg-video`: at rest and after exercise,
sitting still in daylight. Left cheek, {pixels} px (published: 224). All networks begin from chance:
there was no network to fetch ImageNet's or Kinetics' weights from. Adam from 1e-4 to 1e-6
along a cosine, {steps} steps of {batch} seconds, of {learnt} (published: 50 epochs of 10,000).
`Repaired` takes out what stands still, averages the crop to 4×4 cells, begins a clip at every
picture and has {long} steps from 3e-4 (I3D) or 1e-3 (MobileNet, its features, not its softmax).
{done} of {all} trainings are in these tables. To repeat: `python benchmarks/ecg_video.py FOLDER`.

`participant`: {held} people, {held_videos} videos, are not learnt from. `window`: 30 % of all
seconds, whoever they are of. R² is about the mean of each recording, so that the best constant has
0. `zero` and `mean` give 0 and the mean of the labels learnt from; `linear` is ridge regression
from 36 numbers, the mean colours of the twelve crops, its ridge chosen on the people learnt from;
`label` is the label itself, which shows what the scheme leaves of the beats. In brackets: 95 %
intervals over people. `scores.csv` has every recording, `curves.csv` the end of every training."""
