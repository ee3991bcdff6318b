"""A model folder of strangers: each attack is one that went through, or would, if the folder were believed."""

from __future__ import annotations

import json
import sys

import open_clip
import pytest
import torch

from eclip.errors import ConfigError, ModelError
from eclip.model.folder import _sha256, load_model, save_model
from eclip.model.foreign import plain_name, refuse_code
from eclip.model.presets import from_open_clip, tiny


@pytest.fixture
def folder(tmp_path):
    """A model that loads, four folders below the test's own."""
    torch.manual_seed(0)
    made = tmp_path / "a" / "b" / "c" / "model"
    save_model(tiny(["a red dress", "a blue shirt"], image_size=16), made, facts={})
    return made


def change(folder, file, **settings):
    """Change settings of a JSON file in a model, its sum with it, as whoever made the folder can."""
    content = json.loads((folder / file).read_text())
    for path, value in settings.items():
        *way, last = path.split("__")
        inner = content
        for name in way:
            inner = inner[name]
        inner[last] = value
    (folder / file).write_text(json.dumps(content))
    manifest = json.loads((folder / "eclip.json").read_text())
    if file != "eclip.json":
        manifest["files"][file] = _sha256(folder / file)
        (folder / "eclip.json").write_text(json.dumps(manifest))


def test_no_file_is_written_outside_of_it(folder, tmp_path):
    """The tokenizer's files are laid out in a scratch folder: a name with dots led out of that."""
    (folder.parent / "evil").write_text("planted")
    names = json.loads((folder / "eclip.json").read_text())["tokenizer_files"]
    change(folder, "eclip.json", tokenizer_files=[*names, "../evil"])
    with pytest.raises(ModelError, match=r"names '\.\./evil' as one of its files"):
        load_model(folder)


def test_no_file_outside_of_it_is_looked_at(folder, tmp_path):
    change(folder, "eclip.json", files={"/etc/hostname": "0" * 64})
    with pytest.raises(ModelError, match="expected a name without a folder"):
        load_model(folder)


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/b", "a\\b", "..", ".", "", "C:x", "C:\\x", "x/", "a\0", 3, None, ["x"], "//host/x"]
)
def test_names_that_lead_elsewhere(name):
    with pytest.raises(ModelError, match="expected a name without a folder"):
        plain_name(name)


def test_its_code_is_not_run_and_nobody_is_asked(folder, monkeypatch):
    """transformers would ask the person at the terminal, and import the module on a "y"."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    (folder / "evil.py").write_text("import sys; sys.eclip_was_owned = True\n")
    change(folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Tokenizer", None]}, tokenizer_class="X")
    names = json.loads((folder / "eclip.json").read_text())["tokenizer_files"]
    change(folder, "eclip.json", tokenizer_files=[*names, "evil.py"])
    with pytest.raises(ModelError, match=r"'auto_map', which can run code|brings 'evil\.py'"):
        load_model(folder)
    assert not hasattr(sys, "eclip_was_owned")


@pytest.mark.parametrize("kwargs", [{"trust_remote_code": True}, {}])
def test_code_of_an_encoder_to_start_from_is_not_run(folder, monkeypatch, kwargs):
    """open_clip hands `tokenizer_kwargs` of a folder's configuration on: the folder could trust itself."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    (folder / "evil.py").write_text("import sys; sys.eclip_was_owned = True\n")
    change(folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Tokenizer", None]}, tokenizer_class="X")
    change(folder, "open_clip_config.json", model_cfg__text_cfg__tokenizer_kwargs=kwargs)
    with pytest.raises(ConfigError, match="can't be made"):
        from_open_clip(f"local-dir:{folder}")
    assert not hasattr(sys, "eclip_was_owned")


def test_the_attack_on_an_encoder_works_without_the_guard(folder, monkeypatch):
    """The twin of the test above: what open_clip does with such a folder by itself."""
    (folder / "evil.py").write_text("import sys; sys.eclip_was_owned = True\n")
    change(folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Tokenizer", None]}, tokenizer_class="X")
    change(folder, "open_clip_config.json", model_cfg__text_cfg__tokenizer_kwargs={"trust_remote_code": True})
    monkeypatch.setattr(sys, "eclip_was_owned", False, raising=False)
    with pytest.raises(AttributeError, match="Tokenizer"):
        open_clip.get_tokenizer(f"local-dir:{folder}")
    assert sys.eclip_was_owned


@pytest.mark.parametrize(
    ("cfg", "files", "said"),
    [
        ({"vision_cfg": {"timm_model_name": "hf-hub:evil/tower"}}, {}, "would be fetched"),
        ({"vision_cfg": {"timm_model_name": "local-dir:/srv/x"}}, {}, "would be fetched"),
        ({"text_cfg": {"tokenizer_kwargs": {"trust_remote_code": True}}}, {}, "trust_remote_code"),
        ({}, {"x.py": b""}, r"brings 'x\.py'"),
        ({}, {"pytorch_model.bin": b""}, "brings"),
        ({}, {"tokenizer_config.json": b'{"tokenizer_class": "AutoModel"}'}, "asks for tokenizer 'AutoModel'"),
        ({}, {"tokenizer_config.json": b'{"a": [{"auto_map": {"x": "y"}}]}'}, "auto_map"),
        ({}, {"config.json": b'{"model_type": "bert", "attn_implementation": "evil/kernel"}'}, "run code"),
        ({}, {"config.json": b'{"model_type": "bert", "quantization_config": {"x": 1}}'}, "run code"),
        ({}, {"config.json": b'{"model_type": "timm_wrapper"}'}, "text tower is 'timm_wrapper'"),
        ({}, {"config.json": b"[" * 100_000}, "not JSON"),
    ],
)
def test_what_is_refused_before_any_library_sees_it(cfg, files, said):
    with pytest.raises(ModelError, match=said):
        refuse_code(cfg, files)


def test_weights_of_a_tower_never_come_from_a_hub(folder, monkeypatch):
    """open_clip would fetch them again when a configuration says `timm_model_pretrained`."""
    seen = []

    def build(*_args, vision_cfg, **_kwargs):
        seen.append(vision_cfg)
        raise RuntimeError("enough")

    monkeypatch.setattr("eclip.model.presets.CustomTextCLIP", build)
    change(folder, "open_clip_config.json", model_cfg__vision_cfg__timm_model_pretrained=True)
    with pytest.raises(ModelError):
        load_model(folder)
    assert seen[0]["timm_model_pretrained"] is False


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("open_clip_config.json", {"model_cfg": 3}),
        ("open_clip_config.json", {"model_cfg__vision_cfg": {"layers": "many"}}),
        ("open_clip_config.json", {"model_cfg__text_cfg__pool_type": ["x"]}),
        ("open_clip_config.json", {"preprocess_cfg": {"nonsense": 1}}),
        ("eclip.json", {"files": 3}),
        ("eclip.json", {"tokenizer_files": None}),
        ("eclip.json", {"pad_id": {}}),
    ],
)
def test_nonsense_in_it_is_one_line(folder, file, settings):
    change(folder, file, **settings)
    try:
        loaded = load_model(folder)
    except ModelError as fault:
        told = str(fault)
    else:
        told = f"it loads as {type(loaded).__name__}"
    assert len(told.splitlines()) == 1


def test_its_digest_leads_nowhere(folder):
    """Graphs that are made of a model are files called by its digest."""
    change(folder, "eclip.json", digest="x/../../../graph")
    with pytest.raises(ModelError, match="expected a name without a folder"):
        load_model(folder)
