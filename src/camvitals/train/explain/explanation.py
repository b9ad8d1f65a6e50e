"""A clip explained: relevance, shares, checks; and the same as JSON.

Shape letters: T samples, C channels, R regions, H rows, W columns, F frequencies.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from camvitals.data.synthetic.traces import REGIONS
from camvitals.dsp.frames import words
from camvitals.dsp.streams import STREAMS
from camvitals.models.architecture import TRACES, Architecture
from camvitals.records import Array, InputError
from camvitals.train.explain import checks, planted, shares
from camvitals.train.explain.attribute import Case, Relevance, explainer
from camvitals.train.explain.checks import Check
from camvitals.train.explain.question import Answer, Question, ask, pulse_frequency
from camvitals.train.explain.shares import Share
from camvitals.train.explain.subject import Scene, Subject
from camvitals.train.patches import PLACES, SPREAD

REFERENCES = ("level", "mean", "zero")
DOUBLE = 3_000_000  # numbers of an input up to which it is explained in double precision
FACE = 0.88  # of the half side of a crop that the face reaches, as in train.patches
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is told of one clip.

    relevance: what was found.   axes: letters of the axes of its values.   question: what of the
    output was explained.   wave: (T,) what the network gave.   reference: what was taken off.
    shares: kind -> name -> Share; kinds are channel, region, frequency and, for pictures, face.
    spectrum: (F,) relevance by frequency, () where the method knows none.
    frequency: of the pulse [Hz], in the output, or else in the input.
    """

    subject: Subject
    scene: Scene
    relevance: Relevance
    axes: str
    question: Question
    wave: Array
    reference: str
    shares: dict[str, dict[str, Share]]
    spectrum: Array
    frequency: float
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(check.passed is not False for check in self.checks)

    def to_json(self) -> str:
        """The numbers, without the maps; NaN is null."""
        found = self.relevance
        plain = {
            "model": self.subject.name,
            "input": self.scene.name,
            "start_s": self.scene.start,
            "method": found.method,
            "rule": found.rule,
            "question": self.question.asked,
            "unit": self.question.unit,
            "reference": self.reference,
            "answer": found.answer,
            "answer_at_reference": found.reference,
            "relevance": found.total,
            "absorbed_by_biases": found.absorbed,
            "missing": found.missing,
            "pulse_hz": self.frequency,
            "shares": {
                kind: {name: asdict(share) for name, share in parts.items()}
                for kind, parts in self.shares.items()
            },
            "checks": [asdict(check) for check in self.checks],
        }
        return json.dumps(_finite(plain), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def explain(
    subject: Subject,
    scene: Scene,
    *,
    method: str = "lrp",
    rule: str = "epsilon",
    asked: str | None = None,
    reference: str | None = None,
    check: bool = True,
    tell: Tell = lambda _line: None,
) -> Explanation:
    """Explain what a network says of one clip.

    method, rule: of `attribute.METHODS` and `rules.COMPOSITES`.   asked: of `question.ASKED`.
    reference: "level", the clip without change; "mean", the training mean of a network that keeps
        it; "zero". None: the mean where there is one, else the level, else (a single picture) zero.
    check: whether the checks are made too, which takes some fifty times as long.
    Raises InputError for unknown names, and for an operation that `lrp` has no rule for.
    """
    run = explainer(method, rule=rule)
    case, reference = case_of(subject, scene, reference)
    answer = Answer(subject.module, subject.architecture).to(case.x.dtype).eval()
    with torch.no_grad():
        wave = answer.wave(case.x)
    answer.question = ask(wave, subject.architecture.gives, rate=subject.rate, asked=asked)
    tell("relevance")
    found = run(answer, case)
    frequency = answer.question.frequency
    if math.isnan(frequency):
        frequency = _of_input(scene, subject.rate)
    spectrum, parts = _shared(subject, case, found, frequency)
    told: list[Check] = []
    if check:
        single = case.x.dtype != torch.float64
        makers: list[Callable[[], Check]] = [
            lambda: checks.conservation(found, single=single),
            lambda: checks.conservation_without_biases(answer, case, run),
            lambda: checks.randomisation(answer, case, run),
            lambda: checks.deletion(answer, case, found),
            lambda: checks.insertion(answer, case, found),
            lambda: planted.planted_channel(run),
            lambda: planted.planted_region(run),
        ]
        for at, make in enumerate(makers, 1):
            tell(f"check {at} of {len(makers)}")
            told.append(make())
    return Explanation(
        subject=subject,
        scene=scene,
        relevance=found,
        axes=case.axes,
        question=answer.question,
        wave=wave[0].double().numpy(),
        reference=reference,
        shares=parts,
        spectrum=spectrum,
        frequency=frequency,
        checks=tuple(told),
    )


def case_of(subject: Subject, scene: Scene, reference: str | None) -> tuple[Case, str]:
    """The clip as the network takes it, beside its reference, and which that is."""
    it, images = subject.architecture, torch.from_numpy(np.array(scene.images))[None]
    images = images.double()
    if not torch.isfinite(images).all():
        raise InputError(f"{scene.name} has gaps in the clip; choose another --start")
    x = it.prepare(images).double()
    known = getattr(getattr(subject.module, "standard", None), "mean", None)
    usual = "mean" if known is not None else "level" if images.shape[1] > 1 else "zero"
    chosen = reference or usual
    if chosen not in REFERENCES:
        raise InputError(f"no reference {chosen!r}; choose one of {', '.join(REFERENCES)}")
    if chosen == "mean":
        if not isinstance(known, Tensor):
            raise InputError(
                f"{subject.name} keeps no training mean; take --reference level or zero"
            )
        away = known.double().expand_as(x).clone()
    elif chosen == "level":
        away = it.prepare(images.mean(1, keepdim=True).expand_as(images)).double()
    else:
        away = torch.zeros_like(x)
    if torch.equal(x, away):
        raise InputError(f"{scene.name} does not differ from its {chosen}; take --reference zero")
    dtype = torch.float64 if x.numel() <= DOUBLE else torch.float32
    axes = axes_of(it, tuple(x.shape[1:]), length=images.shape[1])
    return Case(x.to(dtype), away.to(dtype), axes), chosen


def axes_of(architecture: Architecture, shape: tuple[int, ...], *, length: int) -> str:
    """Letters of the axes of what a network takes: T time, C channels, R regions, H, W, L windows.

    shape: without the axis of clips.   length: samples of the clip.
    """
    if architecture.takes != TRACES:
        return architecture.layout if architecture.transform is None else "LCTR"
    if len(shape) == 3:
        return "TRC" if shape[0] == length and shape[-1] == 3 else "RCT"
    if len(shape) == 2:
        return "TC" if shape[0] == length and shape[1] != length else "CT"
    raise InputError(f"an input of shape {shape} has no time, channels and regions to tell apart")


def channels_of(architecture: Architecture, count: int) -> tuple[str, ...]:
    """Names of the channels that a network takes."""
    colours = ("R", "G", "B")
    if architecture.takes == TRACES:
        known: dict[int, tuple[str, ...]] = {3: colours, 4: (*colours, "seen"), 9: STREAMS}
        return known.get(count, tuple(str(k + 1) for k in range(count)))
    if architecture.transform is not None:
        return ("Y", "U", "V")[:count]
    parts = words(architecture.takes)
    if len(parts) == 1:
        return colours
    return tuple(f"{part} {colour}" for part in parts for colour in colours)


def face_of(rows: int, columns: int) -> dict[str, Array]:
    """Where regions lie on a crop that a face fills, each pixel shared out; name -> (H, W).

    The places are those of made faces (train.patches); on filmed ones they are near only.
    """
    down = ((np.arange(rows) + 0.5) / rows * 2 - 1)[:, None] / FACE
    across = ((np.arange(columns) + 0.5) / columns * 2 - 1)[None] / FACE
    found = {
        name: np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * SPREAD**2))
        for name, (x, y) in PLACES.items()
    }
    inside = np.hypot(across, down) <= 1
    found["skin"] = np.full((rows, columns), 0.3)
    whole = np.asarray(sum(found.values()))
    regions = {name: weight / whole * inside for name, weight in found.items()}
    regions["other skin"] = regions.pop("skin")
    return regions | {REGIONS[-1]: (~inside).astype(float)}


def _shared(
    subject: Subject, case: Case, found: Relevance, frequency: float
) -> tuple[Array, dict[str, dict[str, Share]]]:
    axes, values = case.axes, found.values
    parts: dict[str, dict[str, Share]] = {}
    channels = channels_of(subject.architecture, values.shape[axes.index("C")])
    parts["channel"] = shares.by_index(values, axes, "C", channels)
    if "R" in axes and len(subject.regions) == values.shape[axes.index("R")]:
        parts["region"] = shares.by_index(values, axes, "R", subject.regions)
    if "H" in axes:
        rows, columns = (values.shape[axes.index(side)] for side in "HW")
        parts["face"] = shares.by_region(values, axes, face_of(rows, columns))
        parts["region"] = shares.by_region(values, axes, shares.grid(rows, columns))
    if not found.parts or values.shape[axes.index("T")] < 8:
        return np.zeros(0), parts
    spectrum = shares.spectrum(found, axes)
    count = values.shape[axes.index("T")]
    if math.isfinite(frequency):
        parts["frequency"] = shares.by_frequency(
            spectrum, rate=subject.rate, count=count, frequency=frequency
        )
    return spectrum.reshape(-1, spectrum.shape[-1]).sum(0), parts


def _of_input(scene: Scene, rate: float) -> float:
    """Where the green of a clip has most power in the heart's band [Hz]; NaN for short clips."""
    green = scene.images[..., 1].reshape(len(scene.images), -1).mean(1)
    return pulse_frequency(green, rate) if len(green) >= 2 * rate else float("nan")


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
