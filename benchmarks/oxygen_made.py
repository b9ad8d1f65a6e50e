"""Oxygen saturation of made people by tone and camera, with the right, a wrong and no calibration.

    python benchmarks/oxygen_made.py [people]

Every camera is calibrated on people of all tones (other seeds than those measured), then measures
`people` of each tone, three unless told; the saturation of everybody falls once and comes back.
Writes results/oxygen_made.csv and results/oxygen_made.md.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from camvitals import Settings, Source
from camvitals.data.synthetic.scenario import CAMERAS, Scenario
from camvitals.data.synthetic.traces import made_trace
from camvitals.parallel import Note, run_jobs
from camvitals.pipeline import heart_steps
from camvitals.records import InputError, Reading, Trace
from camvitals.report.files import write_atomically
from camvitals.steps import finish
from camvitals.vitals.calibration import Baseline, Calibration
from camvitals.vitals.oxygen import look, saturation
from camvitals.vitals.oxygen_fit import Sample, calibrate
from camvitals.waves.view import clock_rate

RESULTS = Path(__file__).parents[1] / "results"
TONES = (1, 2, 3, 4, 5, 6)
METHODS = ("rg", "rb", "multi", "shared")
PROTOCOL = {
    "corpus": "made traces of faces",
    "duration_s": 120.0,
    "rate_hz": 30.0,
    "codec": "mjpeg",
    "light": "daylight",
    "motion": "still",
    "start_percent": [97, 99],
    "lowest_percent": [72, 92],
    "calibrated_on": {"per_tone": 2, "first_seed": 500_000},
    "measured": {"per_tone": 3, "first_seed": 600_000},
    "window_s": 10.0,
    "stride_s": 1.0,
    "label": "middle of the window",
    "baseline": "mean truth of the first 30 s",
    "methods": METHODS,
}
COLUMNS = ("method", "tone", "camera", "how", "people", "given_percent", "mae", "rmse", "floor_mae")
HOW = {
    "own": "calibrated for the camera",
    "baseline": "and one known saturation at the start",
    "other": "calibrated for another camera",
    "bare": "that calibration, its checks not asked",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One made recording, its heart rates and its true saturation."""

    scenario: Scenario
    trace: Trace
    heart: Reading
    pulses: tuple[Reading, ...]

    def truth(self, time: np.ndarray) -> np.ndarray:
        """[%] at these times [s]."""
        return np.asarray(self.scenario.spo2_at(time))

    def sample(self, method: str) -> Sample:
        """The usable windows."""
        seen = look(self.trace, method=method, rate=clock_rate(self.trace), pulses=self.pulses)
        good = seen.faults(method) == ""
        name = str(self.scenario.seed)
        middle = (seen.start[good] + seen.stop[good]) / 2
        parts = (seen.ratios[good], seen.colours[good], self.truth(middle))
        return Sample(name, name, *parts, seen.stop[good])


def scenario(seed: int, tone: int, camera: str) -> Scenario:
    """One person; the same seed gives the same."""
    rng = np.random.default_rng([seed, tone])
    start, low = rng.uniform(97, 99), rng.uniform(72, 92)
    length = float(PROTOCOL["duration_s"])
    return Scenario(
        seed=seed,
        duration=length,
        rate=PROTOCOL["rate_hz"],
        heart_rate=float(rng.uniform(55, 100)),
        spo2_course=((0.0, start), (30.0, start), (0.6 * length, low), (length, start)),
        tone=tone,
        camera=camera,
        codec=PROTOCOL["codec"],
    )


def see(wanted: Scenario, note: Note) -> Person:
    """Make a person and find the heart rate, as `measure` does."""
    note(0.5)
    trace, _ = made_trace(wanted)
    heart, pulses, _, _ = finish(heart_steps(trace, source=Source("made"), settings=Settings()))
    return Person(wanted, trace, heart, pulses)


def people(first: int, each: int) -> list[Person]:
    """So many people of every tone before every camera."""
    wanted = [
        scenario(first + 1000 * CAMERAS.index(camera) + 100 * tone + k, tone, camera)
        for camera in CAMERAS
        for tone in TONES
        for k in range(each)
    ]
    found: dict[int, Person] = {}
    jobs = run_jobs(wanted, see, name=lambda one: str(one.seed), workers=2, progress=lambda _: None)
    for index, person in jobs:
        if isinstance(person, InputError):
            raise person
        found[index] = person
    return [found[k] for k in sorted(found)]


def errors(person: Person, calibration: Calibration) -> tuple[np.ndarray, np.ndarray]:
    """Error of every window, NaN where withheld, and that of always saying the middle."""
    _, rolling = saturation(
        person.trace,
        oxygen=calibration,
        rate=clock_rate(person.trace),
        heart=person.heart,
        pulses=person.pulses,
    )
    told = np.array([np.nan if r.value is None else r.value for r in rolling])
    truth = person.truth(np.array([sum(r.span) / 2 for r in rolling]))
    return told - truth, np.mean(truth) - truth


def bare(calibration: Calibration) -> Calibration:
    """The same, saying it covers everything."""
    anything = ((-1e6, 1e6),) * len(calibration.ratios)
    return replace(calibration, ratios=anything, colours=anything[:1] * 2, spo2=(0.0, 100.0))


def rows(measured: list[Person], calibrations: dict[str, Calibration], method: str) -> list[tuple]:
    """One row for each tone, camera and way of calibrating."""
    out = []
    for tone in TONES:
        for camera in CAMERAS:
            them = [p for p in measured if (p.scenario.tone, p.scenario.camera) == (tone, camera)]
            own = calibrations[camera]
            others = [one for name, one in calibrations.items() if name != camera]
            for how in HOW:
                used = {"own": [own], "baseline": [own]}.get(how, others)
                pairs = []
                for person in them:
                    for one in used:
                        chosen = bare(one) if how == "bare" else one
                        if how == "baseline":
                            start = float(person.truth(np.arange(10.0, 30.0)).mean())
                            chosen = chosen.known(Baseline(start, (0.0, 30.0)))
                        pairs.append(errors(person, chosen))
                out.append((method, tone, camera, how, len(them), *figures(pairs)))
    return out


def figures(pairs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float, float, float]:
    """Percent of the windows given, MAE, RMSE, and the MAE of always saying the middle."""
    error = np.concatenate([e for e, _ in pairs])
    floor = np.concatenate([f for _, f in pairs])
    if len(error) == 0:
        return 0.0, np.nan, np.nan, np.nan
    known = error[np.isfinite(error)]
    mae, rmse = (
        (np.abs(known).mean(), np.sqrt((known**2).mean())) if len(known) else (np.nan, np.nan)
    )
    return 100 * len(known) / len(error), float(mae), float(rmse), float(np.abs(floor).mean())


def main() -> None:
    """Make, calibrate, measure, write."""
    each = int(sys.argv[1]) if len(sys.argv) > 1 else PROTOCOL["measured"]["per_tone"]
    protocol = {**PROTOCOL, "measured": {**PROTOCOL["measured"], "per_tone": each}}
    taught = people(PROTOCOL["calibrated_on"]["first_seed"], PROTOCOL["calibrated_on"]["per_tone"])
    measured = people(PROTOCOL["measured"]["first_seed"], each)
    table, fits = [], []
    for method in METHODS:
        calibrations = {
            camera: calibrate(
                [p.sample(method) for p in taught if p.scenario.camera == camera],
                method=method,
                camera=camera,
                site="face",
            )
            for camera in CAMERAS
        }
        fits += [(method, camera, one) for camera, one in calibrations.items()]
        table += rows(measured, calibrations, method)
    digest = hashlib.sha256(json.dumps(protocol, sort_keys=True).encode()).hexdigest()
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow([*COLUMNS, "protocol_hash"])
    for row in table:
        out.writerow([*(cell(value) for value in row), digest])
    write_atomically(RESULTS / "oxygen_made.csv", text.getvalue())
    write_atomically(RESULTS / "oxygen_made.md", page(table, fits, digest, each))


def cell(value: object) -> str:
    """A number of four digits, nothing for NaN, a word as it is."""
    if isinstance(value, float):
        return f"{value:.4g}" if np.isfinite(value) else ""
    return str(value)


def page(table: list[tuple], fits: list, digest: str, each: int) -> str:
    """The tables for people."""
    lines = [
        "# Oxygen saturation of made people",
        "",
        "Made by `python benchmarks/oxygen_made.py`; do not edit. Numbers: "
        "[oxygen_made.csv](oxygen_made.csv).",
        "",
        "Colour traces of made faces, 120 s, still, in daylight; the saturation of each falls from "
        f"97–99 % to 72–92 % and returns. {each} people of each tone before each camera, none of "
        "whom the calibrations have seen: those are of two others of each tone. Every window of "
        "10 s is compared with the truth at its middle. A cell is the mean absolute error in "
        "points and, behind the bar, the percent of windows given; a dash: all withheld. The floor "
        "says each person's own mean all the time.",
        "",
        f"Protocol hash {digest[:12]}.",
        "",
    ]
    for how, what in HOW.items():
        lines += [f"## {what[0].upper()}{what[1:]}", ""]
        lines += by_group(table, how, at=1, names=TONES, title="tone")
        lines += by_group(table, how, at=2, names=CAMERAS, title="camera")
    lines += ["## The calibrations themselves, each person left out in turn", ""]
    lines += [
        "| method | camera | MAE | RMSE | RMSE with a baseline | constant's RMSE | given, % |"
    ]
    lines += ["|---|---|---:|---:|---:|---:|---:|"]
    for method, camera, one in fits:
        a, s = one.alone, one.since
        lines.append(
            f"| {method} | {camera} | {a.mae:.2f} | {a.rmse:.2f} | {s.rmse:.2f} | {a.floor:.2f} | "
            f"{100 * a.given:.0f} |"
        )
    return "\n".join(lines) + "\n"


def by_group(table: list[tuple], how: str, *, at: int, names: tuple, title: str) -> list[str]:
    """A table with a row for each method and a column for each group."""
    lines = [f"| method by {title} | " + " | ".join(map(str, names)) + " |"]
    lines += ["|---|" + "---:|" * len(names)]
    for method in METHODS:
        cells = []
        for name in names:
            chosen = [r for r in table if r[0] == method and r[3] == how and r[at] == name]
            given = np.array([r[5] for r in chosen])
            mae = np.array([r[6] for r in chosen])
            known = np.isfinite(mae) & (given > 0)
            mean = np.average(mae[known], weights=given[known]) if known.any() else np.nan
            cells.append(f"{mean:.1f} \\| {given.mean():.0f}" if known.any() else "– \\| 0")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    floor = [np.nanmean([r[8] for r in table if r[3] == how and r[at] == n]) for n in names]
    lines.append("| *floor: the mean* | " + " | ".join(f"{f:.1f}" for f in floor) + " |")
    return [*lines, ""]


if __name__ == "__main__":
    main()
