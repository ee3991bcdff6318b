"""What each switch of the optimiser does: LAMB, layer-wise rates, frozen parts."""

from __future__ import annotations

import pytest
import torch
from open_clip.hf_model import HFTextEncoder
from open_clip.timm_model import TimmModel
from open_clip.transformer import TextTransformer, VisionTransformer
from torch import nn
from transformers import BertConfig

from eclip.errors import ConfigError
from eclip.train.freezing import freeze, learns
from eclip.train.layers import layer_depths
from eclip.train.optimizer import (
    BETAS,
    EPS,
    OptimizerConfig,
    group_steps,
    lay_out_state,
    make_optimizer,
    restore_group_steps,
    set_learning_rate,
)


class Towers(nn.Module):
    """Two towers and a logit scale, as open_clip has them."""

    def __init__(self, visual: nn.Module, text: nn.Module) -> None:
        super().__init__()
        self.visual, self.text = visual, text
        self.logit_scale = nn.Parameter(torch.tensor(2.0))


def open_clip_towers() -> Towers:
    visual = VisionTransformer(image_size=16, patch_size=8, width=16, layers=3, heads=2, mlp_ratio=2.0, output_dim=8)
    return Towers(visual, TextTransformer(context_length=8, vocab_size=20, width=16, heads=2, layers=2, output_dim=8))


def borrowed_towers() -> Towers:
    visual = TimmModel("tf_efficientnet_lite0", embed_dim=8, pool="avg", proj="linear", pretrained=False)
    bert = BertConfig(vocab_size=20, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=16)
    text = HFTextEncoder("own", 8, config=bert, pooler_type="mean_pooler", proj_type="linear")
    return Towers(visual, text)


def peak_rates(module: nn.Module, config: OptimizerConfig, prefixes: tuple[str, ...]) -> dict[str, float]:
    optimizer = make_optimizer(module, config, pretrained_prefixes=prefixes)
    rates = {id(p): group["peak_lr"] for group in optimizer.param_groups for p in group["params"]}
    return {name: rates[id(p)] for name, p in module.named_parameters() if id(p) in rates}


def lamb_by_hand(
    weight: torch.Tensor, gradients: list[torch.Tensor], *, lr: float, decay: float
) -> tuple[torch.Tensor, float]:
    """You et al. (ICLR 2020), algorithm 2, with Adam's bias correction; returns the last trust ratio too."""
    first, second = torch.zeros_like(weight), torch.zeros_like(weight)
    ratio = 1.0
    for step, gradient in enumerate(gradients, start=1):
        first = BETAS[0] * first + (1 - BETAS[0]) * gradient
        second = BETAS[1] * second + (1 - BETAS[1]) * gradient**2
        update = (first / (1 - BETAS[0] ** step)) / ((second / (1 - BETAS[1] ** step)).sqrt() + EPS)
        update = update + decay * weight
        ratio = (weight.norm() / update.norm()).item() if weight.ndim > 1 else 1.0
        weight = weight - lr * ratio * update
    return weight, ratio


def test_lamb_moves_each_matrix_in_proportion_to_its_length() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(5, 4).double()
    optimizer = make_optimizer(layer, OptimizerConfig(name="lamb", lr=0.1, weight_decay=0.2), pretrained_prefixes=())
    gradients = {n: [torch.randn_like(p) * 50 for _ in range(3)] for n, p in layer.named_parameters()}  # unclipped
    matrix, ratio = lamb_by_hand(layer.weight.detach().clone(), gradients["weight"], lr=0.1, decay=0.2)
    bias, _ = lamb_by_hand(layer.bias.detach().clone(), gradients["bias"], lr=0.1, decay=0.0)
    for step in range(3):
        for name, parameter in layer.named_parameters():
            parameter.grad = gradients[name][step].clone()
        optimizer.step()
    assert abs(ratio - 1) > 0.1  # or it were Adam
    torch.testing.assert_close(layer.weight.detach(), matrix, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(layer.bias.detach(), bias, rtol=1e-9, atol=1e-12)


def test_lamb_goes_on_counting_its_steps() -> None:
    layer = nn.Linear(2, 2)
    optimizer = make_optimizer(layer, OptimizerConfig(name="lamb"), pretrained_prefixes=())
    for _ in range(3):
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    steps = group_steps(optimizer)
    assert [step.item() for step in steps.values()] == [3, 3]  # decayed and not
    again = make_optimizer(layer, OptimizerConfig(name="lamb"), pretrained_prefixes=())
    assert group_steps(again) == {}
    restore_group_steps(again, steps)
    layer(torch.ones(1, 2)).sum().backward()
    again.step()
    assert [group["step"].item() for group in again.param_groups] == [4, 4]


def test_state_that_was_read_lies_as_its_weights_do() -> None:
    layer = nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)
    optimizer = make_optimizer(layer, OptimizerConfig(), pretrained_prefixes=())
    layer(torch.randn(1, 3, 4, 4)).sum().backward()
    optimizer.step()
    strides = optimizer.state[layer.weight]["exp_avg"].stride()
    assert strides == layer.weight.stride() != layer.weight.contiguous().stride()
    state = {i: {n: v.contiguous() for n, v in one.items()} for i, one in optimizer.state_dict()["state"].items()}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    assert optimizer.state[layer.weight]["exp_avg"].stride() != strides
    values = optimizer.state[layer.weight]["exp_avg"].clone()
    lay_out_state(optimizer)
    assert optimizer.state[layer.weight]["exp_avg"].stride() == strides
    assert torch.equal(optimizer.state[layer.weight]["exp_avg"], values)


def test_adamw_is_what_it_was_without_switches() -> None:
    towers = open_clip_towers()
    optimizer = make_optimizer(towers, OptimizerConfig(), pretrained_prefixes=("visual.",))
    assert isinstance(optimizer, torch.optim.AdamW)
    assert group_steps(optimizer) == {}
    found = {(group["peak_lr"], group["weight_decay"]) for group in optimizer.param_groups}
    assert found == {(1e-4, 0.1), (1e-4, 0.0), (1e-3, 0.1), (1e-3, 0.0)}
    set_learning_rate(optimizer, 0.5)
    assert {group["lr"] for group in optimizer.param_groups} == {5e-5, 5e-4}


def test_layers_of_open_clip_towers_learn_more_slowly_towards_the_input() -> None:
    config = OptimizerConfig(lr=1.0, pretrained_lr=0.1, layer_decay=0.5)
    rates = peak_rates(open_clip_towers(), config, ("visual.", "text."))
    expected = {
        "visual.proj": 0.1,
        "visual.ln_post.weight": 0.1,
        "visual.transformer.resblocks.2.mlp.c_fc.weight": 0.05,
        "visual.transformer.resblocks.1.ln_1.bias": 0.025,
        "visual.transformer.resblocks.0.attn.in_proj_weight": 0.0125,
        "visual.conv1.weight": 0.00625,
        "visual.class_embedding": 0.00625,
        "visual.positional_embedding": 0.00625,
        "visual.ln_pre.weight": 0.00625,
        "text.text_projection": 0.1,
        "text.ln_final.weight": 0.1,
        "text.transformer.resblocks.1.attn.in_proj_weight": 0.05,
        "text.transformer.resblocks.0.attn.in_proj_weight": 0.025,
        "text.token_embedding.weight": 0.0125,
        "text.positional_embedding": 0.0125,
        "logit_scale": 1.0,
    }
    assert {name: rates[name] for name in expected} == pytest.approx(expected)


def test_layers_of_timm_and_hugging_face_towers_under_new_heads() -> None:
    config = OptimizerConfig(lr=1.0, pretrained_lr=0.1, layer_decay=0.5)
    rates = peak_rates(borrowed_towers(), config, ("visual.trunk.", "text.transformer."))
    expected = {
        "visual.head.proj.weight": 1.0,
        "visual.trunk.conv_head.weight": 0.1,  # timm counts it to the last block
        "visual.trunk.blocks.6.0.conv_pw.weight": 0.1,
        "visual.trunk.blocks.5.3.conv_pw.weight": 0.1 * 0.5,
        "visual.trunk.blocks.5.2.conv_pw.weight": 0.1 * 0.5**2,
        "visual.trunk.blocks.0.0.conv_dw.weight": 0.1 * 0.5**15,
        "visual.trunk.conv_stem.weight": 0.1 * 0.5**16,
        "text.proj.weight": 1.0,
        "text.transformer.pooler.dense.weight": 0.1,
        "text.transformer.encoder.layer.2.output.LayerNorm.weight": 0.1 * 0.5,
        "text.transformer.encoder.layer.0.attention.self.query.weight": 0.1 * 0.5**3,
        "text.transformer.embeddings.word_embeddings.weight": 0.1 * 0.5**4,
        "text.transformer.embeddings.LayerNorm.bias": 0.1 * 0.5**4,
    }
    assert {name: rates[name] for name in expected} == pytest.approx(expected)


def test_depth_is_counted_among_pretrained_layers_alone() -> None:
    depths = layer_depths(open_clip_towers(), ("visual.transformer.",))
    assert set(depths.values()) == {0, 1, 2}
    assert layer_depths(open_clip_towers(), ()) == {}


def test_frozen_parts_learn_nothing_and_take_no_state() -> None:
    towers = borrowed_towers()
    freeze(towers, ("visual.trunk.blocks.1", "text"))
    frozen = {name for name, parameter in towers.named_parameters() if not parameter.requires_grad}
    assert "visual.trunk.blocks.1.0.conv_pw.weight" in frozen
    assert all(name.startswith(("visual.trunk.blocks.1.", "text.")) for name in frozen)
    assert learns(towers.visual)
    assert not learns(towers.text)
    optimizer = make_optimizer(towers, OptimizerConfig(), pretrained_prefixes=("visual.", "text."))
    learning = [p for p in towers.parameters() if p.requires_grad]
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(learning)


@pytest.mark.parametrize(
    ("frozen", "said"),
    [
        (
            ("visual.trnk",),
            "has 'visual.trnk', but no parameter's name begins so; there are visual.head, visual.trunk$",
        ),
        (("visual.trunk.blocks.12.0",), "there are visual.trunk.blocks.0, visual.trunk.blocks.1, "),
        (("image",), "there are logit_scale, text, visual$"),
        (("visual", "text", "logit_scale"), "leaves nothing that could learn"),
    ],
)
def test_what_can_not_be_frozen_is_told(frozen: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        freeze(borrowed_towers(), frozen)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "sgd"},
        {"layer_decay": 0.0},
        {"layer_decay": 1.5},
        {"ema_decay": 1.0},
        {"frozen": "text"},
        {"frozen": [1]},
    ],
)
def test_impossible_values_are_refused(fields: dict) -> None:
    with pytest.raises(ConfigError, match=f"optimizer.{next(iter(fields))} = "):
        OptimizerConfig(**fields)
