"""How the server is set up, and what one visitor and all together may ask of it."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from camvitals.records import InputError

MB = 1_000_000
TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,200}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds, each of which can be set by `--limit NAME=VALUE`; MB are 10^6 bytes.

    Files: upload_mb and upload_s of one upload; stall_s without a byte of it; slowest_kb_s once it
        runs for stall_s; uploads at once; uploads_per_minute of one address; video_s of video;
        megapixels of a picture, of a live one too.
    Jobs: job_s of wall time and job_mb of memory for one; jobs at once; waiting in the queue.
    Addresses: requests_per_minute; wrong_tokens_per_minute, then nothing is looked at.
    Sockets: sockets in all, address_sockets of one address; message_mb and messages_per_s;
        silent_s without a message; session_s in all; stale_s after which a picture that waits is
        dropped; stuck_s after which a process that does not answer is ended; monitors processes,
        each with monitor_mb of memory.
    database_s: how long to wait for a database that somebody else has locked.
    connections: open at once; header_s to send the head of a request.
    """

    upload_mb: float = 500.0
    upload_s: float = 900.0
    stall_s: float = 10.0
    slowest_kb_s: float = 20.0
    uploads: int = 4
    uploads_per_minute: float = 20.0
    video_s: float = 900.0
    megapixels: float = 9.0
    job_s: float = 900.0
    job_mb: float = 3000.0
    jobs: int = 1
    waiting: int = 20
    requests_per_minute: float = 1200.0
    wrong_tokens_per_minute: float = 10.0
    sockets: int = 64
    address_sockets: int = 32
    message_mb: float = 4.0
    messages_per_s: float = 120.0
    silent_s: float = 60.0
    session_s: float = 14_400.0
    stale_s: float = 0.5
    stuck_s: float = 15.0
    monitors: int = 2
    monitor_mb: float = 3000.0
    database_s: float = 5.0
    connections: int = 512
    header_s: float = 10.0

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"limit {entry.name} needs a number > 0 but got {value}")

    def with_words(self, words: Iterable[str]) -> Limits:
        """These limits but for NAME=VALUE words. Raises InputError for others."""
        known = {entry.name: entry.type for entry in fields(self)}
        changed: dict[str, float] = {}
        for word in words:
            name, _, text = word.partition("=")
            if name not in known:
                raise InputError(f"no limit {name!r}; choose one of {', '.join(known)}")
            try:
                changed[name] = int(text) if known[name] == "int" else float(text)
            except ValueError:
                raise InputError(
                    f"limit {name} needs a {'whole ' if known[name] == 'int' else ''}number but "
                    f"got {text!r}; as in {name}={getattr(self, name):g}"
                ) from None
        return replace(self, **changed)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Settings:
    """One server: address, token, where results and uploads lie, whether videos are kept.

    token:    asked of every visitor; may be "" only where nobody else can come, on loopback.
    database: URL for SQLAlchemy; "" is SQLite in the folder.
    keep:     leave the videos in FOLDER/kept; else nothing of them stays after the job.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""
    database: str = ""
    keep: bool = False
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not self.token and not is_loopback(self.host):
            raise InputError(
                f"serving on {self.host} lets others in, which needs a token; pass --token or set "
                "CAMVITALS_TOKEN, or serve on 127.0.0.1"
            )
        if self.token and not TOKEN.fullmatch(self.token):
            raise InputError(
                "a token needs 16 to 200 letters, digits, dots, dashes, tildes or underscores; "
                "python -c 'import secrets; print(secrets.token_urlsafe(24))' makes one"
            )
        if not 0 <= self.port < 65536:
            raise InputError(f"a port needs 0 to 65535 but got {self.port}; 0 takes a free one")

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database or f"sqlite:///{self.folder.absolute() / 'camvitals.db'}"

    @property
    def uploads(self) -> Path:
        """Where uploads lie until their job is done."""
        return self.folder / "uploads"

    @property
    def kept(self) -> Path:
        """Where they lie afterwards, if they are to be kept."""
        return self.folder / "kept"


def is_loopback(host: str) -> bool:
    """Whether only programs of this computer reach what is served on this host."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def usual_folder() -> Path:
    """Where a person's programs keep what is theirs: XDG_DATA_HOME/camvitals."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "camvitals"
