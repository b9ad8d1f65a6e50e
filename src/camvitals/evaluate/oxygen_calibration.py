"""Recordings with a reference saturation -> a calibration, by the path that `measure` takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from camvitals.card import digest
from camvitals.data.recording import Recording
from camvitals.dsp.clean import GAP_S
from camvitals.evaluate.seen import Seen, see
from camvitals.parallel import Note, run_jobs
from camvitals.pipeline import Settings, heart_steps
from camvitals.records import Array, InputError, Wave
from camvitals.steps import finish
from camvitals.vitals.calibration import Calibration
from camvitals.vitals.oxygen import look
from camvitals.vitals.oxygen_fit import Sample, calibrate
from camvitals.waves.auto import AUTO
from camvitals.waves.view import clock_rate

REFERENCE = "spo2"
OLD_S = 5.0  # a reference older than this is none
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class _Job:
    recording: Recording
    method: str
    skin: str
    lag: float


def calibrate_recordings(
    recordings: Sequence[Recording],
    *,
    method: str,
    camera: str,
    skin: str = "otsu",
    lag: float = 0.0,
    table: str = "",
    jobs: int | None = None,
    progress: Progress | None = None,
) -> tuple[Calibration, dict[str, str]]:
    """The calibration of recordings, and why some could not be used, by their names.

    method: of vitals.ratios.METHODS.   camera: a name.   lag: how late the reference shows what
    the camera sees [s].   jobs: processes at a time; None is one a core.
    Raises InputError for recordings of several sites, and as `vitals.oxygen_fit.calibrate`.
    """
    sites = sorted({recording.roi for recording in recordings})
    if len(sites) != 1:
        raise InputError(
            f"a calibration needs recordings of one roi but got {', '.join(sites) or 'none'}; "
            "calibrate each by itself"
        )
    work = [_Job(recording, method, skin, lag) for recording in recordings]
    samples, unused = [], {}
    for index, found in run_jobs(work, _sample, name=_name, workers=jobs, progress=progress):
        if isinstance(found, InputError):
            unused[recordings[index].name] = str(found)
        else:
            samples.append((index, found))
    ordered = [sample for _, sample in sorted(samples, key=lambda pair: pair[0])]
    fitted = calibrate(ordered, method=method, camera=camera, site=sites[0], table=table)
    return fitted, dict(sorted(unused.items()))


def _name(job: _Job) -> str:
    return job.recording.name


def _sample(job: _Job, note: Note) -> Sample:
    recording = job.recording
    reference = recording.reference(REFERENCE)
    seen = see(recording, methods=[AUTO], roi=recording.roi, skin=job.skin, note=note)
    return sample_of(recording, seen, reference, method=job.method, lag=job.lag)


def sample_of(
    recording: Recording, seen: Seen, reference: Wave, *, method: str, lag: float = 0.0
) -> Sample:
    """The usable windows of a recording; InputError says why there are none."""
    settings = Settings(roi=recording.roi)
    heart, pulses, _, _ = finish(heart_steps(seen.trace, source=seen.source, settings=settings))
    if heart.value is None:
        raise InputError(f"{recording.name} has no trusted pulse: {heart.why}")
    found = look(seen.trace, method=method, rate=clock_rate(seen.trace), pulses=pulses)
    label = reference_at(reference, found.stop + lag)
    faults = found.faults(method)
    usable = (faults == "") & np.isfinite(label)
    if not usable.any():
        why = next((str(fault) for fault in faults if fault), "the reference has no value there")
        raise InputError(f"{recording.name} has no usable window: {why}")
    return Sample(
        subject=recording.subject,
        recording=recording.name,
        ratios=found.ratios[usable],
        colours=found.colours[usable],
        spo2=label[usable],
        stop=found.stop[usable],
    )


def reference_at(reference: Wave, time: Array) -> Array:
    """The reference at these times [s], NaN in its gaps and outside it."""
    known = np.isfinite(reference.values)
    if known.sum() < 2:
        return np.full(len(time), np.nan)
    clock, values = reference.time[known], reference.values[known]
    after = np.clip(np.searchsorted(clock, time), 1, len(clock) - 1)
    apart = clock[after] - clock[after - 1]
    out = np.interp(time, clock, values, left=np.nan, right=np.nan)
    return np.asarray(np.where(apart > OLD_S + GAP_S, np.nan, out))


def with_roi(recordings: Sequence[Recording], roi: str | None) -> list[Recording]:
    """The recordings, looked at as told; None leaves each its own way."""
    return [replace(one, roi=one.roi if roi is None else roi) for one in recordings]


def digest_of(recordings: Sequence[Recording], table: Path) -> str:
    """SHA-256 of the table, or of the recordings' names and file sizes where it is a folder."""
    if table.is_file():
        return digest(table)
    listed = [
        f"{one.name} {path.name} {path.stat().st_size}"
        for one in recordings
        for path in one.files
        if path.is_file()
    ]
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()
