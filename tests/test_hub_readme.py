"""The README's section "On the Hub", block by block and word for word, but for the namespace, on the loopback Hub."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from browsing import REPOSITORY
from hub_server import HubServer
from photos import load_portrait

from fer_models import list_models
from training.publishing.push import list_branches

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SECTION = re.findall(r"\n## On the Hub\n(.*?)\n## ", README, re.DOTALL)[0]
BUNDLED = list_models()
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", SECTION, re.DOTALL)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_stranger_can_follow_the_section(tmp_path: Path) -> None:
    load_portrait().crop((170, 115, 390, 335)).save(tmp_path / "face.png")
    load_portrait().save(tmp_path / "photo.jpg")
    bin_dir = tmp_path / ".venv" / "bin"
    bin_dir.mkdir(parents=True)
    for program, command in {"python": "", "hf": "-m huggingface_hub.cli.hf"}.items():
        (bin_dir / program).write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
        (bin_dir / program).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    outputs = []
    with HubServer() as hub:
        env = kept | {
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(tmp_path / "cache"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(REPOSITORY),
        }
        login = ("sh", re.findall(r"`(\S+ auth login)`", SECTION)[0] + " --token hf_alice")
        for language, block in [login, *BLOCKS]:
            program = ["sh", "-euxc"] if language == "sh" else [sys.executable, "-c"]
            command = [*program, block.replace("NAMESPACE", "alice")]
            result = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
            assert result.returncode == 0, f"{block}\n{result.stdout}\n{result.stderr}"
            assert "Taking the bundled" not in result.stderr, "all comes from the Hub, or its cache"
            outputs.append(result.stdout)
        assert sorted(repo_id for _, repo_id in hub.store.repos) == sorted(
            f"alice/fer-{name}" for name in list_models()
        )
    *_, push, pipeline, load, commands = outputs
    assert "would be made" in push
    assert push.count("same logits as here") == sum(len(list_branches(name)) for name in BUNDLED)
    assert pipeline.count("'label'") == 6
    assert "surprise" in load
    assert commands.count("most people") == 2, "with the network and without"
    assert "alice/fer-" in commands
