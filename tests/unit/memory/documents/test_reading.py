"""Files as sections: headings kept, what is not text refused with a sentence."""

import pytest

from services.domain.errors import InvalidRequest
from services.memory.documents.reading import sections_of


def read(tmp_path, name, data):
    file = tmp_path / name
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(sections_of(file))


def test_nested_headings_name_where_a_section_stands(tmp_path):
    found = read(
        tmp_path, "a.md", "# Base\nOne.\n## Food\nTwo.\n# Crew\nThree.\n\nTitle\n-----\nFour."
    )
    assert [(one.heading, one.text.strip()) for one in found] == [
        ("Base", "One."),
        ("Base > Food", "Two."),
        ("Crew", "Three."),
        ("Crew > Title", "Four."),
    ]


def test_a_hash_in_a_code_block_is_no_heading(tmp_path):
    [only] = read(tmp_path, "a.md", "# Base\n```\n# not a heading\n```\n")
    assert only.heading == "Base"
    assert "# not a heading" in only.text


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.txt", bytes(range(256)) * 50, "document_not_text"),
        ("a.md", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xfe", "document_not_text"),
        ("a.exe", b"MZ", "document_kind"),
        ("a.pdf", b"not a pdf", "document_damaged"),
        ("a.pdf", b"%PDF-1.7\n1 0 obj\n<<", "document_damaged"),
        ("a.pdf", b"", "document_damaged"),
    ],
)
def test_what_is_not_a_document_is_refused(tmp_path, name, data, code):
    with pytest.raises(InvalidRequest) as refused:
        read(tmp_path, name, data)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe", "Grüße"),
        ("Grüße".encode("utf-16"), "Grüße"),
        ("Grüße".encode("cp1252"), "Grüße"),
        (b"one\r\ntwo\rthree", "one\ntwo\nthree"),
    ],
)
def test_old_encodings_are_read(tmp_path, data, text):
    [only] = read(tmp_path, "a.txt", data)
    assert only.text == text


def test_a_pdf_gives_its_pages(tmp_path):
    found = read(tmp_path, "a.pdf", pdf_of("The base opened in 2031.", "Potatoes grow in vats."))
    assert [(one.page, one.text.strip()) for one in found] == [
        (1, "The base opened in 2031."),
        (2, "Potatoes grow in vats."),
    ]


def test_a_pdf_of_pictures_is_refused(tmp_path):
    with pytest.raises(InvalidRequest) as refused:
        read(tmp_path, "a.pdf", pdf_of(""))
    assert refused.value.code == "document_pictures"


def pdf_of(*pages: str) -> bytes:
    """Return a PDF with a line of text per page, written by hand."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, text in enumerate(pages):
        content = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode()
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(
            f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"
        )
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    return (
        out
        + (
            f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF"
        ).encode()
    )
