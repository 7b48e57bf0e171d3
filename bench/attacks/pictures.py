"""Pictures and arrays that are broken, or ask for more memory than there is."""

import struct
import zlib

from target import CAT

MANY = 100_000


def tiff(width, height, bits, sample_format, data=bytes(400), compression=1, samples=1):
    """A TIFF file of one strip: grey, or RGB by three samples a pixel."""
    entries = {256: width, 257: height, 258: bits, 259: compression, 262: 1 if samples == 1 else 2, 273: 200}
    entries |= {277: samples, 278: height, 279: len(data), 339: sample_format}
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    head += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    return head.ljust(200, b"\0") + data


def black_floats(side):
    """A packed TIFF file of black pixels, each of three floats."""
    return tiff(side, side, 32, 3, zlib.compress(bytes(12 * side * side), 9), 8, 3)


def png(width, height, more=b""):
    """A PNG file whose pixels are missing, with more chunks."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + more + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def chunk(kind, data):
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def npy(header, elements=b""):
    """A NumPy file with this header."""
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + elements


def pictures():
    """Pictures and arrays that are broken or take much memory, each with its name, its ending and its bytes."""
    bomb = zlib.compress(bytes(500_000_000))
    for bits in (16, 32, 64):
        yield f"TIFF of 10^8 floats of {bits} bits", "tif", tiff(10_000, 10_000, bits, 3)
    yield "TIFF of floats", "tif", tiff(8, 8, 32, 3, bytes(256))
    yield "TIFF of NaN", "tif", tiff(8, 8, 32, 3, b"\0\0\xc0\x7f" * 64)
    yield "TIFF of three floats a pixel", "tif", black_floats(8)
    yield "TIFF of 10^8 three floats a pixel", "tif", tiff(10_000, 10_000, 32, 3, samples=3)
    yield "TIFF of floats, packed", "tif", tiff(10_000, 9_999, 32, 3, zlib.compress(bytes(399_960_000)), 8)
    yield "TIFF of 2^62 pixels", "tif", tiff(2**31, 2**31, 8, 1)
    yield "TIFF of no pixels", "tif", tiff(0, 0, 8, 1)
    yield "TIFF of 65,535 bits", "tif", tiff(8, 8, 65_535, 1)
    for width, height in ((0, 0), (1, MANY), (2**31 - 1, 2**31 - 1), (9_999, 9_999)):
        yield f"PNG of {width}x{height}", "png", png(width, height)
    yield "PNG with a packed profile", "png", png(8, 8, chunk(b"iCCP", b"a\0\0" + bomb))
    yield "PNG with packed text", "png", png(8, 8, chunk(b"zTXt", b"a\0\0" + bomb))
    yield "PNG of 100,000 chunks", "png", png(8, 8, chunk(b"tEXt", b"a\0b") * MANY)
    for ending in ("gif", "webp", "jpg", "bmp", "dcm"):
        starts = {"gif": b"GIF89a", "webp": b"RIFF", "jpg": b"\xff\xd8\xff", "bmp": b"BM", "dcm": bytes(128) + b"DICM"}
        yield f"the start of a {ending}", ending, starts[ending]
        yield f"a {ending} of 0xff", ending, starts[ending] + b"\xff" * 1000
    yield "half a PNG", "png", CAT[: len(CAT) // 2]
    for shape in ("(1, 3, 100000, 100000)", "(4294967296, 4294967296, 4)", "(1, -3, 8, 8)", "(" + "1," * 20_000 + ")"):
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
        yield f"array of {shape[:24]}", "npy", npy(header)
    yield "array of nested tuples", "npy", npy("(" * 60_000)
