"""What a household needs of a site, and what it costs to send it where that is missing or unknown.

A need never shuts a site out: somebody always gets an answer. It makes a site look farther, so that a site that has
what is needed comes before a nearer one that has not. An assistance dog (補助犬) is not a pet: no site may refuse it,
so it is no need here, and who has one does not tick pets.
"""

import numpy as np
from numpy.typing import NDArray

from shelters.model import Facet
from shelters.sites import FACETS, SiteTable

UNKNOWN_M = 300.0
"""Level metres a site looks farther for each need nobody has spoken of: five minutes at the pace of most."""
MISSING_M = 1800.0
"""… and for each need it lacks: half an hour, so that a site with it is worth that walk and not more."""

HAS, MISSING, UNKNOWN = 1, 0, -1


def extra_m(sites: SiteTable, needs: Facet | int) -> NDArray[np.float64]:
    """(m,) level metres to add to the walk of a household with these needs (bits of `Facet`)."""
    wanted = _columns(sites, needs)
    missing, unknown = (wanted == MISSING).sum(axis=1), (wanted == UNKNOWN).sum(axis=1)
    extra: NDArray[np.float64] = missing * MISSING_M + unknown * UNKNOWN_M
    return extra


def state(sites: SiteTable, needs: Facet | int) -> NDArray[np.int8]:
    """(m,) HAS where all that is needed is there, MISSING where some is not, UNKNOWN where nobody has said."""
    wanted = _columns(sites, needs)
    found = np.where((wanted == UNKNOWN).any(axis=1), UNKNOWN, HAS)
    found[(wanted == MISSING).any(axis=1)] = MISSING
    return found.astype(np.int8)


def _columns(sites: SiteTable, needs: Facet | int) -> NDArray[np.int8]:
    wanted: NDArray[np.int8] = sites.facets[:, [one in Facet(int(needs)) for one in FACETS]]
    return wanted
