"""What kind of file it is, told by its first bytes: a name may say anything."""

import re
from pathlib import Path

# Enough for a few packets of a television stream.
HEAD_BYTES = 1024
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")
# What `images.read_image` reads, but for those two.
PICTURES = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # TIFF, and the one for large files
    *(b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"),  # JPEG 2000, without and with a file around it
)
PORTABLE_PICTURE = re.compile(rb"P[1-6Ff][\s#]")
BITMAP = re.compile(rb"BM.{4}\0{4}", re.DOTALL)
# What `video.read_frames` reads, but for MP4 and its kin, AVI and television streams.
VIDEOS = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"FLV\x01",
    b"OggS",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, as WMV
    b"\0\0\1\xba",  # MPEG
    b"\0\0\1\xb3",
)
# The first box of MP4 and its kin; old ones of QuickTime have no `ftyp`.
VIDEO_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
# Length of a packet of a television stream, and where its first one begins in files of cameras.
PACKETS = ((188, 0), (192, 4))
ZIPS = (b"PK\3\4", b"PK\5\6")  # the latter of an empty one
# Pictures and documents that people have, and that are not read here.
OTHERS = (
    ("PDF", b"%PDF"),
    ("PostScript (EPS)", b"%!PS"),
    ("PostScript (EPS)", b"\xc5\xd0\xd3\xc6"),
    ("Photoshop (PSD)", b"8BPS"),
    ("JPEG XL", b"\xff\x0a"),
    ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n"),
    ("icon (ICO)", b"\0\0\1\0"),
    ("icon (ICNS)", b"icns"),
    ("QOI", b"qoif"),
    ("DDS", b"DDS "),
    ("OpenEXR", b"v/1\1"),
    ("PCX", b"\n\5\1"),
    *(("ZIP", start) for start in ZIPS),
    *(("RAR", b"Rar!"), ("7z", b"7z\xbc\xaf\x27\x1c")),
    ("FITS", b"SIMPLE  ="),
    ("metafile (WMF)", b"\xd7\xcd\xc6\x9a"),
    ("metafile (EMF)", b"\1\0\0\0X\0\0\0"),
    ("GIMP (XCF)", b"gimp xcf"),
    ("raw photo (CR2)", b"II*\0\x10\0\0\0CR"),
    ("raw photo (RAF)", b"FUJIFILMCCD-RAW"),
    ("raw photo (RW2)", b"IIU\0"),
    ("raw photo (ORF)", b"IIRO"),
    ("raw photo (ORF)", b"IIRS"),
)


def read_head(path: Path) -> bytes:
    """The first bytes of a file; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def is_picture(head: bytes) -> bool:
    """Whether a file begins like a picture of a kind that is read here."""
    if name_other(head):
        return False
    is_webp = head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    is_other = bool(PORTABLE_PICTURE.match(head) or BITMAP.match(head))
    return head.startswith(PICTURES) or is_webp or is_other or is_heic(head) or is_avif(head)


def is_heic(head: bytes) -> bool:
    """Whether it begins like a photo of an iPhone."""
    return _get_brand(head) in HEIC_BRANDS and not is_avif(head)


def is_avif(head: bytes) -> bool:
    """Whether it begins like an AVIF, perhaps one that calls itself a picture of any codec first."""
    brands = head[8 : int.from_bytes(head[:4], "big")] if _get_brand(head) else b""
    return any(brands[start : start + 4] in AVIF_BRANDS for start in range(0, len(brands), 4))


def is_video(head: bytes) -> bool:
    """Whether a file begins like a video, or like sound alone in such a file."""
    if is_picture(head) or name_other(head):
        return False
    return (
        head.startswith(VIDEOS)
        or (head.startswith(b"RIFF") and head[8:12] == b"AVI ")
        or (head[4:8] in VIDEO_BOXES and head[0] < ord(" "))  # before it stands its size; a text has letters there
        or any(_is_stream(head, *packet) for packet in PACKETS)
    )


def is_zip(head: bytes) -> bool:
    """Whether a file begins like a zip."""
    return head.startswith(ZIPS)


def name_other(head: bytes) -> str | None:
    """The name of a kind of file that is not read as a picture, as people know it; None if it is another kind."""
    if head.lstrip().startswith(b"<") and b"<svg" in head:
        return "SVG"
    if _get_brand(head) == b"crx ":
        return "raw photo (CR3)"
    return next((name for name, start in OTHERS if head.startswith(start)), None)


def _get_brand(head: bytes) -> bytes:
    return head[8:12] if head[4:8] == b"ftyp" else b""


def _is_stream(head: bytes, length: int, start: int) -> bool:
    begins = head[start::length]
    return len(begins) > 1 and set(begins) == {0x47}
