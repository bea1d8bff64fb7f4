"""The order in which orders stand on a page: what threatens life most comes first, for residents and officers alike."""

from bosai.model.alert import AlertRecord, OrderKind

_TSUNAMI = 6  # has no level, and leaves the least time
_GRAVITY = {
    OrderKind.TSUNAMI_EVACUATION: _TSUNAMI,
    OrderKind.EMERGENCY_SAFETY: 5,
    OrderKind.EVACUATE: 4,
    OrderKind.ELDERLY_ETC: 3,
    OrderKind.NOTICE: 0,
}


def gravest_first(record: AlertRecord) -> tuple[int, str]:
    """Sort key: the kind, then the key, so that equal ones keep their places. Hazards without levels sort alike."""
    gravity = _TSUNAMI if record.alert.is_tsunami_call else _GRAVITY[record.alert.kind]
    return (-gravity, record.alert.key)
