"""Files that programs and agents name by an address, which gradio fetches."""

import gradio as gr


class FetchError(gr.Error):
    """An address cannot be fetched. Gradio's own errors would not reach the caller."""

    def __init__(self, cause: Exception):
        super().__init__(f"The file at that address cannot be fetched: {cause}", print_exception=False)


def is_address(path: object) -> bool:
    """Whether a file is named by an address of the web."""
    return isinstance(path, str) and path.startswith(("http://", "https://"))
