"""A body that comes in pieces, written to a file as it comes, within bounds of size and time."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic

from camvitals.app.refusal import Refused
from camvitals.app.settings import MB, Limits

PART = ".part"


async def receive(
    pieces: AsyncIterator[bytes], path: Path, *, headers: Mapping[str, str], limits: Limits
) -> int:
    """Write all pieces to the path; returns how many bytes.

    The file appears when it is whole; nothing is left of one that is not. Raises Refused when it
    is empty, too large, too slow, or when there is no room.
    """
    most = round(limits.upload_mb * MB)
    _check_claim(headers.get("content-length"), most)
    part = path.with_name(path.name + PART)
    try:
        count = await _write(pieces, part, most=most, limits=limits)
        if count == 0:
            raise Refused("empty", "the upload is empty; send the file as the body of the request")
        await asyncio.to_thread(part.replace, path)
        return count
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        told = "there is no room for uploads" if full else "the upload could not be written"
        code = "storage_full" if full else "internal"
        raise Refused(code, f"{told}; try again later", again_s=60) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


async def _write(pieces: AsyncIterator[bytes], part: Path, *, most: int, limits: Limits) -> int:
    count, start = 0, monotonic()
    with part.open("xb") as file:
        while (piece := await _next(pieces, limits)) is not None:
            count += len(piece)
            if count > most:
                raise _too_large(most)
            await asyncio.to_thread(file.write, piece)
            _check_pace(count, monotonic() - start, limits)
    return count


async def _next(pieces: AsyncIterator[bytes], limits: Limits) -> bytes | None:
    try:
        async with asyncio.timeout(limits.stall_s):
            return await anext(pieces)
    except StopAsyncIteration:
        return None
    except TimeoutError:
        raise Refused("too_slow", f"nothing came for {limits.stall_s:g} s; send it again") from None


def _check_claim(length: str | None, most: int) -> None:
    if length is not None and length.isdigit() and int(length) > most:
        raise _too_large(most)


def _check_pace(count: int, seconds: float, limits: Limits) -> None:
    """A trickle would keep a place for ever."""
    slow = seconds > limits.stall_s and count < 1000 * limits.slowest_kb_s * seconds
    if slow or seconds > limits.upload_s:
        raise Refused(
            "too_slow",
            f"an upload needs {limits.slowest_kb_s:g} kB/s and to be done in {limits.upload_s:g} s",
        )


def _too_large(most: int) -> Refused:
    return Refused("too_large", f"an upload may have {most / MB:g} MB; cut or compress it")
