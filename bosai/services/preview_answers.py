"""The planner's side of a preview: reads the moment, then answers in steps, the quick one first.

places (kept) ─▶ who is inside ─▶ first answer    everything else (read now) ─▶ plans ─▶ the other answers
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import msgspec

from bosai.model.alert import Alert
from bosai.services.geo_facts import GeoFacts
from bosai.services.plan_sources import PlanSources
from bosai.services.preview_figures import Preview
from bosai.services.preview_plan import counts_of, directs, inside_of, planned_previews
from bosai.services.resident_ground import ResidentGround


class PreviewAnswers:
    """Answers of one side. What of the ground can be made ready is kept until an import replaces it."""

    def __init__(self, sources: PlanSources) -> None:
        self._sources = sources
        self._ground: tuple[tuple[str, ...], ResidentGround] | None = None

    async def steps(self, alert: Alert) -> AsyncGenerator[Preview]:
        """Each with more in it than the one before; the last is complete. Nothing is planned ahead of being asked."""
        sources = self._sources
        await sources.refresh_people()
        rows = await sources.people()
        ground = await asyncio.to_thread(self._ready, sources.facts)
        inside = await asyncio.to_thread(inside_of, alert, rows, sources.settings, ground)
        counts = counts_of(inside, rows, sources.clock.now())
        if not directs(alert):
            yield msgspec.structs.replace(counts, complete=True)
            return
        yield msgspec.structs.replace(counts, more=True)
        situation = await sources.situation(await sources.alerts.incident() or "")
        planned = planned_previews(alert, situation, rows, sources.settings, inside)
        while (step := await asyncio.to_thread(next, planned, None)) is not None:
            yield msgspec.structs.replace(step, more=not step.complete)

    async def whole(self, alert: Alert) -> Preview:
        """The last step, however long it takes."""
        return [one async for one in self.steps(alert)][-1]

    def _ready(self, facts: GeoFacts) -> ResidentGround:
        if self._ground is None or self._ground[0] != facts.sight:
            self._ground = facts.sight, ResidentGround(facts, self._sources.settings.city.plane_epsg)
        return self._ground[1]
