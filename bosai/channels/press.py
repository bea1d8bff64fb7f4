"""The short text of SNS, in every language, and the press release in Japanese. Pure.

The short text is the approved one, cut by whole sentences to what a post takes; the release has every name of the area
and the figures of households and persons where they are known. HQ's 判断の理由 is for the record and stands in neither.
"""

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from bosai.channels.area_names import area_forms
from bosai.channels.figures import AreaFigures, figures_text, ward_lines
from bosai.channels.fitting import fitted
from bosai.channels.sentences import Part, jma_sentence, released_time, sentences, wrong_time
from bosai.messages.advice import areas_short
from bosai.messages.catalogue import text
from bosai.messages.marks import marked, marked_start
from bosai.messages.orders import is_newly_issued, join_names, own_words
from bosai.messages.terms import issued_name, term
from bosai.model.alert import Act, AlertRecord, OrderKind
from bosai.model.realm import Realm
from bosai.settings_channels import PressFigures

_URL_WEIGHT = 23
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_ENDS = {
    "zh-Hans": r"[^。！]+[。！]*",
    "zh-Hant": r"[^。！]+[。！]*",
    "ja-x-easy": r"[^。！]+[。！]*",
    "ne": r"[^।!]+[।!]*",
}
_WESTERN = r".+?(?:[.!](?=\s+[^\s(–]|\Z)|\Z)"


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One short text, or several in a row where one is not enough. weights: of each; a full-width character counts 2,
    another 1, a web address 23 (as X counts)."""

    lang: str
    texts: tuple[str, ...]
    weights: tuple[int, ...]
    limit: int
    problems: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The press release: its title and its lines."""

    title: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Title and lines."""
        return "\n".join([self.title, "", *self.lines])


def weight(words: str) -> int:
    """What a post counts for, with every web address as 23."""
    plain = unicodedata.normalize("NFC", words)
    addresses = re.findall(r"https?://\S+", plain)
    rest = re.sub(r"https?://\S+", "", plain)
    light = sum(any(low <= ord(one) <= high for low, high in _LIGHT) for one in rest)
    return light + 2 * (len(rest) - light) + _URL_WEIGHT * len(addresses)


def japanese_post(record: AlertRecord, figures: PressFigures, wards: Sequence[str], page_url: str) -> Post:
    """The short text in Japanese, with the hashtag and the city's page where there is room for them."""
    alert, realm = record.alert, record.alert.realm_of
    head = _head(record)

    def written(parts: Sequence[str]) -> str:
        return marked("\n".join([head, *parts]), realm, "ja")

    made = fitted(
        record,
        area_forms(alert.area.names, wards, ends=not alert.directs_people),
        room=figures.short_weight,
        measure=lambda parts: weight(written(parts)),
    )
    parts = list(made.texts)
    for one in (page_url, figures.hashtag):
        if one and weight(written([*parts, one])) <= figures.short_weight:
            parts.append(one)
    problems = () if made.fits else (f"区域の名前が長く、{figures.short_weight // 2}字に入りません。",)
    said = written(parts)
    return Post(
        lang="ja",
        texts=(said,),
        weights=(weight(said),),
        limit=figures.short_weight,
        problems=problems,
        dropped=made.dropped,
    )


def translated_post(record: AlertRecord, lang: str, figures: PressFigures) -> Post:
    """The short text in another language: the approved sentences, in as many posts as they need.

    A long area is said by its first name and "and others", as the push does.
    """
    alert, realm = record.alert, record.alert.realm_of
    every = join_names(lang, alert.area.names)
    area = every if weight(every) <= figures.short_weight // 4 else areas_short(alert, lang)
    parts = _split(own_words(alert, lang).replace(every, area), lang)
    posts: list[list[str]] = [[]]
    for one in parts:
        if posts[-1] and weight(_post([*posts[-1], one], realm, lang)) > figures.short_weight:
            posts.append([])
        posts[-1].append(one)
    texts = tuple(_post(one, realm, lang) for one in posts)
    weights = tuple(weight(one) for one in texts)
    too_long = max(weights) > figures.short_weight
    return Post(
        lang=lang,
        texts=texts,
        weights=weights,
        limit=figures.short_weight,
        problems=(f"ひとつの文が{figures.short_weight // 2}字に入りません。",) if too_long else (),
    )


def _post(parts: Sequence[str], realm: Realm, lang: str) -> str:
    return marked("\n".join(parts), realm, lang)


def release(
    record: AlertRecord, settings: PressFigures, figures: AreaFigures | None, page_url: str
) -> Release:
    """The press release of one version."""
    alert, realm = record.alert, record.alert.realm_of
    named = issued_name("ja", alert.hazard, alert.kind, alert.tsunami_class)
    city = text("terms.city", "ja")
    lines = [f"発表者：{city}（{settings.contact}）", f"日時：{released_time(record)}", ""]
    lines += [*_what(record), ""]
    lines += ["対象の区域", *(f"・{one}" for one in alert.area.names)]
    if alert.area.approximate:
        lines.append("（町の代表点からのおよその区域、または見本の区域を含みます）")
    if alert.directs_people and alert.kind is not OrderKind.NOTICE:
        lines += ["", f"対象の世帯・人数：{figures_text(figures)}"]
        if figures is not None:
            lines += [f"　{one}" for one in ward_lines(figures)]
            lines.append(f"　{figures.source}")
    asked = [one.text for one in sentences(record, "対象の区域") if one.part is not Part.OPENING]
    if asked:
        lines += ["", "市民の皆さまへ", *asked]
    lines += ["", f"問い合わせ：{settings.contact}", *([page_url] if page_url else [])]
    done = Act.ISSUE if is_newly_issued(alert) else alert.act
    title = {
        Act.ISSUE: "について" if alert.kind is OrderKind.NOTICE else "の発令について",
        Act.UPDATE: "の内容の更新について",
        Act.LIFT: "の終了について" if alert.kind is OrderKind.NOTICE else "の解除について",
        Act.RECALL: "の取消について",
    }[done]
    whole = marked("\n".join(lines), realm, "ja").split("\n")
    if realm.is_drill:
        whole[0] = lines[0]  # the mark opens the title, and the text with it
    return Release(title=marked_start(f"{named}{title}", realm, "ja"), lines=tuple(whole))


def _what(record: AlertRecord) -> list[str]:
    """What was done, without naming the area, which follows as a list."""
    alert, city = record.alert, text("terms.city", "ja")
    named = issued_name("ja", alert.hazard, alert.kind, alert.tsunami_class)
    jma = list(jma_sentence(record)) if alert.directs_people else []
    if alert.act is Act.RECALL:
        wrong = wrong_time(alert)
        return [
            f"{city}が{f'{wrong}に' if wrong else ''}次の区域に出した{named}は誤りでした。取り消しました。"
        ]
    if alert.kind is OrderKind.NOTICE:
        ended = f"{city}は、次の区域への{named}を終了しました。"
        return [ended] if alert.act is Act.LIFT else [*jma, f"{city}から次の区域へのお知らせです。"]
    done = {
        Act.ISSUE: f"次の区域に{named}を発令しました",
        Act.UPDATE: f"次の区域の{named}の内容を更新しました",
        Act.LIFT: f"次の区域の{named}を解除しました",
    }[Act.ISSUE if is_newly_issued(alert) else alert.act]
    return [*jma, f"{city}は、{done}。"]


def _head(record: AlertRecord) -> str:
    """The first words of a post: what it is, before who and where."""
    alert = record.alert
    if alert.act is Act.RECALL:
        return f"【{term('ja', 'recalled')}】"
    if alert.act is Act.LIFT:
        return "【終了】" if alert.kind is OrderKind.NOTICE else f"【{term('ja', 'lifted')}】"
    if alert.tsunami_class is not None:
        return f"【{term('ja', f'tsunami.{alert.tsunami_class}')}】"
    level = f"{text(f'terms.level.{int(alert.level)}', 'ja')} " if alert.level else ""
    return f"【{level}{term('ja', f'kind.{alert.kind}')}】"


def _split(words: str, lang: str) -> list[str]:
    found = re.findall(_ENDS.get(lang, _WESTERN), words.strip(), re.DOTALL)
    return [one.strip() for one in found if one.strip()]
