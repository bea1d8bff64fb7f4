"""Every cause for which a site is not named can be said, in every language."""

import pytest

from bosai.messages.catalogue import LANGS, has_text, texts
from shelters.model import ReasonCode
from shelters.refusals import REASON_OF, REFUSAL_OF, Refusal, reason_of, refusal_of
from shelters.suitability import Verdict


@pytest.mark.parametrize("lang", LANGS)
def test_every_refusal_has_its_sentence_and_every_sentence_its_refusal(lang: str) -> None:
    assert [one for one in Refusal if not has_text(f"refusals.{one}", lang)] == []
    spoken = {key.removeprefix("refusals.") for key in texts(lang) if key.startswith("refusals.")}
    assert spoken == set(Refusal)


def test_every_verdict_that_keeps_a_site_back_is_a_refusal_and_no_other_is() -> None:
    assert set(REFUSAL_OF) == {one for one in Verdict if one > Verdict.UPSTAIRS}
    assert refusal_of(Verdict.FIT) is None and reason_of(Verdict.UPSTAIRS) is None
    assert set(REASON_OF) == set(Refusal)


def test_advice_speaks_of_a_nearer_site_by_the_cause_for_which_it_was_passed() -> None:
    assert reason_of(Verdict.UNCHECKED) is ReasonCode.PASSED_NEARER_UNCHECKED
    assert reason_of(Verdict.EXCLUDED) is ReasonCode.PASSED_NEARER_EXCLUDED
    assert reason_of(Verdict.UNUSABLE) is reason_of(Verdict.CLOSED) is ReasonCode.PASSED_NEARER_CLOSED
    assert reason_of(Verdict.NOT_PUBLIC) is None
