"""What was imported into the data folder and a simulation can use: the population, and the walking network."""

from __future__ import annotations

from dataclasses import dataclass

from bosai.services.geo_facts import load_facts
from bosai.services.walking import Walking
from bosai.settings_schema import Settings
from bosai.stores.geo_files import GeoFiles
from geodata.importers.population import TownPopulation
from shelters.dangers import Danger
from shelters.model import People
from shelters.simulate.city import City
from shelters.simulate.streets import WaysOf
from shelters.ways import Ways


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationGround:
    """walking None: nothing was imported, or straight lines were asked for."""

    population: TownPopulation | None
    walking: Walking | None

    def ways_of(self, city: City) -> WaysOf | None:
        """Walks to the sites of a city; None = straight lines."""
        walking = self.walking
        if walking is None:
            return None

        def made(people: People, dangers: tuple[Danger, ...]) -> Ways:
            return walking.ways(people, dangers, city.site_xy_m, walking.places_of(people))

        return made


def open_ground(settings: Settings, *, with_network: bool) -> SimulationGround:
    """Blocking. Nothing imported is no fault: the sample stands in. Raises SettingsInvalid."""
    facts = load_facts(settings, GeoFiles(settings.data_dir))
    network = facts.network if with_network else None
    usable = network is not None and len(network.edge_from) > 0
    return SimulationGround(
        population=facts.population,
        walking=Walking(network, settings) if network is not None and usable else None,
    )
