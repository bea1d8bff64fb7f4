"""Errors as sentences: what happened, what exactly, and the mend, in the reader's language."""

import math
import re

import msgspec

from bosai.errors import BodyTooLarge, BosaiError, InvalidInput, Overloaded, TooManyTries
from bosai.messages.catalogue import has_text, text


class ErrorText(msgspec.Struct, frozen=True):
    """Title, the particulars (may be empty), and what to do about it."""

    title: str
    detail: str
    mend: str


_SAME_PROBLEM = {
    "wrong_kind": "unreadable",
    "bad_json": "not_json",
    "unknown_field": "unknown_value",
    "not_one_of": "unknown_value",
    "wrong_value": "unknown_value",
    "empty": "missing",
    "too_large": "out_of_range",
    "too_small": "out_of_range",
    "not_a_key": "bad_key",
    "not_a_url": "unreadable",
    "unknown_language": "unknown_value",
    "unknown_lang": "unknown_value",
    "not_reportable": "unknown_value",
    "not_a_name": "unreadable",
    "not_printable": "unreadable",
}
_INDEX = re.compile(r"\[(\d+)\]")


def error_text(error: BosaiError, lang: str) -> ErrorText:
    """The sentences for `error`. A code without sentences of its own reads as a fault of ours."""
    code = next((one for one in (error.code, "internal") if _domain(one, lang)), "internal")
    domain = _domain(code, lang)
    facts = {name: _shown(value) for name, value in error.facts.items()} | {"city": text("terms.city", lang)}
    if isinstance(error, TooManyTries | Overloaded):
        facts["seconds"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, BodyTooLarge):
        facts["limit_kb"] = str(error.limit_bytes // 1024)
    detail = ""
    if isinstance(error, InvalidInput):
        facts["field"] = field_name(error.field, lang)
        detail = _problem(error, facts, lang)
    elif has_text(f"{domain}.{code}.detail", lang):
        detail = text(f"{domain}.{code}.detail", lang, **facts)
    return ErrorText(
        title=text(f"{domain}.{code}.title", lang, **facts),
        detail=detail,
        mend=text(f"{domain}.{code}.mend", lang, **facts),
    )


def field_name(path: str, lang: str) -> str:
    """`places[0].lon` as a person reads it: 「経度（1）」; `texts_free.vi` is 「自由文（vi）」. A field without a word
    keeps its name."""
    found = _INDEX.search(path)
    place = [str(int(found.group(1)) + 1)] if found else []
    parts = _INDEX.sub("", path).split(".")
    own, outer = _field_word(parts[-1], lang), _field_word(parts[0], lang)
    if own is None and outer is not None and len(parts) > 1:
        own, place = outer, [*place, parts[-1]]
    named = own or parts[-1] or path
    return f"{named}（{'・'.join(place)}）" if place else named


def _field_word(name: str, lang: str) -> str | None:
    keys = (f"{domain}.field.{name}" for domain in _DOMAINS)
    return next((text(key, lang) for key in keys if has_text(key, lang)), None)


_DOMAINS = ("errors", "staff_errors")


def _domain(code: str, lang: str) -> str | None:
    return next((one for one in _DOMAINS if has_text(f"{one}.{code}.title", lang)), None)


def _problem(error: InvalidInput, facts: dict[str, str], lang: str) -> str:
    wanted = _SAME_PROBLEM.get(error.problem, error.problem)
    for domain in _DOMAINS:
        if wanted != "other" and has_text(f"{domain}.problem.{wanted}", lang):
            return text(f"{domain}.problem.{wanted}", lang, **facts).strip()
    # "other" says nothing to a person: the detail is the whole sentence then.
    named = facts | {"problem": "" if error.problem == "other" else error.problem}
    return " ".join(text("errors.problem.other", lang, **named).split())


def _shown(value: object) -> str:
    return str(value)
