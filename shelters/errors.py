"""What the planner refuses: input that can't be joined, never a matter of opinion about a site."""

from dataclasses import dataclass


@dataclass(eq=False)
class SheltersError(Exception):
    """Input the planner refuses."""


@dataclass(eq=False)
class LengthsDiffer(SheltersError):
    """Two arrays that are joined by row have different lengths."""

    name: str
    expected: int
    got: int

    def __str__(self) -> str:
        return f"{self.name}: {self.got} rows, expected {self.expected}"


@dataclass(eq=False)
class SitesNotSorted(SheltersError):
    """Sites must be in ascending order of id, each id once: ties break by that order."""

    site_id: str

    def __str__(self) -> str:
        return f"sites: {self.site_id!r} is out of order or appears twice; sort by site_id"


@dataclass(eq=False)
class NoQuotas(SheltersError):
    """The flow that gives people their sites has no answer: a cost or a head count is beyond what it can add up."""

    status: str

    def __str__(self) -> str:
        return f"quotas: no answer ({self.status}); costs are at most 2^40, head counts at most 2^31"
