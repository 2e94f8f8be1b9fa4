"""Notices pushes that look right and bring less than their author thinks."""

from __future__ import annotations

from .parts import Part
from .upload import PartOutcome


class PushWarnings:
    """Above all: a page is replaced only by a greater version, so other items with the same version are not stored."""

    def __init__(self) -> None:
        self._repeated = 0
        self._conflicting = 0
        self._stale = 0
        self._kinds: set[type] = set()

    def look_at(self, part: Part) -> None:
        self._repeated += part.repeated
        self._kinds |= part.versions

    def outcome(self, outcome: PartOutcome) -> None:
        self._conflicting += outcome.conflicting

    def first_outcome(self, outcome: PartOutcome) -> None:
        """Looks at the outcome of a part that was sent only once: nothing in it can be known to Usher by this push."""
        self._stale += outcome.stale

    def texts(self) -> list[str]:
        """Returns what is probably a mistake."""
        found = []
        if self._repeated:
            found.append(
                f"{self._repeated} rows repeat a user, profile and version with other content: "
                "Usher keeps the one that it stores first, whichever that is."
            )
        if self._conflicting:
            found.append(
                f"{self._conflicting} pages were in Usher with the same version and other items, which it kept: "
                "give the pages a greater version."
            )
        if self._stale:
            found.append(
                f"{self._stale} pages are older than what Usher has; they were not stored."
            )
        if len(self._kinds) > 1:
            found.append(
                "Some versions are numbers and some are texts. Every number counts as greater than every text: "
                "use one kind only."
            )
        return found
