"""`redress serve`, `migrate` and `demo`: the service itself and what it stands on."""

from __future__ import annotations

import shlex
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from api.commands.output import say, stages
from api.commands.session import CommandRefused, opened, reached, settings_of_service

if TYPE_CHECKING:
    from api.database import Database
    from api.settings import Settings

_LARGEST_PORT: Final = 65_535


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command()(serve)
    app.command()(demo)
    app.command()(migrate)


def serve(
    ctx: typer.Context,
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="Load a sample company first if the database has no company.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [env: REDRESS_HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.  [env: REDRESS_PORT]")] = None,
) -> None:
    """Serve the HTTP interface until Ctrl-C or SIGTERM, which stop the embedded database too.

    \b
    redress serve --demo
    redress --data-dir /srv/redress serve --host 0.0.0.0 --port 8080
    """
    settings = settings_of_service(ctx)
    with _listening(host or settings.host, settings.port if port is None else port) as listener:
        signal.signal(signal.SIGTERM, _terminated)
        try:
            if settings.database_url is None:
                _start_while_importing(settings.data_dir / "postgresql")
            with opened(ctx, threads=settings.threads + 4) as database, _own_server_kept_up(settings):
                if demo and (not database.companies() or _is_sample(database)):
                    _load(database)
                _serve(database, listener, settings.threads)
        except KeyboardInterrupt:
            say("stopping")
        if settings.database_url is None:
            from store import embedded

            embedded.wait_until_stopped(settings.data_dir / "postgresql")


def demo(ctx: typer.Context) -> None:
    """Load the sample company: a seeded year of 300 customers, 20 000 items and 1 200 disputes.

    \b
    redress demo
    redress report dispute-report --company sample
    """
    with opened(ctx) as database:
        if _load(database):
            say(f"the sample company is there; its keys, one per role: {_keys_file(database)}")
        else:
            say(f"the sample company is there already; its keys: {_keys_file(database)}")


def migrate(ctx: typer.Context) -> None:
    """Bring the database's schema up to date. All other commands do so too, when they start.

    \b
    redress migrate
    """
    from store.migrate import migrate as bring_up_to_date

    with reached(ctx) as conninfo:
        applied = bring_up_to_date(conninfo)
    for name in applied:
        typer.echo(name)
    say(f"{len(applied)} migrations applied" if applied else "everything is up to date")


def _load(database: Database) -> bool:
    from api.sample import load_sample

    if not database.companies():
        say("loading a sample company, which takes about half a minute")
    with stages() as progress:
        return load_sample(database, progress)


def _is_sample(database: Database) -> bool:
    # Loaded again it does nothing, or says that its loading was interrupted.
    from api.sample import SAMPLE

    return database.is_own and database.companies() == [SAMPLE]


def _keys_file(database: Database) -> Path:
    from api.sample import KEYS_FILE

    return database.data_dir / KEYS_FILE


# --- serving ---------------------------------------------------------------------------------------


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """The socket to serve on: bound first, so that a port in use is known before anything is started."""
    if not 0 <= port <= _LARGEST_PORT:
        raise CommandRefused(f"the port {port} does not exist; choose one from 1 to {_LARGEST_PORT}")
    try:
        listener = socket.create_server((host, port), family=_family(host), backlog=2_048)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]
        raise CommandRefused(
            f"cannot listen on {host}:{port}: {reason}; choose another --port or --host"
        ) from None
    # Accepted connections inherit it. Otherwise each answer on a kept connection waits 40 ms for the next.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener:
        yield listener


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _serve(database: Database, listener: socket.socket, threads: int) -> None:
    import uvicorn

    from api.app import create_app

    app = create_app(database, threads=threads)
    _greet(database, listener)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    server.run(sockets=[listener])  # ends by raising the signal again that ended it


def _greet(database: Database, listener: socket.socket) -> None:
    from api.routes.documentation import DOCS

    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    file = _keys_file(database)
    lines = [f"redress serves on {address}", f"description of the API:  {address}{DOCS}"]
    if file.exists():
        where = shlex.quote(str(file.absolute()))
        key = f"""$(sed -n 's/.*"credit_manager": "\\(.*\\)".*/\\1/p' {where})"""
        header = f'-H "Authorization: Bearer {key}"'
        lines += [
            f"keys of the sample company, one per role:  {file.absolute()}",
            "to try:",
            f"  curl {header} {address}/v1/reports/dispute-report",
            f"  curl {header} {address}/v1/reports/agenda",
            f"  curl {header} '{address}/v1/disputes?state=open&limit=3'",
        ]
    else:
        lines.append("a key to begin with:  redress keys create --role credit_manager --name NAME")
    lines.append("Ctrl-C stops it")
    typer.echo("\n".join(lines))
    sys.stdout.flush()


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _start_while_importing(directory: Path) -> None:
    """Let the embedded server start while this process is busy importing, which takes as long."""
    from store import embedded

    def start() -> None:
        with suppress(Exception):  # who opens the database is told what is wrong
            embedded.ensure(directory)

    starting = Thread(target=start)
    starting.start()
    import_module("api.app")
    starting.join()


@contextmanager
def _own_server_kept_up(settings: Settings) -> Iterator[None]:
    from store import embedded

    with nullcontext() if settings.database_url else embedded.kept_up(settings.data_dir / "postgresql"):
        yield
