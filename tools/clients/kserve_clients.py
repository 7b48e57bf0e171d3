"""Checks the server with KServe's REST client, by both protocols."""

import asyncio
import base64

import numpy as np
from httpx import HTTPStatusError
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

import server

MODEL = server.MODEL
PICTURE = {"b64": base64.b64encode(server.CAT.read_bytes()).decode()}


def with_client(protocol, use):
    """Returns what `use` returns for a client of a protocol."""

    async def run():
        async with InferenceRESTClient(RESTConfig(protocol=protocol, timeout=60)) as client:
            return await use(client)

    return asyncio.run(run())


def tensor():
    """Returns a random input for two pictures."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 3, 224, 224)).astype(np.float32)


def v1_predict_and_explain(url):
    """V1 predicts pictures and arrays, and explains a class."""

    async def use(client):
        assert await client.is_model_ready(url, MODEL)
        body = {"instances": [PICTURE, PICTURE], "options": {"top": 2}}
        predicted = await client.infer(url, body, model_name=MODEL)
        options = {"method": "grad-cam", "class": [281]}
        explained = await client.explain(url, MODEL, {"instances": [PICTURE], "options": options})
        arrays = await client.infer(url, {"instances": tensor().tolist()}, model_name=MODEL)
        return predicted, explained, arrays

    predicted, explained, arrays = with_client("v1", use)
    assert [len(p) for p in predicted["predictions"]] == [2, 2]
    assert explained["explanations"][0]["maps"][0]["class"] == 281
    assert len(arrays["predictions"]) == 2


def v2_health_and_infer(url):
    """V2 reports its health, and infers the same from JSON and from binary tensors."""

    def request(binary):
        given = InferInput("input", [2, 3, 224, 224], "FP32")
        given.set_data_from_numpy(tensor(), binary_data=binary)
        return InferRequest(model_name=MODEL, infer_inputs=[given], request_id="7")

    async def use(client):
        assert await client.is_server_ready(url) and await client.is_server_live(url)
        assert await client.is_model_ready(url, MODEL)
        assert not await client.is_model_ready(url, "other")
        return [await client.infer(url, request(b), model_name=MODEL) for b in (False, True)]

    in_json, in_bytes = with_client("v2", use)
    assert in_json.id == "7"
    for a, b in zip(in_json.outputs, in_bytes.outputs, strict=True):
        assert (a.name, a.shape) == (b.name, b.shape)
        assert (a.as_numpy() == b.as_numpy()).all()
    assert [o.name for o in in_json.outputs] == ["scores", "probabilities"]
    assert np.allclose(in_json.outputs[1].as_numpy().sum(1), 1, atol=1e-5)


def errors_reach_the_client(url):
    """The client receives the server's error message."""

    async def use(client):
        try:
            await client.infer(url, {"instances": []}, model_name=MODEL)
        except HTTPStatusError as error:
            return str(error)

    assert "there is no picture in the request" in with_client("v1", use)


CHECKS = [v1_predict_and_explain, v2_health_and_infer, errors_reach_the_client]
