import pytest
import torch
from torch.nn import functional

from training.objective import HEAD_LABELS, Objective, adjust_logits, mix_up
from training.training_set import TrainingSet

LABELS = torch.tensor([0, 3, 6, 3])
VOTES = torch.zeros(4, 8).scatter_(1, torch.tensor([[1], [3], [6], [7]]), 1.0)


def make_batch(**more: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"labels": LABELS, "votes": VOTES, **more}


def learn(objective: Objective, batch: dict[str, torch.Tensor], classes: int = 7, steps: int = 300) -> torch.Tensor:
    """The probabilities that make the loss least, one row a face."""
    logits = torch.zeros(len(LABELS), classes, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.2)
    batch["target"] = objective.make_targets(batch)
    for _ in range(steps):
        optimizer.zero_grad()
        objective(logits, batch).backward()
        optimizer.step()
    return logits.detach()


def test_each_target_is_learnt():
    for target, expected in (("label", [0, 3, 6, 3]), ("votes", [1, 3, 6, None]), ("mix", [None, 3, 6, 3])):
        learnt = learn(Objective(target), make_batch()).softmax(-1)
        for row, winner in zip(learnt, expected, strict=True):
            assert winner is None or row.argmax() == winner
    assert learnt[0, :2].tolist() == pytest.approx([0.5, 0.5], abs=0.02), "mixed"


def test_a_face_without_votes_is_passed_over_by_the_votes_head_alone():
    learnt = learn(Objective("heads"), make_batch() | {"votes": VOTES * torch.tensor([1, 1, 1, 0])[:, None]}, 15)
    assert learnt[:, :7].argmax(1).tolist() == LABELS.tolist()
    assert learnt[:3, 7:].argmax(1).tolist() == [1, 3, 6]
    assert learnt[3, 7:].abs().max() < 1e-6, "nothing is learnt of it"
    assert len(HEAD_LABELS) == 15


def test_teachers_answers_are_learnt_beside_the_target():
    answers = torch.full((4, 15), -9.0)
    answers[:, 5], answers[:, 7 + 2] = 0, 0  # the label head says 5, the votes' 2
    for target, winner in (("label", 5), ("votes", 2)):
        objective = Objective(target, distillation_weight=1.0, distillation_temperature=1.0)
        assert learn(objective, make_batch(answers=answers)).argmax(1).tolist() == [winner] * 4


def test_logit_adjustment_takes_the_prior_out_of_what_is_learnt():
    targets = torch.tensor([[0.9, 0.1, 0, 0, 0, 0, 0]]).repeat(4, 1)
    objective = Objective("votes", log_prior=adjust_logits(targets, 1.0))
    learnt = learn(objective, make_batch() | {"votes": functional.pad(targets, (0, 1))}).softmax(-1)
    assert learnt[0, :2].tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    assert adjust_logits(targets, 0.0) is None


def test_mixup_blends_faces_targets_and_answers_alike():
    batch = make_batch(pixel_values=torch.arange(4.0)[:, None, None, None].expand(4, 1, 2, 2))
    batch["target"] = torch.eye(4)
    batch["answers"] = torch.eye(4).clamp(min=1e-6).log()
    mixed = mix_up(batch, alpha=1.0)
    share = mixed["target"].diagonal()
    assert (share >= 0.5).all()
    assert mixed["target"].sum(1).tolist() == pytest.approx([1.0] * 4)
    assert torch.allclose(mixed["answers"].exp().diagonal(), share, atol=1e-4)
    neighbours = torch.arange(4.0).roll(1)
    assert torch.allclose(mixed["pixel_values"][:, 0, 0, 0], share * torch.arange(4.0) + (1 - share) * neighbours)


def test_a_batch_holds_one_view_of_each_face_with_its_own_answer():
    views = torch.arange(3 * 5, dtype=torch.uint8).view(3, 5, 1, 1, 1)
    faces = TrainingSet(views, torch.arange(5), answers=views.float().view(3, 5, 1))
    batch = faces.__getitems__([4, 0, 2] * 20)
    assert torch.equal(batch["answers"][:, 0], (batch["pixel_values"] * 255).round().flatten())
    assert batch["labels"].tolist() == [4, 0, 2] * 20
    assert len(batch["answers"][::3].unique()) == 3, "in the end every view is seen"
    assert (faces.get_faces([1, 3]) * 255).flatten().tolist() == [1, 3], "the first view is the face as it is"
