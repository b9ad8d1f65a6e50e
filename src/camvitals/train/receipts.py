"""What each form of a network costs and is worth: accuracy × latency × size, device by device.

Judged on made people who were never trained on, all forms on the same ones; accuracy on real people
comes from `camvitals evaluate`, which takes the same files.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from camvitals.dsp.clean import bandpass
from camvitals.dsp.spectrum import HEART_BAND_HZ, peak, spectrum
from camvitals.records import Array
from camvitals.runtime import Network, load
from camvitals.train.clips import Sample
from camvitals.train.made import made_people
from camvitals.waves.learned import Learned
from camvitals.waves.stretch import BLOCK, Stretch, given_of

PEOPLE, SECONDS = 12, 12.0
REPEATS = 9


@dataclass(frozen=True, slots=True)
class Receipt:
    """One form of a network on one device.

    form: how it is run.   precision: of its numbers.   device, machine: where.
    size: of the file [bytes], or of the parameters.   latency: of a second of video [ms], median,
        one thread.   heart_rate_mae: mean absolute error [bpm] over `people`.   likeness: mean
        correlation with the true pulse.   same: mean correlation with the first form.
    """

    name: str
    form: str
    precision: str
    device: str
    machine: str
    size: int
    latency: float
    heart_rate_mae: float
    likeness: float
    same: float
    people: int


def receipts(
    files: Sequence[Path],
    *,
    dense: Network | None = None,
    dense_bytes: int = 0,
    devices: Sequence[str] = ("cpu",),
    people: int = PEOPLE,
) -> list[Receipt]:
    """One receipt for every file on every device, and first for `dense`, the module in torch.

    devices: names of `runtime.DEVICES` that are there.
    Raises InputError for a file that is no pulse network.
    """
    forms: list[tuple[str, str, int, Learned]] = []
    if dense is not None:
        forms.append(("torch", "cpu", dense_bytes, Learned(dense)))
    for path in files:
        for device in devices:
            network = load(path, device=device)
            forms.append(("onnx", device, path.stat().st_size, Learned(network)))
    if not forms:
        return []
    crowd = _crowd(forms[0][3], people)
    first: list[Array] = []
    found = []
    for form, device, size, learned in forms:
        waves = [_wave(learned, person.images) for person in crowd]
        first = first or waves
        found.append(_receipt(learned, crowd, waves, first, form=form, device=device, size=size))
    return found


def _receipt(
    learned: Learned,
    crowd: Sequence[Sample],
    waves: Sequence[Array],
    first: Sequence[Array],
    *,
    form: str,
    device: str,
    size: int,
) -> Receipt:
    errors = [
        abs(_rate(wave, learned.rate) - person.heart_rate)
        for wave, person in zip(waves, crowd, strict=True)
    ]
    return Receipt(
        name=learned.card.name,
        form=form,
        precision=learned.card.precision,
        device=device,
        machine=platform.processor() or platform.machine(),
        size=size,
        latency=_latency(learned, crowd[0].images),
        heart_rate_mae=float(np.mean(errors)),
        likeness=_mean_r(waves, [_banded(p.target, learned.rate) for p in crowd]),
        same=_mean_r(waves, first),
        people=len(crowd),
    )


def _crowd(learned: Learned, people: int) -> list[Sample]:
    """Made people with a pulse, as many samples of each as fill SECONDS."""
    count = max(round(SECONDS * learned.rate), learned.length or 0)
    found = []
    for person in made_people(learned.card, count=4 * people, length=count, seed=3):
        if np.isfinite(person.heart_rate):
            found.append(replace(person, target=np.asarray(person.target, dtype=float)))
        if len(found) == people:
            break
    return found


def _wave(learned: Learned, images: Array) -> Array:
    """(T,) the pulse, within the heart's band; NaN where there is none."""
    if learned.length is None and not learned.card.state:
        values = learned.of_colours(images, rate=learned.rate)
    else:
        stretch = Stretch(learned.network.another(), start=0.0, length=learned.length)
        for image in images:
            stretch.push(image)
        values = stretch.values()[1]
    known = np.isfinite(values)
    out = np.full(len(images), np.nan)
    out[: len(values)][known] = _banded(values[known], learned.rate)
    return out


def _banded(values: Array, rate: float) -> Array:
    low, high = HEART_BAND_HZ
    centred = values - values.mean()
    return bandpass(centred, rate=rate, low=low, high=min(high, 0.45 * rate))


def _rate(wave: Array, rate: float) -> float:
    """Heart rate of a wave [bpm]."""
    frequency, power = spectrum(wave[np.isfinite(wave)], rate=rate)
    low, high = HEART_BAND_HZ
    return 60 * peak(frequency, power, low=low, high=min(high, 0.45 * rate))[0]


def _mean_r(waves: Sequence[Array], others: Sequence[Array]) -> float:
    found = []
    for one, other in zip(waves, others, strict=True):
        both = np.isfinite(one) & np.isfinite(other)
        a, b = one[both] - one[both].mean(), other[both] - other[both].mean()
        found.append(float(a @ b / max(np.sqrt((a @ a) * (b @ b)), 1e-12)))
    return float(np.mean(found))


def _latency(learned: Learned, images: Array) -> float:
    """Milliseconds that one second of video takes, the median of REPEATS."""
    network = learned.network.another()
    (name,) = network.inputs
    count = min(learned.length or (BLOCK if learned.card.state else len(images)), len(images))
    given = {name: given_of(learned.card, images[:count])[None]}
    network(given)  # the first call prepares
    took = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        network(given)
        took.append(time.perf_counter() - begin)
    return 1000 * float(np.median(took)) * learned.rate / count


def table(found: Sequence[Receipt]) -> str:
    """The receipts as a Markdown table."""
    head = ("form", "precision", "device", "size kB", "ms per s", "MAE bpm", "r truth", "r first")
    rows = [
        (
            one.form,
            one.precision,
            one.device,
            f"{one.size / 1000:.0f}",
            f"{one.latency:.1f}",
            f"{one.heart_rate_mae:.2f}",
            f"{one.likeness:.3f}",
            f"{one.same:.4f}",
        )
        for one in found
    ]
    lines = [" | ".join(row) for row in (head, ("---",) * len(head), *rows)]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def as_json(found: Sequence[Receipt]) -> str:
    """The receipts as JSON."""
    rows: list[Mapping[str, object]] = [asdict(one) for one in found]
    return json.dumps(rows, indent=1) + "\n"
