"""Images: preprocessing as a locked list of named operations, and what another implementation does to them."""

from .differences import PixelReport, compare_pixels
from .preprocessor import ImagePreprocessor

__all__ = ["ImagePreprocessor", "PixelReport", "compare_pixels"]
