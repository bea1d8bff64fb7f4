"""Live and drill: two realms that share code and facts about sites, and nothing else."""

from enum import StrEnum


class Realm(StrEnum):
    """Which of the two sides a thing belongs to. It comes from the path (`/drill/…`), never from a form."""

    LIVE = "live"
    DRILL = "drill"

    @property
    def path_prefix(self) -> str:
        """What stands before every path of this side: "" or "/drill"."""
        return "" if self is Realm.LIVE else "/drill"

    @property
    def is_drill(self) -> bool:
        """True on the drill side, whose every text starts and ends with 【訓練】."""
        return self is Realm.DRILL
