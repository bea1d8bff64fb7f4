"""The wording rules: one table that every text passes in every language before anybody reads it.

    text ─ NFKC, unseen characters out ─▶ each row of RULES that applies ─▶ what it forbids, or misses ─▶ Violation

Issuers: "city" (the mayor's order, 発令), "jma" (発表), "service" (our guidance, 案内 and お知らせ), "page" (words of a
form or page, nobody's message). A *whole* message also owes what it must contain; a fragment only avoids what is
forbidden. The table is in `wording_rules`.
"""

import unicodedata
from collections.abc import Sequence

from bosai.messages.wording_parts import (
    DRILL_END,
    DRILL_START,
    OFFICIAL_HOSTS,
    Rule,
    Setting,
    Violation,
)
from bosai.messages.wording_rules import RULES
from bosai.model.alert import Act
from bosai.model.realm import Realm
from geodata.hazards import HazardKind

__all__ = [
    "DRILL_END",
    "DRILL_START",
    "OFFICIAL_HOSTS",
    "RULES",
    "Rule",
    "Setting",
    "Violation",
    "check_drill_end",
    "check_wording",
]


def check_wording(
    text: str,
    lang: str,
    *,
    hazard: HazardKind | None,
    level: int | None,
    realm: Realm,
    issuer: str,
    act: Act | None = None,
    whole: bool = False,
    official_hosts: Sequence[str] = OFFICIAL_HOSTS,
) -> list[Violation]:
    """Every rule of the table that `text` breaks; an empty list when it may be read.

    act: what the message does, where it is about an order. whole: the text is a whole message (title and body), which
    also owes its issuer, its level or tsunami, and the drill's end. official_hosts: whose pages may be named.
    """
    setting = Setting(
        lang=lang,
        hazard=hazard,
        level=level,
        realm=realm,
        issuer=issuer,
        act=act,
        whole=whole,
        official_hosts=tuple(official_hosts),
    )
    plain = "".join(one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) != "Cf")
    return [
        Violation(rule=rule.name, found=found, mend=rule.mend)
        for rule in RULES
        if rule.applies(setting) and (found := rule.find(plain, setting)) is not None
    ]


def check_drill_end(body: str, realm: Realm) -> list[Violation]:
    """A whole message of the drill side also ends as one."""
    if realm.is_drill and not body.rstrip().endswith(DRILL_END):
        return [
            Violation(rule="drill_end", found=body[-10:], mend=f"文の最後を「{DRILL_END}」にしてください。")
        ]
    return []
