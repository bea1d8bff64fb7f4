"""What a CAP message of somebody else says, in the form that `bosai feed show` has for every file."""

from __future__ import annotations

from bosai.feeds.cap import CapReceived, CapTrust, SignatureState, read_cap
from bosai.feeds.errors import CapRefused, RefusalReason
from bosai.feeds.show_values import ShownArea, ShownKind, ShownTelegram
from bosai.model.cap import CapArea, CapInfo

_TO_BE_SHOWN = CapTrust(
    allow_unsigned=True
)  # showing changes nothing, so it shows what nobody vouches for too
_SIGNATURES = {
    SignatureState.ABSENT: "署名はありません",
    SignatureState.VERIFIED: "署名は確かめました",
    SignatureState.UNKNOWN_SIGNER: "署名は壊れていませんが、署名者は確かめていません",
}


def show_cap(data: bytes, *, name: str) -> ShownTelegram | None:
    """The value for a CAP message, its refusal included; None for what is no CAP at all."""
    try:
        received = read_cap(data, trust=_TO_BE_SHOWN)
    except CapRefused as error:
        if error.reason is RefusalReason.WRONG_ROOT:
            return None
        return ShownTelegram(file=name, read="refused", error=str(error), reason=error.reason.value)
    return _shown(received, name)


def _shown(received: CapReceived, name: str) -> ShownTelegram:
    message = received.message
    info = next((one for one in message.infos if one.language.lower().startswith("ja")), None) or next(
        iter(message.infos), None
    )
    parts = () if info is None else (info.description, info.instruction)
    return ShownTelegram(
        file=name,
        read="cap",
        type_code=f"CAP {received.version}",
        title=(info.event if info is not None else "") or message.msg_type.value,
        status=message.status.value,
        info_type=message.msg_type.value,
        event_ids=(message.identifier,),
        report_at=message.sent.isoformat(),
        sent_at=message.sent.isoformat(),
        valid_until=None if info is None or info.expires is None else info.expires.isoformat(),
        editorial_office=message.sender,
        headline=(info.headline if info is not None else "") or message.note or None,
        text="\n".join(part for part in (*parts, _SIGNATURES[received.signature]) if part),
        areas=() if info is None else tuple(_area(one, info) for one in info.areas),
        problems=received.problems,
    )


def _area(area: CapArea, info: CapInfo) -> ShownArea:
    code = next(iter(area.geocodes), None)
    event = next(iter(info.event_codes), None)
    return ShownArea(
        system="cap",
        code=area.desc if code is None else code.value,
        name=area.desc,
        layer=None if code is None else code.name,
        kinds=(
            ShownKind(
                name=info.event,
                code=None if event is None else event.value,
                status="・".join(one.value for one in info.responses) or None,
                conditions=(info.urgency.value, info.severity.value, info.certainty.value),
            ),
        ),
    )
