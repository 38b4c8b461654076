"""The Trainer's `push_to_hub` with our card, no pickle, and errors in plain words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub import CommitInfo, HfApi
from transformers import Trainer
from transformers.trainer import TRAINING_ARGS_NAME

from fer_models.hub import CLIENT_ERRORS, explain, make_fixed_revision

from .cards import find_tag, render_card
from .files import write_text


class HubTrainer(Trainer):
    """The Trainer, whose `push_to_hub` sends what a repository of this project holds.

    With `push_to_hub: true` and `hub_model_id: alice/my-network` in a recipe, or as options, a run ends with it.
    """

    def init_hf_repo(self, *args: Any, **kwargs: Any) -> None:
        self._tell_errors(super().init_hf_repo, *args, **kwargs)

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Our card in place of the Trainer's draft; arguments are taken and left."""
        if self.is_world_process_zero():
            directory = Path(str(self.args.output_dir))
            write_text(directory / "README.md", render_card(directory, self.hub_model_id))

    def push_to_hub(
        self,
        commit_message: str | None = "End of training",
        blocking: bool = True,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
        **kwargs: Any,
    ) -> CommitInfo:
        """Push the run's folder, and fix the network there by the tag that the card names; waits for both.

        Raises:
            OSError: The Hub refuses it or cannot be reached; the folder is complete, with its card.
        """
        push = super().push_to_hub
        commit = self._tell_errors(push, commit_message, True, token, revision, private, **kwargs)
        if self.is_world_process_zero():
            directory = Path(str(self.args.output_dir))
            tag = make_fixed_revision(directory, find_tag(directory))
            api = HfApi(token=token or self.args.hub_token)
            self._tell_errors(api.create_tag, self.hub_model_id, tag=tag, revision=commit.oid, exist_ok=True)
        return commit

    def _tell_errors(self, action: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        where = getattr(self, "hub_model_id", None) or self.args.hub_model_id or Path(str(self.args.output_dir)).name
        try:
            return action(*args, **kwargs)
        except CLIENT_ERRORS as error:
            raise OSError(explain(error, str(where))) from error

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        super()._save(output_dir, state_dict)
        # A pickle of the arguments; `recipe.yaml` says them all.
        (Path(str(output_dir or self.args.output_dir)) / TRAINING_ARGS_NAME).unlink(missing_ok=True)
