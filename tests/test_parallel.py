"""Many jobs at once: outcomes, faults, deaths, a bounded number handed out, leaving early."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from camvitals import InputError
from camvitals.parallel import AHEAD, cores, run_jobs, share_of


class Needy(Exception):
    """An error that cannot be made again from its message alone."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def act(job, note):
    note(0.5)
    if job == "die":
        os._exit(3)
    if job == "refuse":
        raise InputError("refuse: not this one; give another")
    if job == "fault":
        raise Needy(1, 2)
    if job == "unsendable":
        return lambda: None
    return f"{job} done"


def mark(job, note):
    Path(job).touch()
    return job


def wait_for_stop(job, note):
    while True:
        note(0.1)
        time.sleep(0.01)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_has_its_outcome(workers):
    jobs = ["a", "refuse", "b", "fault", "c"]
    found = dict(run_jobs(jobs, act, workers=workers))
    assert [found[i] for i in (0, 2, 4)] == ["a done", "b done", "c done"]
    assert str(found[1]).startswith("refuse: not this one")
    assert "fault could not be finished (Needy: 1 and 2)" in str(found[3])


def test_a_death_costs_its_own_job_only():
    found = dict(run_jobs(["a", "die", *"bcdefg", "die"], act, workers=2, name=str.upper))
    assert {i for i, o in found.items() if isinstance(o, InputError)} == {1, 8}
    assert "DIE was not finished: its process died" in str(found[1])


def test_what_cannot_be_sent_is_told():
    found = dict(run_jobs(["a", "unsendable", lambda: 0], act, workers=2, name=lambda _: "it"))
    assert found[0] == "a done"
    assert all("it could not be finished" in str(found[i]) for i in (1, 2))


def test_few_are_handed_out_before_results_are_taken(tmp_path):
    jobs = [str(tmp_path / f"{k:02}") for k in range(20)]
    outcomes = run_jobs(jobs, mark, workers=2)
    next(outcomes)
    time.sleep(1.0)
    assert len(list(tmp_path.iterdir())) <= 2 * AHEAD + 2
    assert len(list(outcomes)) == 19


def test_leaving_early_stops_the_work():
    class Left(Exception):
        pass

    def leave(done):
        if done > 0:
            raise Left

    with pytest.raises(Left):
        list(run_jobs([1, 2, 3], wait_for_stop, workers=2, progress=leave))
    assert not multiprocessing.active_children()


def test_workers_are_counted_before_the_work():
    with pytest.raises(InputError, match="whole number >= 1 but got 0"):
        run_jobs([1], act, workers=0)
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_share_of():
    assert [share_of(1, 4), share_of(5, 4), share_of(1, None)] == [0.25, 1.0, 0.0]
