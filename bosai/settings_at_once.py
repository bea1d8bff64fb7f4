"""[at_once]: whether pre-approved tsunami texts go out by themselves when 気象庁 announces a class for our coast."""

from bosai.model.alert import OrderKind, TsunamiClass
from bosai.settings_base import AtLeastOne, Section

RULE_CHARS = 300


class AtOnceFigures(Section, frozen=True):
    """`standing_rule`: the city's rule by which a 避難指示 is issued with JMA's announcement; "" = there is none."""

    enabled: bool
    enabled_in_drill: bool
    classes: tuple[TsunamiClass, ...]
    standing_rule: str
    telegram_max_age_min: AtLeastOne

    def __post_init__(self) -> None:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes names a tsunami class twice")
        if (self.enabled or self.enabled_in_drill) and not self.classes:
            raise ValueError("classes must name at least one class while enabled or enabled_in_drill is true")
        if self.standing_rule != " ".join(self.standing_rule.split()) or len(self.standing_rule) > RULE_CHARS:
            raise ValueError(f"standing_rule must be one line of at most {RULE_CHARS} characters, or empty")

    @property
    def kind(self) -> OrderKind:
        """避難指示 only where a rule of the city is cited; else our お知らせ of what JMA announced."""
        return OrderKind.TSUNAMI_EVACUATION if self.standing_rule else OrderKind.NOTICE
