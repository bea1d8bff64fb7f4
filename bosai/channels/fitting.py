"""An approved text in the room that a channel has: whole sentences and the area as precise as it can be. Pure.

What must be said comes first; then every name of the area, or else until when and as many names as there is room for;
then the officer's own sentences, and last why. From the first that has no room on, all are left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bosai.channels.area_names import AreaForm
from bosai.channels.sentences import OPTIONAL, Part, Sentence, sentences
from bosai.model.alert import AlertRecord

Measure = Callable[[Sequence[str]], int]
"""The room that sentences take together, in the channel's own unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What is said, in reading order. `fits` False: even the least takes more room than there is.

    dropped: sentences left out. area_shortened: not every name stands in it.
    """

    said: tuple[Sentence, ...]
    dropped: tuple[str, ...]
    area: str
    area_shortened: bool
    fits: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """The words alone."""
        return tuple(one.text for one in self.said)


def fitted(
    record: AlertRecord,
    areas: Sequence[AreaForm],
    *,
    room: int,
    measure: Measure,
    keep: Callable[[Sentence], bool] = lambda _sentence: True,
    spoken: bool = False,
) -> Fitted:
    """The most that fits into `room`. areas: `area_forms`, the most precise first. keep: False for a sentence that the
    channel may not carry, which is then left out whatever the room."""
    if not areas:
        raise ValueError("an area has at least one form")
    for form in areas:
        every = sentences(record, form.text, spoken=spoken)
        if _has_room(every, form, room, measure):
            break
    chosen = [n for n, one in enumerate(every) if one.part.is_required]
    wanted = [n for part in OPTIONAL for n, one in enumerate(every) if one.part is part and keep(one)]
    for n in wanted:
        more = sorted([*chosen, n])
        if measure([every[m].text for m in more]) > room:
            break  # what comes later matters less, and may lean on this one
        chosen = more
    said = tuple(every[n] for n in chosen)
    return Fitted(
        said=said,
        dropped=tuple(one.text for n, one in enumerate(every) if n not in chosen),
        area=form.text,
        area_shortened=not form.complete,
        fits=measure([one.text for one in said]) <= room,
    )


def _has_room(every: Sequence[Sentence], form: AreaForm, room: int, measure: Measure) -> bool:
    """Whether the least fits with this form; names left out also make room for until when it holds."""
    least = [
        one.text for one in every if one.part.is_required or (one.part is Part.UNTIL and not form.complete)
    ]
    return measure(least) <= room
