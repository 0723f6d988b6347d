"""Can the captioner learn 32 photographs by heart? A model that cannot has a bug.

python -m benchmarks.by_heart --data FLICKR8K [--pictures 32] [--epochs 300]
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from minirnn.data.captioning import build_vocabulary
from minirnn.display import console, show
from minirnn.problem import TrainConfig
from minirnn.tasks import captioning
from minirnn.train import load_best, train


def main() -> int:
    """Train on a few pictures with one caption each; exit status 1 when more than one caption is not reproduced."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--pictures", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    system, _ = captioning.build(captioning.Settings(data=args.data, seed=args.seed))
    some = system.splits["train"].take(np.arange(args.pictures))
    some = replace(some, captions=tuple(captions[:1] for captions in some.captions))
    vocabulary = build_vocabulary(some, 1)
    longest = max(len(words) for (words,) in some.captions)
    system = replace(
        system,
        settings=replace(system.settings, max_words=longest),
        splits={"train": some, "val": some},
        vocabulary=vocabulary,
        config=replace(system.config, vocab=len(vocabulary), drop_image=0.0, drop_words=0.0),
    )
    config = TrainConfig(epochs=args.epochs, batch=args.pictures, lr=2e-3, checks=4, seed=args.seed)
    with TemporaryDirectory() as folder:
        show(train(system.problem(), config, Path(folder)), console())
        problem = system.problem()
        model = system.model(*load_best((problem.params, problem.running), Path(folder)))
    told, right = model.captions(some.images), [" ".join(words) for (words,) in some.captions]
    for said, wanted in zip(told, right):
        if said != wanted:
            print(f"said: {said}\nnot:  {wanted}")
    same = sum(said == wanted for said, wanted in zip(told, right))
    print(f"{same} of {len(right)} captions reproduced word for word")
    return 0 if same >= len(right) - 1 else 1


if __name__ == "__main__":
    sys.exit(main())
