"""What a failed site means, in the words of HQ's page and of the staff who see its people off.

shelters.failure.FailureReport ─▶ SiteFailure: destinations by name, who is short, and one text to read aloud
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from bosai.messages.wording import DRILL_END, DRILL_START
from bosai.model.realm import Realm
from bosai.stores.site_failures import Move, SiteFailure
from shelters import failure
from shelters.model import Action
from shelters.sites import SiteTable

INLAND = "内陸（区域の外）"
NOWHERE = "案内できる場所なし"
AT_HOME = frozenset({Action.UP, Action.STAY})
"""What keeps people where they are: nobody is told to set out."""


def failures_of(
    reports: Iterable[failure.FailureReport], sites: SiteTable, at: datetime, realm: Realm
) -> list[SiteFailure]:
    """Each failed site as it is stored and shown. at: the time of the plan."""
    return [_failure_of(one, sites, at, realm) for one in reports]


def _failure_of(report: failure.FailureReport, sites: SiteTable, at: datetime, realm: Realm) -> SiteFailure:
    name = sites.sites[report.site].name
    return SiteFailure(
        site_id=report.site_id,
        name=name,
        at=at,
        inside=max(report.present or 0, report.inside_with_phone),
        inside_with_phone=report.inside_with_phone,
        counted=report.present is not None,
        on_their_way=report.on_their_way,
        moves=tuple(_move_of(one, sites) for one in report.moves),
        without_site=sum(one.persons for one in report.moves if _is_nowhere(one)),
        say=say(report, sites, realm),
    )


def _move_of(move: failure.Move, sites: SiteTable) -> Move:
    return Move(
        site_id=move.site_id,
        name=_name_of(move, sites),
        persons=move.persons,
        inside=move.inside,
        without_seat=0 if move.site < 0 else move.without_seat,  # without a site they are counted as such
    )


def _name_of(move: failure.Move, sites: SiteTable) -> str:
    if move.site >= 0:
        return sites.sites[move.site].name
    if move.action is Action.INLAND:
        return INLAND
    return "建物の中にとどまる" if move.action in AT_HOME else NOWHERE


def _is_nowhere(move: failure.Move) -> bool:
    return move.site < 0 and move.action is not Action.INLAND and move.action not in AT_HOME


def say(report: failure.FailureReport, sites: SiteTable, realm: Realm) -> str:
    """What staff read aloud to those inside, and what they must know themselves. Japanese."""
    text = "".join(_sentences(report, sites))
    return f"{DRILL_START}{text}{DRILL_END}。" if realm.is_drill else text


def _sentences(report: failure.FailureReport, sites: SiteTable) -> Iterator[str]:
    yield f"{sites.sites[report.site].name}は使えなくなりました。"
    inside = [one for one in report.moves if one.inside]
    to_sites = [one for one in inside if one.site >= 0]
    if to_sites:
        listed = "、".join(f"{sites.sites[one.site].name}へ {one.inside:,}人" for one in to_sites)
        yield f"次のように分かれて移動してください：{listed}。家族は一緒に移動してください。"
    for action, words in (
        (Action.INLAND, "海と反対の内陸へ、区域の外まで歩いてください"),
        (Action.UP, "遠くへは行かず、がけや川から離れた、近くの丈夫な建物の高い階へ移ってください"),
        (Action.STAY, "外へ出ず、水より高い階にとどまってください"),
    ):
        if count := _persons(inside, action):
            yield f"{count:,}人は、{words}。"
    yield from _what_staff_must_know(report, inside, to_sites)


def _what_staff_must_know(
    report: failure.FailureReport, inside: Sequence[failure.Move], to_sites: Sequence[failure.Move]
) -> Iterator[str]:
    if short := sum(one.without_seat for one in to_sites):
        yield f"行き先の席が {short:,}人分足りません。災害対策本部に連絡してください。"
    if nowhere := sum(one.inside for one in inside if _is_nowhere(one)):
        yield f"{nowhere:,}人には案内できる場所がありません。災害対策本部の指示を受けてください。"
    if report.present is None:
        yield "人数の報告がないため、スマートフォンのない方の行き先はまだ決まっていません。"
        yield "いる人の数を報告してください。"
    elif report.present > 0:
        yield "移動したら、残っている人の数を報告してください。"
    if report.on_their_way:
        yield f"こちらへ向かっていた {report.on_their_way:,}人には、新しい行き先を知らせます。"


def _persons(moves: Iterable[failure.Move], action: Action) -> int:
    return sum(one.inside for one in moves if one.site < 0 and one.action is action)
