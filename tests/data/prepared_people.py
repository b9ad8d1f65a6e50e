"""Recordings for the tests of the cache: made of pictures on disk, without any codec."""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import numpy as np

from camvitals.data.prepare import prepare
from camvitals.data.prepared import PrepareSettings
from camvitals.data.recording import Recording
from camvitals.records import InputError, Trace, Wave
from camvitals.video import open_video

RATE = 30
COUNT = 45
QUICK = PrepareSettings(size=24, chunk=0.5, traces=False)


def pictures(path, first, count=COUNT):
    images = np.load(path, mmap_mode="r")[first : first + count]
    return open_video(images, time=100 + np.arange(first, first + len(images)) / RATE)


def references(late=0.0):
    time = 99.0 + np.arange(300) / 61.3
    return {
        "pulse": Wave(np.sin(7 * time), time + late, "pulse"),
        "spo2": Wave(np.full(5, 98.0), np.arange(5) + 100.25, "spo2", "%"),
    }


def broken_references():
    raise InputError("pulse.csv line 7 needs numbers; copy it again")


def colours():
    time = np.arange(200) / 20
    rgb = np.full((200, 1, 3), 100, np.float32)
    return Trace(rgb, np.ones((200, 1)), time, ("skin",), np.tile([0.0, 0, 9, 9], (200, 1)))


def person(path, number, **more):
    given = {
        "references": references,
        "pictures": partial(pictures, str(path), number * COUNT),
        "session": f"take {number}/1",
        "attributes": {"light": "day"},
    }
    return Recording("made", f"person~{number}", **(given | more))


def people(path, count=3):
    return [person(path, number) for number in range(count)]


def prepare_and_die(path, folder, jobs):
    """Prepare, and kill this process when a recording and a half are done."""

    def kill(done):
        if done > 1.5:
            os.kill(os.getpid(), signal.SIGKILL)

    for _ in prepare(people(path), folder, settings=QUICK, jobs=jobs, progress=kill):
        pass


if __name__ == "__main__":
    prepare_and_die(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
