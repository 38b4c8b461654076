"""The demo, here, on a laptop and as a Hugging Face Space: `python app.py`."""

import os
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # nothing is sent anywhere

from fer_models.faces import FaceDetector

from fer_models.demo.ui import CSS_PATH, THEME, build_demo
from fer_models.inference import load_models


def main() -> None:
    port = int(os.environ.get("PORT") or os.environ.get("GRADIO_SERVER_PORT") or 7860)
    try:
        demo = build_demo(load_models(), FaceDetector())
        demo.queue(default_concurrency_limit=2, max_size=64).launch(
            server_port=port,
            theme=THEME,
            css_paths=CSS_PATH,
            run_history=False,  # by default faces would be kept in the visitor's browser
            max_file_size="30mb",
            footer_links=["api"],
            ssr_mode=False,
        )
    except OSError as error:
        if "port" in str(error):
            sys.exit(f"error: port {port} is taken. Stop what uses it, or choose another: make demo PORT={port + 1}")
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
