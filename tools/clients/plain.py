"""Checks the server by plain HTTP, as curl and scripts use it."""

import io
import json
import tempfile
from pathlib import Path

import numpy as np
import requests

import server

PICTURE = server.CAT.read_bytes()


def png_equals_that_of_the_command_line(url):
    """The server's overlay has the bytes of the command line's."""
    for args in (
        {"method": "grad-cam"},
        {"samples": "4", "seed": "7", "class": "281"},
        {"method": "layer-cam", "samples": "0", "opacity": "0.4", "colormap": "viridis"},
    ):
        with tempfile.TemporaryDirectory() as folder:
            flags = [part for name, value in args.items() for part in (f"--{name}", value)]
            expected, _ = server.explain(Path(folder), *flags)
        answer = requests.post(f"{url}/explain", data=PICTURE, params=args, headers={"Accept": "image/png"})
        assert answer.headers["content-type"] == "image/png"
        assert answer.content == expected, f"the picture differs with {args}"


def json_arrays_and_events_agree(url):
    """JSON, NumPy arrays and events have the same map."""
    params = {"samples": 4, "seed": 3}

    def post(accept):
        return requests.post(f"{url}/explain", data=PICTURE, params=params, headers={"Accept": accept})

    # Events come first: later requests use cached passes, which report no progress.
    events = post("text/event-stream").text.strip().split("\n\n")
    explanation = post("application/json").json()
    arrays = np.load(io.BytesIO(post("application/x-npz").content))
    rows = np.array(explanation["maps"][0]["map"], np.float32)
    assert any(arrays[name].shape == rows.shape and (arrays[name] == rows).all() for name in arrays)
    names = [event.split("\n")[0] for event in events if event.startswith("event")]
    assert names[-1] == "event: explanation" and set(names[:-1]) == {"event: progress"}, names
    last = json.loads(events[-1].split("data: ", 1)[1])
    assert last["maps"] == explanation["maps"]


def predictions_and_layers(url):
    """Predictions have labels, and the overview has normalised maps of many layers."""
    predicted = requests.post(f"{url}/predict", data=PICTURE, params={"top": 3}).json()
    assert len(predicted["predictions"]) == 3 and "cat" in predicted["predictions"][0]["label"]
    layers = requests.post(f"{url}/overview", data=PICTURE).json()["layers"]
    assert len(layers) > 10 and all(max(map(max, layer["map"])) <= 1 for layer in layers)


def compressed_and_chunked(url):
    """Responses may be compressed, and requests may be chunked."""
    answer = requests.get(f"{url}/about", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip" and answer.json()["models"]
    pieces = (PICTURE[i : i + 1000] for i in range(0, len(PICTURE), 1000))
    assert requests.post(f"{url}/predict", data=pieces).ok


def metrics_are_openmetrics(url):
    """The metrics are in the OpenMetrics format."""
    answer = requests.get(f"{url}/metrics")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    lines = answer.text.splitlines()
    assert lines[-1] == "# EOF"
    names = {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")}
    assert {"smoothcam_requests_total", "smoothcam_working"} <= names, names


def errors_are_json(url):
    """Each error has its status and a JSON body."""
    for answer, status in (
        (requests.post(f"{url}/explain", data=b"no picture"), 400),
        (requests.get(f"{url}/nowhere"), 404),
        (requests.get(f"{url}/explain"), 405),
        (requests.post(f"{url}/explain", data=PICTURE, headers={"Accept": "text/html"}), 406),
        (requests.post(f"{url}/explain", data=bytes(20_000_000)), 413),
        (requests.post(f"{url}/nowhere", data=bytes(20_000_000)), 404),
        (requests.post(f"{url}/explain?x=1", data=bytes(20_000_000)), 400),
        (requests.post(f"{url}/explain", data=PICTURE, headers={"Origin": "https://a.example"}), 403),
    ):
        assert answer.status_code == status, (answer.status_code, answer.text)
        assert answer.json()["error"], answer.text


CHECKS = [
    png_equals_that_of_the_command_line,
    json_arrays_and_events_agree,
    predictions_and_layers,
    compressed_and_chunked,
    metrics_are_openmetrics,
    errors_are_json,
]
