"""What happens on the page, as plain functions that know nothing of gradio: one file per tab."""
