"""How the page looks: greys, for that is what the models see, and one colour for what they say. Light and dark."""

from pathlib import Path

import gradio as gr

CSS_PATHS = sorted((Path(__file__).parent / "styles").glob("*.css"))  # `base` comes first

# What each of gradio's colours is on a light and on a dark screen. Texts reach the contrast of WCAG AA on their grounds
# (4.5), edges of what can be operated 3; the defaults fall short of it.
COLORS = {
    "body_background_fill": ("*neutral_100", "*neutral_950"),
    "body_text_color": ("*neutral_900", "*neutral_100"),
    "body_text_color_subdued": ("*neutral_600", "*neutral_400"),
    "background_fill_primary": ("white", "*neutral_900"),
    "background_fill_secondary": ("*neutral_100", "*neutral_800"),
    "border_color_primary": ("*neutral_300", "*neutral_700"),
    "color_accent_soft": ("*primary_50", "*primary_950"),
    "link_text_color": ("*primary_700", "*primary_300"),
    "link_text_color_hover": ("*primary_800", "*primary_200"),
    "link_text_color_active": ("*primary_800", "*primary_200"),
    "link_text_color_visited": ("*primary_700", "*primary_300"),
    "block_background_fill": ("white", "*neutral_900"),
    "block_label_background_fill": ("white", "*neutral_900"),
    "block_label_text_color": ("*neutral_700", "*neutral_300"),
    "block_title_text_color": ("*neutral_800", "*neutral_200"),
    "input_background_fill": ("white", "*neutral_900"),
    "input_border_color": ("*neutral_500", "*neutral_500"),
    "input_border_color_focus": ("*primary_700", "*primary_300"),
    "input_placeholder_color": ("*neutral_600", "*neutral_400"),
    "checkbox_background_color_selected": ("*primary_700", "*primary_600"),
    "checkbox_border_color": ("*neutral_500", "*neutral_500"),
    "checkbox_border_color_selected": ("*primary_700", "*primary_600"),
    "checkbox_label_background_fill": ("white", "*neutral_900"),
    "checkbox_label_background_fill_hover": ("*neutral_100", "*neutral_800"),
    "checkbox_label_background_fill_selected": ("*primary_50", "*primary_950"),
    "checkbox_label_border_color": ("*neutral_300", "*neutral_600"),
    "checkbox_label_border_color_selected": ("*primary_700", "*primary_400"),
    "loader_color": ("*primary_700", "*primary_300"),
    "slider_color": ("*primary_700", "*primary_400"),
    "button_primary_background_fill": ("*primary_700", "*primary_700"),
    "button_primary_background_fill_hover": ("*primary_800", "*primary_800"),
    "button_primary_border_color": ("*primary_700", "*primary_700"),
    "button_secondary_background_fill": ("white", "*neutral_800"),
    "button_secondary_background_fill_hover": ("*neutral_100", "*neutral_700"),
    "button_secondary_border_color": ("*neutral_500", "*neutral_500"),
    "button_secondary_text_color": ("*neutral_900", "*neutral_100"),
    "table_even_background_fill": ("white", "*neutral_900"),
}

# System fonts: the themes' own ones would be fetched from another server, which then knows of the visit.
THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.teal,
    secondary_hue=gr.themes.colors.teal,
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    block_title_text_weight="600",
    button_border_width="1px",
    button_transition="none",
    checkbox_label_border_width="1px",
    checkbox_label_padding="*spacing_sm *spacing_lg",
    color_accent="*primary_700",  # has no variant for dark screens; `base.css` knows where it shows there
    **{
        f"{name}{suffix}": color
        for name, pair in COLORS.items()
        for suffix, color in zip(("", "_dark"), pair, strict=True)
    },
)
