"""Images: preprocessing as a locked list of named operations, and what another implementation does to them."""

from .differences import PixelReport, compare_pixels
from .preprocessor import ImagePreprocessor
from .values import check_pixels

__all__ = ["ImagePreprocessor", "PixelReport", "check_pixels", "compare_pixels"]
