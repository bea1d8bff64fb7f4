"""How far an instruction has travelled, as one short line that scripts read too (see lua/delivery_line.lua)."""

from datetime import UTC, datetime

from bosai.model.instruction import Answer, Delivery, Stage
from bosai.stores.replies import unix_ms

_NO_ANSWER = "-"
_LONGEST_CAUSE = 120


def delivery_of(line: bytes) -> Delivery:
    """The stored line as a value."""
    seq, stage, at_ms, attempts, sent, answer, _claimed, heard, _alert, cause = line.decode().split(" ", 9)
    return Delivery(
        seq=int(seq),
        stage=Stage(stage),
        at=datetime.fromtimestamp(int(at_ms) / 1000, UTC),
        attempts=int(attempts),
        cause=cause,
        bytes_sent=int(sent),
        answer=None if answer == _NO_ANSWER else Answer(answer),
        heard=int(heard),
    )


def one_line(cause: str) -> str:
    """A cause fit for the line: printable, without line breaks, short."""
    return "".join(char if char.isprintable() else " " for char in cause)[:_LONGEST_CAUSE]


def unix_s(at: datetime) -> str:
    """Seconds since 1970 with milliseconds, as the due schedule is scored."""
    return f"{unix_ms(at) / 1000:.3f}"
