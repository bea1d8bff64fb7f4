"""Errors as sentences: what happened, what exactly, and the mend, in the reader's language."""

import math
import re

import msgspec

from bosai.errors import BodyTooLarge, BosaiError, InvalidInput, TooManyTries
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
}
_INDEX = re.compile(r"\[(\d+)\]")


def error_text(error: BosaiError, lang: str) -> ErrorText:
    """The sentences for `error`. A code without sentences of its own reads as a fault of ours."""
    code = next((one for one in (error.code, "internal") if _domain(one, lang)), "internal")
    domain = _domain(code, lang)
    facts = {name: _shown(value) for name, value in error.facts.items()} | {"city": text("terms.city", lang)}
    if isinstance(error, TooManyTries):
        facts["seconds"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, BodyTooLarge):
        facts["limit_kb"] = str(error.limit_bytes // 1024)
    detail = ""
    if isinstance(error, InvalidInput):
        facts["field"] = field_name(error.field, lang)
        detail = _problem(error, facts, lang)
    elif has_text(lang, f"{domain}.{code}.detail"):
        detail = text(f"{domain}.{code}.detail", lang, **facts)
    return ErrorText(
        title=text(f"{domain}.{code}.title", lang, **facts),
        detail=detail,
        mend=text(f"{domain}.{code}.mend", lang, **facts),
    )


def field_name(path: str, lang: str) -> str:
    """`places[0].lon` as a person reads it: 「経度（1）」; fields without a word keep their name."""
    last = path.rsplit(".", 1)[-1]
    key = _INDEX.sub("", last)
    named = next(
        (
            text(f"{domain}.field.{key}", lang)
            for domain in _DOMAINS
            if has_text(lang, f"{domain}.field.{key}")
        ),
        key or path,
    )
    index = _INDEX.search(path)
    return f"{named}（{int(index.group(1)) + 1}）" if index else named


_DOMAINS = ("errors", "staff_errors")


def _domain(code: str, lang: str) -> str | None:
    return next((one for one in _DOMAINS if has_text(lang, f"{one}.{code}.title")), None)


def _problem(error: InvalidInput, facts: dict[str, str], lang: str) -> str:
    wanted = _SAME_PROBLEM.get(error.problem, error.problem)
    for domain in _DOMAINS:
        if has_text(lang, f"{domain}.problem.{wanted}"):
            return text(f"{domain}.problem.{wanted}", lang, **facts).strip()
    return text("errors.problem.other", lang, **facts).strip()


def _shown(value: object) -> str:
    return str(value)
