"""Makes small DICOM files, and what pydicom makes of them, for the tests of the DICOM reader.

    pip install pydicom numpy
    python tools/golden_dicom.py

Writes crates/smoothcam/src/input/picture/testdata/dicom: for each case a file of 4 x 3 pixels of made-up values, and
in expected.txt its name and the bytes of its pixels (red, green, blue), computed in float64 from what pydicom's
look-ups give.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1, RLELossless

OUT = Path(__file__).parents[1] / "crates/smoothcam/src/input/picture/testdata/dicom"
RAMP = np.array([[-2000, -1000, -500, -1], [0, 1, 40, 80], [100, 400, 1000, 2047]])


def dataset(values: np.ndarray, stored: int, photometric: str = "MONOCHROME2", **elements: object) -> Dataset:
    """A data set of these values, (rows, columns) or (rows, columns, 3), perhaps of several frames."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    colours = 3 if values.shape[-1] == 3 else 1
    ds.SamplesPerPixel = colours
    ds.PhotometricInterpretation = photometric
    ds.Rows, ds.Columns = values.shape[-2 - (colours == 3) :][:2]
    ds.BitsAllocated = 8 if stored <= 8 else 16
    ds.BitsStored, ds.HighBit = stored, stored - 1
    ds.PixelRepresentation = int(values.min() < 0)
    if colours == 3:
        ds.PlanarConfiguration = 0
    kind = ("i" if ds.PixelRepresentation else "u") + str(ds.BitsAllocated // 8)
    data = values.astype("<" + kind).tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    for name, value in elements.items():
        setattr(ds, name, value)
    return ds


def table(first: int, entries: list[int], bits: int, signed: bool = False) -> Dataset:
    """An item of a sequence of look-up tables."""
    item = Dataset()
    kind = "SS" if signed else "US"
    item.add_new(0x00283002, kind, [len(entries), first, bits])
    item.add_new(0x00283006, "US", entries)
    return item


def window(center: float, width: float) -> Dataset:
    """The functional groups of a frame with a window and a slope of 2."""
    group, voi, transformation = Dataset(), Dataset(), Dataset()
    voi.WindowCenter, voi.WindowWidth = center, width
    transformation.RescaleSlope, transformation.RescaleIntercept = 2, -10
    group.FrameVOILUTSequence, group.PixelValueTransformationSequence = [voi], [transformation]
    return group


def lossless_jpeg(values: np.ndarray) -> bytes:
    """Values of 16 bits, (rows, columns), as a lossless JPEG (ITU-T T.81, H), each predicted by its left one."""
    rows, columns = values.shape
    predicted = np.zeros_like(values)
    predicted[:, 1:] = values[:, :-1]
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 1 << 15
    bits = ""
    for difference in ((values - predicted + 32767) % 65536 - 32767).ravel().tolist():
        category = abs(difference).bit_length()
        # All categories, 0 to 16, have codes of five bits.
        bits += f"{category:05b}"
        if 0 < category < 16:
            bits += f"{difference if difference > 0 else difference + (1 << category) - 1:0{category}b}"
    bits += "1" * (-len(bits) % 8)
    scan = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    segments = [
        (0xC3, struct.pack(">BHHB3B", 16, rows, columns, 1, 1, 0x11, 0)),
        (0xC4, bytes([0, 0, 0, 0, 0, 17] + 11 * [0] + list(range(17)))),
        (0xDA, bytes([1, 1, 0, 1, 0, 0])),
    ]
    head = b"".join(struct.pack(">BBH", 0xFF, mark, 2 + len(data)) + data for mark, data in segments)
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


def cases() -> dict[str, Dataset]:
    ct: dict[str, Any] = {"RescaleSlope": 1, "RescaleIntercept": -24}
    high = RAMP - RAMP.min()
    found = {
        "linear": dataset(RAMP, 12, WindowCenter=40, WindowWidth=400, **ct),
        "linear_exact": dataset(RAMP, 12, WindowCenter=40, WindowWidth=400, VOILUTFunction="LINEAR_EXACT", **ct),
        "sigmoid": dataset(RAMP, 12, WindowCenter=40, WindowWidth=400, VOILUTFunction="SIGMOID", **ct),
        "two_windows": dataset(RAMP, 16, WindowCenter=[40, 300], WindowWidth=[400, 2000]),
        "inverted": dataset(RAMP, 12, "MONOCHROME1", WindowCenter=40, WindowWidth=400, **ct),
        "no_window": dataset(RAMP, 12, **ct),
        "falling": dataset(RAMP, 12, RescaleSlope=-0.5, RescaleIntercept=7),
        "bytes": dataset(high // 16, 8),
        "ten_bits": dataset(high // 4, 10),
        "voi_table": dataset(high // 400, 16, VOILUTSequence=[table(2, [0, 100, 900, 1023], 10)]),
        "modality_table": dataset(high // 400, 16, ModalityLUTSequence=[table(1, [7, 9, 50, 60, 200], 16)]),
        "implicit": dataset(RAMP, 12, WindowCenter=40, WindowWidth=400, **ct),
        "lossless_jpeg": dataset(RAMP, 12, WindowCenter=40, WindowWidth=400, **ct),
        "rle": dataset(RAMP, 12, WindowCenter=40, WindowWidth=400, **ct),
    }
    found["implicit"].file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    rle = found["rle"]
    frame = RLELosslessEncoder.encode(
        RAMP.astype("<i2"),
        **{
            "rows": 3,
            "columns": 4,
            "samples_per_pixel": 1,
            "number_of_frames": 1,
            "bits_allocated": 16,
            "bits_stored": 16,
            "pixel_representation": 1,
            "photometric_interpretation": "MONOCHROME2",
        },
    )
    rle.PixelData = encapsulate([frame])
    rle["PixelData"].is_undefined_length = True
    rle.file_meta.TransferSyntaxUID = RLELossless
    colours = np.random.default_rng(0).integers(0, 256, (3, 4, 3))
    found["rgb"] = dataset(colours, 8, "RGB")
    found["by_plane"] = dataset(colours, 8, "RGB")
    found["by_plane"].PlanarConfiguration = 1
    found["by_plane"].PixelData = colours.transpose(2, 0, 1).astype("u1").tobytes()
    found["ybr"] = dataset(colours, 8, "YBR_FULL")
    # Each two pixels share their colour: Y1 Y2 Cb Cr.
    found["ybr_by_twos"] = dataset(colours, 8, "YBR_FULL_422")
    y, shared = colours.reshape(-1, 2, 3)[..., 0], colours.reshape(-1, 2, 3)[:, 0, 1:]
    found["ybr_by_twos"].PixelData = np.concatenate([y, shared], 1).astype("u1").tobytes()
    palette = dataset(high // 400, 8, "PALETTE COLOR")
    entries = np.random.default_rng(1).integers(0, 65536, (3, 11))
    for name, colour in zip(("Red", "Green", "Blue"), entries, strict=True):
        setattr(palette, f"{name}PaletteColorLookupTableDescriptor", [len(colour), 0, 16])
        setattr(palette, f"{name}PaletteColorLookupTableData", colour.astype("<u2").tobytes())
    found["palette"] = palette
    frames = dataset(np.stack([high // 16, high // 8]), 12, NumberOfFrames=2)
    frames.PerFrameFunctionalGroupsSequence = [window(100, 200), window(300, 500)]
    found["frames"] = frames
    return found


def right(ds: Dataset, frame: int = 0) -> np.ndarray:
    """The RGB bytes, as (rows, columns, 3)."""
    values = ds.pixel_array
    if ds.get("NumberOfFrames", 1) > 1:
        values = values[frame]
        group = ds.PerFrameFunctionalGroupsSequence[frame]
        for name in ("WindowCenter", "WindowWidth"):
            setattr(ds, name, group.FrameVOILUTSequence[0][name].value)
        for name in ("RescaleSlope", "RescaleIntercept"):
            setattr(ds, name, group.PixelValueTransformationSequence[0][name].value)
    kind = ds.PhotometricInterpretation
    if kind in ("RGB", "YBR_FULL", "YBR_FULL_422"):
        return values  # pydicom has made RGB of it
    if kind == "PALETTE COLOR":
        return np.rint(apply_color_lut(values, ds) / 65535 * 255)
    units = apply_modality_lut(values, ds)
    if "VOILUTSequence" in ds:
        share = apply_voi_lut(units, ds) / (2 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1)
    elif "WindowCenter" in ds:
        grey = apply_voi_lut(units.astype(float), ds)
        # pydicom's grey reaches over the values that the stored bits can have, in units.
        bits, slope, intercept = ds.BitsStored, ds.get("RescaleSlope", 1), ds.get("RescaleIntercept", 0)
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if ds.PixelRepresentation else (0, 2**bits - 1)
        low, high = low * slope + intercept, high * slope + intercept
        share = (grey - low) / (high - low)
    elif ds.BitsStored == 8:
        share = units / 255
    else:
        share = (units - units.min()) / float(units.max() - units.min())
    share = 1 - share if kind == "MONOCHROME1" else share
    return np.repeat(np.rint(255 * share)[..., None], 3, -1)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, ds in cases().items():
        if name == "lossless_jpeg":
            # pydicom needs another package to decode it; what it shows is what the uncompressed values show.
            text = " ".join(str(int(value)) for value in right(ds).ravel())
            lines.append(f"{name} 1 {text}\n")
            ds.PixelData = encapsulate([lossless_jpeg(RAMP % 65536)])
            ds["PixelData"].is_undefined_length = True
            ds.file_meta.TransferSyntaxUID = JPEGLosslessSV1
            ds.save_as(OUT / f"{name}.dcm", enforce_file_format=True)
            continue
        ds.save_as(OUT / f"{name}.dcm", enforce_file_format=True)
        for frame in range(ds.get("NumberOfFrames", 1)):
            text = " ".join(str(int(value)) for value in right(ds, frame).ravel())
            lines.append(f"{name} {frame + 1} {text}\n")
    (OUT / "expected.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
