"""Images: the list of operations is read, locked, bit-equal to Pillow's, and its differences have names."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import ArtifactReadError, FingerprintMismatchError, InputFaultError, NormLockError
from sklearn_normlock.probes.pictures import probe_pictures

Image = pytest.importorskip("PIL.Image", reason="Pillow isn't installed")

from pictures import CROP, EDGE, FAULTS, MEAN, STD, encoded, photographs, reference  # noqa: E402

from sklearn_normlock.images import ImagePreprocessor, check_pixels, compare_pixels  # noqa: E402
from sklearn_normlock.images.operations import FILTERS  # noqa: E402

OPERATIONS = [
    ("convert", {"mode": "RGB"}),
    ("resize", {"size": EDGE, "rule": "shortest", "filter": "bilinear"}),
    ("center_crop", {"size": CROP, "rounding": "half_even"}),
    "rescale",
    ("normalize", {"mean": MEAN, "std": STD}),
    ("layout", {"to": "CHW"}),
]


def preprocessor(operations: Any = OPERATIONS) -> ImagePreprocessor:
    return ImagePreprocessor(operations).fit()


def changed(i: int, **parameters: Any) -> list[Any]:
    name, given = OPERATIONS[i]
    return [*OPERATIONS[:i], (name, {**given, **parameters}), *OPERATIONS[i + 1 :]]


# -- what it computes --------------------------------------------------------------------------------------------------


def test_pixels_are_those_of_pillow_and_numpy() -> None:
    """On 20 real images every bit is that of a preprocessing written out by hand."""
    images = list(photographs())
    assert np.array_equal(preprocessor().transform(images), [reference(image) for image in images])


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("size", [40, 97, (31, 60)])
def test_each_filter_is_pillows(name: str, size: Any) -> None:
    """Whatever the filter and the size rule, a resized image is Pillow's to the bit."""
    rule = "shortest" if isinstance(size, int) else "exact"
    prepare = preprocessor([("resize", {"size": size, "rule": rule, "filter": name})])
    for image in photographs()[:4]:
        height, width = image.shape[:2]
        long = int(size * max(height, width) / min(height, width)) if rule == "shortest" else 0
        there = size[::-1] if rule == "exact" else (size, long) if width <= height else (long, size)
        expected = Image.fromarray(image).resize(there, getattr(Image.Resampling, name.upper()))
        assert np.array_equal(prepare.transform([image])[0], np.asarray(expected))


def test_sources_of_one_image_give_the_same() -> None:
    """A path, bytes, an image of Pillow's and an array are one image."""
    image = photographs()[0]
    data = encoded(image, "PNG")
    prepare = preprocessor()
    expected = prepare.transform([image])
    for source in (data, Image.fromarray(image)):
        assert np.array_equal(prepare.transform([source]), expected)


def test_a_path_is_read(tmp_path: Any) -> None:
    """A path, as text or as a Path, is decoded."""
    (tmp_path / "a.png").write_bytes(encoded(photographs()[0], "PNG"))
    expected = preprocessor().transform([photographs()[0]])
    for path in (tmp_path / "a.png", str(tmp_path / "a.png")):
        assert np.array_equal(preprocessor().transform([path]), expected)


def test_an_orientation_counts_only_where_it_is_asked_for() -> None:
    """The operation exif turns a photograph; without it the pixels stay as they were stored."""
    turned = probe_pictures()[-1]
    assert preprocessor(["exif"]).transform([turned]).shape == (1, 40, 24, 3)
    assert preprocessor([("convert", {})]).transform([turned]).shape == (1, 24, 40, 3)


@pytest.mark.parametrize(("rounding", "first"), [("floor", 2), ("half_even", 1)])
def test_a_crop_larger_than_the_image_is_filled_with_black(rounding: str, first: int) -> None:
    """Where the image is too small, the margin is black, and its odd pixel lies where the rounding says."""
    out = preprocessor([("center_crop", {"size": 8, "rounding": rounding})]).transform([np.full((5, 5), 9, np.uint8)])
    assert np.flatnonzero(out[0, :, 4, 0])[0] == first and out.sum() == 9 * 25


# -- what it refuses ---------------------------------------------------------------------------------------------------

BOMB = b"\x89PNG\r\n\x1a\n" + b"".join(
    struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    for name, data in [(b"IHDR", struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0)), (b"IEND", b"")]
)


@pytest.mark.parametrize(
    ("X", "error", "text"),
    [
        ([np.zeros((4, 4, 3))], InputFaultError, "float64 from 0 to 0; the pixels of a decoded image are uint8"),
        ([np.zeros((3, 4, 5), np.uint8)], InputFaultError, "shape"),
        ([np.zeros((0, 4, 3), np.uint8)], InputFaultError, "shape"),
        (np.zeros((4, 4, 3), np.uint8), InputFaultError, "images come as a list"),
        ("photo.jpg", InputFaultError, "images come as a list"),
        ([], InputFaultError, "no image"),
        ([7], InputFaultError, "X[0] is a int"),
        (["there/is/none.png"], ArtifactReadError, "there is no file"),
        ([b"no image"], ArtifactReadError, "can't be decoded"),
        ([encoded(photographs()[0], "PNG")[:2_000]], ArtifactReadError, "can't be decoded"),
        ([b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"], ArtifactReadError, "can't be decoded"),
    ],
)
def test_what_is_no_decoded_image_is_refused(X: Any, error: type, text: str) -> None:
    """Each refusal is an error of ours that says which image and why; no decoder that starts a program is tried."""
    with pytest.raises(error) as caught:
        preprocessor().transform(X)
    assert text in str(caught.value)


@pytest.mark.filterwarnings("ignore:Image size")
def test_an_image_that_claims_too_much_is_not_decoded() -> None:
    """A file of 57 bytes that says it has 144 million pixels is refused before memory is taken for them."""
    with pytest.raises(ArtifactReadError, match="12000 × 12000 pixels"):
        preprocessor().transform([BOMB])


STRIP = np.zeros((1, 60_000, 3), np.uint8)


@pytest.mark.parametrize(
    "operations",
    [
        [("resize", {"size": 224, "rule": "shortest", "filter": "bilinear"})],
        ["rescale", ("resize", {"size": (65_536, 65_536), "filter": "box"})],
        [("center_crop", {"size": 65_536})],
    ],
    ids=["shorter edge", "numbers", "crop"],
)
def test_an_image_that_would_become_too_large_is_refused(operations: Any) -> None:
    """A strip of a few kilobytes would become 3,000 million pixels by its shorter edge."""
    with pytest.raises(InputFaultError, match=r"would give [\d,]+ × [\d,]+ pixels"):
        preprocessor(operations).transform([STRIP])


@pytest.mark.parametrize(
    ("operations", "path"),
    [
        ("resize", "operations"),
        ([("sharpen", {})], "operations[0]"),
        (["resize"], "operations[0].size"),
        ([("resize", {"size": 3, "filter": "bilinear", "antialias": True})], "operations[0].antialias"),
        ([("resize", {"size": 3, "filter": "bilinear"})], "operations[0].size"),
        ([("resize", {"size": True, "rule": "shortest", "filter": "box"})], "operations[0].size"),
        ([("resize", {"size": 10**9, "rule": "shortest", "filter": "box"})], "operations[0].size"),
        ([("resize", {"size": (3, 4), "rule": "exact", "filter": "cubic"})], "operations[0].filter"),
        (["rescale", ("normalize", {"mean": [0.5], "std": [0.0]})], "operations[1].std"),
        ([("normalize", {"mean": [0.5], "std": [1, 2]})], "operations[0].std"),
        ([("normalize", {"mean": [float("nan")], "std": [1]})], "operations[0].mean"),
        ([("channels", {"order": [0, 0, 1]})], "operations[0].order"),
        ([("rescale", {"by": "255"})], "operations[0].by"),
        ([("layout", "CHW")], "operations[0]"),
        ({"rescale", "layout"}, "operations"),
        (iter(["rescale"]), "operations"),
        ([("channels", {"order": [0.5, 1.2, 2.0]})], "operations[0].order"),
    ],
)
def test_a_wrong_operation_is_named(operations: Any, path: str) -> None:
    """fit refuses an operation or a parameter that is unknown, missing or of the wrong kind, with its path."""
    with pytest.raises(NormLockError) as caught:
        preprocessor(operations)
    assert caught.value.path == path


def test_damaged_files_are_never_a_foreign_error() -> None:
    """400 damaged files of four formats: each is read, or refused with an error of the package."""
    rng = np.random.default_rng(0)
    small = photographs()[0][:40, :40]
    exif = Image.Exif()
    exif[0x0112] = 6
    files = [encoded(small, "PNG"), encoded(small, "JPEG", exif=exif), encoded(small, "BMP"), probe_pictures()[-1]]
    refused = 0
    for i in range(400):
        data = bytearray(files[i % 4])
        for at in rng.integers(0, min(len(data), 300), size=1 + i % 5):
            data[at] = rng.integers(0, 256)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                preprocessor(["exif", *OPERATIONS]).transform([bytes(data)])
        except NormLockError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_an_image_of_more_than_8_bits_is_not_cut_off(mode: str) -> None:
    """Converting 16 bits to RGB would turn every level above 255 to white: it is refused."""
    with pytest.raises(InputFaultError, match="255"):
        preprocessor([("convert", {})]).transform([Image.new(mode, (4, 4))])


@pytest.mark.parametrize("mode", ["P", "1", "CMYK", "I;16"])
def test_pixels_that_are_no_levels_are_refused(mode: str) -> None:
    """A palette's numbers are never taken for light: the image has to be converted first."""
    with pytest.raises(InputFaultError, match="mode"):
        preprocessor(["rescale"]).transform([Image.new(mode, (4, 4))])


@pytest.mark.parametrize("mode", ["P", "1"])
def test_a_palette_is_not_resized(mode: str) -> None:
    """Pillow would take the nearest pixel in silence, whatever filter was asked for: the image has to be converted."""
    with pytest.raises(InputFaultError, match="whatever the filter"):
        preprocessor(OPERATIONS[1:]).transform([Image.new(mode, (64, 64))])


def test_images_that_come_out_in_two_shapes_are_refused() -> None:
    """Images of several sizes need an exact size; the error says which differs."""
    with pytest.raises(InputFaultError, match="X\\[1\\] comes out as"):
        preprocessor(["rescale"]).transform([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)])


# -- what it is --------------------------------------------------------------------------------------------------------


def test_one_preprocessing_has_one_fingerprint() -> None:
    """How a list is written doesn't count: defaults, lists or tuples, integers or pairs."""
    same = [*OPERATIONS[:2], ["center_crop", {"size": [CROP, CROP], "rounding": "half_even"}], ("rescale", {"by": 255})]
    assert nl.fingerprint(preprocessor()) == nl.fingerprint(preprocessor([*same, *OPERATIONS[4:]]))
    assert nl.fingerprint(preprocessor()) == nl.fingerprint(clone(preprocessor()).fit())


@pytest.mark.parametrize("ending", [".skops", ".joblib", ".pkl"])
def test_it_travels_sealed(tmp_path: Any, ending: str) -> None:
    """It is dumped, loaded and verified like a scaler, and computes the same."""
    path = tmp_path / f"prepare{ending}"
    lock = nl.lock(preprocessor())
    nl.dump(preprocessor(), path)
    loaded = nl.load(path)
    assert nl.verify(loaded, lock).probed == 1
    assert np.array_equal(loaded.transform([photographs()[0]]), preprocessor().transform([photographs()[0]]))


def test_a_change_behind_the_seal_raises() -> None:
    """A parameter that is set after fit is a mismatch at the next call."""
    prepare = preprocessor().set_params(operations=changed(1, filter="bicubic"))
    with pytest.raises(FingerprintMismatchError):
        prepare.transform([photographs()[0]])


@pytest.mark.parametrize(
    ("operations", "said"),
    [
        (changed(1, filter="bicubic"), "resize.filter bilinear → bicubic: resized with another filter"),
        (changed(1, size=EDGE - 1), "resize.size 40 → 39: resized to another size"),
        (changed(1, size=(EDGE, EDGE), rule="exact"), "resize.rule shortest → exact"),
        (changed(2, size=CROP - 2), "center_crop.size (32, 32) → (30, 30): another section"),
        (changed(2, rounding="floor"), "center_crop.rounding half_even → floor"),
        (changed(4, mean=MEAN[::-1]), "in the reverse order: RGB and BGR exchanged"),
        ([*OPERATIONS[:3], *OPERATIONS[4:]], "rescale is left out: pixels go from 0 to 255"),
        ([*OPERATIONS[:4], *OPERATIONS[3:]], "rescale is done twice"),
        ([*OPERATIONS[:4], *OPERATIONS[5:]], "normalize is left out"),
        ([*OPERATIONS[:5], *OPERATIONS[4:]], "mean and standard deviation are applied twice"),
        (
            [OPERATIONS[0], *OPERATIONS[3:5], *OPERATIONS[1:3], OPERATIONS[5]],
            "another order: rescale behind convert",
        ),
        ([*OPERATIONS[:3], ("channels", {"order": [2, 1, 0]}), *OPERATIONS[3:]], "channels is new: RGB and BGR"),
        (OPERATIONS[:5], "layout is left out: the channels are at the other end"),
    ],
)
def test_a_diff_names_what_happened(operations: Any, said: str) -> None:
    """Between two objects, and between two locks alone, the difference has a name and an effect."""
    before, after = preprocessor(), preprocessor(operations)
    assert said in nl.diff(before, after).explain()
    assert said in nl.diff(nl.lock(before), nl.lock(after)).explain()


# -- what others write -------------------------------------------------------------------------------------------------


def transform(name: str, **attributes: Any) -> Any:
    """Return an object that looks like a transform of torchvision's."""
    return type(name, (), attributes)()


def compose(*transforms: Any) -> Any:
    return transform("Compose", transforms=list(transforms))


RESIZE = transform("Resize", size=EDGE, interpolation=SimpleNamespace(value="bilinear"), max_size=None, antialias=True)
TO_TENSOR = transform("ToTensor")
NORMALIZE = transform("Normalize", mean=list(MEAN), std=list(STD), inplace=False)


def test_a_torchvision_pipeline_is_read() -> None:
    """Resize, CenterCrop, ToTensor and Normalize give the bits of the same done by hand."""
    read = ImagePreprocessor.from_torchvision(
        compose(RESIZE, transform("CenterCrop", size=(CROP, CROP)), TO_TENSOR, NORMALIZE)
    )
    images = list(photographs())
    assert np.array_equal(read.transform(images), [reference(image) for image in images])


@pytest.mark.parametrize(
    ("transforms", "said"),
    [
        ([transform("RandomHorizontalFlip", p=0.5)], "is random"),
        ([transform("Lambda", lambd=abs)], "Lambda is not known here"),
        ([TO_TENSOR, RESIZE], "resizes a tensor"),
        ([NORMALIZE], "before the pixels are floats"),
        ([transform("Resize", size=3, interpolation="nearest-exact")], "none of Pillow's filters"),
        ([transform("Resize")], "no parameters that can be read"),
    ],
)
def test_a_transform_that_is_not_known_is_refused(transforms: Any, said: str) -> None:
    """What can't be done in the same way is never left out in silence; the error says where it stands."""
    with pytest.raises(NormLockError, match=said) as caught:
        ImagePreprocessor.from_torchvision(compose(*transforms))
    assert "Compose.transforms[" in caught.value.path


CONFIG = {
    "image_processor_type": "CLIPImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": EDGE},
    "resample": 2,
    "do_center_crop": True,
    "crop_size": {"height": CROP, "width": CROP},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": list(MEAN),
    "image_std": list(STD),
    "do_convert_rgb": True,
}


def test_a_huggingface_configuration_is_read(tmp_path: Any) -> None:
    """A mapping, a file and its folder give one preprocessor, within float32's rounding of the same done by hand."""
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(CONFIG))
    read = [
        ImagePreprocessor.from_huggingface(source)
        for source in (CONFIG, tmp_path, tmp_path / "preprocessor_config.json")
    ]
    assert len({each.fingerprint_ for each in read}) == 1
    images = [image[: image.shape[0] // 2 * 2] for image in photographs()]
    assert np.allclose(read[0].transform(images[:1])[0].mean(), reference(images[0]).mean(), atol=0.05)


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({**CONFIG, "do_pad": True}, "config.do_pad"),
        ({**CONFIG, "image_processor_type": "CLIPImageProcessorFast"}, "config.image_processor_type"),
        ({**CONFIG, "size": 224}, "config.size"),
        ({**CONFIG, "size": {"longest_edge": 9}}, "config.size"),
        ({**CONFIG, "resample": 9}, "config.resample"),
        ({**CONFIG, "image_mean": None}, "config.image_mean"),
        ({key: value for key, value in CONFIG.items() if key != "do_center_crop"}, "config.do_center_crop"),
        *(({**CONFIG, "crop_pct": part}, "config.crop_pct") for part in (0, 2, "a", float("nan"), True)),
        ({**CONFIG, "size": {"shortest_edge": "a"}, "crop_pct": 0.9}, "config.crop_pct"),
        (7, "config"),
        ([CONFIG], "config"),
    ],
)
def test_a_field_that_is_not_known_is_refused(config: Any, path: str) -> None:
    """A field that would change pixels, or whose default depends on the class, is an error with its path."""
    with pytest.raises(NormLockError) as caught:
        ImagePreprocessor.from_huggingface(config)
    assert caught.value.path == path


@pytest.mark.parametrize("text", ["[", "[1]", '{"size": NaN}', "[" * 100_000, '{"a": 1, "a": 2}', "7" * 5_000])
def test_a_damaged_configuration_is_an_error_of_ours(tmp_path: Any, text: str) -> None:
    """Broken, nested and ambiguous JSON is refused as unreadable."""
    path = tmp_path / "preprocessor_config.json"
    path.write_text(text)
    with pytest.raises(ArtifactReadError):
        ImagePreprocessor.from_huggingface(path)


# -- what another implementation does ----------------------------------------------------------------------------------


def _unnamed(fault: str, images: Any) -> list[str]:
    """Return what is said of images, one by one, where the fault isn't named."""
    reports = [compare_pixels(preprocessor(), [image], [reference(image, fault)]) for image in images]
    return [each.explain() for each in reports if FAULTS[fault] not in [found.name for found in each.faults]]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_another_implementation_is_named(fault: str) -> None:
    """Each kind of fault gets its name on an image by itself, though the faulty pixels were made elsewhere."""
    assert not _unnamed(fault, photographs()[::19])


@pytest.mark.campaign
def test_each_fault_is_named_on_each_image() -> None:
    """17 faults on each of 20 images: all are named."""
    assert not [said for fault in FAULTS for said in _unnamed(fault, photographs())]


def test_a_fault_is_named_alone_on_the_pictures_of_a_probe() -> None:
    """Generated edges, ramps, noise and strokes tell nearly all faults apart: one name each."""
    images = [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in probe_pictures(1)]
    images = [image for image in images if min(image.shape[:2]) >= CROP]
    for fault, name in FAULTS.items():
        report = compare_pixels(preprocessor(), images, [reference(image, fault) for image in images])
        assert {each.name for each in report.faults} == {name}, (fault, report.explain())


def _false_alarms(images: Any, turns: int) -> int:
    alarms = 0
    for image in images:
        for turn in range(turns):
            other = np.roll(image, 7 * turn, axis=turn % 2)
            for dtype in (np.float32, np.float64, np.float16):
                alarms += not compare_pixels(preprocessor(), [other], [reference(other).astype(dtype)]).ok
    return alarms


def test_the_same_pixels_raise_no_alarm() -> None:
    """Pixels that were made elsewhere in the same way, kept in three types, are a match."""
    assert _false_alarms(photographs()[::7], 2) == 0


@pytest.mark.campaign
def test_540_clean_comparisons_raise_no_alarm() -> None:
    """On 540 clean comparisons there is no false alarm."""
    assert _false_alarms(photographs(), 9) == 0


@pytest.mark.parametrize("produced", [None, 7, "pixels", [None], [[[1], [1, 2]]], np.zeros((1, 3, 0, 8))], ids=repr)
def test_what_is_no_array_for_each_image_is_refused(produced: Any) -> None:
    """Both judges of pixels say what they were given."""
    with pytest.raises(InputFaultError, match="produced"):
        check_pixels(preprocessor(), produced)
    if not isinstance(produced, np.ndarray):
        with pytest.raises(InputFaultError, match="produced"):
            compare_pixels(preprocessor(), [photographs()[0]], produced)


@pytest.mark.parametrize("whole", [False, True], ids=["alone", "in a pipeline"])
def test_a_lock_gives_the_preprocessor_back(whole: bool, tmp_path: Any) -> None:
    """The operations of a lock make the same object; a lock without them, or with two, is refused."""
    prepare = preprocessor()
    made = nl.lock({"prepare": prepare, "scaler": StandardScaler().fit([[0.0], [2.0]])} if whole else prepare)
    made.save(tmp_path / "lock.json")
    again = ImagePreprocessor.from_lock(nl.Lock.load(tmp_path / "lock.json"))
    assert again.fingerprint_ == prepare.fingerprint_ and again.operations_ == prepare.operations_
    two = nl.lock({"a": prepare, "b": preprocessor(["rescale"])})
    for other in (nl.lock(StandardScaler().fit([[0.0], [2.0]])), two):
        with pytest.raises(NormLockError, match="must have one ImagePreprocessor"):
            ImagePreprocessor.from_lock(other)


def test_the_command_checks_pixels(tmp_path: Any, capsys: Any) -> None:
    """Pixels are judged by a lock alone, with their images or without; exit codes are those of every command."""
    prepare, images = preprocessor(), photographs()[:3]
    lock, good, bad, folder = (tmp_path / name for name in ("lock.json", "good.npy", "bad.npy", "images"))
    nl.lock(prepare).save(lock)
    np.save(good, prepare.transform(images))
    np.save(bad, np.stack([reference(image, "no mean") for image in images]))
    folder.mkdir()
    command = ["check", "--pixels", str(lock)]
    assert main([*command, str(good), "--images", str(folder)]) == 3
    for i, image in enumerate(images):
        (folder / f"{i}.png").write_bytes(encoded(image, "PNG"))
    for more in ([], ["--images", str(folder)]):
        capsys.readouterr()
        assert main([*command, str(good), *more]) == 0
        assert capsys.readouterr().out.startswith(f"{good}: match, ")
        assert main([*command, str(bad), *more, "--format", "json"]) == 1
        told = json.loads(capsys.readouterr().out)
        assert (told["code"], told["n_images"], told["judged"]) == (1, 3, "pixels" if more else "values")
        assert "mean_left_out" in [fault["name"] for fault in told["faults"]]
        assert main([*command, str(bad), *more, "--format", "github"]) == 1
        assert capsys.readouterr().out.startswith("::error title=normlock::")
        assert main([*command, str(bad), *more, "-o", str(tmp_path / "report.txt")]) == 1
        assert "MISMATCH, mean_left_out" in (tmp_path / "report.txt").read_text("utf-8")
    np.save(tmp_path / "one.npy", prepare.transform(images)[0])
    assert main([*command, str(tmp_path / "one.npy")]) == 0
    assert main([*command, str(tmp_path / "one.npy"), "--images", str(folder)]) == 2
    assert main([*command, str(tmp_path / "none.npy")]) == 2
    assert main(["check", "--pixels", str(good), str(good)]) == 2
    assert main([*command, str(good), "--format", "html"]) == 64
    assert main(["check", "--images", str(folder), str(good)]) == 64


def test_what_images_cannot_show_is_said() -> None:
    """On a grey image the order of channels is invisible: a match says so."""
    grey = np.repeat(photographs()[0].mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    report = compare_pixels(preprocessor([("convert", {})]), [grey], [grey])
    assert report.ok and {"channels_reversed", "grey"} <= {fault.name for fault in report.invisible}


def test_what_no_known_fault_explains_is_unknown() -> None:
    """Noise on the pixels is a mismatch without a name."""
    image = photographs()[0]
    noise = np.random.default_rng(0).normal(size=(3, CROP, CROP))
    report = compare_pixels(preprocessor(), [image], [reference(image) + noise])
    assert [fault.name for fault in report.faults] == ["unknown"]


def test_a_comparison_of_nothing_is_refused() -> None:
    """No image, or another count, is an error and not a match."""
    for images, produced in (([], []), ([photographs()[0]], []), ([photographs()[0]], [["a"]])):
        with pytest.raises(InputFaultError):
            compare_pixels(preprocessor(), images, produced)


# -- without the images ------------------------------------------------------------------------------------------------

CENTRE, SPREAD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
ARITHMETIC = {
    "none": (lambda levels: (levels / 255 - CENTRE) / SPREAD, None),
    "0 to 1": (lambda levels: levels / 255, "normalize_left_out"),
    "0 to 255": (lambda levels: levels, "numbers_left_out"),
    "not rescaled": (lambda levels: (levels - CENTRE) / SPREAD, "rescale_left_out"),
    "rescaled twice": (lambda levels: (levels / 255**2 - CENTRE) / SPREAD, "rescaled_twice"),
    "twice": (lambda levels: ((levels / 255 - CENTRE) / SPREAD - CENTRE) / SPREAD, "normalized_twice"),
    "no mean": (lambda levels: levels / 255 / SPREAD, "mean_left_out"),
    "no deviation": (lambda levels: levels / 255 - CENTRE, "std_left_out"),
    "BGR behind": (lambda levels: ((levels / 255 - CENTRE) / SPREAD)[..., ::-1], "channels_reversed"),
    "BGR statistics": (lambda levels: (levels / 255 - CENTRE[::-1]) / SPREAD[::-1], "statistics_reversed"),
    "-1 to 1": (lambda levels: levels / 127.5 - 1, "other_range"),
    "BGR before": (lambda levels: (levels[..., ::-1] / 255 - CENTRE) / SPREAD, None),
    "inverted": (lambda levels: ((255 - levels) / 255 - CENTRE) / SPREAD, None),
}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("case", ARITHMETIC)
def test_values_show_the_arithmetic(case, dtype):
    """From pixels alone a fault of the arithmetic is named; what leaves the values as they are is told as invisible."""
    change, name = ARITHMETIC[case]
    steps = [("convert", {}), ("resize", {"size": (32, 32), "filter": "bilinear"})]
    numbers = ["rescale", ("normalize", {"mean": list(CENTRE), "std": list(SPREAD)})]
    levels = ImagePreprocessor(steps).fit().transform(list(photographs()[:4])).astype(np.float64)
    prepare = ImagePreprocessor([*steps, *numbers]).fit()
    report = check_pixels(prepare, change(levels).astype(dtype))
    assert (name in {fault.name for fault in report.faults}) if name else report.ok, report.explain()
    assert report.ok == (name is None) and len(report.faults) <= 2
    if report.ok:
        assert {"channels_reversed", "grey", "inverted"} <= {fault.name for fault in report.invisible}
    resized_late = ImagePreprocessor([steps[0], *numbers, steps[1]]).fit()
    late = resized_late.transform(list(photographs()[:2]))
    assert check_pixels(prepare, late).faults[0].name == "not_rounded"
    with pytest.raises(NormLockError, match="any value can come out"):
        check_pixels(resized_late, late)
    with pytest.raises(InputFaultError, match="must have 3 entries"):
        check_pixels(prepare, np.zeros((1, 3, 32, 32)))
