import pytest
import torch
from conftest import make_tiny_config

from fer_models import FerCnnForImageClassification
from training.evaluation.calibrate import fit_temperature


def make_logits(temperature: float, n: int = 20_000) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits that are too sure by a known factor: the labels are drawn from their softmax at that temperature."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(n, 7, generator=generator)
    labels = torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator)[:, 0]
    return logits, labels


@pytest.mark.parametrize("temperature", [0.5, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature: float):
    assert fit_temperature(*make_logits(temperature)) == pytest.approx(temperature, rel=0.05)


def test_what_cannot_be_calibrated_is_refused():
    for logits, labels, words in (
        (torch.zeros(0, 7), torch.zeros(0, dtype=torch.int64), "there is none"),
        (torch.eye(7), torch.arange(7), "Every image is classified right"),
    ):
        with pytest.raises(ValueError, match=words):
            fit_temperature(logits, labels)


def test_the_model_divides_by_its_temperature():
    torch.manual_seed(0)
    model = FerCnnForImageClassification(make_tiny_config()).eval()
    faces = torch.rand(5, 1, 20, 20)
    with torch.no_grad():
        before = model(faces).logits
        model.config.temperature = 2.0
        after = model(faces).logits
    assert torch.equal(after, before / 2)
    assert torch.equal(after.argmax(-1), before.argmax(-1))
