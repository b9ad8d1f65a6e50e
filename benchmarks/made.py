"""The fixed made test set: recordings that no fit has seen, over everything that makes one hard.

Seeds from 5 000 000 on; recipes/heart_model.py draws from 1 000 000 and 2 000 000.
"""

from __future__ import annotations

from collections.abc import Iterator

from camvitals.data.synthetic.scenario import CODECS, Scenario, draw

FIRST = 5_000_000
COUNT = 200
DEAD = ("still-picture", "wall", "painted-face", "face", "noise")


def alive(count: int = COUNT) -> Iterator[Scenario]:
    """30-s recordings at 30 Hz: 45–180 bpm evenly, three codecs in turn, the rest as drawn.

    Six tones and five motions and lights, in the shares that `draw` documents.
    """
    for k in range(count):
        rate = 45 + 135 * ((k * 0.6180339887) % 1)
        yield draw(
            FIRST + k,
            duration=30.0,
            rate=30.0,
            codec=CODECS[k % 3],
            heart_rate=round(rate, 2),
            heart_rate_slope=0.0,
            sdnn=round(min(35.0, 0.06 * 60e3 / rate), 1),
        )


def dead(count: int = 100) -> Iterator[Scenario]:
    """20-s recordings without a pulse: a photograph, a wall, paint, a face bled dry, noise."""
    for k in range(count):
        subject = DEAD[k % len(DEAD)]
        pulse = 0.0 if subject == "face" else 1.0
        yield draw(FIRST + 500_000 + k, duration=20.0, rate=30.0, subject=subject, pulse=pulse)


def filmed(count: int = 12) -> Iterator[Scenario]:
    """15-s recordings to be drawn as pictures, encoded and measured as files."""
    for k in range(count):
        rate = 48 + 110 * ((k * 0.6180339887) % 1)
        yield draw(
            FIRST + 900_000 + k,
            duration=15.0,
            rate=30.0,
            size=(640, 480),
            codec=CODECS[k % 3],
            crf=None if CODECS[k % 3] == "mpeg4" else 20,
            heart_rate=round(rate, 2),
            heart_rate_slope=0.0,
            sdnn=15.0,
        )
