"""Official words with the Japanese term beside the translation: people see it on signs and hear it."""

from bosai.messages.catalogue import text
from bosai.model.alert import OrderKind, TsunamiClass, level_of
from geodata.hazards import HazardKind

_TSUNAMI_CALLS = frozenset({OrderKind.TSUNAMI_EVACUATION, OrderKind.NOTICE})
"""What may carry one of JMA's tsunami classes: the mayor's order, and our お知らせ of what JMA announced."""


def term(lang: str, name: str) -> str:
    """`name` in `lang`: 避難指示 / 避難指示＜…＞ in やさしい日本語 / "Evacuation Order (避難指示)"."""
    return beside(lang, text(f"terms.{name}", lang), text(f"terms.{name}", "ja"))


def head(lang: str, hazard: HazardKind, kind: OrderKind, tsunami_class: TsunamiClass | None) -> str:
    """What is in force, level first: 「警戒レベル4 避難指示」, 「大津波警報」; a tsunami never shows a level."""
    return beside(lang, _head(lang, hazard, kind, tsunami_class), _head("ja", hazard, kind, tsunami_class))


def short_head(lang: str, hazard: HazardKind, kind: OrderKind, tsunami_class: TsunamiClass | None) -> str:
    """`head` for a notification's title: やさしい日本語 keeps only the word seen on signs there."""
    return head(sign_lang(lang), hazard, kind, tsunami_class)


def sign_lang(lang: str) -> str:
    """The language of a term without its explanation: in やさしい日本語 the word as on signs. The explanation of
    避難指示 is 「みんな すぐ にげてください」, which has no place beside 解除 and 取消, nor in a title."""
    return "ja" if lang == "ja-x-easy" else lang


def issued_name(lang: str, hazard: HazardKind, kind: OrderKind, tsunami_class: TsunamiClass | None) -> str:
    """What the city issued, and so can lift or recall, with what it is about: 「警戒レベル4 避難指示（洪水）」,
    「避難指示（大津波警報）」, 「お知らせ（大津波警報）」. The tsunami class is JMA's (発表): the city ends what is
    its own, never the warning."""
    if kind is OrderKind.NOTICE and tsunami_class is None:
        return head(lang, hazard, kind, tsunami_class)
    if kind in _TSUNAMI_CALLS:
        jma = term(lang, f"tsunami.{tsunami_class}" if tsunami_class else "hazard.tsunami")
        return about(lang, term(lang, f"kind.{kind}"), jma)
    return about(lang, head(lang, hazard, kind, tsunami_class), term(lang, f"hazard.{hazard}"))


def about(lang: str, order: str, danger: str) -> str:
    """An order and what it is about: 「避難指示（洪水）」 / "Evacuation Order (避難指示) – Flood (洪水)"."""
    return f"{order}（{danger}）" if lang.startswith("ja") else f"{order} – {danger}"


def ended_word(lang: str, kind: OrderKind) -> str:
    """解除 for what the mayor ordered; an お知らせ is ended (終了), for nothing was ordered that could be lifted."""
    if kind is not OrderKind.NOTICE:
        return term(lang, "lifted")
    return beside(lang, text("at_once.ended_word", lang), text("at_once.ended_word", "ja"))


def beside(lang: str, translated: str, japanese: str) -> str:
    """The two together; once where they are the same word."""
    if translated == japanese:
        return japanese
    return f"{japanese}＜{translated}＞" if lang == "ja-x-easy" else f"{translated} ({japanese})"


def _head(lang: str, hazard: HazardKind, kind: OrderKind, tsunami_class: TsunamiClass | None) -> str:
    if kind in _TSUNAMI_CALLS and tsunami_class is not None:
        return text(f"terms.tsunami.{tsunami_class}", lang)
    if kind is OrderKind.TSUNAMI_EVACUATION:
        return f"{text('terms.hazard.tsunami', lang)} {text(f'terms.kind.{kind}', lang)}"
    named = text(f"terms.kind.{kind}", lang)
    level = level_of(hazard, kind)
    return f"{text(f'terms.level.{int(level)}', lang)} {named}" if level else named
