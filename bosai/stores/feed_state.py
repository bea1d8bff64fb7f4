"""What is in force, as it is stored: one field for each scope, so that a telegram writes only what it changed.

Fields of another version of the service, or damaged ones, are named and left out; the telegrams tell the state again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bosai.feeds.happened import Happened
from bosai.feeds.in_force import Scope, State, WeatherFamily
from bosai.feeds.jma.envelope import TelegramSource
from bosai.feeds.realms import RealmName
from bosai.stores.replies import as_bytes, as_text

SCOPE, HAPPENED, RECALLS = "scope:", "happened:", "recalls:"
WAITING = "waiting:"  # + proposal id: proposals on their way to HQ's desk
OF_THE_STATE = (SCOPE, HAPPENED, RECALLS)

_scope = msgspec.msgpack.Decoder(Scope).decode
_happened = msgspec.msgpack.Decoder(tuple[Happened, ...]).decode
_recalls = msgspec.msgpack.Decoder(tuple[TelegramSource, ...]).decode


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The stored state. `damaged`: fields that could not be read, `waiting`: field → proposal, still packed."""

    state: State
    damaged: tuple[str, ...] = ()
    waiting: Mapping[str, bytes] = {}


def fields_of(reply: Mapping[Any, Any]) -> dict[bytes, bytes]:
    """The hash as the server gives it."""
    return {as_text(field).encode(): as_bytes(value) for field, value in reply.items()}


def loaded(fields: Mapping[bytes, bytes], realm: RealmName, family: WeatherFamily) -> Loaded:
    """The state in the fields of the hash."""
    scopes: dict[str, Scope] = {}
    happened: dict[str, tuple[Happened, ...]] = {}
    recalls: dict[str, tuple[TelegramSource, ...]] = {}
    waiting: dict[str, bytes] = {}
    damaged: list[str] = []
    for field, value in fields.items():
        name = as_text(field)
        kind, _, rest = name.partition(":")
        try:
            match f"{kind}:":
                case "scope:":
                    scopes[rest] = _scope(value)
                case "happened:":
                    happened[rest] = _happened(value)
                case "recalls:":
                    recalls[rest] = _recalls(value)
                case "waiting:":
                    waiting[name] = value
                case _:
                    damaged.append(name)
        except msgspec.DecodeError:
            damaged.append(name)
    state = State(realm=realm, family=family, scopes=scopes, recalls=recalls, happened=happened)
    return Loaded(state=state, damaged=tuple(damaged), waiting=waiting)


def changed_fields(before: State, after: State) -> tuple[Mapping[Any, bytes], list[str]]:
    """What to write and what to remove so that the stored state becomes `after`."""
    was, now = _parts(before), _parts(after)
    encode = msgspec.msgpack.encode
    written = {name: encode(part) for name, part in now.items() if name not in was or was[name] is not part}
    return written, [name for name in was if name not in now]


def _parts(state: State) -> dict[str, object]:
    return {
        **{SCOPE + name: part for name, part in state.scopes.items()},
        **{HAPPENED + name: part for name, part in state.happened.items()},
        **{RECALLS + name: part for name, part in state.recalls.items()},
    }
