"""A preview as the page shows it: figures with the small ones withheld where they must be, curves as drawings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec

from bosai.services.previews import ClosedSite, Outcome, Preview, SiteExpectation, TownFigures
from bosai.services.small_counts import total_without_small, without_small
from geodata.touched import about

WIDTH, HEIGHT = 180, 48
PACES = {
    "standard": "ふつうに歩ける",
    "slow": "ゆっくり・介助が要る",
    "unknown": "未回答（歩く速さは遅めに計算）",
}
STEP_MIN = 10
_SHOWN_MIN = (30, 60, 180)


@dataclass(frozen=True, slots=True, kw_only=True)
class TownLine:
    """One town; a count that is None is withheld (`hidden`) or unknown."""

    figures: TownFigures
    residents: int | None
    subscribers: int | None
    households: int | None
    no_way: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WardLines:
    """The towns of one ward with their sums."""

    ward: str
    residents: int | None
    subscribers: int | None
    no_way: int
    residents_no_way: int | None
    towns: tuple[TownLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points of one curve and the height of the seats in a drawing of WIDTH × HEIGHT; what it says in words."""

    alone: str
    counted_in: str
    seats_y: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLine:
    """One site with its drawing; None where nobody sets out for it now."""

    site: SiteExpectation
    persons: int | None
    others: int | None
    counted_in: int | None
    over: int | None
    left: int | None
    over_counted_in: int | None
    left_counted_in: int | None
    curve: Curve | None
    full: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeLine:
    """How one plan turns out; None where a figure is withheld."""

    name: str
    to_site: int | None
    no_way: int | None
    no_seats: int | None
    beyond: int | None
    short: int | None
    nearest_beyond: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """What the template shows."""

    preview: Preview
    people: int | None
    households: int | None
    residents_about: int | None
    moving_about: int
    resident_households_about: int | None
    alone: OutcomeLine | None
    counted_in: OutcomeLine | None
    actions: tuple[tuple[str, int | None], ...]
    paces: tuple[tuple[str, int | None], ...]
    langs: tuple[tuple[str, int | None], ...]
    sites: tuple[SiteLine, ...]
    wards: tuple[WardLines, ...]
    closed: tuple[ClosedSite, ...]
    exact: bool


def view_of(preview: Preview, *, exact: bool) -> PreviewView:
    """exact: False for roles that see no counts below five."""
    return PreviewView(
        preview=preview,
        people=preview.people if exact else total_without_small(preview.people),
        households=preview.households if exact else total_without_small(preview.households),
        residents_about=None if preview.residents is None else about(preview.residents),
        moving_about=about(preview.moving_residents or 0),
        resident_households_about=None
        if preview.resident_households is None
        else about(preview.resident_households),
        alone=_outcome("登録者だけ", preview.alone, exact=exact),
        # Residents are estimates of a public table: no figure of theirs points at anybody.
        counted_in=_outcome("住民を含めた見込み", preview.counted_in, exact=True),
        actions=_column(preview.by_action.items(), exact=exact),
        paces=_column(((PACES.get(name, name), n) for name, n in preview.by_pace.items()), exact=exact),
        langs=_column(preview.by_lang.items(), exact=exact),
        sites=_sites(preview, exact=exact),
        wards=_wards(preview.towns, exact=exact),
        closed=preview.openings.sites if preview.openings else (),
        exact=exact,
    )


def _outcome(name: str, one: Outcome | None, *, exact: bool) -> OutcomeLine | None:
    if one is None:
        return None
    figures = (one.to_site, one.no_way, one.no_seats, one.beyond, one.short, one.nearest_beyond)
    to_site, no_way, no_seats, beyond, short, nearest = (
        count if exact else total_without_small(count) for count in figures
    )
    return OutcomeLine(
        name=name,
        to_site=to_site,
        no_way=no_way,
        no_seats=no_seats,
        beyond=beyond,
        short=short,
        nearest_beyond=nearest,
    )


def _column(pairs: Iterable[tuple[str, int]], *, exact: bool) -> tuple[tuple[str, int | None], ...]:
    listed = list(pairs)
    counts = _shown([count for _, count in listed], exact=exact)
    return tuple((name, count) for (name, _), count in zip(listed, counts, strict=True))


def _shown(counts: Sequence[int], *, exact: bool) -> Sequence[int | None]:
    return list(counts) if exact else without_small(counts)


def _wards(towns: tuple[TownFigures, ...], *, exact: bool) -> tuple[WardLines, ...]:
    subscribers = _shown([one.subscribers for one in towns], exact=exact)
    households = _shown([one.subscriber_households for one in towns], exact=exact)
    no_way = _shown([one.no_way for one in towns], exact=exact)
    lines = [
        TownLine(
            figures=one,
            residents=None if one.residents is None else about(one.residents),
            subscribers=subscribers[n],
            households=households[n],
            no_way=no_way[n],
        )
        for n, one in enumerate(towns)
    ]
    found = []
    for ward, group in groupby(lines, key=lambda one: one.figures.ward):
        mine = tuple(group)
        residents = [one.figures.residents for one in mine]
        withheld = any(one.subscribers is None for one in mine)
        lost = [one.figures.residents_no_way for one in mine]
        found.append(
            WardLines(
                ward=ward or "区の分からない町",
                residents=None if None in residents else about(sum(one or 0 for one in residents)),
                subscribers=None if withheld else sum(one.figures.subscribers for one in mine),
                no_way=sum(one.no_way or 0 for one in mine),
                residents_no_way=None if None in lost else sum(one or 0 for one in lost),
                towns=mine,
            )
        )
    # Where most people live comes first: neighbours' wards are touched by estimates of borders only.
    return tuple(sorted(found, key=lambda one: (-(one.residents or 0), -(one.subscribers or 0))))


def _sites(preview: Preview, *, exact: bool) -> tuple[SiteLine, ...]:
    persons = _shown([one.persons for one in preview.by_site], exact=exact)
    lines = [_site(one, persons[n], exact=exact) for n, one in enumerate(preview.by_site)]
    # The ones that fill come first: they are what HQ can still do something about.
    return tuple(
        sorted(
            lines,
            key=lambda one: (
                -(one.over or 0),
                -(one.over_counted_in or 0),
                -one.site.persons,
                -(one.site.counted_in or 0),
            ),
        )
    )


def _site(one: SiteExpectation, persons: int | None, *, exact: bool) -> SiteLine:
    """persons: what may be shown of them. Where few residents count, `counted_in` is the subscribers again."""
    others, counted_in = total_without_small(one.others), one.counted_in
    if exact:
        others = one.others
    elif counted_in is not None:
        counted_in = total_without_small(counted_in)
    # What is left, and the heads of the hours, are sums of all three.
    alone = persons if others is not None else None
    together = counted_in if others is not None else None
    return SiteLine(
        site=one,
        persons=persons,
        others=others,
        counted_in=counted_in,
        over=None if alone is None else _over(one, alone),
        left=None if alone is None else _left(one, alone),
        over_counted_in=None if together is None else _over(one, together),
        left_counted_in=None if together is None else _left(one, together),
        curve=_curve(
            msgspec.structs.replace(
                one,
                curve=() if alone is None else one.curve,
                curve_counted_in=() if together is None else one.curve_counted_in,
            )
        ),
        full=_full(one),
    )


def _over(one: SiteExpectation, persons: int) -> int:
    """Persons beyond the seats, of those sent by this order."""
    return max(0, min(persons, persons + one.others + (one.present or 0) - one.seats))


def _left(one: SiteExpectation, persons: int) -> int:
    return max(0, one.seats - persons - one.others - (one.present or 0))


def _full(one: SiteExpectation) -> str:
    """When more are there than seats, by subscribers alone and with residents."""
    alone, counted_in = _after(one.full_after_min), _after(one.full_after_min_counted_in)
    if one.curve_counted_in and counted_in != alone:
        return f"{alone}（住民を含めると{counted_in}）"
    return alone


def _after(minutes: int | None) -> str:
    if minutes is None:
        return "3時間では超えない"
    if minutes < 1:
        return "すでに超えている"
    hours, rest = divmod(minutes, 60)
    return f"約{hours}時間{rest}分後" if hours else f"約{minutes}分後"


def _curve(one: SiteExpectation) -> Curve | None:
    curves = [curve for curve in (one.curve, one.curve_counted_in) if curve]
    if not curves or all(curve[-1] == curve[0] for curve in curves):
        return None
    most = max(one.seats, *(max(curve) for curve in curves), 1)
    longest = curves[-1]
    said = "、".join(f"{_when(minutes)} {longest[minutes // STEP_MIN]:,}人" for minutes in _SHOWN_MIN)
    return Curve(
        alone=_points(one.curve, most),
        counted_in=_points(one.curve_counted_in, most),
        seats_y=_y(one.seats, most),
        words=said,
    )


def _when(minutes: int) -> str:
    return f"{minutes}分後" if minutes < 60 else f"{minutes // 60}時間後"


def _points(curve: Sequence[int], most: int) -> str:
    step = WIDTH / max(len(curve) - 1, 1)
    return " ".join(f"{n * step:.0f},{_y(heads, most):.1f}" for n, heads in enumerate(curve))


def _y(heads: int, most: int) -> float:
    return round(HEIGHT - 2 - (HEIGHT - 6) * heads / most, 1)
