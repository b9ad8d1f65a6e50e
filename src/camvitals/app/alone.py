"""One server to a folder, and one to a database: two would take each other's jobs for lost."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from camvitals.app.refusal import Refused
from camvitals.records import InputError

LOCK = "in-use"
KEY = 1_667_329_654  # of camvitals, among the advisory locks of a database of PostgreSQL
TAKE = text("SELECT pg_try_advisory_lock(:key, hashtext(coalesce(current_schema(), '')))")


class FileLock:
    """A file that one process at a time holds, until it lets go or ends, however it ends.

    name: what it stands for, and option the one by which to have another: for people.
    Where the system has no such locks, as Windows, nothing is held. Raises InputError.
    """

    def __init__(self, path: Path, *, name: object, option: str) -> None:
        self._file: IO[str] | None = None
        try:
            self._file = path.open("w")
            _lock(self._file)
        except BlockingIOError:
            self.close()
            raise InputError(
                f"another server uses {name}; end it, or pass another {option}"
            ) from None
        except OSError as error:
            self.close()
            raise InputError(
                f"{path} cannot be locked ({error.strerror}), which keeps other servers away; "
                f"pass another {option}"
            ) from error

    def check(self) -> None:
        """Held as long as the process lives."""

    def close(self) -> None:
        """Let the next one in."""
        if self._file is not None:
            self._file.close()


class SessionLock:
    """An advisory lock of PostgreSQL, held by a connection of its own until that ends.

    Raises InputError when another server has it, and SQLAlchemyError as the database does.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        if not self._take():
            raise InputError(
                f"another server uses the database {engine.url.render_as_string()}; end it, or "
                "pass another --database"
            )

    def check(self) -> None:
        """Take it again when the connection broke. Raises Refused when another server was sooner,
        and SQLAlchemyError when the database is out of reach.
        """
        if self._connection is not None:
            try:
                self._connection.scalar(text("SELECT 1"))
            except SQLAlchemyError:
                self.close()
            else:
                return
        if not self._take():
            raise Refused("database_busy", "another server uses the database; end one of the two")

    def close(self) -> None:
        """Let the next one in."""
        if self._connection is not None:
            self._connection.invalidate()  # closed, not kept for others with its lock
            self._connection.close()
            self._connection = None

    def _take(self) -> bool:
        connection = self._connection = self._engine.connect()
        try:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            taken = bool(connection.scalar(TAKE, {"key": KEY}))
        except SQLAlchemyError:
            self.close()
            raise
        if not taken:
            self.close()
        return taken


def database_lock(engine: Engine) -> FileLock | SessionLock | None:
    """What keeps other servers from this database; None where it has no such lock."""
    kind = engine.url.get_backend_name()
    if kind == "sqlite":
        path = Path(str(engine.url.database)).resolve()
        # not the file itself: to close it would end the locks that SQLite has on it
        return FileLock(
            path.with_name(f"{path.name}.{LOCK}"), name=f"the database {path}", option="--database"
        )
    return SessionLock(engine) if kind == "postgresql" else None


def _lock(file: IO[str]) -> None:
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
