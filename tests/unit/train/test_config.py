from __future__ import annotations

import pytest

from eclip.errors import ConfigError
from eclip.train.config import TrainConfig
from eclip.train.recipes import RECIPES, load_recipe


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_whole_configurations(name):
    assert isinstance(load_recipe(name), TrainConfig)


def test_toml_starts_from_a_recipe_and_changes_fields(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('recipe = "small"\nimage_size = 128\n[optimizer]\nlr = 1\n')
    config = load_recipe(str(file), seed=7, encoder=None)
    assert (config.encoder, config.image_size, config.optimizer.lr, config.seed) == ("small", 128, 1, 7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lerning_rate = 1", "unknown field 'lerning_rate'"),
        ('optimizer.lr = "fast"', "lr = 'fast': expected a number above 0"),
        ('recipe = "huge"', "recipe = 'huge'"),
        ("optimizer.lr = -1", "expected a number above 0"),
        ("lr = = 1", "is not TOML"),
        ('targets.kind = "both"', "expected one of catalog, mask, identity"),
        ("targets.mixing = 1.5", "expected a share from 0 to 1"),
        ("chunk_size = 8", "unknown field 'chunk_size'; nearest are memory.chunk_size"),
        ("memory.chunk_size = 0", "expected a whole number from 1 on"),
        ("memory.autocast = 'int4'", "expected one of none, bf16, fp16"),
        ("memory.compile = 1", "expected true or false"),
    ],
)
def test_a_bad_recipe_file_says_what_is_wrong(tmp_path, text, said):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_recipe(str(file))


@pytest.mark.parametrize(("recipe", "said"), [("huge", "unknown recipe 'huge'"), ("no.toml", "can't be read")])
def test_an_unknown_recipe_names_the_known_ones(recipe, said):
    with pytest.raises(ConfigError, match=said):
        load_recipe(recipe)


def test_settings_change_single_fields():
    config = load_recipe(
        "tiny", settings=["optimizer.lr=2e-3", "targets.kind=mask", "batch.schedule=[[0, 8], [0.5, 16]]"]
    )
    assert (config.optimizer.lr, config.targets.kind) == (2e-3, "mask")
    assert config.batch.schedule == ((0, 8), (0.5, 16))
    assert config.optimizer.weight_decay == load_recipe("tiny").optimizer.weight_decay


@pytest.mark.parametrize("setting", ["optimizer.lr", "=3", "optimizer.lr=quick", "optimiser.lr=1"])
def test_a_bad_setting_is_refused(setting):
    with pytest.raises(ConfigError, match=r"expected FIELD=VALUE|expected a number|unknown field"):
        load_recipe("tiny", settings=[setting])
