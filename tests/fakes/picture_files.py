"""Small pictures and documents, made where a test needs them."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Sequence
from typing import Any

from PIL import Image


def picture(
    kind: str = "PNG",
    size: tuple[int, int] = (64, 48),
    *,
    colour: object = (200, 30, 40),
    **options: Any,
) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    mode = "RGBA" if isinstance(colour, tuple) and len(colour) == 4 else "RGB"
    Image.new(mode, size, colour).save(out, kind, **options)  # type: ignore[arg-type]
    return out.getvalue()


def noise(size: tuple[int, int]) -> bytes:
    """A PNG that cannot be packed."""
    out = io.BytesIO()
    data = random.Random(1).randbytes(size[0] * size[1] * 3)
    Image.frombytes("RGB", size, data).save(out, "PNG")
    return out.getvalue()


def moving(*colours: tuple[int, int, int]) -> bytes:
    """A GIF with one frame per colour."""
    frames = [Image.new("RGB", (32, 32), colour) for colour in colours]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100)
    return out.getvalue()


def pdf(pages: Sequence[str]) -> bytes:
    """A PDF with a line of text per page."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, text in enumerate(pages):
        content = f"BT /F1 12 Tf 40 700 Td ({text}) Tj ET".encode()
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


def zipped(name: str, content: bytes) -> bytes:
    """A ZIP with one packed file in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def docx(paragraphs: Sequence[str], *, heading: str = "") -> bytes:
    """A Word document."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    head = (
        f'<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>{heading}</w:t></w:r></w:p>'
        if heading
        else ""
    )
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    xml = f'<w:document xmlns:w="{space}"><w:body>{head}{body}</w:body></w:document>'
    return zipped("word/document.xml", xml.encode())


def odt(paragraphs: Sequence[str], *, heading: str = "") -> bytes:
    """An OpenDocument text."""
    office = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    text = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
    head = f"<text:h>{heading}</text:h>" if heading else ""
    body = "".join(f"<text:p>{one}</text:p>" for one in paragraphs)
    xml = (
        f'<office:document-content xmlns:office="{office}" xmlns:text="{text}"><office:body>'
        f"<office:text>{head}{body}</office:text></office:body></office:document-content>"
    )
    return zipped("content.xml", xml.encode())
