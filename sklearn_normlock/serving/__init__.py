"""Which one answers? Estimators that hold several models and serve one: ``docs/serving.md`` says when to use which."""

from .canary import Canary
from .fallback import Fallback
from .shadow import Shadow

__all__ = ["Canary", "Fallback", "Shadow"]
