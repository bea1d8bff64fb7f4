"""What a telegram means, in Japanese for people: the text that `bosai feed show FILE…` prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from bosai.feeds.jma.weather_series import SERIES
from bosai.feeds.readings import JST
from bosai.feeds.show import intensity_name
from bosai.feeds.show_values import ShownArea, ShownForecast, ShownHappening, ShownKind, ShownTelegram

_SYSTEMS = {
    "weather": "気象",
    "river": "河川",
    "seismic": "地震",
    "tsunami": "津波",
    "volcano": "火山",
    "cap": "CAP",
    "unknown": "符号の種類が不明",
}
_HOW_READ = {
    "body": "",
    "envelope": "（この種別は本文を読みません。見出しの内容です）",
    "refused": "（受け付けません）",
    "feed": "（Atom フィード）",
    "cap": "（CAP のメッセージ）",
}
_T = TypeVar("_T")
_LONG = 200  # a body text longer than this is cut: the whole of it is in --json


def show_text(shown: ShownTelegram) -> str:
    """The lines for one file: the envelope, the areas by code system and layer, then happenings and forecasts."""
    return "\n".join(_lines(shown))


def _lines(shown: ShownTelegram) -> Iterator[str]:
    yield f"■ {shown.file}{_HOW_READ.get(shown.read, '')}"
    if shown.error is not None:
        yield f"  {shown.error}"
    if shown.title is not None:
        yield f"  {shown.title}" + (f"（{shown.type_code}）" if shown.type_code else "")
    if shown.status is not None:
        offices = "・".join(shown.publishing_offices or ()) or shown.editorial_office or ""
        yield f"  {shown.status}／{shown.info_type}　{offices}　{_clock(shown.report_at)}"
    named = [
        ("EventID", " ".join(shown.event_ids or ())),
        ("第", f"{shown.serial}報" if shown.serial else ""),
    ]
    if any(value for _, value in named):
        yield "  " + "　".join(f"{label} {value}" for label, value in named if value)
    if shown.legacy:
        yield "  経過措置の電文です（設定で使うと決めたときだけ判断に使います）"
    if shown.headline:
        yield from (f"  ｜{line}" for line in shown.headline.splitlines())
    if shown.text and shown.text != shown.headline:
        yield from (f"  ｜{line}" for line in _cut(shown.text).splitlines())
    yield from _areas(shown.areas or ())
    yield from _happenings(shown.happenings, said=shown.headline or "")
    yield from _forecasts(shown.forecasts)
    if shown.type_code == SERIES and shown.read == "body" and not shown.forecasts:
        yield "  警報級以上の予想は書かれていません"
    for entry in shown.entries:
        yield f"  {_clock(entry.updated_at)} {entry.title}（{entry.type_code or '種別不明'}）{entry.href}"
    for problem in shown.problems or ():
        yield f"  ※読めない点：{problem}"


def _areas(areas: Iterable[ShownArea]) -> Iterator[str]:
    """Areas with the same words on one line, under a heading for each code system and layer."""
    standing = [
        area for area in areas if not any(kind.observed_at or _is_happening(kind) for kind in area.kinds)
    ]
    for heading, members in _grouped(standing, _heading):
        yield f"  【{heading}】"
        for words, same in _grouped(members, lambda area: "／".join(map(_kind, area.kinds)) or "発表なし"):
            yield f"    {'、'.join(f'{one.name}({one.code})' for one in same)}"
            yield f"      {words}"


def _is_happening(kind: ShownKind) -> bool:
    # A kind of the head alone has no danger; one that stands has a grade beside it.
    return kind.danger is not None and kind.grade is None


def _happenings(happenings: Iterable[ShownHappening], *, said: str) -> Iterator[str]:
    """Happenings with the same words on one line; what the headline `said` above is not said again."""
    for layer, members in _grouped(happenings, lambda one: one.layer or one.danger):
        yield f"  【{layer}】"
        for words, same in _grouped(members, lambda one: _happened(one, said)):
            yield f"    {'、'.join(f'{one.name}({one.code})' if one.code else one.name for one in same)}"
            yield f"      {words}"


def _happened(one: ShownHappening, said: str) -> str:
    felt = one.danger == "shaking" and one.layer in {"都道府県", "細分区域", "市町村等"}
    parts = [intensity_name(one.value) if felt else one.value]
    if one.at is not None:
        parts.append(_clock(one.at))
    if one.conditions:
        parts.append(f"［{'・'.join(one.conditions)}］")
    if one.text and one.text != said:
        parts.append(_cut(one.text.replace("\n", " ")))
    return " ".join(parts)


def _forecasts(forecasts: Iterable[ShownForecast]) -> Iterator[str]:
    members = list(forecasts)
    if members:
        yield "  【予想（気象庁の発表のとおり）】"
    for one in members:
        yield f"    {one.name}({one.code})：" + "、".join(each.as_given for each in one.expected)


def _kind(kind: ShownKind) -> str:
    parts = [kind.name + (f"[{kind.code}]" if kind.code else "")]
    if kind.level is not None:
        parts.append(f"警戒レベル{kind.level}" + ("相当" if kind.level >= 3 else ""))
    if kind.status:
        parts.append(kind.status)
    if kind.lifted and kind.status != "解除":
        parts.append("解除")
    if kind.last_name and kind.last_name != kind.name:
        parts.append(f"（前は{kind.last_name}）")
    if kind.arrival:
        parts.append(kind.arrival if kind.arrival.startswith("第１波") else f"第１波：{kind.arrival}")
    if kind.height:
        parts.append(f"高さ：{kind.height}")
    if kind.conditions:
        parts.append(f"［{'・'.join(kind.conditions)}］")
    parts += [f"予想：{f'{one.place}は' if one.place else ''}{one.as_given}" for one in kind.expected]
    return " ".join(parts)


def _heading(area: ShownArea) -> str:
    system = _SYSTEMS.get(area.system, area.system)
    return f"{system}・{area.layer}" if area.layer else system


def _grouped(members: Iterable[_T], key: Callable[[_T], str]) -> list[tuple[str, list[_T]]]:
    groups: dict[str, list[_T]] = {}
    for one in members:
        groups.setdefault(key(one), []).append(one)
    return list(groups.items())


def _clock(iso: str | None) -> str:
    """ "2011-03-11T05:49:00Z" → "2011-03-11 14:49": Japan's time, also of feeds (UTC) and of senders abroad."""
    return "" if iso is None else f"{datetime.fromisoformat(iso).astimezone(JST):%Y-%m-%d %H:%M}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]}…（続きは --json で）"
