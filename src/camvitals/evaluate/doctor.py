"""The corpus doctor: what is wrong with each recording, and with the corpus as a whole."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from camvitals.data.recording import Recording
from camvitals.dsp.clean import GAP_S, rate_of
from camvitals.evaluate.offset import LIMIT_S, Lag, reference_lag, unknown
from camvitals.evaluate.reference import Reference
from camvitals.evaluate.soundness import PIECE_S
from camvitals.face.collect import Collector
from camvitals.parallel import Note, run_jobs, share_of
from camvitals.records import Finding, InputError, Source, Trace, Wave

MOST_UNSOUND = 0.1  # share of pieces of a reference
MOST_UNSEEN = 0.5  # share of the pictures without the person
COUNT_SLACK = 0.01  # share of the frames that a container may promise too many
UNCOVERED_S = 1.0  # of pictures without reference, at either end
STRETCHED = 0.02  # share by which a reference that starts with the pictures may outlast them
SHOWN_BPM = 10.0  # between the rate that the device shows and that of its own beats
UNALIGNED_S = 8.0  # looked for where the owners do not give the offset
LATE_S = 0.2  # of a contact pulse, beyond what transit times explain
ECG_LATE_S = (-0.45, 0.1)  # the skin sees a beat 0.1–0.4 s after its R peak
HEART_ALONE = ("ecg", "rr")  # references that know nothing of the vessels
JUMP = 5.0  # intervals of a reference's clock that are a jump, and GAP_S at least


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found of one recording.

    findings: what is wrong, each with its remedy.   lag: of the reference behind the pictures.
    digest: of the reference's values, "" when there are none; equal ones are copies.
    """

    recording: str
    subject: str
    split: str
    findings: tuple[Finding, ...]
    lag: Lag
    digest: str = ""

    @property
    def fine(self) -> bool:
        """True when nothing is wrong."""
        return not self.findings


def check_recordings(
    recordings: Sequence[Recording],
    *,
    jobs: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Checkup, ...]:
    """A checkup of every recording, in their order, and of the corpus that they make.

    jobs: processes at a time; None means one a core.   progress: told the recordings done so far.
    A recording that fails is told as such and does not stop the others.
    """
    found: dict[int, Checkup] = {}
    outcomes = run_jobs(recordings, checkup, name=_name, workers=jobs, progress=progress)
    for index, outcome in outcomes:
        if isinstance(outcome, InputError):
            found[index] = _failed(recordings[index], str(outcome))
        else:
            found[index] = outcome
    return across([found[index] for index in range(len(recordings))])


def checkup(recording: Recording, note: Note = lambda _: None) -> Checkup:
    """Everything that is wrong with one recording: files, clocks, reference, lag.

    note: told now and then what share is done.
    """
    missing = [_bad("missing file", f"get {path} again") for path in recording.missing()]
    findings, reference, digest = _look_at_references(recording)
    seen, trace = _look_at_pictures(recording, note)
    findings = [*missing, *seen, *findings]
    lag = unknown("pictures or reference cannot be read", "")
    if trace is not None and reference is not None:
        span = (float(trace.time[0]), float(trace.time[-1]))
        findings += _coverage(recording, reference, span) + _unsound(reference, span)
        limit = LIMIT_S if recording.aligned else UNALIGNED_S
        lag = reference_lag(trace, reference, limit=limit)
        findings += _late(lag)
    return Checkup(recording.name, recording.subject, recording.split, tuple(findings), lag, digest)


def _name(recording: Recording) -> str:
    return recording.name


def _bad(name: str, remedy: str, value: float | None = None, unit: str = "") -> Finding:
    return Finding(name, value, unit, False, remedy)


def _failed(recording: Recording, why: str) -> Checkup:
    lag = unknown("the recording could not be looked at", "")
    found = (_bad("not checked", why),)
    return Checkup(recording.name, recording.subject, recording.split, found, lag)


def _look_at_references(
    recording: Recording,
) -> tuple[list[Finding], Reference | None, str]:
    """What is wrong with the reference files and clocks; the reference, and its digest."""
    try:
        waves = recording.references()
        reference = Reference.of_waves(waves)
    except (InputError, OSError) as error:
        return [_bad("reference unreadable", str(error))], None, ""
    findings = [finding for name in waves for finding in _jumps(name, waves[name])]
    if not reference.source:
        given = ", ".join(waves) or "none"
        findings.append(_bad("no heart reference", f"it has {given}; check the reference files"))
        return findings, None, ""
    values = np.ascontiguousarray(waves[reference.source].values, dtype=float)
    return findings, reference, hashlib.sha256(values.tobytes()).hexdigest()


def _jumps(name: str, wave: Wave) -> list[Finding]:
    """Where the clock of a reference leaps; it cannot go back, which its reader refuses."""
    if len(wave.time) < 3 or name == "rr":
        return []
    step = np.diff(wave.time)
    leaps = step[step > max(GAP_S, JUMP / rate_of(wave.time))]
    if len(leaps) == 0:
        return []
    remedy = f"{name} has {len(leaps)} gaps; spans across them are left out"
    return [_bad("reference clock jumps", remedy, float(leaps.max()), "s")]


def _look_at_pictures(recording: Recording, note: Note) -> tuple[list[Finding], Trace | None]:
    try:
        if recording.colours is not None:
            return [], recording.colours()
        return _watch(recording, note)
    except (InputError, OSError) as error:
        return [_bad("video unreadable", str(error))], None


def _watch(recording: Recording, note: Note) -> tuple[list[Finding], Trace | None]:
    """Every picture of a take, and the colours of the person seen most."""
    assert recording.pictures is not None
    collector = Collector(roi=recording.roi)
    start, stop = recording.span or (-np.inf, np.inf)
    with recording.pictures() as video:
        for count, frame in enumerate(video, start=1):
            note(share_of(count, video.expected))
            if frame.time > stop:
                break
            if frame.time >= start:
                collector.push(frame)
        facts = video.source
    findings = _facts(facts, whole=recording.span is None)
    traces = collector.traces().values()
    if not traces:
        findings.append(_bad("nobody seen", "look at the video; choose another roi, or leave out"))
        return findings, None
    trace = max(traces, key=lambda t: float(np.nansum(t.box[:, 2] - t.box[:, 0])))
    unseen = 1 - np.isfinite(trace.region(trace.main)[:, 0]).sum() / max(1, facts.frames)
    if unseen > MOST_UNSEEN and recording.span is None:
        remedy = "the person is seldom in view; look at the video"
        findings.append(_bad("seldom seen", remedy, 100 * float(unseen), "% unseen"))
    return findings, trace if len(trace.time) > 1 else None


def _facts(facts: Source, *, whole: bool) -> list[Finding]:
    """What the reading of a video said; claims are judged only when all of it was read."""
    if facts.frames == 0:
        return [_bad("no pictures", "; ".join(facts.warnings) or "get the video again", 0, "")]
    findings = [_bad("video warning", warning) for warning in facts.warnings if whole]
    if whole and not findings and facts.claimed is not None:
        off = facts.frames - facts.claimed
        if abs(off) > max(2, COUNT_SLACK * facts.claimed):
            remedy = f"{facts.claimed} promised, {facts.frames} there; get the video again"
            findings.append(_bad("frame count", remedy, off, "frames"))
    return findings


def _coverage(
    recording: Recording, reference: Reference, span: tuple[float, float]
) -> list[Finding]:
    """Whether reference and pictures last the same time."""
    time = reference.waves[reference.source].time
    late, early = time[0] - span[0], span[1] - time[-1]
    findings = []
    for missing, end in ((late, "start"), (early, "end")):
        if missing > UNCOVERED_S:
            remedy = f"no reference at the {end} of the pictures; that part is left out"
            findings.append(_bad("reference short", remedy, float(missing), "s"))
    length = span[1] - span[0]
    together = recording.span is None and abs(late) < UNCOVERED_S
    if together and -early > max(UNCOVERED_S, STRETCHED * length):
        remedy = (
            f"the reference lasts {time[-1] - time[0]:.1f} s, the pictures {length:.1f} s; "
            "one of the clocks may be wrong: check the frame rate"
        )
        findings.append(_bad("reference long", remedy, float(-early), "s"))
    return findings


def _unsound(reference: Reference, span: tuple[float, float]) -> list[Finding]:
    """Pieces of the reference that cannot be believed, and what the device shows beside it."""
    time = reference.waves[reference.source].time
    start, stop = max(span[0], time[0]), min(span[1], time[-1])
    if stop - start < 1:
        return [_bad("no overlap", "reference and pictures share no time; check their clocks")]
    whys = reference.faults(start, stop)
    findings = []
    for why, count in Counter(why for why in whys if why).most_common():
        share = count / len(whys)
        if share > MOST_UNSOUND:
            remedy = f"{why}; such spans of {PIECE_S:g} s are left out of scores"
            findings.append(_bad("reference unsound", remedy, 100 * share, "% of spans"))
    return findings + _shown(reference, start, stop)


def _shown(reference: Reference, start: float, stop: float) -> list[Finding]:
    """Whether the rate that the device shows is that of its beats."""
    shown = reference.waves.get("heart_rate")
    if shown is None or reference.beats is None:
        return []
    told = Reference({"heart_rate": shown}, source="heart_rate")
    edges = np.arange(start, stop - PIECE_S + 1e-6, PIECE_S)
    pairs = [
        told.rate_between(a, a + PIECE_S) - reference.rate_between(a, a + PIECE_S) for a in edges
    ]
    apart = np.abs(np.array(pairs, dtype=float))
    if not np.isfinite(apart).any() or np.nanmedian(apart) <= SHOWN_BPM:
        return []
    remedy = "the rate shown is not that of the beats; check columns, units and clocks"
    return [_bad("rates disagree", remedy, float(np.nanmedian(apart)), "bpm")]


def _explained(lag: Lag) -> bool:
    """Whether the time that the blood takes explains a measured lag."""
    low, high = ECG_LATE_S if lag.of in HEART_ALONE else (-LATE_S, LATE_S)
    return lag.seconds is not None and low <= lag.seconds <= high


def _late(lag: Lag) -> list[Finding]:
    if lag.seconds is None:
        return []
    if _explained(lag):
        return []
    remedy = f"{lag.of} comes this late after the pictures; --fix-lag notes it for training"
    return [_bad("lag", remedy, lag.seconds, "s")]


def to_train(recordings: Sequence[Recording], subjects: Iterable[str] = ()) -> frozenset[str]:
    """Names of the takes whose lag may be noted: those to train on, and never any other.

    subjects: whom to train on where the owners do not say; "" splits only. Raises InputError when
    a subject is not there or is set aside for validation or test, or when nobody is left.
    """
    wanted = set(subjects)
    there = {one.subject for one in recordings}
    if unknown_ones := wanted - there:
        raise InputError(
            f"--train names {', '.join(sorted(unknown_ones))} but the corpus has "
            f"{', '.join(sorted(there))}"
        )
    kept = {one.subject for one in recordings if one.split not in ("", "train")}
    if aside := wanted & kept:
        raise InputError(
            f"--train names {', '.join(sorted(aside))}, set aside by the owners for validation or "
            "test; a lag measured there would leak into the score"
        )
    names = frozenset(
        one.name
        for one in recordings
        if (one.subject in wanted if wanted else one.split == "train") and one.subject not in kept
    )
    if not names:
        raise InputError(
            "--fix-lag needs to know whom to train on, which this corpus does not say; name them "
            "with --train SUBJECT,SUBJECT"
        )
    return names


def lags_to_note(checkups: Iterable[Checkup], names: frozenset[str]) -> dict[str, float]:
    """Seconds by which the references of these takes are late, where that was measurable.

    The lag of an ECG holds the transit time of the pulse: it is noted only beyond what that
    explains.
    """
    return {
        one.recording: one.lag.seconds
        for one in checkups
        if one.recording in names
        and one.lag.seconds is not None
        and (one.lag.of not in HEART_ALONE or not _explained(one.lag))
    }


def across(checkups: Sequence[Checkup]) -> tuple[Checkup, ...]:
    """The checkups, with what only shows when recordings are laid side by side."""
    more: dict[int, list[Finding]] = defaultdict(list)
    for name, indices in _groups(one.recording for one in checkups).items():
        for index in indices[1:]:
            more[index].append(_bad("duplicate name", f"two takes are called {name}; rename one"))
    for subject, indices in _groups(one.subject for one in checkups).items():
        splits = sorted({checkups[i].split for i in indices if checkups[i].split})
        if len(splits) > 1:
            remedy = f"subject {subject} is in {' and '.join(splits)}; keep people in one split"
            for index in indices:
                more[index].append(_bad("subject in two splits", remedy))
    for digest, indices in _groups(one.digest for one in checkups).items():
        owners = sorted({checkups[i].subject for i in indices})
        if digest and len(owners) > 1:
            remedy = f"{' and '.join(owners)} have the same reference; one is a copy"
            for index in indices:
                more[index].append(_bad("copied reference", remedy))
    return tuple(
        replace(one, findings=(*one.findings, *more[index])) for index, one in enumerate(checkups)
    )


def _groups(keys: Iterable[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        found[key].append(index)
    return found
