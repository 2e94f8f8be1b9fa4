"""Publishes events, signs user tokens and pushes nightly recommendations to an Usher gateway."""

from .back_office import (
    Accepted,
    AcceptedBroadcast,
    Broadcast,
    Capabilities,
    Entitlement,
    Event,
    Plan,
)
from .client import AsyncUsher, Usher
from .errors import PushError, SourceError, UsherError
from .recommendations import Progress, Rejected, Summary
from .steps import RetryPolicy
from .tokens import TokenSigner

__all__ = [
    "Accepted",
    "AcceptedBroadcast",
    "AsyncUsher",
    "Broadcast",
    "Capabilities",
    "Entitlement",
    "Event",
    "Plan",
    "Progress",
    "PushError",
    "Rejected",
    "RetryPolicy",
    "SourceError",
    "Summary",
    "TokenSigner",
    "Usher",
    "UsherError",
]
__version__ = "0.1.0"
