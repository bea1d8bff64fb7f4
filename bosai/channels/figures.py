"""How many people and households a decision concerns, for the press and the governor. Pure.

The figures are those of the preview (town table × area): residents, not subscribers. They are estimates wherever only a
part of a town lies inside, and unknown where no table was imported or nobody answered; no channel waits for them.
"""

import msgspec

from bosai.services.preview_figures import Preview


class WardFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One ward, or the part of it inside; None: the table does not say."""

    ward: str
    persons: int | None
    households: int | None


class AreaFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Residents inside one area. `estimated`: a part of a town is in it. source: what its publisher asks to say."""

    persons: int
    households: int | None
    wards: tuple[WardFigures, ...] = ()
    estimated: bool = False
    source: str = ""


def figures_of(preview: Preview, source: str) -> AreaFigures | None:
    """The figures of a preview; None where nobody answered or no table of residents is known."""
    if not preview.available or preview.residents is None:
        return None
    wards: dict[str, list[tuple[int | None, int | None]]] = {}
    for town in preview.towns:
        if town.residents:
            wards.setdefault(town.ward, []).append((town.residents, town.households))
    return AreaFigures(
        persons=preview.residents,
        households=preview.resident_households,
        wards=tuple(
            WardFigures(
                ward=ward, persons=_sum([one for one, _ in towns]), households=_sum([two for _, two in towns])
            )
            for ward, towns in wards.items()
        ),
        estimated=any(town.is_part for town in preview.towns),
        source=source,
    )


def figures_text(figures: AreaFigures | None) -> str:
    """「約5,864世帯・約12,300人」; 「集計中」 where nobody knows yet."""
    if figures is None:
        return "集計中"
    return _both(figures.households, figures.persons, estimated=figures.estimated)


def ward_lines(figures: AreaFigures) -> list[str]:
    """「若林区：約5,864世帯・約12,300人」, one ward a line."""
    return [
        f"{one.ward}：{_both(one.households, one.persons, estimated=figures.estimated)}"
        for one in figures.wards
    ]


def _both(households: int | None, persons: int | None, *, estimated: bool) -> str:
    about = "約" if estimated else ""
    of_households = "世帯数は不明" if households is None else f"{about}{households:,}世帯"
    of_persons = "人数は不明" if persons is None else f"{about}{persons:,}人"
    return f"{of_households}・{of_persons}"


def _sum(values: list[int | None]) -> int | None:
    known = [one for one in values if one is not None]
    return sum(known) if len(known) == len(values) else None
