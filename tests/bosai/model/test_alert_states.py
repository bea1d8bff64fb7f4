"""Where a version may go, the two sides as types, and one link of the record."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.model.alert import ALERT_TYPES, LEGAL_MOVES, Act, AlertState, DrillAlert, LiveAlert
from bosai.model.audit import GENESIS, AuditEntry, hash_of, sealed_entry
from bosai.model.realm import Realm
from tests.bosai.model.test_canonical import ARRIVAL, FACTS

TERMINAL = {AlertState.WITHDRAWN, AlertState.SUPERSEDED, AlertState.LIFTED, AlertState.RECALLED}


def test_every_state_has_its_row_and_only_the_ends_lead_nowhere():
    assert set(LEGAL_MOVES) == set(AlertState)
    assert {one for one in AlertState if one.is_terminal} == TERMINAL


def test_only_what_waits_for_approval_can_be_issued_and_what_was_issued_is_never_drafted_again():
    assert [one for one in AlertState if AlertState.ISSUED in LEGAL_MOVES[one]] == [
        AlertState.PENDING_APPROVAL
    ]
    reached, waiting = set(), [AlertState.ISSUED]
    while waiting:
        for one in LEGAL_MOVES[waiting.pop()] - reached:
            reached.add(one)
            waiting.append(one)
    assert not reached & {AlertState.DRAFT, AlertState.PENDING_APPROVAL, AlertState.WITHDRAWN}


@given(st.lists(st.sampled_from(AlertState), max_size=8))
def test_no_walk_along_legal_moves_issues_without_approval_waited_for(wishes):
    walked = [AlertState.DRAFT]
    for wish in wishes:
        if wish in LEGAL_MOVES[walked[-1]]:
            walked.append(wish)
    if AlertState.ISSUED in walked:
        assert walked[walked.index(AlertState.ISSUED) - 1] is AlertState.PENDING_APPROVAL
    assert walked.count(AlertState.ISSUED) <= 1


def test_a_side_takes_its_own_type_only():
    assert {Realm.LIVE: LiveAlert, Realm.DRILL: DrillAlert} == ALERT_TYPES
    drill = msgspec.json.encode(DrillAlert(**FACTS))
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(drill, type=LiveAlert)
    assert {kind.realm_of for kind in ALERT_TYPES.values()} == set(Realm)
    assert (Realm.LIVE.path_prefix, Realm.DRILL.path_prefix) == ("", "/drill")


def test_only_issues_and_updates_direct_people():
    assert [act for act in Act if LiveAlert(**{**FACTS, "act": act}).directs_people] == [
        Act.ISSUE,
        Act.UPDATE,
    ]


FIELDS = {
    "n": 2,
    "at": ARRIVAL.replace(hour=7),
    "actor": "ito",
    "step": "approved",
    "subject": "alert:a2",
    "facts": {"people": 13},
    "previous": "1" * 64,
}


def entry(**changes) -> AuditEntry:
    return AuditEntry(
        **{
            "n": 1,
            "at": ARRIVAL,
            "actor": "sato",
            "step": "drafted",
            "subject": "alert:a1",
            "facts": {"people": 12},
            "previous": GENESIS,
            **changes,
        }
    )


@pytest.mark.parametrize("field", FIELDS)
def test_the_hash_of_a_link_covers_every_field_the_link_before_included(field):
    assert set(FIELDS) == set(AuditEntry.__struct_fields__) - {"entry_hash"}
    assert hash_of(entry(**{field: FIELDS[field]})) != hash_of(entry())


def test_a_sealed_link_proves_itself_and_the_order_of_its_facts_does_not_matter():
    sealed = sealed_entry(entry(facts={"a": 1, "b": {"y": 1, "x": 2}}))
    assert hash_of(sealed) == sealed.entry_hash
    assert sealed.entry_hash == sealed_entry(entry(facts={"b": {"x": 2, "y": 1}, "a": 1})).entry_hash
    assert len(sealed.entry_hash) == 64
