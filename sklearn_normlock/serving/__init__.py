"""Which one answers? Estimators that hold several models and serve one: ``docs/serving.md`` says when to use which."""

from .canary import Canary
from .fallback import Fallback

__all__ = ["Canary", "Fallback"]
