"""[decision_lag]: when HQ is asked why danger stands without an order."""

from bosai.settings_base import AtLeastOne, Section


class DecisionLag(Section, frozen=True):
    """Minutes since 気象庁 announced it. It asks and is logged; it never issues."""

    nag_min: AtLeastOne
    escalate_min: AtLeastOne
    tsunami_nag_min: AtLeastOne
    tsunami_escalate_min: AtLeastOne
    answer_holds_min: AtLeastOne

    def __post_init__(self) -> None:
        for early, late in (
            (self.nag_min, self.escalate_min),
            (self.tsunami_nag_min, self.tsunami_escalate_min),
        ):
            if early > late:
                raise ValueError("escalate_min must not be smaller than nag_min")
