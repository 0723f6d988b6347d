"""What training and decoding the captioner use beside the pairs in `Ops`; each may be your own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minirnn import decode
from minirnn.data.vocabulary import CaptionIds, pad_captions
from minirnn.fast import optim as fast_optim
from minirnn.models.captioner import captioner
from minirnn.optim import adam_update, adamw_update, clip_by_global_norm
from minirnn.pair import Pair, Tree


@dataclass(frozen=True)
class Tools:
    """The model's wiring, the update, the decoders."""

    captioner: Pair = captioner
    pad: Callable[..., CaptionIds] = pad_captions
    clip: Callable[..., tuple[Tree, float]] = clip_by_global_norm
    adam: Callable[..., tuple[Tree, Any]] = adam_update
    adamw: Callable[..., tuple[Tree, Any]] = adamw_update
    greedy: Callable[..., list[decode.Hypothesis]] = decode.greedy
    beam: Callable[..., list[decode.Hypothesis]] = decode.beam_search


BUILT_IN = Tools()
FAST_TOOLS = Tools(adam=fast_optim.adam_update, adamw=fast_optim.adamw_update)
