"""Writes the first inputs of the targets into inputs/TARGET, from which a search goes on: see run.py.

pip install numpy onnx==1.23.2 Pillow
python fuzz/seeds.py && python fuzz/run.py --seconds 3600 --save
"""

import base64
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from PIL import Image

HERE = Path(__file__).resolve().parent
CRATES = HERE.parent / "crates"
PIXELS = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)


def models():
    """ONNX's own tests of operators, and the classifiers."""
    yield from classifiers()
    for case in collect_testcases(None):
        if case.model and case.model.ByteSize() < 4000:
            yield case.model.SerializeToString()


def classifier(nodes, weights, opset=17, shape=(1, 3, 8, 8), **more):
    """A classifier of a picture `x` into scores `y`. A constant is integers, or the shape of floats drawn at random."""
    random = np.random.default_rng(1)

    def constant(value):
        if isinstance(value, list):
            return np.array(value, np.int64)
        return random.uniform(0.1, 1, value).astype(np.float32)

    constants = [numpy_helper.from_array(constant(value), name) for name, value in weights.items()]
    graph = helper.make_graph(
        [helper.make_node(op, xs.split(" "), ys.split(" "), **attributes) for op, xs, ys, attributes in nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["pictures", "classes"])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], **more)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def classifiers():
    """Small networks of the kinds that there are: convolutions, tokens, channels last, branches, quantised numbers."""
    yield classifier(
        [
            ("Conv", "x k", "a", {"pads": [1, 1, 1, 1]}),
            ("BatchNormalization", "a s s s v", "b", {}),
            ("Relu", "b", "c", {}),
            ("MaxPool", "c", "d", {"kernel_shape": [2, 2], "strides": [2, 2]}),
            ("GlobalAveragePool", "d", "e", {}),
            ("Flatten", "e", "f", {}),
            ("Gemm", "f w t", "y", {"transB": 1}),
        ],
        {"k": (4, 3, 3, 3), "s": (4,), "v": (4,), "w": (5, 4), "t": (5,)},
    )
    yield classifier(
        [
            ("Conv", "x k", "a", {"strides": [2, 2]}),
            ("Reshape", "a tokens", "b", {}),
            ("Transpose", "b", "c", {"perm": [0, 2, 1]}),
            ("Concat", "first c", "d", {"axis": 1}),
            ("LayerNormalization", "d s t", "e", {}),
            ("MatMul", "e q", "f", {}),
            ("MatMul", "e r", "g", {}),
            ("Transpose", "g", "h", {"perm": [0, 2, 1]}),
            ("MatMul", "f h", "i", {}),
            ("Softmax", "i", "j", {"axis": -1}),
            ("MatMul", "j e", "l", {}),
            ("Add", "d l", "m", {}),
            ("ReduceMean", "m", "n", {"axes": [1], "keepdims": 0}),
            ("MatMul", "n w", "y", {}),
        ],
        {
            "k": (4, 3, 2, 2), "tokens": [1, 4, 16], "s": (4,), "t": (4,), "q": (4, 4), "r": (4, 4),
            "first": (1, 1, 4), "w": (4, 5),
        },
    )  # fmt: skip
    yield classifier(
        [
            ("Transpose", "x", "a", {"perm": [0, 3, 1, 2]}),
            ("Conv", "a k", "b", {"group": 3}),
            ("Sigmoid", "b", "c", {}),
            ("ReduceMean", "c", "d", {"axes": [2, 3], "keepdims": 0}),
            ("MatMul", "d w", "e", {}),
            ("Softmax", "e", "y", {}),
        ],
        {"k": (6, 1, 2, 2), "w": (6, 4)},
        opset=13,
        shape=("batch", 8, 8, 3),
    )
    yield classifier(
        [
            ("Resize", "x  none sizes", "b", {"mode": "linear"}),
            ("Pad", "b pads", "c", {}),
            ("Conv", "c k", "d", {}),
            ("Clip", "d", "e", {}),
            ("Split", "e", "f g", {"axis": 1}),
            ("Mul", "f g", "h", {}),
            ("ReduceMean", "h", "i", {"axes": [2, 3], "keepdims": 0}),
            ("Gemm", "i w", "y", {}),
        ],
        {"none": (0,), "sizes": [1, 3, 12, 12], "pads": [0, 0, 1, 1, 0, 0, 1, 1], "k": (4, 3, 3, 3), "w": (2, 3)},
        opset=13,
        shape=(1, 3, "height", "width"),
    )


def array_file(save, *arrays, **named):
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def arrays():
    """NumPy files and JSON."""
    for dtype in ["<f4", ">f8", "<i8", "u1", "?", "<i2"]:
        yield array_file(np.save, np.arange(12).reshape(1, 3, 2, 2).astype(dtype))
    yield array_file(np.save, np.asfortranarray(np.ones((3, 2, 2), np.float32)))
    yield array_file(np.savez, x=np.ones(3, np.float32), y=np.arange(4))
    yield array_file(np.savez_compressed, x=np.ones((2, 2)))
    yield b'{"x": [[1, 2.5], [3, -4e3]], "y": [true, false]}'
    yield b"[[1, 2], [3, 4]]"


def pictures():
    """A picture of 8x8 pixels in each format, and the pictures of the tests."""
    grey = PIXELS[..., 0]
    modes = [Image.fromarray(pixels) for pixels in (PIXELS, grey, grey.astype(np.uint16))]
    modes += [modes[0].convert(mode) for mode in ("RGBA", "LA", "P", "1", "CMYK", "F")]
    profile = Image.Exif()
    profile[274] = 6
    for picture in modes:
        for name in ("png", "jpeg", "webp", "bmp", "tiff", "gif"):
            file = io.BytesIO()
            try:
                picture.save(file, name, exif=profile)
            except (OSError, ValueError):
                continue
            yield file.getvalue()
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        file = io.BytesIO()
        modes[0].save(file, "tiff", compression=compression)
        yield file.getvalue()
    file = io.BytesIO()
    modes[0].save(file, "jpeg", progressive=True)
    yield file.getvalue()
    testdata = CRATES / "smoothcam/src/input/picture/testdata"
    for path in sorted([*testdata.glob("*.webp"), *testdata.glob("*.jpg"), *testdata.glob("dicom/*.dcm")]):
        if path.stat().st_size < 20_000:
            yield path.read_bytes()


def configurations():
    """What the tests of the files beside a model hold, and other forms of labels."""
    yield (HERE.parent / "models/digits/config.json").read_bytes()
    yield (CRATES / "smoothcam/src/model_config/testdata/timm_save_for_hf.json").read_bytes()
    for path in sorted((CRATES / "smoothcam/src/model_config").rglob("*.rs")):
        for text in re.findall(r'r#"(.+?)"#', path.read_text(), re.DOTALL):
            yield text.encode()
    yield b"cat\ndog\nbird\n"
    yield b"n01440764 tench, Tinca tinca\nn01443537 goldfish\n"
    yield b"0: cat\n1: dog\n2: bird"
    yield b"{0: 'cat', 1: 'dog', 2: \"bird's\"}"
    yield b'{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}'
    yield b'["cat", "dog", "bird"]'
    yield b"[224, 224]"
    yield b"NominalRange_0_255"
    yield b"Bgr8"
    yield json.dumps({
        "do_resize": True, "size": {"shortest_edge": 256}, "do_center_crop": True,
        "crop_size": {"height": 224, "width": 224}, "resample": 3, "do_rescale": True, "rescale_factor": 1 / 255,
        "do_normalize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
        "image_processor_type": "ViTImageProcessor", "crop_pct": 0.9,
    }).encode()  # fmt: skip
    yield json.dumps({
        "size": [8, 8], "resize": {"shortest": 9}, "interpolation": "bicubic", "channels": "rgb", "layout": "nchw",
        "scale": 1, "mean": [0.5], "std": [0.5],
    }).encode()  # fmt: skip
    yield json.dumps({"id2label": {"0": "cat", "1": "dog"}, "label2id": {"cat": 0}, "model_type": "vit"}).encode()


def annotations():
    """Objects in both formats, of all forms."""
    head = {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 4, "height": 3}],
        "categories": [{"id": 3, "name": "cat"}],
    }
    for more in [
        {},
        {"segmentation": [[0, 0, 4, 0, 4, 2, 0, 2]]},
        {"segmentation": {"size": [3, 4], "counts": [4, 3, 5]}},
        {"segmentation": {"size": [3, 4], "counts": "435"}, "iscrowd": 1},
    ]:
        item = {"image_id": 7, "category_id": 3, "bbox": [1, 0, 2, 3], **more}
        yield json.dumps({**head, "annotations": [item]}).encode()
    yield (
        b"<annotation><filename>a.jpg</filename><size><width>4</width><height>3</height></size><object><name>cat</name>"
        b"<bndbox><xmin>1</xmin><ymin>1.5</ymin><xmax>2</xmax><ymax>3</ymax></bndbox><difficult>0</difficult></object>"
        b"</annotation>"
    )


def options():
    """The rows of the book's table, with the examples in the tests."""
    table = (HERE.parent / "docs/src/options.md").read_text()
    values = ["1", "0.5", "true", "auto", "3,17,40-47", "2-5,0-3 17:2-5,0-3", "14x20", "0,255", "cat", "-1", ""]
    for name in sorted(set(re.findall(r"`-?-?([a-z][a-z_-]+)`", table))):
        yield "\n".join(f"{name.replace('-', '_')}={value}" for value in values).encode()
        for value in values:
            yield f"{name.replace('-', '_')}={value}".encode()


def requests():
    """A request of each kind at each address."""
    png = io.BytesIO()
    Image.fromarray(PIXELS).save(png, "png")
    picture = png.getvalue()
    npy = array_file(np.save, np.ones((1, 3, 8, 8), np.float32))
    text = base64.b64encode(picture).decode()
    values = np.full((1, 3, 8, 8), 0.5, np.float32)

    def request(line, body=b"", *headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return "\n".join([line, *headers, "", ""]).encode() + body

    for address in [
        "/", "/about", "/about/small", "/v1/models", "/v1/models/small", "/v2", "/v2/models/small", "/v2/health/ready",
        "/openapi.json", "/metrics", "/v2/models/small/ready",
    ]:  # fmt: skip
        yield request(f"GET {address}")
    yield request("OPTIONS /explain", b"", "origin: http://a.b", "access-control-request-method: POST")
    yield request("DELETE /explanations/x")
    for body in (picture, npy):
        for address in [
            "/predict?top=2", "/picture", "/overview", "/explain", "/explain?method=grad-cam&class=1&samples=2&seed=3",
            "/explain?class=1&class=2&maps=0-3&neurons=0-3,1&signed=true&uncertainty=true&samples=auto",
            "/explain?regions=otsu&colormap=viridis&view=heatmap&model=small&layer=x",
        ]:  # fmt: skip
            yield request(f"POST {address}", body)
    for accept in ["image/png", "text/event-stream", "application/octet-stream", "application/x-npz", "*/*;q=0.1"]:
        yield request("POST /explain", picture, f"accept: {accept}", "accept-encoding: gzip")
    form = b'--x\r\ncontent-disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    parts = [(b"picture", b'; filename="a.png"', picture), (b"class", b"", b"2"), (b"samples", b"", b"2")]
    body = b"".join(form % part for part in parts) + b"--x--\r\n"
    yield request("POST /explain", body, "content-type: multipart/form-data; boundary=x")
    yield request("POST /explain", f"image={text}&class=1".encode(), "content-type: application/x-www-form-urlencoded")
    yield request("POST /explain", {"picture": text, "class": 1}, "content-type: application/json")
    for instance in [{"b64": text}, {"image_bytes": {"b64": text}}, values[0].tolist()]:
        for action in ["predict", "explain"]:
            yield request(f"POST /v1/models/small:{action}", {"instances": [instance], "parameters": {"samples": 2}})
    whole = {"name": "picture", "shape": [1, 3, 8, 8], "datatype": "FP32", "data": values.ravel().tolist()}
    binary = {**whole, "parameters": {"binary_data_size": values.nbytes}}
    del binary["data"]
    packed = {"name": "picture", "shape": [1], "datatype": "BYTES", "data": [text]}
    for action in ["infer", "explain"]:
        address = f"POST /v2/models/small/{action}"
        for tensor in (whole, packed):
            yield request(
                address, {"id": "1", "inputs": [tensor], "parameters": {"class": 1}, "outputs": [{"name": "saliency"}]}
            )
        head = json.dumps({"inputs": [binary], "parameters": {"binary_data_output": True}}).encode()
        yield request(address, head + values.tobytes(), f"inference-header-content-length: {len(head)}")


TARGETS = {
    "annotations": annotations, "array": arrays, "classifier": classifiers, "http": requests, "model": models,
    "model_config": configurations, "options": options, "picture": pictures,
}  # fmt: skip


def main():
    """Writes the inputs of the targets that are named, or of all."""
    for target in sys.argv[1:] or TARGETS:
        folder = HERE / "inputs" / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(TARGETS[target]()):
            (folder / f"seed-{number}").write_bytes(content)


main()
