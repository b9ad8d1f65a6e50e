"""Ways to end what runs on a terminal until somebody has had enough: q, Ctrl-C, a signal."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = b"qQ\x03\x04\x1b"
SIGNALS = [
    getattr(signal, f"SIG{name}")
    for name in ("INT", "TERM", "HUP")
    if hasattr(signal, f"SIG{name}")
]


@contextmanager
def endings(stop: Callable[[], None], *, keys: bool) -> Iterator[None]:
    """While this lasts, q, Ctrl-C and a request to terminate call `stop`, in another thread.

    A second Ctrl-C interrupts at once. keys: also listen to the keyboard, without echo. The
    terminal is afterwards as it was.
    """
    reader, writer = os.pipe()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def handle(number: int, _: FrameType | None) -> None:
        # nothing but this: whatever was interrupted may hold any lock
        os.write(writer, b"q")
        signal.signal(number, before[number] or signal.SIG_DFL)

    with _raw(keys) as keyboard:
        thread = threading.Thread(
            target=_listen, args=(reader, keyboard, stop), name="camvitals-keys", daemon=True
        )
        thread.start()
        for number in SIGNALS:
            signal.signal(number, handle)
        try:
            yield
        finally:
            for number in SIGNALS:
                signal.signal(number, before[number] or signal.SIG_DFL)
            os.write(writer, b".")
            thread.join()
            os.close(reader)
            os.close(writer)


def _listen(pipe: int, keyboard: int | None, stop: Callable[[], None]) -> None:
    """Wait for a key that ends, or for word through the pipe: q to end, anything else to leave."""
    sources = [pipe] if keyboard is None else [pipe, keyboard]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if pipe in ready:
            if os.read(pipe, 1) != b"q":
                return
            stop()
        elif keyboard is not None:
            typed = os.read(keyboard, 64)
            if not typed:  # the terminal is gone
                sources.remove(keyboard)
            if not typed or typed[0] in ENDING:
                stop()


@contextmanager
def _raw(wanted: bool) -> Iterator[int | None]:
    """The keyboard, key by key and unseen; None where there is none."""
    if not wanted or sys.stdin is None or not sys.stdin.isatty():
        yield None
        return
    try:
        import termios
        import tty
    except ImportError:  # not on this system
        yield None
        return
    keyboard = sys.stdin.fileno()
    settings: list[Any] = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        yield keyboard
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, settings)
