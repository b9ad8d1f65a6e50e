"""The course of a training as one drawing: loss above, what it is judged by below."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from camvitals.records import Array
from camvitals.report.figure import COLOUR, blank, heading, keys, place, svg

# A drawing that stands alone brings the page's colours along; see page.css.
STYLE = (
    "<style>svg{--ink:#191c20;--muted:#5d666f;--line:#e2e4e5;--heart:#b3261e;--blue:#1f5fa8;"
    "--green:#2c7a4b;background:#fff;font-family:system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{--ink:#e9ebed;--muted:#9ba5ae;--line:#2c3238;"
    "--heart:#f2857c;--blue:#7db4f0;--green:#7fcf9e;background:#191d21}}</style>"
)
LABELS = {"mae": "mean absolute error", "loss": "validation loss"}


def training_svg(curve: Mapping[str, Array], *, metric: str) -> str:
    """A standalone SVG of a training.

    curve: columns of equal length: epoch, loss, validation_loss, mae; NaN where not looked at.
    metric: "mae" or "loss", what the best epoch was chosen by, drawn below.
    """
    figure, (upper, lower) = blank(380, wide=True, rows=(1.0, 1.0))
    place(figure, top=24, bottom=34)
    epoch = np.asarray(curve["epoch"], dtype=float)
    chosen = np.asarray(curve["mae" if metric == "mae" else "validation_loss"], dtype=float)
    for name, colour, label in (
        ("loss", "blue", "training"),
        ("validation_loss", "green", "validation"),
    ):
        seen = np.isfinite(curve[name])
        if seen.any():
            upper.plot(epoch[seen], curve[name][seen], color=COLOUR[colour], lw=1.2, label=label)
    seen = np.isfinite(chosen)
    said = f"training over {len(epoch)} epochs"
    if seen.any():
        lower.plot(epoch[seen], chosen[seen], color=COLOUR["heart"], lw=1.2)
        at = int(np.flatnonzero(seen)[np.argmin(chosen[seen])])
        lower.plot(epoch[at], chosen[at], "o", color=COLOUR["heart"], markersize=4)
        said += f"; best {LABELS[metric]} {chosen[at]:.3g} after epoch {epoch[at]:.0f}"
    heading(upper, "loss")
    heading(lower, f"{LABELS[metric]} on people held out")
    if upper.lines:
        keys(upper)
    lower.set_xlabel("epoch", fontsize=11, color=COLOUR["muted"])
    text = svg(figure, label=said, key="training")
    head, _, rest = text.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg">{STYLE}{rest}\n'
