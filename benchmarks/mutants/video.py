"""Mistakes in the video captioner: what is watched, where the decoder starts, what it looks at; in judging captions."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

FIRST = 'seen = frames[:, :1] if config.sees == "first" else frames'
LAST = "last = tree_map(lambda leaf: leaf[:, -1], states)  # (9)"
DLAST = "dstate[:, -1] = d  # (9)"
READ = "dh, dx = dh + dwatched.values[:, :, :H], dwatched.values[:, :, H:]  # (8)"
OWN = "dx, dchange = dx + dread[:, :, :F], dread[:, 1:, F:]"
BEFORE = "dx[:, :-1] -= dchange"
QUERY = "dstates = nothing._replace(h=dboth[:, :, :H] + dh_query)"
KEPT = "return logp, Telling(telling.watched, state, where)"

MODEL = mutants(
    "video",
    "models/video_captioner.py",
    {
        "the baseline sees every frame": {FIRST: "seen = frames"},
        "the model sees the last frame alone": {FIRST: "seen = frames[:, -1:]"},
        "the decoder starts from the watcher's first state": {
            LAST: LAST.replace("leaf[:, -1]", "leaf[:, 0]"),
            DLAST: "dstate[:, 0] = d  # (9)",
        },
        "the gradient of the last state is lost": {DLAST: "pass"},
        "the gradient of the last state goes to every frame": {DLAST: "dstate += d[:, None]"},
        "the gradient of what a frame looks like is lost": {
            OWN: OWN.replace("dx + dread[:, :, :F]", "dread[:, :, :F].copy()")
        },
        "the frame before gets no gradient of the change": {BEFORE: "pass"},
        "what comes before the first frame is taken for black": {"np.zeros_like(x[:, :1])": "x[:, :1]"},
        "the gradient of the values is lost": {READ: READ.replace("dh + dwatched.values[:, :, :H]", "dh")},
        "the gradient of the query is lost": {QUERY: "dstates = nothing._replace(h=dboth[:, :, :H])"},
        "every word is told from the first state": {
            KEPT: "return logp, Telling(telling.watched, telling.state, where)"
        },
        "dropout while judging": {
            "says, dropped = ops.dropout.forward(says, p=config.drop, training=training, rng=rng)": (
                "says, dropped = ops.dropout.forward(says, p=config.drop, training=config.drop > 0, rng=rng)"
            )
        },
    },
)

JUDGING = mutants(
    "films",
    "tasks/film.py",
    {
        "acts count as things": {
            "float(np.mean([right[0] == said[0] for right, said in pairs]))": (
                "float(np.mean([right[1] == said[1] for right, said in pairs]))"
            )
        },
        "one act is enough": {
            '"acts": float(np.mean([right[1] == said[1] for right, said in pairs]))': (
                '"acts": float(np.mean([right[1][:1] == said[1][:1] for right, said in pairs]))'
            )
        },
        "shuffling leaves captions where they are": {"[*told[1:], told[0]]": "[*told]"},
        "the baseline is the model itself": {"first.captions(frames)": "model.captions(frames)"},
    },
)

DRAWING = mutants(
    "films",
    "data/films.py",
    {
        "turning back is going on": {"after = (-way[0], -way[1])": "after = (way[0], way[1])"},
        "what disappears stays": {"track[len(there) :, 2] = 0": "track[len(there) :, 2] += 0"},
        "what shrinks first is itself again later": {"track[end + 1 :, 2] = track[end, 2]": "pass"},
        "up is down": {'"moves up": (0, -1), "moves down": (0, 1)': '"moves up": (0, 1), "moves down": (0, -1)'},
        "the right one comes first": {"key=lambda actor: actor.track[0, 0])": "key=lambda actor: -actor.track[0, 0])"},
        "held-out combinations are shown in training": {"if unseen == novel and": "if unseen <= True and"},
    },
)

MUTANTS = [*MODEL, *JUDGING, *DRAWING]
