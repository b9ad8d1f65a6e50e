"""MAHNOB-HCI as its owners ship it; the BDF starts before the video and ends after it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from camvitals.data.synthetic.layouts.layout import Layout, Person, Take
from camvitals.records import Array
from camvitals.video import write_video

RATE = 256
BEFORE_S = 2 + 37 / RATE  # of the BDF before the first picture
AFTER_S = 2
TRIGGER = 0x10
AMPLIFIER = -(1 << 23) | 1 << 20  # bits that the amplifier itself sets, above those of triggers
CHANNELS = (
    "Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 "
    "CP2 P4 P8 PO4 O2 EXG1 EXG2 EXG3 EXG4 EXG5 EXG6 EXG7 EXG8 GSR1 GSR2 Erg1 Erg2 Resp Plet Temp "
    "Status"
)
LABELS = CHANNELS.split()
LIMIT_UV = 262_144  # a step of the 24 bits is 1/32 µV
STEPS_UV = (1 << 23) // LIMIT_UV
FILMS = 2  # section numbers go up by two from one film to the next


def write(folder: Path, people: Sequence[Person]) -> None:
    """Sessions/2, /4 of the first person, /132, /134 of the second and so on."""
    for person in people:
        for index in range(MAHNOB_HCI.takes):
            section = 130 * (person.number - 1) + FILMS * (index + 1)
            part = folder / "Sessions" / str(section)
            part.mkdir(parents=True)
            _write_take(part, person, person.take(index), section)


def _write_take(folder: Path, person: Person, take: Take, section: int) -> None:
    number = person.number
    stem = f"P{number}-Rec1-2009.07.{8 + number:02d}.17.53.46_C1 trigger _C_Section_{section}"
    write_video(folder / f"{stem}.avi", take.frames(), time=None, crf=take.scenario.crf or 12)
    bdf = folder / f"Part_{number}_S_Trial{section // FILMS}_emotion.bdf"
    bdf.write_bytes(_bdf(take))
    session = ElementTree.Element(
        "session",
        sessionId=str(section),
        experimentType="emotion elicitation",
        cutNr=str(section // FILMS),
        cutLenSec=f"{take.scenario.duration:.3f}",
        vidRate=f"{take.scenario.rate:g}",
        mediaFile="80.avi",
    )
    ElementTree.SubElement(session, "subject", id=str(number), gender="female", ethnicity="other")
    ElementTree.SubElement(session, "track", type="Video", filename=f"{stem}.avi")
    ElementTree.SubElement(session, "track", type="Physiological", filename=bdf.name)
    ElementTree.ElementTree(session).write(folder / "session.xml", encoding="utf-8")


def _bdf(take: Take) -> bytes:
    """Records of one second with 24 bits a sample, as Biosemi's ActiveTwo writes them."""
    records = int(np.ceil(BEFORE_S + take.scenario.duration + AFTER_S))
    time = np.arange(records * RATE) / RATE - BEFORE_S
    body = take.body
    ecg = 1e3 * np.interp(time, body.time, body.ecg)
    signals = np.zeros((len(LABELS), len(time)))
    for label, size in (("EXG1", -0.4), ("EXG2", 1.0), ("EXG3", 0.8)):
        signals[LABELS.index(label)] = size * ecg * STEPS_UV
    signals[LABELS.index("Resp")] = 500 * body.breath_at(time) * STEPS_UV
    signals[-1] = AMPLIFIER + np.where(_ran(time, take.time[-1]), TRIGGER, 0)
    codes = np.round(signals).astype("<i4").reshape(len(LABELS), records, RATE)
    little = codes.transpose(1, 0, 2).copy().view(np.uint8)
    return _head(records) + little.reshape(-1, 4)[:, :3].tobytes()


def _ran(time: Array, stop: float) -> Array:
    """(T,) True while the camera ran: from its first to its last picture [s]."""
    return (time > -0.5 / RATE) & (time < stop + 0.5 / RATE)


def _head(records: int) -> bytes:
    def row(cells: Sequence[str], width: int) -> bytes:
        return b"".join(cell.encode("ascii").ljust(width) for cell in cells)

    count = len(LABELS)
    codes = f"-{1 << 23}", str((1 << 23) - 1)
    fixed = b"\xffBIOSEMI" + row(["", ""], 80) + row(["09.07.09", "17.53.46"], 8)
    fixed += row([str(256 * (count + 1))], 8) + row(["24BIT"], 44) + row([str(records), "1"], 8)
    fixed += row([str(count)], 4)
    return (
        fixed
        + row(LABELS, 16)
        + row(["active electrode"] * (count - 1) + ["triggers and status"], 80)
        + row(["uV"] * (count - 1) + ["Boolean"], 8)
        + row([f"-{LIMIT_UV}"] * (count - 1) + [codes[0]], 8)
        + row([str(LIMIT_UV - 1)] * (count - 1) + [codes[1]], 8)
        + row([codes[0]] * count, 8)
        + row([codes[1]] * count, 8)
        + row(["DC; 52 Hz"] * count, 80)
        + row([str(RATE)] * count, 8)
        + row([""] * count, 32)
    )


MAHNOB_HCI = Layout(rate=61.0, size=(780, 580), takes=2, write=write)
