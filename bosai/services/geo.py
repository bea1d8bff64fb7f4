"""What the ground says to one side: what lies at a point, and how to walk to a site past the orders in force."""

from bosai.services.geo_facts import GeoFacts, GeoHolder, GeoProblem


class GeoService:
    """The facts of the ground as one side asks them. Both sides share the facts, never the orders."""

    def __init__(self, holder: GeoHolder) -> None:
        self._holder = holder

    @property
    def facts(self) -> GeoFacts:
        """The newest that was read; never waits."""
        return self._holder.facts

    @property
    def problems(self) -> tuple[GeoProblem, ...]:
        """What of it can not be used on this machine."""
        return self._holder.problems
