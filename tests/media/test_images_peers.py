"""Images: bit-equal to torchvision and to Hugging Face's processors, where these can be installed."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.campaign, pytest.mark.filterwarnings("ignore")]

Image = pytest.importorskip("PIL.Image", reason="Pillow isn't installed")

from pictures import MEAN, STD, photographs  # noqa: E402

from sklearn_normlock.images import ImagePreprocessor  # noqa: E402


def images() -> list[Any]:
    """Return real photographs, with those of scikit-image if it is installed."""
    found = [Image.fromarray(image) for image in photographs()]
    try:
        import skimage
    except ImportError:
        return found
    for path in sorted((Path(skimage.__file__).parent / "data").glob("*.[jp][pn]g")):
        found.append(Image.open(path).convert("RGB"))
    return found


def differing(theirs: Any, ours: ImagePreprocessor) -> int:
    """Count the images that come out with another bit, shape or dtype."""
    count = 0
    for image in images():
        expected, actual = np.asarray(theirs(image)), ours.transform([image])[0]
        count += expected.dtype != actual.dtype or not np.array_equal(expected, actual)
    return count


@pytest.mark.parametrize("name", ["NEAREST", "BILINEAR", "BICUBIC", "BOX", "HAMMING", "LANCZOS"])
def test_torchvision_on_images_of_pillows(name: str) -> None:
    """Resize, CenterCrop, ToTensor and Normalize are bit-equal, for each filter and three sizes of each."""
    transforms = pytest.importorskip("torchvision.transforms", reason="torchvision isn't installed")
    for size, crop in itertools.product([64, [50, 71], 256], [None, 57, 100]):
        steps = [transforms.Resize(size, interpolation=getattr(transforms.InterpolationMode, name))]
        steps += [transforms.CenterCrop(crop)] if crop else []
        compose = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
        assert differing(compose, ImagePreprocessor.from_torchvision(compose)) == 0


def test_the_second_version_of_torchvision() -> None:
    """Its rounding of 1/255 is another one, and is read as such."""
    transforms = pytest.importorskip("torchvision.transforms.v2", reason="torchvision isn't installed")
    import torch

    steps = [transforms.RGB(), transforms.Resize(64), transforms.CenterCrop(60), transforms.ToImage()]
    steps += [transforms.ToDtype(torch.float32, scale=True), transforms.Normalize(MEAN, STD)]
    compose = transforms.Compose(steps)
    assert differing(compose, ImagePreprocessor.from_torchvision(compose)) == 0


@pytest.mark.parametrize("name", ["clip.CLIP", "vit.ViT", "deit.DeiT", "convnext.ConvNext", "siglip.Siglip", "bit.Bit"])
def test_the_processors_of_huggingface(name: str, tmp_path: Any) -> None:
    """The file that a processor on NumPy saves, read back, gives its bits."""
    pytest.importorskip("transformers", reason="transformers isn't installed")
    from importlib import import_module

    module, prefix = name.split(".")
    try:  # from transformers 5 on, the class without "Pil" resizes tensors
        home = import_module(f"transformers.models.{module}.image_processing_pil_{module}")
        processor = getattr(home, f"{prefix}ImageProcessorPil")()
    except ImportError:
        home = import_module(f"transformers.models.{module}.image_processing_{module}")
        processor = getattr(home, f"{prefix}ImageProcessor")()
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor.to_dict()))
    ours = ImagePreprocessor.from_huggingface(tmp_path)
    assert differing(lambda image: processor(image, return_tensors="np")["pixel_values"][0], ours) == 0
