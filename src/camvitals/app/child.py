"""Processes of the server that touch what others send: bounded, bare, and gone with the server.

A child is a module of this package, started anew. It hears and says blocks: a length of four bytes
and as many bytes. When its standard input ends it ends too.
"""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from typing import BinaryIO

LENGTH = struct.Struct("<I")
LARGEST = 256_000_000  # bytes of one block; more is no answer of ours
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
ALONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


async def start_child(module: str, *words: str) -> Process:
    """A process of `camvitals.app.MODULE`, without the secrets of this one's environment."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"camvitals.app.{module}",
        *words,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=environment | ALONE | {"MALLOC_ARENA_MAX": "2"},
        start_new_session=True,  # Ctrl-C is for the server, which ends its children itself
    )


async def end_child(process: Process) -> None:
    """End the process, whatever it is doing, and wait until it is gone."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            # not process.kill, which might be told of an end that the loop then never hears of
            os.kill(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        process.stdin.close()
        with suppress(OSError):
            await process.stdin.wait_closed()
    await process.wait()


async def read_block(stream: asyncio.StreamReader) -> bytes | None:
    """The next block that a child says; None at its end, and when it says nonsense."""
    try:
        (length,) = LENGTH.unpack(await stream.readexactly(LENGTH.size))
        return None if length > LARGEST else await stream.readexactly(length)
    except asyncio.IncompleteReadError:
        return None


def block(data: bytes) -> bytes:
    """The data with its length before it."""
    return LENGTH.pack(len(data)) + data


def mouth() -> BinaryIO:
    """In a child: where it speaks. Whatever else is printed goes nowhere."""
    own = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return own


def ears() -> BinaryIO:
    """In a child: where it hears, unbuffered, so that `select` knows of all that was said."""
    return os.fdopen(0, "rb", buffering=0, closefd=False)


def say(out: BinaryIO, data: bytes) -> None:
    """In a child: say one block whole."""
    rest = memoryview(block(data))
    while rest:
        rest = rest[out.write(rest) :]


def hear(source: BinaryIO) -> bytes | None:
    """In a child: the next block; None at the end."""
    head = _exactly(source, LENGTH.size)
    return None if head is None else _exactly(source, LENGTH.unpack(head)[0])


def _exactly(source: BinaryIO, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        piece = source.read(count - len(parts))
        if not piece:
            return None
        parts += piece
    return bytes(parts)


def bound(*, memory_mb: float, processor_s: float | None, written_mb: float) -> None:
    """In a child: never more memory, processor time and file than that; no core dump.

    Where the system has no such bounds, as on Windows, only the server's clock ends the child.
    """
    try:
        import resource
    except ImportError:
        return
    wanted = {
        resource.RLIMIT_AS: round(memory_mb * 1e6),
        resource.RLIMIT_FSIZE: round(written_mb * 1e6),
        resource.RLIMIT_CORE: 0,
    }
    if processor_s is not None:
        wanted[resource.RLIMIT_CPU] = round(processor_s) + 1
    for kind, most in wanted.items():
        hard = resource.getrlimit(kind)[1]
        bounded = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (bounded, bounded))
