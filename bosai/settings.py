"""Settings, read and typed once at start.

    settings.toml (complete, shipped) ◀─ a file of your own ◀─ BOSAI_<SECTION>__<KEY> ◀─ flags       (the later wins)
                                      └─▶ unknown keys refused ─▶ types and ranges checked ─▶ Settings

What each setting means stands in settings.toml; what it may be stands in settings_schema. Every refusal is one sentence
that names the key, where its value came from, and what is expected.
"""

from __future__ import annotations

import difflib
import functools
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from bosai.settings_base import Section
from bosai.settings_schema import Settings

__all__ = ["SHIPPED_FILE", "Settings", "SettingsInvalid", "load_settings"]

SHIPPED_FILE = Path(__file__).resolve().parent.parent / "settings.toml"
PREFIX = "BOSAI_"
# Variables of ours that are no settings: which file to read, and where tests find the real data.
OTHER_VARIABLES = frozenset({"BOSAI_SETTINGS", "BOSAI_SHARED_DATA"})

_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_ANY_ADDRESS = {"", "0.0.0.0", "::"}  # noqa: S104 - compared with, not bound


@dataclass(eq=False)
class SettingsInvalid(Exception):
    """A setting cannot be used. `key` is dotted (`web.port`), `source` says where its value stands."""

    key: str
    source: str
    problem: str

    def __str__(self) -> str:
        named = f"The setting {self.key}" if self.key else "The settings"
        return f"{named} ({self.source}): {self.problem}."


def load_settings(
    path: Path | None = None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """The settings in force. Raises SettingsInvalid.

    path: a file with the keys that differ from the shipped ones (None: the one BOSAI_SETTINGS names, if any).
    env: the environment; only BOSAI_… is looked at. overrides: flags by dotted key (`{"web.port": 8081}`); None
    means the flag was not given. Relative paths in [data] dir and [hazard_files] start at the working directory.
    """
    env = env or {}
    if path is None and env.get("BOSAI_SETTINGS"):
        path = Path(env["BOSAI_SETTINGS"])
    merged = _Merged()
    merged.add_table(_read_toml(SHIPPED_FILE), SHIPPED_FILE.name)
    if path is not None:
        merged.add_table(_read_toml(path), str(path))
    for name in sorted(env):
        if name.startswith(PREFIX) and name not in OTHER_VARIABLES:
            keys = name.removeprefix(PREFIX).lower().split("__")
            merged.add_text(keys, env[name], f"environment variable {name}")
    for dotted, value in (overrides or {}).items():
        if value is not None:
            merged.add_text(dotted.split("."), value, "command line")
    return _completed(merged.typed())


@dataclass
class _Merged:
    """Values from several sources, one above the other, with the source of each."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def add_table(self, table: Mapping[str, Any], source: str) -> None:
        for keys, value in _leaves(table, Settings, (), source):
            self._set(keys, value, source)

    def add_text(self, keys: list[str], value: object, source: str) -> None:
        """One value from outside a file: text is read as the type the setting has."""
        kind: Any = Settings
        for depth, key in enumerate(keys):
            section = _section_of(kind)
            _refuse_unknown(key, section, tuple(keys[:depth]), source)
            assert section is not None
            kind = _field_types(section)[key]
        if isinstance(value, str):
            value = _parsed(value, kind, ".".join(keys), source)
        if isinstance(value, Mapping):
            self.add_table(_nested(keys, value), source)
        else:
            self._set(tuple(keys), value, source)

    def typed(self) -> Settings:
        sections: dict[str, Section] = {}
        for name, kind in _field_types(Settings).items():
            if name not in self.values:
                raise SettingsInvalid(f"[{name}]", SHIPPED_FILE.name, "the section is missing, put it back")
            try:
                sections[name] = msgspec.convert(self.values[name], kind)
            except msgspec.ValidationError as error:
                raise self._told(name, error) from None
        return Settings(**sections)  # type: ignore[arg-type]  # each was converted to its field's type

    def _set(self, keys: tuple[str, ...], value: object, source: str) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            raise SettingsInvalid(".".join(keys), source, f"{value} is not a number to work with")
        table = self.values
        for key in keys[:-1]:
            table = table.setdefault(key, {})
        table[keys[-1]] = value
        dotted = ".".join(keys)
        self.sources.pop(dotted, None)  # the order is that of setting: the last word comes last
        self.sources[dotted] = source

    def _told(self, section: str, error: msgspec.ValidationError) -> SettingsInvalid:
        match = _WHERE.match(str(error))
        assert match is not None
        inner = re.sub(r"\[[^]]*\]", "", match["path"] or "").strip(".")
        key = f"{section}.{inner}" if inner else section
        problem = _lower_first(match["what"].replace("`", ""))
        if match["what"].startswith("Invalid enum value"):
            problem += f", expected one of {', '.join(map(str, _choices(key)))}"
        # A rule between several values names its key itself; its values may come from several places.
        named = [
            known for known in self.sources if known.startswith(f"{key}.") and known.split(".")[-1] in problem
        ]
        if key not in self.sources and named:
            key = named[-1]
        lines = [self.sources[known] for known in self.sources if known == key or known.startswith(f"{key}.")]
        return SettingsInvalid(key, lines[-1] if lines else SHIPPED_FILE.name, problem)


def _completed(settings: Settings) -> Settings:
    """With what is derived from other settings or from where the service was started."""
    web, files = settings.web, settings.hazard_files
    host = "localhost" if web.host in _ANY_ADDRESS else web.host
    host = f"[{host}]" if ":" in host else host
    areas = files.tsunami_areas
    return msgspec.structs.replace(
        settings,
        data=msgspec.structs.replace(settings.data, dir=_absolute(settings.data.dir)),
        web=msgspec.structs.replace(
            web, public_url=(web.public_url or f"http://{host}:{web.port}").rstrip("/")
        ),
        hazard_files=msgspec.structs.replace(files, tsunami_areas=_absolute(areas) if areas else ""),
    )


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsInvalid("", str(path), "there is no such file") from None
    except OSError as error:
        raise SettingsInvalid("", str(path), f"the file cannot be read, {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(
            "", str(path), f"the file is not valid TOML, {str(error).rstrip('.')}"
        ) from None


def _leaves(
    table: Mapping[str, Any], kind: object, above: tuple[str, ...], source: str
) -> Iterator[tuple[tuple[str, ...], object]]:
    section = _section_of(kind)
    for key, value in table.items():
        _refuse_unknown(key, section, above, source)
        assert section is not None
        inner = _field_types(section)[key]
        if isinstance(value, Mapping) and _section_of(inner) is not None:
            yield from _leaves(value, inner, (*above, key), source)
        elif _section_of(inner) is not None:
            raise SettingsInvalid(
                ".".join((*above, key)), source, "expected a table of settings, not a single value"
            )
        else:
            yield (*above, key), value


def _refuse_unknown(key: str, section: type[Section] | None, above: tuple[str, ...], source: str) -> None:
    if section is not None and key in _field_types(section):
        return
    dotted = ".".join((*above, key))
    known = list(_every_key(Settings))
    near = difflib.get_close_matches(dotted, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}" if near else "all keys stand in settings.toml"
    raise SettingsInvalid(dotted, source, f"no setting has this name, {hint}")


def _parsed(text: str, kind: object, key: str, source: str) -> object:
    """Text from the environment or a flag as the value a settings file would hold."""
    plain = _without_meta(kind)
    try:
        if _section_of(kind) is not None:
            return msgspec.json.decode(text, type=dict[str, Any])
        if get_origin(plain) is tuple:
            if text.lstrip().startswith("["):
                return msgspec.json.decode(text)
            parts = [part.strip() for part in text.split(",") if part.strip()]
            return msgspec.to_builtins(msgspec.convert(parts, plain, strict=False))
        return msgspec.to_builtins(msgspec.convert(text, plain, strict=False))
    except msgspec.MsgspecError as error:
        problem = _lower_first(str(error).split(" - at ")[0].replace("`", ""))
        choices = _choices(key)
        raise SettingsInvalid(
            key, source, problem + (f", expected one of {', '.join(map(str, choices))}" if choices else "")
        ) from None


def _nested(keys: list[str], value: Mapping[str, Any]) -> dict[str, Any]:
    table: dict[str, Any] = dict(value)
    for key in reversed(keys):
        table = {key: table}
    return table


@functools.cache
def _field_types(section: type[msgspec.Struct]) -> Mapping[str, Any]:
    return {one.name: one.type for one in msgspec.structs.fields(section)}


def _without_meta(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _section_of(kind: Any) -> type[Section] | None:
    """The Section a field holds, also when it may be left out; None for a plain value."""
    kind = _without_meta(kind)
    for one in get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,):
        if isinstance(one, type) and issubclass(one, Section):
            return one
    return None


def _every_key(section: type[msgspec.Struct], above: str = "") -> Iterator[str]:
    for name, kind in _field_types(section).items():
        yield above + name
        if (inner := _section_of(kind)) is not None:
            yield from _every_key(inner, f"{above}{name}.")


def _lower_first(text: str) -> str:
    """A message of msgspec as the rest of a sentence: "Expected int" → "expected int"; "JSON …" stays."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _choices(key: str) -> tuple[object, ...]:
    """The values a setting may have, when they are a closed list."""
    kind: Any = Settings
    for name in key.split("."):
        section = _section_of(kind)
        kind = _field_types(section).get(name) if section is not None else None
    found: list[object] = []
    waiting = [kind]
    while waiting:
        one = _without_meta(waiting.pop())
        if get_origin(one) is Literal:
            found.extend(get_args(one))
        else:
            waiting.extend(get_args(one))
    return tuple(found)
