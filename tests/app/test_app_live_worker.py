"""Monitors of several visitors in one process: whose turn it is."""

import json
import os
import time
from contextlib import contextmanager
from threading import Thread

import numpy as np
import pytest

from camvitals.app.child import block, hear
from camvitals.app.live_worker import CALM_S, Worker
from camvitals.app.sockets import start_of
from camvitals.app.wire import BINARY, DONE, HEAD, OPEN, READY, TEXT, TOLD
from camvitals.data.synthetic.scenario import Scenario
from camvitals.data.synthetic.traces import made_trace

RATE = 15.0
MADE, _ = made_trace(Scenario(seed=3, duration=20.0, rate=RATE, heart_rate=75.0))
START = json.dumps(
    start_of(json.dumps({"type": "start", "input": "traces", "regions": ["skin"], "seen": True}))
)


def colours(first, last):
    record = np.zeros(last - first, [("time", "<f8"), ("rgb", "<f4", (1, 3))])
    record["time"] = np.arange(first, last) / RATE
    record["rgb"] = MADE.region("skin")[first:last, None]
    return record.tobytes()


class Talk:
    """The two ends of a worker's pipes that are the server's."""

    def __init__(self, source, sink):
        self._source, self._sink = source, sink

    def say(self, *messages):
        now = time.monotonic()
        blocks = [block(HEAD.pack(kind, number, now) + data) for kind, number, data in messages]
        self._sink.write(b"".join(blocks))

    def hear(self):
        said = hear(self._source)
        kind, number, _ = HEAD.unpack_from(said)
        text = said[HEAD.size :].decode()
        return kind, number, json.loads(text) if text else {}

    def reports(self, count):
        """So many reports: their visitors and what they say."""
        found = []
        while len(found) < count:
            kind, number, said = self.hear()
            if kind == TOLD and said["type"] == "report":
                found.append((number, said))
        return found


@contextmanager
def working():
    """A worker that serves in a thread until the block ends."""
    here, there = os.pipe(), os.pipe()
    ends = [os.fdopen(end, "wb" if k % 2 else "rb", 0) for k, end in enumerate(here + there)]
    worker = Worker(ends[0], ends[3], megapixels=1.0, stale_s=60.0)
    thread = Thread(target=worker.run)
    thread.start()
    try:
        talk = Talk(ends[2], ends[1])
        assert talk.hear()[0] == READY
        yield talk
    finally:
        ends[1].close()
        thread.join(30)
        for end in ends:
            end.close()
    assert not thread.is_alive()


def test_one_report_after_the_other_each_of_the_newest_picture():
    with working() as talk:
        talk.say(*((OPEN, number, START.encode()) for number in (1, 2, 3)))
        talk.say(*((BINARY, number, colours(0, 200)) for number in (3, 1, 2)))
        came = talk.reports(3)
    assert [number for number, _ in came] == [3, 1, 2]
    assert [said["time"] for _, said in came] == pytest.approx([199 / RATE] * 3)


def test_all_pictures_are_seen_before_a_report_is_finished():
    """Many samples in one message once had a report every second of them, while others waited."""
    with working() as talk:
        talk.say((OPEN, 1, START.encode()), (BINARY, 1, colours(0, 300)), (TEXT, 1, b"{"))
        kinds = [talk.hear()[0] for _ in range(2)]
        assert talk.hear()[2]["type"] == "error"
        assert talk.reports(1)[0][1]["time"] == pytest.approx(299 / RATE)
    assert kinds == [DONE, DONE]


def test_who_asks_again_and_again_has_one_answer_at_a_time():
    with working() as talk:
        talk.say((OPEN, 1, START.encode()), (BINARY, 1, colours(0, 14)))
        now = b'{"type": "now"}'
        talk.say(*((TEXT, 1, now) for _ in range(50)))
        heard = []
        while sum(kind == DONE for kind, _, _ in heard) < 52:
            heard.append(talk.hear())
        talk.say((TEXT, 1, now))
        assert talk.reports(1)[0][1]["asked"]
    assert sum(said.get("asked", False) for _, _, said in heard) < 25


class Slow(Worker):
    """One whose steps take a while, and are counted."""

    steps = 0

    def _go_on(self):
        self.steps += 1
        time.sleep(0.004)
        return True


@pytest.mark.parametrize(("late_s", "least", "most"), [(0.0, 100, 100), (4 * CALM_S, 2, 30)])
def test_messages_come_before_reports_when_others_wait(late_s, least, most):
    worker = Slow(None, None, megapixels=1.0, stale_s=60.0)
    for _ in range(100):  # a message that took one millisecond
        now = time.monotonic()
        worker._allow(now - 0.001, now - late_s)
    assert least <= worker.steps <= most
