"""Learning to draw an ECG from a pulse, and its way into the package.

The loop of `train.loop` learns one wave from one batch of pictures or colours at the wave's own
rate. Here a pulse at 50 Hz goes in, two outputs at 250 Hz come out, and the second is told the
truth about the first; hence a loop of its own, which is short.
Shape letters: N clips, T samples of the pulse, S parts of each.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from camvitals.card import ModelCard
from camvitals.models.pulse_ecg import PulseECG
from camvitals.records import Array
from camvitals.report.files import write_atomically
from camvitals.train.checkpoint import load_state, save_state
from camvitals.train.export import Exported, export
from camvitals.train.pulse_people import Clips, Stretch
from camvitals.waves.ecg import FINE_HZ, PULSE, RATE_HZ, RHYTHM, beats_in
from camvitals.waves.learned import ECG

STATE = "last.safetensors"
CURVE = ("epoch", "rhythm", "drawing", "held_out_rhythm", "held_out_drawing", "found")
NEAR_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training. width, drawing: of the network.   seconds: of a clip.   step: learning rate."""

    width: int = 48
    drawing: int = 48
    seconds: float = 10.0
    batch: int = 24
    epochs: int = 10
    steps: int = 110
    step: float = 3e-3
    decay: float = 1e-3
    blur_s: float = 0.010
    held_out: int = 256
    seed: int = 0

    @property
    def length(self) -> int:
        """Samples of a clip."""
        return round(self.seconds * RATE_HZ)


def losses(
    module: PulseECG, batch: dict[str, Tensor], *, blur_s: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Log odds (N, T, S), and what is wrong with the rhythm and with the drawing.

    rhythm: cross entropy of R peaks, each spread by blur_s [s], per beat.
    drawing: mean absolute error [mV] of the trace, and as much of its slope over 4 ms.
    """
    log_odds, ecg = module(batch["given"])
    wanted = blurred(batch["marks"].flatten(1), blur_s)
    entropy = F.binary_cross_entropy_with_logits(log_odds.flatten(1), wanted, reduction="sum")
    rhythm = entropy / wanted.sum().clamp_min(1.0)
    error = (ecg - batch["ecg"]).flatten(1)
    drawing = error.abs().mean() + error.diff(dim=1).abs().mean()
    return log_odds, rhythm, drawing


def blurred(marks: Tensor, blur_s: float) -> Tensor:
    """(N, M) the same marks, each spread as a Gaussian of this deviation [s]."""
    reach = int(np.ceil(4 * blur_s * FINE_HZ))
    around = torch.arange(-reach, reach + 1, dtype=marks.dtype)
    kernel = torch.exp(-0.5 * (around / (blur_s * FINE_HZ)) ** 2)
    kernel = kernel / kernel.sum()
    return F.conv1d(marks[:, None], kernel[None, None], padding=reach)[:, 0].clamp(0, 1)


def fit(
    training: Training,
    learnt: Sequence[Stretch],
    held_out: Sequence[Stretch],
    folder: Path,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> PulseECG:
    """Train, or go on with a training that was stopped; last.safetensors and curve.csv."""
    torch.manual_seed(training.seed)
    module = PulseECG(width=training.width, drawing=training.drawing)
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=training.step, weight_decay=training.decay
    )
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[list[float]] = []
    if (folder / STATE).is_file():
        rows = load_state(folder / STATE, module, optimiser)["rows"]
    judged = _tensors(
        Clips(held_out, training.length, late_s=0.0, tilt=0.0, noise=0.0).batch(
            training.held_out, np.random.default_rng(7)
        )
    )
    clips = Clips(learnt, training.length)
    for epoch in range(len(rows), training.epochs):
        told = _epoch(module, optimiser, clips, training, epoch)
        row = [epoch + 1.0, *told, *look(module, judged, blur_s=training.blur_s)]
        rows.append(row)
        facts = {"training": asdict(training), "rows": rows}
        save_state(folder / STATE, module, optimiser, facts)
        write_atomically(folder / "curve.csv", _table(rows))
        tell("  ".join(f"{name} {value:.4f}" for name, value in zip(CURVE, row, strict=True)))
    return module.eval()


def _epoch(
    module: PulseECG, optimiser: Any, clips: Clips, training: Training, epoch: int
) -> tuple[float, float]:
    """Mean losses of rhythm and drawing over the steps of one epoch."""
    module.train()
    rng = np.random.default_rng([training.seed, 89, epoch])
    sums = np.zeros(2)
    whole = training.epochs * training.steps
    for step in range(training.steps):
        done = (epoch * training.steps + step) / whole
        for group in optimiser.param_groups:
            group["lr"] = training.step * min(1.0, 20 * done + 0.05) * _cosine(done)
        batch = _tensors(clips.batch(training.batch, rng))
        _, rhythm, drawing = losses(module, batch, blur_s=training.blur_s)
        optimiser.zero_grad()
        (rhythm + 20 * drawing).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
        optimiser.step()
        sums += rhythm.item(), drawing.item()
    return float(sums[0] / training.steps), float(sums[1] / training.steps)


def _cosine(done: float) -> float:
    return 0.5 * (1 + float(np.cos(np.pi * done))) + 1e-3


def look(
    module: PulseECG, batch: dict[str, Tensor], *, blur_s: float
) -> tuple[float, float, float]:
    """Losses of rhythm and drawing, and F1 of beats within NEAR_S, on clips held out."""
    module.eval()
    with torch.no_grad():
        log_odds, rhythm, drawing = losses(module, batch, blur_s=blur_s)
    hits = said = true = 0
    for odds, marks in zip(torch.sigmoid(log_odds).numpy(), batch["marks"].numpy(), strict=True):
        found, _ = beats_in(odds)
        wanted = np.flatnonzero(marks.ravel() > 0.5) / FINE_HZ
        apart = np.abs(found[:, None] - wanted) if len(found) and len(wanted) else np.ones((1, 1))
        hits += int((apart.min(axis=0) <= NEAR_S).sum()) if len(found) else 0
        said, true = said + len(found), true + len(wanted)
    return rhythm.item(), drawing.item(), 2 * hits / max(said + true, 1)


def _tensors(arrays: dict[str, Array]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _table(rows: Sequence[Sequence[float]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [CURVE, *([f"{v:.6g}" for v in r] for r in rows)]
    )
    return text.getvalue()


def ship(
    module: PulseECG, path: Path, example: Array, *, metrics: dict[str, float], recipe: str
) -> Exported:
    """NAME.onnx with card and golden tensors. example: (T, 1 + S) of a person.

    recipe: digest of what it was trained by.   Raises InputError as `export.export`.
    """
    card = ModelCard(
        name=path.stem,
        version=recipe[:12],
        task=ECG,
        size=None,
        colour="",
        scale=(0.0, 255.0),
        rate=RATE_HZ,
        outputs={
            RHYTHM: "(N, T, 5) log odds of an R peak in every 4 ms, from the pulse alone",
            ECG: "(N, T, 5) model output, not an electrocardiogram: 250 Hz, mV, about marked peaks",
        },
        training_data=f"made people (camvitals {version('camvitals')}), no real ones",
        licence="Apache-2.0",
        operating_range="pulses of 40 to 180 bpm that are trusted; not a diagnosis",
        source="PulseECG (camvitals, 2026), trained by recipes/pulse_ecg.py",
        sha256="",
        metrics=metrics,
        gives=ECG,
    )
    given = {"pulse_and_marks": torch.from_numpy(example[None].astype(np.float32))}
    found = export(module, card, path, given)
    whole = replace(found.card, takes=PULSE)
    whole.save(path.with_suffix(".json"))
    return replace(found, card=whole)
