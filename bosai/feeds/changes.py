"""What is in force, and how one telegram changed it: the values that stand between reading and proposing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from bosai.feeds.jma.envelope import TelegramSource
from bosai.feeds.readings import Area, Danger, Forecast, Grade, Happening, Kind, System


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One danger in force in one area: since when it has had this grade, and the newest telegram that says so."""

    system: System
    code: str
    name: str
    layer: str
    kind: Kind
    since: datetime  # report time of the telegram that first gave this grade in this spell
    source: TelegramSource

    @property
    def key(self) -> tuple[System, str, Danger]:
        """Names it among all that stand."""
        return (self.system, self.code, self.kind.danger)


class ChangeKind(StrEnum):
    """What a telegram did to one danger in one area."""

    RAISED = "raised"  # newly in force, or graver
    LOWERED = "lowered"  # less grave, still in force
    LIFTED = "lifted"  # 解除: stated, or the area is no longer named
    RECALLED = "recalled"  # 取消, or a 訂正 that leaves nothing in force: it should never have been
    DETAIL = "detail"  # same grade; arrival, height, expected times or conditions are new
    UNCLEAR = "unclear"  # a code nobody knows: a person has to look
    HAPPENED = "happened"  # observed once: `happening`
    EXPECTED = "expected"  # a forecast of ours to show (VPWP50): `forecast`


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `before` and `after` are None where nothing was or is in force there.

    `stated` is False when a lift follows only from the area being no longer named. `details` names what else is new
    in a DETAIL: "arrival", "height", "expected", "conditions", "code". `area` is the entry as the telegram had it
    (a lifted kind with its last code is there, not in `after`).
    """

    kind: ChangeKind
    source: TelegramSource
    before: Standing | None = None
    after: Standing | None = None
    area: Area | None = None
    stated: bool = True
    details: tuple[str, ...] = ()
    happening: Happening | None = None
    forecast: Forecast | None = None

    @property
    def grade_before(self) -> Grade:
        """NONE where nothing was in force."""
        return Grade.NONE if self.before is None else self.before.kind.grade

    @property
    def grade_after(self) -> Grade:
        """NONE where nothing is in force now."""
        return Grade.NONE if self.after is None else self.after.kind.grade


class IgnoredReason(StrEnum):
    """Why a telegram changed nothing."""

    STATUS = "status"  # 訓練 or 試験 on the live side, 通常 on the drill side
    DUPLICATE = "duplicate"
    LATE = "late"  # a newer one of the same scope was here first
    NOTHING_TO_RECALL = "nothing_to_recall"
    OTHER_FAMILY = "other_family"  # of the telegrams that the setting does not act on


class Outcome(StrEnum):
    """What became of one telegram."""

    PROPOSED = "proposed"
    CHANGED = "changed"  # the state is another now, and no rule proposes anything
    NO_CHANGE = "no_change"
    KEPT = "kept"  # of a type not read in depth
    NOT_FOR_THIS_SIDE = "not_for_this_side"
    STALE = "stale"
    UNREADABLE = "unreadable"


class TelegramRow(msgspec.Struct, frozen=True, kw_only=True):
    """One telegram as HQ sees it in the list: how it came, what was made of it, what it changed.

    `key` names it (`Telegram.key`; for an unreadable one the SHA-256 of its bytes) and `source` is None where not even
    the envelope could be read. `feed` is the source it came from ("jma", "replay", the name of a CAP feed).
    """

    key: str
    name: str
    feed: str
    received_at: datetime
    size_bytes: int
    outcome: Outcome
    source: TelegramSource | None = None
    detail: str = ""
    ignored: IgnoredReason | None = None
    problems: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    proposals: tuple[str, ...] = ()
