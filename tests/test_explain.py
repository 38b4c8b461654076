"""Heat maps: where they are, that they are right, and that they leave no trace."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_face
from photos import load_portrait
from PIL import Image, ImageEnhance

from fer_models.explain import OVERLAY_SIDE, _MapRecorder, explain, overlay, share_scale
from fer_models.faces import FaceDetector, crop_face
from fer_models.inference import LoadedModel, predict
from fer_models.zoo import get_entry
from training.evaluation.made_photos import load_portraits
from training.evaluation.serving import load_faces


@pytest.fixture(scope="module")
def face() -> Image.Image:
    portrait = load_portrait()
    return crop_face(portrait, FaceDetector().detect(portrait)[0])


def test_heat_is_the_crops_in_size_and_between_0_and_1_and_each_label_has_its_own(
    models: list[LoadedModel], face: Image.Image
) -> None:
    for model in models:
        explanation = explain(model, face)
        assert (explanation.model, explanation.label) == (model.name, predict(model, face).winner)
        assert explanation.heat.shape == (48, 48)
        assert explanation.heat.min() >= 0
        assert explanation.heat.max() == pytest.approx(1)
        assert explanation.scale > 0
        maps = [explain(model, face, label) for label in model.labels[:3]]
        assert [one.label for one in maps] == model.labels[:3]
        assert len({one.heat.tobytes() for one in maps}) == len(maps)


def test_an_unknown_label_is_refused(models: list[LoadedModel], face: Image.Image) -> None:
    for label in ("", "Happy"):
        with pytest.raises(ValueError, match=r"Choose one of: angry, .*surprise\."):
            explain(models[0], face, label)


def test_all_models_share_one_scale(models: list[LoadedModel], face: Image.Image) -> None:
    assert share_scale([]) == []
    alone = [explain(model, face, "happy") for model in models]
    together = share_scale(alone)
    assert max(one.heat.max() for one in together) == pytest.approx(1)
    assert {one.scale for one in together} == {max(one.scale for one in alone)}
    for one, other in zip(together, alone, strict=True):
        assert one.heat * one.scale == pytest.approx(other.heat * other.scale, abs=1e-6)


def test_explaining_leaves_the_model_as_it_was(models: list[LoadedModel], face: Image.Image) -> None:
    for model in models:
        before = predict(model, face).probabilities
        weights = {name: tensor.clone() for name, tensor in model.model.state_dict().items()}
        explain(model, face)
        assert predict(model, face).probabilities == before
        assert all(torch.equal(weights[name], tensor) for name, tensor in model.model.state_dict().items())
        assert all(parameter.grad is None for parameter in model.model.parameters())
        assert not any(module._forward_hooks or module._backward_hooks for module in model.model.modules())
        assert not model.model.training
        with torch.inference_mode():  # as within a prediction
            assert np.array_equal(explain(model, face).heat, explain(model, face).heat)


def test_threads_do_not_see_each_other(models: list[LoadedModel], face: Image.Image) -> None:
    model = models[0]
    faces = [face, face.rotate(30), make_face(seed=1), make_face(seed=2)]
    expected = [explain(model, one).heat for one in faces]
    with ThreadPoolExecutor(8) as pool:
        busy = [pool.submit(predict, model, face) for _ in range(8)]
        found = list(pool.map(lambda i: explain(model, faces[i % 4]).heat, range(8)))
    assert all(future.result().probabilities == predict(model, face).probabilities for future in busy)
    for i, heat in enumerate(found):
        assert np.allclose(heat, expected[i % 4], atol=1e-5)


def measure_falls(models: list[LoadedModel], face: Image.Image) -> np.ndarray:
    """How far each winner's probability falls if the hottest and if the coldest third is masked, `(2, models)`."""
    grey = np.asarray(face.convert("L").resize((48, 48), Image.Resampling.BILINEAR))
    falls: list[list[float]] = [[], []]
    for model in models:
        before, explanation = predict(model, Image.fromarray(grey)), explain(model, Image.fromarray(grey))
        order = explanation.heat.ravel().argsort(kind="stable")
        third = order.size // 3
        for fall, pixels in zip(falls, (order[-third:], order[:third]), strict=True):
            masked = grey.copy()
            masked.flat[pixels] = grey.mean()
            after = predict(model, Image.fromarray(masked)).probabilities
            fall.append(before.probabilities[before.winner] - after[before.winner])
    return np.array(falls)


def test_what_is_hot_matters_more_than_what_is_cold(models: list[LoadedModel]) -> None:
    """On both packaged portraits, as they are, and darker and tilted."""
    falls = []
    for crop in load_portraits():
        darker = ImageEnhance.Brightness(crop).enhance(0.7).rotate(8, Image.Resampling.BICUBIC, fillcolor="grey")
        falls += [measure_falls(models, crop), measure_falls(models, darker)]
    hot, cold = np.mean(falls, (0, 2))
    assert hot > cold + 0.1, falls


def test_what_is_hot_matters_more_for_each_model(models: list[LoadedModel], fer_data: Path) -> None:
    hot, cold = np.mean([measure_falls(models, face) for face in load_faces(fer_data, sample_size=8)[0]], 0)
    assert (hot > cold + 0.05).all(), (hot, cold)


def test_a_model_without_training_looks_elsewhere(models: list[LoadedModel], face: Image.Image) -> None:
    """The sanity check of Adebayo et al. 2018 (arXiv:1810.03292): a map that stays would show the face's edges only."""
    similarities = []
    for model in models:
        trained = explain(model, face, "happy").heat
        for seed in range(5):
            torch.manual_seed(seed)
            untrained = replace(model, model=type(model.model)(model.model.config).eval())
            heat = explain(untrained, face, "happy").heat  # all 0 where nothing speaks for it
            similarities.append(np.corrcoef(trained.ravel(), heat.ravel())[0, 1] if heat.any() else 0.0)
    assert np.mean(similarities) < 0.4, similarities
    assert np.max(similarities) < 0.95


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        # This one does not pad, so that its map does not cover the whole of the input.
        ("batchnorm", ((0, 0), (3, 5), (7, 7))),
        # This one enlarges the face, and pads far sides more than near ones. What other cells see is cut at the edge.
        ("transfer", ((4, 5), (5, 6), (6, 4))),
    ],
)
def test_heat_lies_where_the_map_sees(name: str, cells: tuple[tuple[int, int], ...]) -> None:
    torch.manual_seed(0)
    model = get_entry(name).model_class(get_entry(name).make_config()).eval()
    recorder = _MapRecorder(model)
    pixel_values = torch.rand(1, 1, 48, 48, requires_grad=True)
    model(pixel_values)
    for row, column in cells:
        (gradient,) = torch.autograd.grad(recorder.map[0, :, row, column].sum(), pixel_values, retain_graph=True)
        seen = gradient[0, 0].abs().nonzero().double()
        middle = ((seen.amin(0) + seen.amax(0)) / 2).tolist()
        heat = np.zeros(recorder.map.shape[2:])
        heat[row, column] = 1
        spread = recorder.spread(heat, (48, 48))
        assert middle == pytest.approx([recorder.first + recorder.step * i for i in (row, column)], abs=1)
        assert np.unravel_index(spread.argmax(), spread.shape) == pytest.approx(middle, abs=1.5)


def test_an_overlay_shows_the_face_and_where_it_is_hot(face: Image.Image) -> None:
    heat = np.zeros((48, 48), np.float32)
    cold = np.asarray(overlay(face, heat), float)
    heat[:24] = 1
    hot = np.asarray(overlay(face, heat), float)
    half = OVERLAY_SIDE // 2
    assert hot.shape == (OVERLAY_SIDE, OVERLAY_SIDE, 3)
    assert np.array_equal(hot[half + 10 :], cold[half + 10 :])
    assert np.abs(hot[: half - 10] - cold[: half - 10]).mean() > 20
    grey = np.asarray(face.convert("L").resize((OVERLAY_SIDE, OVERLAY_SIDE)), float)
    assert np.corrcoef(grey[:half].ravel(), hot[:half].mean(-1).ravel())[0, 1] > 0.9, "the face stays to be seen"
