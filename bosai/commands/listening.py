"""The port of the web pages, taken early: a port that is in use is one sentence, and port 0 becomes a number."""

import socket

import msgspec

from bosai.commands.output import Stopped
from bosai.settings_schema import Settings


def listening(settings: Settings) -> socket.socket:
    """A socket that listens at [web] host and port; blocking. Raises Stopped when it can not be had."""
    host, port = settings.web.host, settings.web.port
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise Stopped(
            f"ポート {port} を使えません。別の番号にしてください（--port）。 / {host}:{port} can't be used "
            f"({error.strerror}): choose another with --port or [web] port."
        ) from error


def port_of(taken: socket.socket) -> int:
    """The port it listens at."""
    return int(taken.getsockname()[1])


def with_port(settings: Settings, port: int) -> Settings:
    """The settings with the port that was found, also in the address made from it."""
    if settings.web.port == port:
        return settings
    address = settings.web.public_url
    if address.endswith(f":{settings.web.port}"):
        address = f"{address.removesuffix(str(settings.web.port))}{port}"
    return msgspec.structs.replace(
        settings, web=msgspec.structs.replace(settings.web, port=port, public_url=address)
    )
