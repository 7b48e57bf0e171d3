"""Checks the server with Triton's HTTP client, which sends tensors in binary form by default."""

import numpy as np
import requests
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

import server
from kserve_clients import tensor

MODEL = server.MODEL


def client(url):
    """Connects to the server."""
    return http.InferenceServerClient(url.removeprefix("http://"), network_timeout=60)


def health_and_metadata(url):
    """The server is ready, and describes itself and its model."""
    with client(url) as c:
        assert c.is_server_live() and c.is_server_ready() and c.is_model_ready(MODEL)
        assert "binary_tensor_data" in c.get_server_metadata()["extensions"]
        about = c.get_model_metadata(MODEL)
    assert about["inputs"][0] == {"name": "input", "datatype": "FP32", "shape": [-1, 3, 224, 224]}


def infer_as_bytes_and_json(url):
    """Tensors in binary form and in JSON give the same scores."""
    answers = []
    with client(url) as c:
        for binary in (True, False):
            given = http.InferInput("input", [2, 3, 224, 224], "FP32")
            given.set_data_from_numpy(tensor(), binary_data=binary)
            wanted = http.InferRequestedOutput("scores", binary_data=binary)
            answers += [c.infer(MODEL, [given], outputs=[wanted]), c.infer(MODEL, [given])]
    scores = [answer.as_numpy("scores") for answer in answers]
    assert scores[0].shape == (2, 1000)
    assert all((s == scores[0]).all() for s in scores)


def pictures_as_bytes(url):
    """Picture files as BYTES give the probabilities of /predict."""
    picture = server.CAT.read_bytes()
    with client(url) as c:
        given = http.InferInput("picture", [2], "BYTES")
        given.set_data_from_numpy(np.array([picture, picture], dtype=object))
        probabilities = c.infer(MODEL, [given]).as_numpy("probabilities")
    best = requests.post(f"{url}/predict", data=picture).json()["predictions"][0]
    assert probabilities.argmax(1).tolist() == [best["class"]] * 2
    assert abs(probabilities[0].max() - best["probability"]) < 1e-6


def explain_with_messages_of_infer(url):
    """The client has no function for explanations, but their messages are those of infer."""
    given = http.InferInput("picture", [1], "BYTES")
    given.set_data_from_numpy(np.array([server.CAT.read_bytes()], dtype=object))
    body, length = http.InferenceServerClient.generate_request_body(
        [given], parameters={"method": "grad-cam", "samples": 0}
    )
    headers = {"Inference-Header-Content-Length": str(length)}
    answer = requests.post(f"{url}/v2/models/{MODEL}/explain", data=body, headers=headers)
    parse = http.InferenceServerClient.parse_response_body
    length = answer.headers.get("Inference-Header-Content-Length")
    result = parse(answer.content, header_length=length and int(length))
    plain = requests.post(f"{url}/explain?method=grad-cam&samples=0", data=server.CAT.read_bytes())
    rows = np.array(plain.json()["maps"][0]["map"], np.float32)
    assert (result.as_numpy("saliency")[0] == rows).all()


def errors_reach_the_client(url):
    """The client receives the server's error message."""
    given = http.InferInput("input", [1, 3, 2, 2], "FP32")
    given.set_data_from_numpy(np.zeros((1, 3, 2, 2), np.float32))
    with client(url) as c:
        try:
            c.infer(MODEL, [given])
        except InferenceServerException as error:
            assert "expected [3, 224, 224]" in str(error), error
            return
    raise AssertionError("a tensor of a wrong shape was accepted")


CHECKS = [
    health_and_metadata,
    infer_as_bytes_and_json,
    pictures_as_bytes,
    explain_with_messages_of_infer,
    errors_reach_the_client,
]
