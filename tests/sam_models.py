"""A SAM that is small enough for tests: its real parts with random weights."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

SIDE = 64


def tiny_sam():
    """SAM's real parts, as small as they go; tuned so that random masks are large enough to be kept."""
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    width, grid = 16, SIDE // 16
    torch.manual_seed(0)
    model = Sam(
        image_encoder=ImageEncoderViT(
            depth=1,
            embed_dim=16,
            img_size=SIDE,
            mlp_ratio=1,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            num_heads=2,
            patch_size=16,
            qkv_bias=True,
            use_rel_pos=True,
            global_attn_indexes=[0],
            window_size=2,
            out_chans=width,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=width, image_embedding_size=(grid, grid), input_image_size=(SIDE, SIDE), mask_in_chans=16
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(depth=1, embedding_dim=width, mlp_dim=16, num_heads=2),
            transformer_dim=width,
            iou_head_depth=2,
            iou_head_hidden_dim=16,
        ),
    )
    with torch.no_grad():
        model.mask_decoder.iou_prediction_head.layers[-1].bias.fill_(2.0)  # sure of itself
        for head in model.mask_decoder.output_hypernetworks_mlps:
            head.layers[-1].weight *= 1e4  # steep edges
    return model.eval()
