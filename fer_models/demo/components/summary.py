"""A comparison as one picture, to be kept or shown to somebody."""

from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from ...comparison import Comparison
from ..locales import format_percent, translate
from .compare import describe_face, describe_verdict

SIZE = (1200, 630)  # what messengers show whole
MARGIN, GAP, FACE_SIDE = 48, 24, 168
INK, GREY, LINE, PAPER, TRACK = "#18181b", "#52525b", "#d4d4d8", "#ffffff", "#f4f4f5"
WINNER, WINNER_EDGE, REST = "#99f6e4", "#0f766e", "#d4d4d8"


@cache
def load_font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Matplotlib carries these letters, accents and all; what the machine has is not known."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/{name}", size)


def draw_summary(comparison: Comparison, language: str, face: Image.Image | None = None, source: str = "") -> bytes:
    """Draw what the models said, as a PNG.

    Args:
        comparison: Has a face, or the whole picture.
        language: Of the words.
        face: Drawn beside the verdict if it is given.
        source: Where and when it was made.
    """
    image = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(image)
    left, right, top = MARGIN, SIZE[0] - MARGIN, float(MARGIN)
    if face:
        image.paste(face.convert("RGB").resize((FACE_SIDE, FACE_SIDE), Image.Resampling.BICUBIC), (left, MARGIN))
        left += FACE_SIDE + GAP
    headline, sentence = describe_verdict(comparison, language)
    notes = " ".join(describe_face(comparison, language))
    lines = [(headline, 36, True, INK), (sentence, 22, False, INK), (notes, 18, False, GREY)]
    y = top
    for text, size, bold, color in lines:
        y = _write(draw, (left, y), right - left, text, size, bold, color)

    y = max(y + 8, top + FACE_SIDE + GAP if face else 0)
    count = len(comparison.predictions)
    width = (SIZE[0] - 2 * MARGIN - (count - 1) * GAP) / count
    bottom = SIZE[1] - MARGIN - 50
    for column, prediction in enumerate(comparison.predictions):
        x = MARGIN + column * (width + GAP)
        draw.text((x, y), prediction.model, GREY, load_font(18, True))
        rows = len(prediction.probabilities)
        pitch = (bottom - y - 34) / rows
        for row, (label, share) in enumerate(prediction.probabilities.items()):
            is_winner = label == prediction.winner
            box_top = y + 34 + row * pitch
            font = load_font(15, is_winner)
            middle = box_top + (pitch - 4) / 2
            draw.rectangle((x, box_top, x + width, box_top + pitch - 4), TRACK)
            draw.rectangle((x, box_top, x + share * width, box_top + pitch - 4), WINNER if is_winner else REST)
            if is_winner:
                draw.rectangle((x, box_top + pitch - 7, x + share * width, box_top + pitch - 4), WINNER_EDGE)
            draw.text((x + 8, middle), translate(language, f"label.{label}"), INK, font, "lm")
            draw.text((x + width - 8, middle), format_percent(language, share, 0), INK, font, "rm")
    foot = translate(language, "verdict.disclaimer")
    draw.text((MARGIN, SIZE[1] - MARGIN - 22), foot, GREY, load_font(15), "ls")
    draw.text((SIZE[0] - MARGIN, SIZE[1] - MARGIN), source or "fer_models", GREY, load_font(15, True), "rs")
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _write(
    draw: ImageDraw.ImageDraw, start: tuple[float, float], width: float, text: str, size: int, bold: bool, color: str
) -> float:
    """Write a text, in lines that are no wider than `width`; gives the height at which the next one begins."""
    font, (x, y), line = load_font(size, bold), start, ""
    for word in [*text.split(), ""]:
        longer = f"{line} {word}".strip()
        if word and draw.textlength(longer, font) <= width:
            line = longer
            continue
        if line:
            draw.text((x, y), line, color, font)
            y += 1.35 * size
        line = word
    return y + 4
