"""Jobs and results in a database: kept, found, deleted; locked, full, out of reach."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from camvitals import InputError
from camvitals.app.refusal import Refused
from camvitals.app.store import Base, Store, refusal_of

A, B, C = "a" * 32, "b" * 32, "c" * 32


@pytest.fixture
def store(tmp_path):
    found = Store(f"sqlite:///{tmp_path}/x.db", wait_s=0.2)
    yield found
    found.close()


def add(store, identity, **more):
    words = {"name": "clip.mp4", "size": 5, "wishes": {"method": "auto"}}
    return store.add(identity, **{**words, **more})


def life_of_jobs(store):
    """A job's whole life; true of any database."""
    for identity in (A, B, C):
        add(store, identity)
    assert store.count("waiting") == 3
    assert store.ahead(store.get(B)) == 1
    first = store.begin_next()
    assert (first.id, first.state, first.tries) == (A, "running", 1)
    assert store.finish(A, '{"reports": "ä"}')
    assert not store.finish(A, "again")
    assert store.document(A) == '{"reports": "ä"}'
    assert store.get(A).finished >= store.get(A).started >= store.get(A).created
    second = store.begin_next()
    store.wait_again(B)
    assert store.begin_next().tries == second.tries + 1
    store.wait_again(B, forgive=True)
    assert store.begin_next().tries == 2
    assert store.fail(B, state="failed", code="died", message="why")
    with pytest.raises(Refused, match="why") as told:
        store.document(B)
    assert told.value.code == "died"
    with pytest.raises(Refused, match="waiting") as told:
        store.document(C)
    assert told.value.code == "not_done"
    newest = store.newest(10, before=None)
    assert [job.id for job in newest] == [C, B, A]
    assert [job.id for job in store.newest(1, before=newest[1].created)] == [A]
    assert [job.id for job in store.open_jobs()] == [C]
    assert store.delete(A)
    assert not store.delete(A)
    for gone in (store.get, store.document):
        with pytest.raises(Refused, match="no such job"):
            gone(A)
    store.begin_next()
    assert store.begin_next() is None


def test_the_life_of_jobs(store):
    life_of_jobs(store)


def test_jobs_outlive_the_server(tmp_path):
    url = f"sqlite:///{tmp_path}/x.db"
    first = Store(url, wait_s=1)
    add(first, A)
    first.begin_next()
    first.finish(A, "{}")
    first.close()
    second = Store(url, wait_s=1)
    assert second.document(A) == "{}"
    second.close()


def test_a_database_is_for_one_server(tmp_path):
    (tmp_path / "again").symlink_to(tmp_path)
    first = Store(f"sqlite:///{tmp_path}/x.db", wait_s=1)
    with pytest.raises(InputError, match=r"another server uses the database .*x\.db; end it, or"):
        Store(f"sqlite:///{tmp_path}/again/x.db", wait_s=1)
    Store(f"sqlite:///{tmp_path}/y.db", wait_s=1).close()
    first.close()
    Store(f"sqlite:///{tmp_path}/again/x.db", wait_s=1).close()


def test_a_server_that_is_killed_leaves_its_database_to_the_next(tmp_path):
    url = f"sqlite:///{tmp_path}/x.db"
    code = f"import time; from camvitals.app.store import Store; s = Store({url!r}, wait_s=1); "
    words = [sys.executable, "-c", code + "print('in', flush=True); time.sleep(60)"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"in\n"
        with pytest.raises(InputError, match="another server uses the database"):
            Store(url, wait_s=1)
        other.kill()
    Store(url, wait_s=1).close()


def test_a_place_that_cannot_be_locked_is_told(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    with pytest.raises(InputError, match=r"x\.db\.in-use cannot be locked \(No locks available"):
        Store(f"sqlite:///{tmp_path}/x.db", wait_s=1)


def test_what_is_deleted_is_in_no_file(store, tmp_path):
    add(store, A, name="the-name-of-a-patient.mp4")
    store.begin_next()
    store.finish(A, "a-secret-document" * 500)
    store.delete(A)
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"a-secret-document" not in left
    assert b"the-name-of-a-patient" not in left


def test_a_locked_database_is_told_and_lost_nothing(store, tmp_path):
    add(store, A)
    other = sqlite3.connect(tmp_path / "x.db")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Refused) as told:
        add(store, B)
    assert (told.value.code, told.value.status) == ("database_busy", 503)
    assert store.get(A).state == "waiting"  # to be read all the same
    other.rollback()
    other.close()
    add(store, B)
    assert store.count("waiting") == 2


def test_a_full_database_is_told_and_goes_on_when_there_is_room(store):
    add(store, A)
    store.begin_next()
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(Refused) as told:
        store.finish(A, "x" * 200_000)
    assert (told.value.code, told.value.status) == ("database_full", 503)
    assert store.get(A).state == "running"
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=100000")
    assert store.finish(A, "x" * 200_000)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("53100", "database_full"),
        ("55P03", "database_busy"),
        ("40P01", "database_busy"),
        ("08006", "database_unreachable"),
        (None, "database_unreachable"),
    ],
)
def test_what_postgresql_says_is_understood(state, code):
    cause = Exception("as the driver says")
    cause.sqlstate = state
    assert refusal_of(DBAPIError("select", {}, cause)).code == code


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "URL of the database cannot be used"),
        ("fruit://a", "URL of the database cannot be used"),
        ("sqlite://", "need a file to be kept in"),
        ("sqlite:////nowhere/at/all/x.db", "no folder /nowhere/at/all"),
    ],
)
def test_databases_that_are_none(url, told):
    with pytest.raises(InputError, match=told):
        Store(url, wait_s=1)


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "x.db"
    path.write_bytes(b"this is a letter, not a database" * 100)
    with pytest.raises(InputError, match="file is not a database"):
        Store(f"sqlite:///{path}", wait_s=1)
    assert path.read_bytes().startswith(b"this is a letter")


def test_a_driver_that_is_missing_is_named(monkeypatch):
    def missing(*_, **__):
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")

    monkeypatch.setattr("camvitals.app.store.create_engine", missing)
    with pytest.raises(InputError, match=r"needs psycopg; install it .*camvitals\[postgres\]"):
        Store("postgresql://user@host/name", wait_s=1)


def test_the_steps_lead_to_the_tables(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_tables_can_be_made_by_postgresql():
    dialect = postgresql.dialect()
    made = [str(CreateTable(t).compile(dialect=dialect)) for t in Base.metadata.sorted_tables]
    assert "DOUBLE PRECISION" in made[0] or "FLOAT" in made[0]
    assert "ON DELETE CASCADE" in made[1]


@pytest.fixture(scope="module")
def postgres():
    """The URL of a PostgreSQL of one's own, on a socket in a folder."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if shutil.which("initdb") is None:
        pytest.skip("no PostgreSQL on this computer")
    folder = Path(
        tempfile.mkdtemp(prefix="camvitals-postgres-")
    )  # others may not look into pytest's
    data = folder / "data"
    own = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # it will not be root
    if own:
        shutil.chown(folder, "postgres")
    subprocess.run(
        [*own, "initdb", "-D", data, "-A", "trust", "-U", "vitals"], check=True, capture_output=True
    )
    options = f"-k {folder} -c listen_addresses="
    subprocess.run(
        [*own, "pg_ctl", "-D", data, "-o", options, "-w", "-l", folder / "log", "start"],
        check=True,
        capture_output=True,
    )
    yield f"postgresql://vitals@/postgres?host={folder}"
    subprocess.run(
        [*own, "pg_ctl", "-D", data, "-m", "fast", "stop"], check=True, capture_output=True
    )
    shutil.rmtree(folder)


def test_the_life_of_jobs_in_postgresql(postgres):
    store = Store(postgres, wait_s=0.3)
    try:
        life_of_jobs(store)
        with store.engine.connect() as other:
            other.exec_driver_sql("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(Refused) as told:
                add(store, A)
            assert told.value.code == "database_busy"
            other.rollback()
        add(store, A)
    finally:
        store.close()


def test_a_database_of_postgresql_is_for_one_server(postgres):
    first = Store(postgres, wait_s=1)
    with pytest.raises(InputError, match="another server uses the database postgresql"):
        Store(postgres, wait_s=1)
    first.close()
    second = Store(postgres, wait_s=1)
    first.close()
    with pytest.raises(InputError, match="another server uses"):
        Store(postgres, wait_s=1)
    second.close()


def test_a_lock_of_postgresql_is_taken_again_when_its_connection_broke(postgres):
    first = Store(postgres, wait_s=1)
    with first.engine.connect() as connection:
        locks = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        connection.exec_driver_sql(locks)
    first.begin_next()
    with pytest.raises(InputError, match="another server uses"):
        Store(postgres, wait_s=1)
    with first.engine.connect() as connection:
        connection.exec_driver_sql(locks)
    second = Store(postgres, wait_s=1)
    with pytest.raises(Refused, match="another server uses") as told:
        first.begin_next()
    assert told.value.code == "database_busy"
    second.close()
    first.begin_next()
    first.close()
