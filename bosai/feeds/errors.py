"""What can be wrong with a document from outside: one base error, one reason per refusal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RefusalReason(StrEnum):
    """Why a document was refused. The values are stable: they label logs and metrics."""

    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    HAS_DTD = "has_dtd"
    NOT_WELL_FORMED = "not_well_formed"
    TOO_DEEP = "too_deep"
    TOO_MANY_ELEMENTS = "too_many_elements"
    TOO_MANY_ATTRIBUTES = "too_many_attributes"
    WRONG_ROOT = "wrong_root"
    WRONG_NAMESPACE = "wrong_namespace"
    FIELD_MISSING = "field_missing"
    FIELD_INVALID = "field_invalid"
    WRONG_TYPE = "wrong_type"
    UNSIGNED = "unsigned"
    WRONG_SIGNATURE = "wrong_signature"


_SENTENCES_JA: dict[RefusalReason, str] = {
    RefusalReason.TOO_LARGE: "大きさの上限を超えています",
    RefusalReason.NOT_UTF8: "UTF-8 の文書ではありません。気象庁の電文は UTF-8 です",
    RefusalReason.HAS_DTD: "DTD（DOCTYPE・実体宣言）を含んでいます。気象庁の電文に DTD はありません",
    RefusalReason.NOT_WELL_FORMED: "XML として壊れています（途中で切れていないか確かめてください）",
    RefusalReason.TOO_DEEP: "要素の入れ子が深すぎます",
    RefusalReason.TOO_MANY_ELEMENTS: "要素の数が上限を超えています",
    RefusalReason.TOO_MANY_ATTRIBUTES: "属性の数が上限を超えています",
    RefusalReason.WRONG_ROOT: "最上位の要素が違います",
    RefusalReason.WRONG_NAMESPACE: "名前空間が違います",
    RefusalReason.FIELD_MISSING: "必要な項目がありません",
    RefusalReason.FIELD_INVALID: "項目の値を読めません",
    RefusalReason.WRONG_TYPE: "この種類の電文ではありません",
    RefusalReason.UNSIGNED: "署名がありません。この配信元は署名を必要とする設定です",
    RefusalReason.WRONG_SIGNATURE: "署名を確かめられません。改変されたか、登録した証明書のものではありません",
}


@dataclass(eq=False)
class FeedError(Exception):
    """A document from outside was refused: `reason`, the `field` it is about, and the found `detail`."""

    reason: RefusalReason
    field: str = ""
    detail: str = ""

    def __str__(self) -> str:
        where = f"［{self.field}］" if self.field else ""
        what = f"（{self.detail}）" if self.detail else ""
        return f"{self.subject_ja}を受け付けません{where}：{self.sentence_ja}{what}"

    @property
    def sentence_ja(self) -> str:
        """Why, as a sentence without its full stop."""
        return _SENTENCES_JA[self.reason]

    @property
    def subject_ja(self) -> str:
        """What was refused, in the words of an official."""
        return "文書"


class XmlRefused(FeedError):
    """Bytes that are not XML we are willing to open."""


class TelegramRefused(FeedError):
    """A document that is not a JMA telegram we can trust."""

    @property
    def subject_ja(self) -> str:
        """See FeedError."""
        return "電文"


class CapRefused(FeedError):
    """A document that is not a CAP message we can trust."""

    @property
    def subject_ja(self) -> str:
        """See FeedError."""
        return "CAP メッセージ"

    @property
    def sentence_ja(self) -> str:
        """CAP has senders other than 気象庁."""
        own = {
            RefusalReason.NOT_UTF8: "UTF-8 の文書ではありません",
            RefusalReason.HAS_DTD: "DTD（DOCTYPE・実体宣言）を含んでいます",
        }
        return own.get(self.reason, super().sentence_ja)


class FeedRefused(FeedError):
    """A document that is not an Atom feed we can trust."""

    @property
    def subject_ja(self) -> str:
        """See FeedError."""
        return "フィード"
