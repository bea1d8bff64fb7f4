"""The text of the order itself (仙台市の発令), in every language, from the facts an officer decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bosai.messages.catalogue import LANGS, text
from bosai.messages.marks import marked, marked_start
from bosai.messages.measures import JST
from bosai.messages.notices import foretold, is_foretold
from bosai.messages.terms import ended_word, issued_name, short_head, sign_lang, term
from bosai.model.alert import Act, Alert, AlertText, OrderKind, TsunamiClass
from bosai.model.realm import Realm
from geodata.hazards import HazardKind

_SEPARATORS = {"ja": "、", "ja-x-easy": "、", "zh-Hans": "、", "zh-Hant": "、"}
_UNSPACED = {"ja", "zh-Hans", "zh-Hant"}


class OrderTexts:
    """Texts per language for each act, hazard and kind. Free sentences are the officer's own."""

    def for_order(  # noqa: PLR0917 - the facts of one order, in the order an officer decides them
        self,
        realm: Realm,
        act: Act,
        hazard: HazardKind,
        kind: OrderKind,
        tsunami_class: TsunamiClass | None,
        area_names: Sequence[str],
        *,
        free: Mapping[str, str],
        at: datetime,
        expected_at: datetime | None = None,
        announced_at: datetime | None = None,
        newly: bool = False,
    ) -> dict[str, AlertText]:
        """Language tag → text, for all LANGS.

        free: language tag → sentence; a language without one shows the Japanese one, labelled.
        at: when it is written; only a recall names it: when the wrong order was issued. Others show the time of release
        beside the text. expected_at: when 気象庁 expects level 4, announced_at: when it said so (hazards with levels).
        newly: an update that issues another order than stood before (`issues_newly`): it says 発令 and not 更新.
        """
        order = _Order(
            act, hazard, kind, tsunami_class, tuple(area_names), at, expected_at, announced_at, newly
        )
        return {
            lang: AlertText(
                headline=marked_start(_headline(order, lang), realm, lang),
                body=marked(
                    join_sentences(lang, [*_sentences(order, lang), *_free(lang, free)]), realm, lang
                ),
            )
            for lang in LANGS
        }


@dataclass(frozen=True, slots=True)
class _Order:
    act: Act
    hazard: HazardKind
    kind: OrderKind
    tsunami_class: TsunamiClass | None
    area_names: tuple[str, ...]
    at: datetime
    expected_at: datetime | None
    announced_at: datetime | None
    newly: bool

    @property
    def is_notice_of_tsunami(self) -> bool:
        """Our お知らせ of a class that JMA announced: 気象庁発表, never 発令."""
        return self.kind is OrderKind.NOTICE and self.tsunami_class is not None


def join_names(lang: str, names: Sequence[str]) -> str:
    """Area names as one phrase; names stay Japanese, as signs and loudspeakers have them."""
    return _SEPARATORS.get(lang, ", ").join(names)


def join_sentences(lang: str, sentences: Sequence[str]) -> str:
    """Sentences one after another, with a blank where the language has one."""
    return ("" if lang in _UNSPACED else " ").join(one for one in sentences if one)


def own_words(alert: Alert, lang: str) -> str:
    """The body of the order as it was approved, without the drill's marks, which a whole message gets once."""
    body = (alert.texts.get(lang) or alert.texts["ja"]).body
    if not alert.realm_of.is_drill:
        return body
    opening, ending = marked("\0", Realm.DRILL, lang).split("\0")
    return body.removeprefix(opening).removesuffix(ending)


def issues_newly(base: Alert, kind: OrderKind, tsunami_class: TsunamiClass | None) -> bool:
    """Whether an update of `base` to this kind and class is 発令 of what did not stand: of another kind (also what was
    an お知らせ), or of a graver class. People who hear 「緊急安全確保の内容を更新」 would look for the first one."""
    if kind is OrderKind.NOTICE:
        return False
    return kind is not base.kind or _CLASSES.index(tsunami_class) > _CLASSES.index(base.tsunami_class)


def is_newly_issued(alert: Alert) -> bool:
    """Whether a version says 発令: the first one, or an update that issued newly. Read from its approved words."""
    if alert.act is not Act.UPDATE or alert.kind is OrderKind.NOTICE:
        return alert.act is Act.ISSUE and alert.kind is not OrderKind.NOTICE
    named = issued_name("ja", alert.hazard, alert.kind, alert.tsunami_class)
    city, areas = text("terms.city", "ja"), join_names("ja", alert.area.names)
    return own_words(alert, "ja").startswith(text("orders.issued", "ja", city=city, areas=areas, head=named))


_CLASSES = (None, *TsunamiClass)
"""The lightest first."""


def notice_words(alert: Alert, lang: str) -> str:
    """What an お知らせ says, without "from whom to whom" where more was written: that stands in title and issuer."""
    said = own_words(alert, lang)
    city, areas = text("terms.city", lang), join_names(lang, alert.area.names)
    return said.removeprefix(text("orders.notice", lang, city=city, areas=areas)).strip() or said


def keep_away(lang: str, hazard: HazardKind) -> str:
    """What stays forbidden after a lift: 解除 is not "safe"."""
    return text(f"advice.keep_away.{_KEEP_AWAY.get(hazard, 'other')}", lang)


_KEEP_AWAY = {
    HazardKind.FLOOD: "water",
    HazardKind.INLAND_FLOOD: "water",
    HazardKind.STORM_SURGE: "water",
    HazardKind.TSUNAMI: "water",
    HazardKind.LANDSLIDE: "slope",
}
_ENDING_ACTS = (Act.LIFT, Act.RECALL)


def _headline(order: _Order, lang: str) -> str:
    areas = join_names(lang, order.area_names)
    if order.act in _ENDING_ACTS:
        signs = sign_lang(lang)
        ending = ended_word(signs, order.kind) if order.act is Act.LIFT else term(signs, "recalled")
        ended = issued_name(signs, order.hazard, order.kind, order.tsunami_class)
        return f"【{ending}】{ended} {areas}"
    named = short_head(lang, order.hazard, order.kind, order.tsunami_class)
    if order.is_notice_of_tsunami:
        notice = term(sign_lang(lang), f"kind.{order.kind}")
        return text("at_once.headline", lang, head=named, notice=notice, areas=areas)
    return f"【{named}】{areas}"


def _sentences(order: _Order, lang: str) -> list[str]:
    words = sign_lang(lang) if order.act in _ENDING_ACTS else lang
    named = issued_name(words, order.hazard, order.kind, order.tsunami_class)
    city, areas = text("terms.city", lang), join_names(lang, order.area_names)
    if order.act is Act.RECALL:
        local = order.at.astimezone(JST)
        time = f"{local.month}/{local.day} {local:%H:%M}"
        said = text("orders.recalled", lang, time=time, city=city, areas=areas, head=named)
        return [said, text("orders.others_stand", lang)]
    if order.act is Act.LIFT and order.kind is OrderKind.NOTICE:
        return _notice_ended(order, lang, named)
    if order.act is Act.LIFT:
        said = text("orders.lifted", lang, city=city, areas=areas, head=named)
        return [said, keep_away(lang, order.hazard)]
    if order.is_notice_of_tsunami:
        return [
            text("at_once.announced", lang, jma=term(lang, f"tsunami.{order.tsunami_class}")),
            text("orders.notice", lang, city=city, areas=areas),
            text(f"orders.do.{_do(OrderKind.TSUNAMI_EVACUATION, order.tsunami_class)}", lang),
            text("at_once.until", lang),
        ]
    if order.kind is OrderKind.NOTICE:
        return [text("orders.notice", lang, city=city, areas=areas)]
    opening = "orders.updated" if order.act is Act.UPDATE and not order.newly else "orders.issued"
    return [
        text(opening, lang, city=city, areas=areas, head=named),
        text(f"orders.do.{_do(order.kind, order.tsunami_class)}", lang),
        text("orders.why", lang, hazard=term(lang, f"hazard.{order.hazard}")),
        *_foretold(order, lang),
        text("orders.until", lang),
    ]


def _foretold(order: _Order, lang: str) -> list[str]:
    if order.expected_at is None or not is_foretold(order.hazard, order.kind):
        return []
    return foretold(lang, order.expected_at, order.announced_at, written_at=order.at)


def _notice_ended(order: _Order, lang: str, named: str) -> list[str]:
    """Only the notice ended: what JMA announced is lifted by JMA, and may stand on."""
    city, areas = text("terms.city", lang), join_names(lang, order.area_names)
    said = [text("at_once.ended", lang, city=city, areas=areas, head=named)]
    if order.tsunami_class is not None:
        jma = term(sign_lang(lang), f"tsunami.{order.tsunami_class}")
        said.append(text("at_once.jma_may_stand", lang, jma=jma))
    return [*said, keep_away(lang, order.hazard)]


def _do(kind: OrderKind, tsunami_class: TsunamiClass | None) -> str:
    if kind is OrderKind.TSUNAMI_EVACUATION:
        return "tsunami_advisory" if tsunami_class is TsunamiClass.ADVISORY else "tsunami"
    return kind.value


def _free(lang: str, free: Mapping[str, str]) -> list[str]:
    own = free.get(lang, "").strip()
    if own:
        return [text("orders.free", lang, text=own)]
    japanese = free.get("ja", "").strip()
    if not japanese:
        return []
    return [text("orders.free_in_japanese", lang, text=japanese, city=text("terms.city", lang))]
