"""案内の理由: what a household at one place would be told now, and why that site and none of the nearer ones.

Read only, and about nobody: the officer names a town or a point. What one subscriber was told is explained on the
command line only, where it goes into the audit log. The place is posted, though nothing changes by it: a home and what
its people need do not belong in an address, which browsers and proxies keep.
"""

from typing import Any

from aiohttp import web

from bosai.errors import BosaiError, InvalidInput
from bosai.messages import explained
from bosai.model.staff import Session
from bosai.model.subscription import Need, PaceClass, Place, Structure
from bosai.services.explaining import HERE, CannotExplain, explain_alone
from bosai.web.base import OPENED, realm_of, services
from bosai.web.console.page import refused, show
from bosai.web.console.session import signed_in
from bosai.web.console.towns import town_meant
from geodata.areas import Bbox

FIELDS = ("where", "pace", "floor", "structure", "persons")
PACES = {PaceClass.UNKNOWN: "わからない", PaceClass.STANDARD: "ふつう", PaceClass.SLOW: "ゆっくり"}
STRUCTURES = {Structure.UNKNOWN: "わからない", Structure.WOODEN: "木造", Structure.SOLID: "鉄筋・鉄骨"}
NEEDS = {Need.STEP_FREE: "段差がない", Need.POWER: "電源", Need.PETS: "ペット"}
MOST_PERSONS, MOST_FLOOR = 20, 60


def routes() -> list[web.RouteDef]:
    """One page: the form, and the form with its answer."""
    return [
        web.get("/hq/explain", signed_in(explain_page)),
        web.post("/hq/explain", signed_in(explain_page)),
    ]


async def explain_page(request: web.Request, officer: Session) -> web.Response:
    """The form, and the answer once a place is named."""
    said = await request.post()  # empty for the form itself
    form: dict[str, Any] = {name: str(said.get(name, "")).strip()[:60] for name in FIELDS}
    form["need"] = [str(one) for one in said.getall("need", [])][: len(Need)]
    towns = tuple(f"{one.ward}{one.name}" for one in services(request).places.towns)
    context: dict[str, Any] = {
        "form": form,
        "towns": towns,
        "paces": PACES,
        "structures": STRUCTURES,
        "needs": NEEDS,
        "words": explained,
        "found": None,
        "nothing": "",
    }
    if not form["where"]:
        return show(request, "explain.html", officer, **context)
    try:
        place = place_of(request, form)
        context["found"] = await explain_alone(request.config_dict[OPENED], realm_of(request), place)
    except CannotExplain as error:
        context["nothing"] = error.ja
    except BosaiError as error:
        return refused(request, "explain.html", officer, error, **context)
    return show(request, "explain.html", officer, **context)


def place_of(request: web.Request, form: dict[str, Any]) -> Place:
    """The household the form speaks of. Raises InvalidInput."""
    lon, lat = _point(request, form["where"])
    city = Bbox(*services(request).settings.city.bbox_lonlat)
    if not city.holds(lon, lat):
        mend = (
            "経度,緯度の順に入れてください"
            if city.holds(lat, lon)
            else "市内の町名か経度,緯度を入れてください"
        )
        raise InvalidInput("where", "outside_city", f"市の外の地点です。{mend}。例：140.94,38.23")
    return Place(
        place_id=HERE,
        lon=lon,
        lat=lat,
        floor=_whole("floor", form["floor"], 1, MOST_FLOOR),
        structure=_one_of(Structure, "structure", form["structure"] or Structure.UNKNOWN),
        persons=_whole("persons", form["persons"], 1, MOST_PERSONS) or 1,
        pace=_one_of(PaceClass, "pace", form["pace"] or PaceClass.UNKNOWN),
        needs=tuple(_one_of(Need, "need", one) for one in form["need"]),
    )


def _point(request: web.Request, where: str) -> tuple[float, float]:
    """「若林区荒井」, or "140.94,38.23"."""
    try:
        lon, lat = (float(part) for part in where.replace("、", ",").split(","))
    except ValueError:
        town = town_meant(services(request).places.towns, where, "where")
        return town.lon, town.lat
    return lon, lat


def _whole(field: str, text: str, least: int, most: int) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(field, "not_a_number", text)
    if not least <= int(text) <= most:
        raise InvalidInput(field, "out_of_range", f"{least}〜{most}")
    return int(text)


def _one_of(kind: Any, field: str, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise InvalidInput(field, "unknown_value", text) from None
