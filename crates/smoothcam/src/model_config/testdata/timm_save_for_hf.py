"""Writes timm_save_for_hf.json, as timm writes it: needs timm."""

import pathlib
import tempfile

import timm

model = timm.create_model("resnet18", pretrained=False, num_classes=3)
labels = {"label_names": {0: "cat", 2: "dog"}, "label_descriptions": {"cat": "house cat"}}
data = {"input_size": (3, 160, 192), "crop_pct": 0.9, "crop_mode": "border", "interpolation": "bicubic"}
with tempfile.TemporaryDirectory() as folder:
    timm.models.save_for_hf(model, folder, model_config=labels, data_config=data)
    text = (pathlib.Path(folder) / "config.json").read_text()
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
