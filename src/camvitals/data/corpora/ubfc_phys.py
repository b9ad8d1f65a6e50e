"""UBFC-Phys (Meziati Sabour et al. 2021): 56 people at rest, speaking, and doing sums."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from camvitals.data.corpora.corpus import Corpus
from camvitals.data.corpora.references import evenly, reference_wave
from camvitals.data.files import read_columns
from camvitals.data.recording import Recording
from camvitals.records import Array, Wave
from camvitals.video import open_video

PULSE_HZ = 64.0
NAME = r"(?:vid|bvp)_(s\d+)_(T\d)"
TASKS = {
    "T1": {"condition": "rest", "motion": "still"},
    "T2": {"condition": "speech", "motion": "talk"},
    "T3": {"condition": "arithmetic", "motion": "talk"},
}
YEAR_2000_S = 946_684_800.0


def find(folder: Path) -> Iterator[Recording]:
    """Every sN/vid_sN_Tk.avi and sN/bvp_sN_Tk.csv."""
    takes: dict[tuple[str, str], Path] = {}
    for path in sorted([*folder.rglob("vid_s*_T*.avi"), *folder.rglob("bvp_s*_T*.csv")]):
        if matched := re.fullmatch(NAME, path.stem):
            takes[matched[1], matched[2]] = path.parent
    for (subject, task), place in takes.items():
        video, pulse = (place / f"{name}" for name in _names(subject, task))
        yield Recording(
            corpus="ubfc-phys",
            subject=subject,
            task=task,
            references=partial(references, pulse),
            pictures=partial(open_video, video),
            attributes=TASKS.get(task, {}),
            files=(video, pulse),
        )


def _names(subject: str, task: str) -> tuple[str, str]:
    return f"vid_{subject}_{task}.avi", f"bvp_{subject}_{task}.csv"


def references(path: Path) -> Mapping[str, Wave]:
    """The wristband's pulse at 64 Hz, from the start of the video."""
    values = _without_heading(next(iter(read_columns(path).values())))
    time = evenly(len(values), rate=PULSE_HZ)
    return {"pulse": reference_wave("pulse", values, time, path=path)}


def _without_heading(values: Array) -> Array:
    """The wristband's own export starts with its UNIX time and its rate; the owners cut both."""
    given = len(values) > 2 and values[0] > YEAR_2000_S and values[1] == PULSE_HZ
    return values[2:] if given else values


UBFC_PHYS = Corpus(
    title="UBFC-Phys",
    source="Meziati Sabour et al. 2021, IEEE Trans. Affective Computing; search-data.ubfc.fr",
    licence="research, on request",
    layout="sN/vid_sN_T1.avi and sN/bvp_sN_T1.csv (T2, T3)",
    find=find,
)
