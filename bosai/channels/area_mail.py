"""緊急速報メール: a title and a body as the carriers take them, from the record that was approved. Pure.

Sources: 緊急速報メール 配信の手引き of the four carriers (避難情報 and tsunami only; no web address, no telephone
number; 訓練 must be told before and marked); lengths are settings. What does not fit is left out by whole sentences;
what can not be sent says why. Nothing is sent from here.
"""

import re
from collections.abc import Sequence

import msgspec

from bosai.channels.area_names import area_forms
from bosai.channels.fitting import fitted
from bosai.channels.sentences import Part, Sentence
from bosai.messages.catalogue import text
from bosai.messages.marks import marked
from bosai.messages.terms import term
from bosai.messages.wording import DRILL_START
from bosai.model.alert import Act, Alert, AlertRecord, OrderKind
from bosai.settings_channels import AreaMailFigures

_CONTACTS = re.compile(
    r"https?://|www\.|[\w.+-]+@[\w-]+\.|\d{2,4}[-(（)）―ー−]\d{2,4}[-)）―ー−]\d{3,4}|0\d{9,10}"
)
_LINE = "\n"


class AreaMail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail. Characters are counted as the carriers do: every character is one, a line break too.

    problems: why it can not, or should not, be sent, in Japanese; () when it may. dropped: sentences left out.
    odd: characters that old telephones do not show (outside JIS X 0208).
    """

    title: str
    body: str
    title_limit: int
    body_limit: int
    problems: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    area_shortened: bool = False
    odd: tuple[str, ...] = ()

    @property
    def may_send(self) -> bool:
        """True when nothing speaks against it."""
        return not self.problems


def area_mail(record: AlertRecord, figures: AreaMailFigures, wards: Sequence[str]) -> AreaMail:
    """The mail of one version. wards: the city's wards, by which a long area is shortened."""
    alert, realm = record.alert, record.alert.realm_of

    def written(parts: Sequence[str]) -> str:
        return marked(_LINE.join(parts), realm, "ja")

    made = fitted(
        record,
        area_forms(alert.area.names, wards, ends=not alert.directs_people),
        room=figures.body_chars,
        measure=lambda parts: len(written(parts)),
        keep=lambda one: not _CONTACTS.search(one.text),
    )
    title, body = _title(alert, figures.title_chars), written(made.texts)
    problems = _problems(alert, figures)
    if not made.fits:
        problems.append(
            f"区域の名前が長く、本文が{figures.body_chars}字に入りません。区域の選び方を変えるか、版を分けてください。"
        )
    if len(title) > figures.title_chars:
        problems.append(f"件名が{figures.title_chars}字に入りません。")
    if any(_is_contact(one) for one in made.said):
        problems.append("アドレスや電話番号は書けません。文から消してください。")
    return AreaMail(
        title=title,
        body=body,
        title_limit=figures.title_chars,
        body_limit=figures.body_chars,
        problems=tuple(problems),
        dropped=made.dropped,
        area_shortened=made.area_shortened,
        odd=tuple(dict.fromkeys(one for one in title + body if not _is_common(one))),
    )


def _is_contact(one: Sentence) -> bool:
    return one.part is not Part.OPENING and _CONTACTS.search(one.text) is not None


def _problems(alert: Alert, figures: AreaMailFigures) -> list[str]:
    found = []
    if alert.kind is OrderKind.NOTICE and alert.tsunami_class is None:
        found.append("お知らせは緊急速報メールで送れません（避難情報と津波だけです）。")
    if alert.realm_of.is_drill and not figures.drills:
        found.append("訓練では送りません（設定 channels.area_mail.drills）。住民への事前の周知が必要です。")
    if alert.act is Act.LIFT and not figures.lifts:
        found.append("解除・終了は送りません（設定 channels.area_mail.lifts）。ほかの手段で伝えます。")
    return found


def _title(alert: Alert, limit: int) -> str:
    """The longest of the titles that fits; the shortest where none does."""
    mark = DRILL_START if alert.realm_of.is_drill else ""
    titles = [mark + one for one in _titles(alert)]
    return next((one for one in titles if len(one) <= limit), titles[-1])


def _titles(alert: Alert) -> list[str]:
    kind = term("ja", f"kind.{alert.kind}")
    jma = term("ja", f"tsunami.{alert.tsunami_class}") if alert.tsunami_class else ""
    hazard = term("ja", f"hazard.{alert.hazard}")
    level = text(f"terms.level.{int(alert.level)}", "ja") if alert.level else ""
    if alert.act is Act.RECALL:
        return [f"【取消】{kind}（{jma or hazard}）", f"【取消】{kind}"]
    if alert.act is Act.LIFT:
        ended = "終了" if alert.kind is OrderKind.NOTICE else "解除"
        return [f"【{ended}】{kind}（{jma or hazard}）", f"【{ended}】{kind}"]
    if alert.kind is OrderKind.NOTICE:
        return [f"{jma}（気象庁発表）", jma] if jma else [f"{hazard}の{kind}", kind]
    if jma:
        return [f"{jma} {kind}", jma]
    if level:
        return [f"{level} {kind}", f"{level}{kind}", f"{level.removeprefix('警戒')}{kind}", kind]
    return [f"{kind}（{hazard}）", f"{hazard} {kind}", kind]


def _is_common(one: str) -> bool:
    if one in "\n–−":
        return True
    try:
        one.encode("iso2022_jp")
    except UnicodeEncodeError:
        return False
    return True
