"""The segmenter as a system: U-Net, crops, masks from files, scores, tiles, resuming, and its commands."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minirnn import checkpoint
from minirnn.cli import main
from minirnn.data import segmentation as data
from minirnn.data.cells import blur, draw_cells
from minirnn.data.segmentation import Masked, load_folder, load_splits, split_pictures
from minirnn.data.segmentation_crops import Bend, crops, smooth_field
from minirnn.errors import DataError
from minirnn.models.unet import UNetConfig, init_unet, unet, unet_logits
from minirnn.ops import FAST, READABLE
from minirnn.problem import TrainConfig
from minirnn.tasks.segmentation import (
    Segmenter,
    Settings,
    System,
    build,
    evaluate,
    joined,
    load_segmenter,
)
from minirnn.tasks.segmentation_pictures import errors, shade
from minirnn.tasks.segmentation_scores import baselines, best_threshold, mask_scores
from minirnn.train import LAST, train
from minirnn.tree import tree_map
from tests.runs import assert_resumes, until

REAL = Path(os.environ.get("MINIRNN_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")) / "membrane"
CONFIG = UNetConfig(channels=(3, 4, 5))
STILL = Bend(degrees=0, zoom=0, elastic=0, contrast=0, brightness=0, turns=False)


def run_json(capsys, *argv):
    status = main([*map(str, argv), "--json"])
    return status, json.loads(capsys.readouterr().out)


def fails(capsys, *argv):
    """Run a command that is to fail with status 2: its one sentence."""
    assert main([*map(str, argv)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = [line for line in captured.err.splitlines() if line.startswith("minirnn: ")]
    assert "Traceback" not in captured.err
    return line


def model_of(config=CONFIG, seed=0, **options):
    """Weights and statistics that are not those of a beginning."""
    rng = np.random.default_rng(seed)
    params, running = init_unet(rng, config)
    params = tree_map(lambda w: w + 0.2 * rng.standard_normal(w.shape).astype(np.float32), params)
    running = tree_map(lambda s: s + 0.2 * rng.random(s.shape, np.float32), running)
    return Segmenter(config, params, running, **options)


def masked_folder(folder, n=6, size=(40, 48), colour=False):
    """A folder of n pictures and masks: a dark band on light ground, black in the masks."""
    (folder / "image").mkdir(parents=True)
    (folder / "label").mkdir()
    rng = np.random.default_rng(0)
    for k in range(n):
        mask = np.zeros(size, bool)
        mask[5 + 2 * k : 12 + 2 * k] = True
        grey = np.where(mask, 60, 180) + rng.integers(-20, 21, size)
        image = np.stack([grey, grey, grey - 10 * colour], axis=2).astype(np.uint8)
        Image.fromarray(image if colour else image[..., 0]).save(folder / "image" / f"{k}.png")
        Image.fromarray(np.where(mask, 0, 255).astype(np.uint8)).save(folder / "label" / f"{k}.png")
    return folder


# --- model ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"classes": 1}, {"colours": 0}, {"channels": ()}, {"channels": (4, 0)}, {"drop": 1.0}]
)
def test_configs_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        UNetConfig(**wrong)


def test_sides_must_be_halved_often_enough_and_skips_must_fit():
    model = model_of()
    images = np.zeros((1, 8, 10, 1), np.float32)
    with pytest.raises(ValueError, match="pictures are 8 x 10; expected multiples of 4"):
        unet_logits.forward(images, model.running, model.params, config=CONFIG, training=False)


def test_no_pixel_farther_than_reach_has_a_say():
    """Some pixel of the border of the field has one, so that the rim of a tile is not wider than needed by much."""
    model = model_of()
    side = 2 * CONFIG.reach + 4 * CONFIG.multiple
    images = np.random.default_rng(1).random((1, side, side, 1), np.float32)
    changed = images.copy()
    at = side // 2 // CONFIG.multiple * CONFIG.multiple
    changed[0, at, at] += 100
    (a, _), _ = unet_logits.forward(images, model.running, model.params, config=CONFIG, training=False, ops=FAST)
    (b, _), _ = unet_logits.forward(changed, model.running, model.params, config=CONFIG, training=False, ops=FAST)
    rows, columns = np.nonzero(np.abs(a - b)[0].max(axis=2) > 1e-4)
    far = max(np.abs(rows - at).max(), np.abs(columns - at).max())
    assert CONFIG.reach - 3 * CONFIG.multiple <= far <= CONFIG.reach


def test_pixels_of_weight_0_do_not_count():
    model, rng = model_of(), np.random.default_rng(2)
    images, labels = rng.random((2, 8, 8, 1), np.float32), rng.integers(0, 2, (2, 8, 8))
    weights = (rng.random((2, 8, 8)) < 0.5).astype(np.float32)
    other = np.where(weights == 0, 1 - labels, labels)
    for ops in (READABLE, FAST):
        losses = [
            unet.forward(images, y, weights, model.running, model.params, config=CONFIG, training=True, ops=ops)[0][0]
            for y in (labels, other, 1 - labels)
        ]
        assert losses[0] == losses[1] != losses[2]


def test_the_u_net_is_that_of_pytorch():
    """Skip before the way up, pooling before the convolutions, the same values: outputs and gradients in float64."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    rng = np.random.default_rng(3)
    params, running = init_unet(rng, CONFIG, np.float64)
    params = tree_map(lambda w: w + 0.2 * rng.standard_normal(w.shape), params)
    images, labels = rng.random((2, 8, 12, 1)), rng.integers(0, 2, (2, 8, 12))
    theirs = tree_map(lambda w: torch.tensor(w, requires_grad=True), params)

    def convs(x, two):
        for p in two:
            x = functional.conv2d(x, p.conv.W.permute(3, 2, 0, 1), p.conv.b, padding=1)
            x = torch.relu(functional.batch_norm(x, None, None, p.norm.gamma, p.norm.beta, training=True))
        return x

    x, skips = torch.tensor(images).permute(0, 3, 1, 2), []
    for k, two in enumerate(theirs.down):
        x = convs(functional.max_pool2d(x, 2) if k else x, two)
        skips.append(x)
    skips.pop()
    for level in theirs.up:
        wide = functional.conv_transpose2d(x, level.up.W.permute(2, 3, 0, 1), level.up.b, stride=2)
        x = convs(torch.cat([skips.pop(), wide], dim=1), level.convs)
    logits = functional.conv2d(x, theirs.out.W.permute(3, 2, 0, 1), theirs.out.b)
    loss = functional.cross_entropy(logits, torch.tensor(labels))
    loss.backward()
    (mine, _), cache = unet.forward(images, labels, None, running, params, config=CONFIG, training=True)
    np.testing.assert_allclose(mine, loss.item(), rtol=1e-10)
    gradients = unet.backward((np.float64(1), None), cache)[-1]
    assert all(p.grad is not None for p in (theirs.down[0][0].conv.W, theirs.up[0].up.W))
    tree_map(lambda d, t: np.testing.assert_allclose(d, t.grad.numpy(), rtol=1e-7, atol=1e-10), gradients, theirs)


# --- crops ---------------------------------------------------------------------------------------------------------


def test_a_crop_that_nothing_changes_is_the_picture():
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8), rng.random((32, 32)) < 0.5
    x, labels, weights = crops([image], [mask], 32, STILL, rng)
    np.testing.assert_allclose(x[0], image / 255, atol=1e-6)
    assert (labels[0] == mask).all()
    assert (weights == 1).all()
    assert (x.dtype, labels.dtype, weights.dtype) == (np.float32, np.int64, np.float32)


def test_mask_and_picture_are_bent_alike_and_never_twice_the_same_way():
    rng = np.random.default_rng(1)
    mask = blur(rng.standard_normal((64, 64)), 4) > 0
    image = np.where(mask, 255, 0).astype(np.uint8)[..., None]
    x, labels, weights = crops([image] * 12, [mask] * 12, 40, replace(Bend(), contrast=0, brightness=0), rng)
    seen = weights > 0
    white, black = seen & (x[..., 0] > 0.76), seen & (x[..., 0] < 0.24)  # the nearest of four pixels counts a quarter
    assert (labels[white] == 1).all()
    assert (labels[black] == 0).all()
    assert (white | black).sum() > 0.8 * seen.sum() > 9000
    assert len({crop.tobytes() for crop in labels}) == 12


def test_quarter_turns_and_mirrors_are_all_eight():
    rng = np.random.default_rng(2)
    mask = rng.random((32, 32)) < 0.5
    image = np.where(mask, 255, 0).astype(np.uint8)[..., None]
    x, labels, _ = crops([image] * 60, [mask] * 60, 32, replace(STILL, turns=True), rng)
    assert (x[..., 0] == labels).all()
    eight = {np.rot90(m, k).tobytes() for m in (mask, mask[:, ::-1]) for k in range(4)}
    assert {(label == 1).tobytes() for label in labels} == eight


def test_what_lies_outside_the_picture_does_not_count():
    image, mask = np.full((32, 36, 1), 200, np.uint8), np.ones((32, 36), bool)
    x, labels, weights = crops([image], [mask], 48, STILL, np.random.default_rng(0))
    assert weights.sum() == 32 * 36
    np.testing.assert_allclose(x, 200 / 255, atol=1e-6)
    assert (labels == 1).all()


def test_smooth_fields_are_smooth_and_of_size_1():
    rng = np.random.default_rng(0)
    fields = np.stack([smooth_field((40, 50), 10, rng) for _ in range(200)])
    assert fields.std() == pytest.approx(1, abs=0.1)
    assert np.abs(np.diff(fields, axis=1)).max() < 0.6
    assert np.corrcoef(fields[:, 0, 0], fields[:, 0, 49])[0, 1] < 0.3  # far apart: nothing to do with each other


def test_blurring_keeps_the_mean_and_takes_noise_away():
    noise = np.random.default_rng(0).standard_normal((50, 60))
    assert blur(noise, 2).std() < 0.2
    np.testing.assert_allclose(blur(np.full((9, 7), 3.0), 2), 3)
    point = np.zeros((21, 21))
    point[10, 8] = 1
    out = blur(point, 1.5)
    assert out.sum() == pytest.approx(1)
    assert out[10, 10] / out[10, 8] == pytest.approx(np.exp(-0.5 * (2 / 1.5) ** 2))
    np.testing.assert_allclose(out[7:14, 8], out[10, 5:12])


# --- data ----------------------------------------------------------------------------------------------------------


def test_drawn_cells_are_the_same_each_time_and_others_in_each_split():
    images, masks = draw_cells(2, 48, seed=3)
    again, _ = draw_cells(2, 48, seed=3)
    assert (images == again).all()
    assert not (images == draw_cells(2, 48, split="test", seed=3)[0]).all()
    assert not (images == draw_cells(2, 48, seed=4)[0]).all()
    assert 0.1 < masks.mean() < 0.4
    assert images[masks].mean() < images[~masks].mean() - 20


def test_a_folder_of_pictures_and_masks(tmp_path):
    folder = masked_folder(tmp_path / "set", n=12)
    whole = load_folder(folder)
    assert whole.names == tuple(str(k) for k in range(12))  # 2 before 10
    assert whole.images[0].shape == (40, 48, 1)
    assert [int(np.argmax(mask.any(axis=1))) for mask in whole.masks] == [5 + 2 * k for k in range(12)]
    assert (load_folder(folder, "white").masks[0] == ~whole.masks[0]).all()
    (tmp_path / "set" / "image").rename(tmp_path / "images")
    (tmp_path / "set" / "label").rename(tmp_path / "masks")
    assert load_folder(tmp_path).digest() == whole.digest()
    colour = load_folder(masked_folder(tmp_path / "colour" / "train", n=3, colour=True).parent)
    assert colour.images[0].shape == (40, 48, 3)
    ones = Image.fromarray(np.array(Image.open(tmp_path / "masks" / "3.png")) // 255)  # 0 and 1 are as good
    ones.save(tmp_path / "masks" / "3.png")
    assert load_folder(tmp_path).digest() == whole.digest()


def test_splits_are_fixed_by_the_seed_and_share_no_picture(tmp_path):
    whole = Masked(tuple(np.full((32, 32, 1), k, np.uint8) for k in range(30)), (np.ones((32, 32), bool),) * 30,
                   tuple(map(str, range(30))))  # fmt: skip
    splits = split_pictures(whole, 0, "x")
    assert {name: len(split) for name, split in splits.items()} == {"train": 21, "val": 3, "test": 6}
    assert sorted(name for split in splits.values() for name in split.names) == sorted(whole.names)
    assert splits["test"].names == split_pictures(whole, 0, "x")["test"].names
    assert splits["test"].names != split_pictures(whole, 1, "x")["test"].names
    with pytest.raises(DataError, match="x holds 2 pictures with masks; expected at least 3"):
        split_pictures(whole.take(np.arange(2)), 0, "x")


def grey_mask(folder):
    Image.fromarray(np.full((40, 48), 128, np.uint8)).save(folder / "label" / "2.png")


def coloured_mask(folder):
    Image.fromarray(np.full((40, 48, 3), (255, 0, 0), np.uint8)).save(folder / "label" / "2.png")


def other_size(folder):
    Image.fromarray(np.zeros((48, 40), np.uint8)).save(folder / "label" / "2.png")


def small(folder):
    for kind in ("image", "label"):
        Image.fromarray(np.zeros((40, 31), np.uint8)).save(folder / kind / "2.png")


def two_of_a_name(folder):
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(folder / "image" / "2.bmp")


def emptied(folder):
    for path in [*folder.glob("*/*.png")]:
        path.unlink()


BAD = [  # a dot for what stands between folder and file
    (grey_mask, r"label.2.png holds the value 128 in row 0, column 0; expected a mask of 0 and 255 alone"),
    (coloured_mask, r"label.2.png holds the value colour \(255, 0, 0\)"),
    (other_size, r"label.2.png is 40 x 48 pixels large but its picture .*image.2.png is 48 x 40"),
    (small, r"image.2.png is 31 x 40 pixels large; expected at least 32"),
    (two_of_a_name, r"image holds 2.bmp and 2.png; expected one file of each name"),
    (emptied, r"image holds no picture; expected files that end in .jpg"),
    (lambda f: (f / "label" / "2.png").unlink(), r"the picture .*image.2.png has no mask; expected .*label.2 "),
    (lambda f: (f / "image" / "2.png").unlink(), r"the mask .*label.2.png has no picture; expected .*image.2 "),
    (lambda f: (f / "label").rename(f / "other"), r"set holds image but no label or labels or mask or masks"),
    (lambda f: (f / "image").rename(f / "other"), r"set holds label but no image or images"),
    (lambda f: (f / "label" / "2.png").write_bytes(b"<html>"), r"label.2.png is no picture"),
]


@pytest.mark.parametrize(("spoil", "says"), BAD, ids=[says[:30] for _, says in BAD])
def test_a_folder_that_is_wrong_is_refused_in_one_sentence(tmp_path, spoil, says):
    folder = masked_folder(tmp_path / "set", n=3)
    load_folder(folder)
    spoil(folder)
    with pytest.raises(DataError, match=says) as found:
        load_folder(folder)
    assert "\n" not in str(found.value)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no data at {REAL}")
def test_the_membranes_of_isbi():
    splits = load_splits(str(REAL))
    assert {name: len(split) for name, split in splits.items()} == {"train": 21, "val": 3, "test": 6}
    whole = joined(*splits.values())
    assert {image.shape for image in whole.images} == {(512, 512, 1)}
    assert np.mean([mask.mean() for mask in whole.masks]) == pytest.approx(0.2193, abs=1e-3)
    found = baselines(joined(splits["train"], splits["val"]), splits["test"])
    assert 0.3 < found["everything"]["f1"] < found["grey_threshold"]["f1"] < 0.75


# --- scores --------------------------------------------------------------------------------------------------------


def test_scores_count_what_they_say():
    truth = [np.array([[1, 1, 0, 0]], bool), np.array([[1, 0]], bool)]
    found = [np.array([[1, 0, 1, 1]], bool), np.array([[1, 0]], bool)]
    scores = mask_scores(found, truth)  # 2 hits, 2 too many, 1 missed, of 6 pixels
    assert scores == {"f1": 4 / 7, "precision": 0.5, "recall": 2 / 3, "iou": 0.4, "accuracy": 0.5}
    nothing = [np.zeros((2, 2), bool)]
    assert mask_scores(nothing, nothing) == {"f1": 1, "precision": 0, "recall": 0, "iou": 1, "accuracy": 1}


def test_the_best_threshold_is_that_of_trying_all():
    rng = np.random.default_rng(0)
    truth = [rng.random((20, 30)) < 0.3 for _ in range(2)]
    values = [np.clip(0.4 * t + 0.6 * rng.random(t.shape), 0, 1) for t in truth]
    threshold, f1 = best_threshold(values, truth)
    every = [mask_scores([v >= k / 1000 for v in values], truth)["f1"] for k in range(1001)]
    assert f1 == pytest.approx(max(every))
    assert mask_scores([v >= threshold for v in values], truth)["f1"] == pytest.approx(max(every))


def test_where_nothing_is_to_be_found_no_threshold_is_best():
    assert best_threshold([np.linspace(0, 1, 12).reshape(3, 4)], [np.zeros((3, 4), bool)]) == (0.5, 0.0)


@pytest.mark.parametrize("dark", [True, False])
def test_baselines_choose_on_training_pictures_alone(dark):
    def grey(positive, other, n=2):
        mask = np.zeros((32, 32), bool)
        mask[8:16] = True
        image = np.where(mask, positive, other).astype(np.uint8)[..., None]
        return Masked((image,) * n, (mask,) * n, ("x",) * n)

    train = grey(60, 160) if dark else grey(160, 60)
    shifted = grey(30, 50) if dark else grey(230, 220)  # all of it on one side of the training threshold
    assert baselines(train, train)["grey_threshold"]["f1"] == 1
    assert baselines(train, shifted)["grey_threshold"]["f1"] == pytest.approx(0.4)  # everything is positive
    assert baselines(train, shifted)["everything"]["recall"] == 1
    assert baselines(shifted, shifted)["grey_threshold"]["f1"] == 1


def test_smoothing_helps_where_there_is_noise():
    images, masks = draw_cells(3, 96)
    split = Masked(tuple(images), tuple(masks), ("a", "b", "c"))
    found = baselines(split, split)
    assert found["smoothed_threshold"]["f1"] > found["grey_threshold"]["f1"] + 0.02
    assert found["smoothed_threshold"]["sigma"] in (1, 2, 3)


# --- whole pictures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(90, 131), (64, 64), (33, 150)])
def test_tiles_make_no_difference(shape):
    model = model_of()
    image = np.random.default_rng(0).integers(0, 256, (*shape, 1)).astype(np.uint8)
    whole = model.probabilities(image)
    assert whole.shape == shape
    assert whole.std() > 0.02
    np.testing.assert_allclose(model.probabilities(image, tile=30), whole, atol=1e-5)


def test_flips_are_the_mean_of_four_answers():
    model = model_of()
    image = np.random.default_rng(0).integers(0, 256, (32, 40, 1)).astype(np.uint8)
    flipped = model.probabilities(image, flips=True)
    one_by_one = [
        model.probabilities(np.ascontiguousarray(image[::a, ::b]))[::a, ::b] for a in (1, -1) for b in (1, -1)
    ]
    np.testing.assert_allclose(flipped, np.mean(one_by_one, axis=0), atol=1e-6)
    np.testing.assert_allclose(model.probabilities(image[::-1], flips=True), flipped[::-1], atol=1e-6)
    assert (model.mask(image) == (model.probabilities(image) >= 0.5)).all()
    assert replace(model, threshold=0.0).mask(image).all()
    with pytest.raises(DataError, match="the picture has 3 channels; the model was trained on 1"):
        model.probabilities(np.repeat(image, 3, axis=2))


def test_pictures_of_errors_and_masks():
    image = np.full((1, 4, 1), 100, np.uint8)
    found, truth = np.array([[1, 1, 0, 0]], bool), np.array([[1, 0, 1, 0]], bool)
    pale, too_much, missed, also_pale = errors(image, found, truth)[0].tolist()
    assert pale == also_pale == [177, 177, 177]
    assert too_much[0] > 200 > too_much[2]
    assert missed[2] > 200 > missed[0]
    assert shade(truth, model_of()).tolist() == [[0, 255, 0, 255]]
    assert shade(truth, model_of(positive="white")).tolist() == [[255, 0, 255, 0]]


# --- training ------------------------------------------------------------------------------------------------------

TRAIN = TrainConfig(epochs=3, batch=2, checks=3, warmup=2, seed=1, lr=0.01)


def tiny(folder):
    path = folder / "set"
    system = build(Settings(str(path if path.exists() else masked_folder(path)), crop=32))
    return replace(system, config=replace(system.config, channels=(3, 4), drop=0.2))


def run(system, folder, *, stop_after=None, **options):
    return until(train(system.problem(), TRAIN, folder, **options), stop_after)


@pytest.mark.parametrize("stop_after", [1, 4])
def test_resuming_equals_never_having_stopped_bit_for_bit(tmp_path, stop_after):
    assert_resumes(
        lambda folder, **options: train(tiny(tmp_path).problem(), TRAIN, folder, **options), tmp_path, stop_after
    )


def test_training_is_in_float32_and_of_other_masks_is_another_run(tmp_path):
    system = tiny(tmp_path)
    run(system, tmp_path / "run", stop_after=2)
    arrays, _ = checkpoint.load(tmp_path / "run" / LAST)
    assert {str(a.dtype) for name, a in arrays.items() if "step" not in name} == {"float32"}
    train = system.splits["train"]
    masks = (~train.masks[0], *train.masks[1:])
    other = System(system.settings, {**system.splits, "train": replace(train, masks=masks)}, system.config)
    with pytest.raises(DataError, match="made by another run"):
        run(other, tmp_path / "run", resume=True)


def test_it_learns_what_can_be_learnt(tmp_path):
    system = tiny(tmp_path)
    list(train(system.problem(), replace(TRAIN, epochs=12), tmp_path / "run"))
    model, meta = load_segmenter(tmp_path / "run")
    assert meta["task"] == "segmenter"
    assert 0 < model.threshold < 1
    report = evaluate(model, system.splits["test"], joined(system.splits["train"], system.splits["val"]))
    assert report["f1"] > 0.9
    assert report["share"] == pytest.approx(7 / 40)
    assert set(report["baselines"]) == {"everything", "grey_threshold", "smoothed_threshold"}
    assert model.threshold == system.problem().judge(model.params, model.running)["threshold"]


# --- commands ------------------------------------------------------------------------------------------------------


def test_train_evaluate_and_segment_drawn_cells(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "DRAWN", {"train": 6, "val": 2, "test": 3})
    monkeypatch.setattr(data, "DRAWN_SIZE", 48)
    out = tmp_path / "run"
    status, result = run_json(capsys, "train", "segmenter", "--out", out, "--epochs", 2)
    assert status == 0
    assert result["steps"] == 2
    assert [Path(p).name for p in result["pictures"]] == ["curves.png", "masks.png"]
    for picture in result["pictures"]:
        with Image.open(picture) as image:
            assert image.width > 300
    status, report = run_json(capsys, "evaluate", out)
    assert (report["n"], report["split"], report["counts"]) == (3, "test", {"train": 6, "val": 2, "test": 3})
    assert (out / "masks_test.png").exists()
    assert run_json(capsys, "evaluate", out, "--split", "val")[1]["n"] == 2
    assert main(["evaluate", str(out)]) == 0
    said = capsys.readouterr().out
    assert "best grey threshold, smoothed" in said
    assert "chosen on the validation pictures" in said

    cells = out / "cells.png"
    assert result["next"] == f"minirnn segment {out} {cells}"
    status, told = run_json(capsys, "segment", out, cells)
    model, _ = load_segmenter(out)
    mask = model.mask(data.drawn("test").images[0])
    with Image.open(told["images"][0]["mask"]) as image:
        assert (np.array(image) == np.where(mask, 0, 255)).all()
    assert told["images"][0]["share"] == pytest.approx(mask.mean())
    with Image.open(cells) as image:
        image.convert("RGB").resize((100, 70)).save(tmp_path / "wide.png")
    assert (
        main(["segment", str(out), str(cells), str(tmp_path / "wide.png"), "--out", str(tmp_path / "m"), "--flips"])
        == 0
    )
    assert len(capsys.readouterr().out.splitlines()) == 2
    with Image.open(tmp_path / "m" / "wide.png") as image:
        assert (image.size, image.mode) == ((100, 70), "L")

    assert "no split 'novel'" in fails(capsys, "evaluate", out, "--split", "novel")
    assert "add --resume" in fails(capsys, "train", "segmenter", "--out", out)
    assert "--seed is 4" in fails(capsys, "train", "segmenter", "--out", out, "--resume", "--seed", 4)
    assert "would replace a picture" in fails(capsys, "segment", out, cells, "--out", out)
    assert "would both be" in fails(capsys, "segment", out, cells, cells)
    (tmp_path / "page.png").write_bytes(b"<html>")
    assert "page.png is no picture" in fails(capsys, "segment", out, tmp_path / "page.png")
    Image.fromarray(np.zeros((40, 20), np.uint8)).save(tmp_path / "thin.png")
    assert "thin.png is 20 x 40 pixels" in fails(capsys, "segment", out, tmp_path / "thin.png")
    assert run_json(capsys, "train", "segmenter", "--out", out, "--resume")[1]["steps"] == 2


def test_other_data_are_judged_without_what_the_run_has_seen(capsys, tmp_path):
    folder, out = masked_folder(tmp_path / "set", n=6), tmp_path / "run"
    run_json(capsys, "train", "segmenter", "--data", folder, "--out", out, "--epochs", 1)
    assert run_json(capsys, "evaluate", out)[1]["n"] == 1
    other = masked_folder(tmp_path / "other", n=6)  # the same pictures, and two more
    for kind in ("image", "label"):
        for k in (6, 7):
            with Image.open(other / kind / "0.png") as image:
                image.transpose(Image.Transpose.FLIP_TOP_BOTTOM if k == 6 else Image.Transpose.ROTATE_180).save(
                    other / kind / f"{k}.png"
                )
    report = run_json(capsys, "evaluate", out, "--data", other)[1]
    assert (report["n"], report["already_seen"], report["split"]) == (3, 5, "all")  # the test picture, and the two
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(folder / "image" / "0.png")
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(folder / "label" / "0.png")
    assert "has changed since the run" in fails(capsys, "evaluate", out)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--data", "nowhere"], "nowhere does not exist; expected a folder with the folders image and label"),
        (["--data", ""], "--data is empty; expected 'cells' or a folder of pictures and masks"),
        (["--positive", "white"], "drawn cells need none"),
        (["--seed", "-1"], "--seed is -1"),
        (["--minutes", "0"], "--minutes is 0"),
        (["--resume"], "holds no run to go on with"),
    ],
)
def test_bad_commands_are_refused(capsys, tmp_path, monkeypatch, argv, says):
    monkeypatch.chdir(tmp_path)
    assert says in fails(capsys, "train", "segmenter", "--out", "run", *argv)
    assert not (tmp_path / "run").exists()
