"""The queue: progress, deaths, limits, restarts, and a database that will not have the result."""

import asyncio
import os
import sys
import textwrap
from asyncio.subprocess import DEVNULL, PIPE

import pytest
from app_served import children_gone, settings_in

from camvitals.app import jobs
from camvitals.app.child import start_child
from camvitals.app.jobs import Queue, make_folders
from camvitals.app.refusal import Refused
from camvitals.app.settings import Limits
from camvitals.app.store import Store

WISHES = {"method": "auto", "roi": "face", "skin": "otsu"}
BOUND = "from camvitals.app.child import *; import json, time, sys, os; out = mouth(); "
SCRIPTS = {
    "answers": 'say(out, b\'{"share": 0.5}\'); say(out, b\'{"document": "{}"}\')',
    "halfway": "say(out, b'{\"share\": 0.5}'); time.sleep(60)",
    "dies": "os.kill(os.getpid(), 9)",
    "eats": "bound(memory_mb=300, processor_s=9, written_mb=0); bytearray(10**9)",
    "spins": "bound(memory_mb=300, processor_s=0.1, written_mb=0)\nwhile True: pass",
    "lies": "say(out, b'not json')",
    "shouts": "out.write(b'\\xff' * 8); time.sleep(60)",
    "writes": "bound(memory_mb=300, processor_s=9, written_mb=0)\n"
    "import tempfile\ntry:\n    tempfile.TemporaryFile(buffering=0).write(b'x')\n"
    'except OSError:\n    say(out, b\'{"document": "it could not"}\')',
}


@pytest.fixture
def child(monkeypatch):
    """child(name): what the queue's processes do from now on."""

    def do(name):
        async def start(_):
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", BOUND + textwrap.dedent(SCRIPTS[name])),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
            )

        monkeypatch.setattr(jobs, "start_child", start)

    return do


class Bench:
    """A queue and its database in a folder."""

    def __init__(self, folder, **more):
        self.settings = settings_in(folder, **more)
        make_folders(self.settings)
        self.store = Store(self.settings.url, wait_s=0.1)
        self.queue = Queue(self.settings, self.store)

    async def __aenter__(self):
        await self.queue.start()
        return self

    async def __aexit__(self, *_):
        await self.queue.stop()
        self.store.close()

    async def add(self):
        identity = self.queue.new_identity()
        self.queue.path_of(identity).write_bytes(b"a video")
        await self.queue.add(identity, name="clip.mp4", size=7, wishes=WISHES)
        return identity

    async def share(self, identity, share):
        while (await self.queue.told(self.store.get(identity)))["progress"] < share:
            await asyncio.sleep(0.01)


def run(work):
    return asyncio.run(asyncio.wait_for(work, 90))


def test_a_job_is_measured_and_its_video_goes(tmp_path, child):
    child("answers")

    async def work():
        async with Bench(tmp_path) as bench:
            identity = await bench.add()
            job = await bench.queue.wait(identity, 60)
            assert (job.state, bench.store.document(identity)) == ("done", "{}")
            assert (await bench.queue.told(job))["progress"] == 1.0

    run(work())
    assert children_gone(tmp_path)


def test_a_video_is_kept_where_it_is_asked_for_until_it_is_deleted(tmp_path, child):
    child("answers")

    async def work():
        async with Bench(tmp_path, keep=True) as bench:
            identity = await bench.add()
            await bench.queue.wait(identity, 60)
            kept = tmp_path / "kept" / identity
            while not kept.exists():
                await asyncio.sleep(0.01)
            assert kept.read_bytes() == b"a video"
            await bench.queue.delete(identity)
            assert children_gone(tmp_path)

    run(work())


@pytest.mark.parametrize(
    ("name", "code", "limits"),
    [
        ("dies", "died", {}),
        ("eats", "died", {}),
        ("spins", "died", {}),
        ("lies", "internal", {}),
        ("shouts", "died", {}),
        ("halfway", "took_too_long", {"job_s": 0.5}),
    ],
)
def test_a_process_that_fails_ends_its_job_and_no_more(tmp_path, child, name, code, limits):
    async def work():
        async with Bench(tmp_path, limits=limits) as bench:
            child(name)
            first = await bench.queue.wait(await bench.add(), 60)
            assert (first.state, first.code) == ("failed", code)
            child("answers")
            bench.queue._limits = Limits()  # time enough to begin a process on a busy computer
            second = await bench.queue.wait(await bench.add(), 60)
            assert second.state == "done"

    run(work())
    assert children_gone(tmp_path)


def test_a_child_writes_no_file(tmp_path, child):
    child("writes")

    async def work():
        async with Bench(tmp_path) as bench:
            identity = await bench.add()
            assert (await bench.queue.wait(identity, 60)).state == "done"
            assert bench.store.document(identity) == "it could not"

    run(work())


def test_children_do_not_know_the_secrets_of_the_server(monkeypatch):
    monkeypatch.setenv("CAMVITALS_TOKEN", "secret-of-the-server")

    async def environment():
        process = await start_child("job_worker")
        with open(f"/proc/{process.pid}/environ", "rb") as file:  # noqa: PTH123
            found = file.read()
        process.stdin.close()
        await process.wait()
        return found

    if os.path.isdir("/proc"):  # noqa: PTH112
        assert b"secret-of-the-server" not in run(environment())


def test_a_job_can_be_cancelled_and_deleted_while_it_runs(tmp_path, child):
    child("halfway")

    async def work():
        async with Bench(tmp_path, keep=True) as bench:
            one, other = await bench.add(), await bench.add()
            await bench.share(one, 0.5)
            told = await bench.queue.told(bench.store.get(other))
            assert (told["state"], told["ahead"]) == ("waiting", 0)
            job = await bench.queue.cancel(one)
            assert (job.state, job.code) == ("cancelled", "cancelled")
            assert not bench.queue.path_of(one).exists()
            await bench.share(other, 0.5)
            await bench.queue.delete(other)
            with pytest.raises(Refused, match="no such job"):
                bench.store.get(other)
            for call in (bench.queue.delete, bench.queue.cancel):
                with pytest.raises(Refused, match="no such job"):
                    await call(other)
            third = await bench.add()
            await bench.share(third, 0.5)  # the queue goes on

    run(work())
    assert not list((tmp_path / "kept").iterdir())


def test_what_ran_when_the_server_ended_runs_again(tmp_path, child):
    async def interrupted():
        async with Bench(tmp_path) as bench:
            child("halfway")
            running, waiting = await bench.add(), await bench.add()
            await bench.share(running, 0.5)
            return running, waiting

    async def again(identities):
        child("answers")
        async with Bench(tmp_path) as bench:
            for identity in identities:
                job = await bench.queue.wait(identity, 60)
                assert (job.state, job.tries) == ("done", 1)

    run(again(run(interrupted())))
    assert children_gone(tmp_path)


def test_what_ran_when_the_server_was_killed_runs_again_but_not_for_ever(tmp_path, child):
    child("answers")
    killed = Bench(tmp_path)
    for identity in ("a" * 32, "b" * 32, "c" * 32):
        killed.store.add(identity, name="clip.mp4", size=7, wishes=WISHES)
        killed.queue.path_of(identity).write_bytes(b"a video")
    killed.store.begin_next()  # a: runs for the first time
    killed.store.begin_next()  # b: its upload is lost
    killed.queue.path_of("b" * 32).unlink()
    killed.queue.path_of("d" * 32).write_bytes(b"half a vi")  # of no job
    killed.queue.path_of("e" * 32 + ".part").write_bytes(b"half a vi")
    for _ in range(2):  # c took the server down twice
        killed.store.begin_next()
        killed.store.wait_again("c" * 32)
    killed.store.begin_next()
    killed.store.close()

    async def work():
        async with Bench(tmp_path) as bench:
            assert (await bench.queue.wait("a" * 32, 60)).state == "done"
            for identity, told in (("b" * 32, "not there"), ("c" * 32, "while it was measured")):
                job = bench.store.get(identity)
                assert (job.state, job.code) == ("failed", "interrupted")
                assert told in job.message

    run(work())
    assert children_gone(tmp_path)


@pytest.mark.parametrize("trouble", ["locked", "full"])
def test_a_result_waits_for_the_database(tmp_path, child, monkeypatch, trouble):
    child("answers")
    told = Refused(f"database_{'busy' if trouble == 'locked' else 'full'}", f"it is {trouble}")
    left = [told] * 3

    async def work():
        async with Bench(tmp_path) as bench:
            finish = bench.store.finish

            def hesitant(*words):
                if left:
                    raise left.pop()
                return finish(*words)

            monkeypatch.setattr(bench.store, "finish", hesitant)
            identity = await bench.add()
            notes = set()
            while (job := bench.store.get(identity)).state != "done":
                notes.add((await bench.queue.told(job))["message"])
                assert bench.queue.path_of(identity).exists()  # until the result is safe
                await asyncio.sleep(0.02)
            assert f"measured, but it is {trouble}" in notes
            assert bench.store.document(identity) == "{}"

    run(work())
    assert children_gone(tmp_path)


def test_the_queue_has_an_end(tmp_path, child):
    child("halfway")

    async def work():
        async with Bench(tmp_path, limits={"waiting": 2}) as bench:
            await bench.share(await bench.add(), 0.5)
            for _ in range(2):
                await bench.queue.check_room()
                await bench.add()
            with pytest.raises(Refused, match="2 files wait already") as full:
                await bench.queue.check_room()
            assert full.value.status == 503

    run(work())
