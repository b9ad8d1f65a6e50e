"""Jobs and their results in a database: SQLite as a file, or another by its URL."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    CursorResult,
    Engine,
    ForeignKey,
    String,
    Text,
    create_engine,
    delete,
    event,
    func,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from camvitals.app.alone import FileLock, SessionLock, database_lock
from camvitals.app.refusal import Refused
from camvitals.records import InputError

OPEN = ("waiting", "running")
FULL, BUSY = {13}, {5, 6}  # SQLite's result codes
FULL_STATES, BUSY_STATES = {"53100", "53200"}, {"55P03", "40001", "40P01", "57014"}  # PostgreSQL's
AGAIN_S = 5.0


class Base(DeclarativeBase):
    """The tables."""


class JobRow(Base):
    """One file to be measured. Times are UNIX seconds."""

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(12), index=True)
    name: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    wishes: Mapped[str] = mapped_column(Text)
    created: Mapped[float] = mapped_column(index=True)
    started: Mapped[float | None]
    finished: Mapped[float | None]
    tries: Mapped[int] = mapped_column(default=0)
    code: Mapped[str] = mapped_column(String(40), default="")
    message: Mapped[str] = mapped_column(Text, default="")


class ResultRow(Base):
    """The reports of a job, as JSON."""

    __tablename__ = "results"
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    document: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class Job:
    """One file to be measured, as the database knows it.

    state: waiting, running, done, failed or cancelled.   code, message: why, unless done.
    """

    id: str
    state: str
    name: str
    size: int
    wishes: dict[str, Any]
    created: float
    started: float | None
    finished: float | None
    tries: int
    code: str
    message: str


class Store:
    """The database, for this server alone.

    Every method raises Refused where it is locked, full or out of reach.
    """

    def __init__(self, url: str, *, wait_s: float) -> None:
        self.engine = _engine(url, wait_s)
        self._lock: FileLock | SessionLock | None = None
        try:
            self._lock = database_lock(self.engine)
            _migrate(self.engine)
        except InputError:
            self.engine.dispose()
            raise
        except SQLAlchemyError as error:
            self.close()
            raise InputError(
                f"the database {self.engine.url.render_as_string()} cannot be used "
                f"({_first_line(error)}); check that it is there, free, and not full"
            ) from error

    def close(self) -> None:
        """Let go of all connections, and let another server in."""
        if self._lock is not None:
            self._lock.close()
        self.engine.dispose()

    def add(self, identity: str, *, name: str, size: int, wishes: dict[str, Any]) -> Job:
        """A new job that waits."""
        row = JobRow(
            id=identity,
            state="waiting",
            name=name,
            size=size,
            wishes=json.dumps(wishes),
            created=time.time(),
            started=None,
            finished=None,
            tries=0,
            code="",
            message="",
        )
        with self._session() as session:
            session.add(row)
            session.flush()
            return _job(row)

    def get(self, identity: str) -> Job:
        """The job. Raises Refused when there is none."""
        with self._session() as session:
            row = session.get(JobRow, identity)
            if row is None:
                raise Refused("not_found", "there is no such job; it may have been deleted")
            return _job(row)

    def newest(self, count: int, *, before: float | None) -> list[Job]:
        """The newest jobs, or those created before a time."""
        wanted = select(JobRow).order_by(JobRow.created.desc(), JobRow.id).limit(count)
        if before is not None:
            wanted = wanted.where(JobRow.created < before)
        with self._session() as session:
            return [_job(row) for row in session.scalars(wanted)]

    def count(self, *states: str) -> int:
        """How many jobs are in these states."""
        with self._session() as session:
            wanted = select(func.count()).select_from(JobRow).where(JobRow.state.in_(states))
            return session.scalar(wanted) or 0

    def ahead(self, job: Job) -> int:
        """How many jobs wait before this one."""
        with self._session() as session:
            wanted = select(func.count()).select_from(JobRow)
            wanted = wanted.where(JobRow.state == "waiting", JobRow.created < job.created)
            return session.scalar(wanted) or 0

    def begin_next(self) -> Job | None:
        """The job that waits longest, running from now on; None when none waits."""
        self._check_alone()
        with self._session() as session:
            first = select(JobRow).where(JobRow.state == "waiting").order_by(JobRow.created)
            row = session.scalars(first.limit(1)).first()
            if row is None:
                return None
            row.state, row.started, row.tries = "running", time.time(), row.tries + 1
            session.flush()
            return _job(row)

    def finish(self, identity: str, document: str) -> bool:
        """Keep the result of a running job; False when nobody wants it any more."""
        with self._session() as session:
            if not self._end(session, identity, "done"):
                return False
            session.merge(ResultRow(job=identity, document=document))
            return True

    def fail(self, identity: str, *, state: str, code: str, message: str) -> bool:
        """End an open job without a result; False when it was over already."""
        with self._session() as session:
            return self._end(session, identity, state, code=code, message=message)

    def wait_again(self, identity: str, *, forgive: bool = False) -> None:
        """A running job that was interrupted waits again, in its old place.

        forgive: do not count the try, which was ended on purpose.
        """
        with self._session() as session:
            session.execute(
                update(JobRow)
                .where(JobRow.id == identity, JobRow.state == "running")
                .values(state="waiting", started=None, tries=JobRow.tries - int(forgive))
            )

    def open_jobs(self) -> list[Job]:
        """All that wait or run."""
        with self._session() as session:
            return [_job(r) for r in session.scalars(select(JobRow).where(JobRow.state.in_(OPEN)))]

    def document(self, identity: str) -> str:
        """The reports of a job as JSON. Raises Refused where there are none."""
        job = self.get(identity)
        with self._session() as session:
            row = session.get(ResultRow, identity)
            if row is not None:
                return row.document
        if job.state in OPEN:
            raise Refused("not_done", f"the job is {job.state}; ask again later", again_s=2)
        raise Refused(job.code if job.code else "not_found", job.message or "there is no report")

    def delete(self, identity: str) -> bool:
        """Delete a job and its result for good; False when there is none."""
        with self._session() as session:
            session.execute(delete(ResultRow).where(ResultRow.job == identity))
            gone = _changed(session.execute(delete(JobRow).where(JobRow.id == identity)))
        if gone and self.engine.dialect.name == "sqlite":
            with suppressed(), self.engine.connect() as connection:
                # deleted bytes are overwritten, but their log would still have them
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def _end(
        self, session: Session, identity: str, state: str, *, code: str = "", message: str = ""
    ) -> bool:
        change = update(JobRow).where(JobRow.id == identity, JobRow.state.in_(OPEN))
        values = {"state": state, "finished": time.time(), "code": code, "message": message}
        return _changed(session.execute(change.values(**values)))

    def _check_alone(self) -> None:
        if self._lock is None:
            return
        try:
            self._lock.check()
        except SQLAlchemyError as error:
            raise refusal_of(error) from error

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        except (IntegrityError, ProgrammingError):  # a fault of ours
            raise
        except SQLAlchemyError as error:
            raise refusal_of(error) from error


def refusal_of(error: SQLAlchemyError) -> Refused:
    """What to tell of a database that did not do as asked."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    number = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    state = getattr(cause, "sqlstate", "") or ""
    if number in FULL or state in FULL_STATES:
        return Refused("database_full", "the database is full; delete reports", again_s=60)
    if number in BUSY or state in BUSY_STATES:
        return Refused("database_busy", "the database is locked; try again", again_s=AGAIN_S)
    return Refused(
        "database_unreachable", "the database does not answer; try again", again_s=2 * AGAIN_S
    )


@contextmanager
def suppressed() -> Iterator[None]:
    """What the database refuses in here is not worth telling."""
    try:
        yield
    except SQLAlchemyError:
        return


def _engine(url: str, wait_s: float) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed.database, wait_s, parsed)
        waits = {"connect_timeout": max(1, round(wait_s))}
        if parsed.get_backend_name() == "postgresql":
            waits["options"] = f"-c lock_timeout={round(1000 * wait_s)}"  # type: ignore[assignment]
        return create_engine(parsed, pool_pre_ping=True, pool_timeout=wait_s, connect_args=waits)
    except (ArgumentError, NoSuchModuleError) as error:
        raise InputError(
            f"the URL of the database cannot be used ({_first_line(error)}); as in "
            "sqlite:////var/lib/camvitals.db or postgresql://user@host/name"
        ) from error
    except ModuleNotFoundError as error:
        raise InputError(
            f"this database needs {error.name}; install it with pip install 'camvitals[postgres]'"
        ) from error


def _sqlite(file: str | None, wait_s: float, url: Any) -> Engine:
    if not file or file == ":memory:":
        raise InputError("results need a file to be kept in; as in sqlite:////path/camvitals.db")
    if not Path(file).absolute().parent.is_dir():
        raise InputError(f"there is no folder {Path(file).parent} for the database; make it first")
    engine = create_engine(url, pool_timeout=wait_s, connect_args={"timeout": wait_s})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten

    return engine


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    place = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", place.replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _job(row: JobRow) -> Job:
    return Job(
        id=row.id,
        state=row.state,
        name=row.name,
        size=row.size,
        wishes=json.loads(row.wishes),
        created=row.created,
        started=row.started,
        finished=row.finished,
        tries=row.tries,
        code=row.code,
        message=row.message,
    )


def _changed(result: Any) -> bool:
    return isinstance(result, CursorResult) and result.rowcount > 0


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
