"""PDFs of every outward shape that ISO 32000 allows, made here and by qpdf: what a seal must leave untouched and add to."""
import random
import subprocess
import zlib
from pathlib import Path


def objects(pages=2, form=False, nested=False):
    """The objects of a small document: {number: bytes}, 1 being the catalogue."""
    page = 10
    kids = b" ".join(b"%d 0 R" % (page + 2 * i) for i in range(pages))
    catalog = b"<</Type/Catalog/Pages 2 0 R"
    body = {2: b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, b"4 0 R" if nested else kids),
            3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"}
    if nested:
        body[4] = b"<</Type/Pages/Parent 2 0 R/Count %d/Kids[%s]>>" % (pages, kids)
    if form:
        catalog += b"/AcroForm<</Fields[5 0 R]/DR<</Font<</F1 3 0 R>>>>/DA(/F1 10 Tf 0 g)>>"
        body[5] = (b"<</Type/Annot/Subtype/Widget/FT/Tx/T(nombre)/V(Ana)/Rect[50 50 200 70]/P %d 0 R/F 4"
                   b"/DA(/F1 10 Tf 0 g)>>" % page)
        body[6] = b"[5 0 R]"
    body[1] = catalog + b">>"
    for i in range(pages):
        text = b"BT /F1 12 Tf 50 700 Td (Pagina %d de la solicitud) Tj ET" % (i + 1)
        data = zlib.compress(text, 9)
        annots = b"/Annots 6 0 R" if form and i == 0 else b""
        rotate = b"/Rotate 90" if i % 2 else b""
        body[page + 2 * i] = (b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Contents %d 0 R%s%s"
                              b"/Resources<</Font<</F1 3 0 R>>>>>>"
                              % (4 if nested else 2, page + 2 * i + 1, annots, rotate))
        body[page + 2 * i + 1] = b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(data), data)
    return body


def table(offsets, end=b" \n"):
    """A cross-reference table in as many sections as there are runs of numbers; {number: offset}."""
    rows, out = {0: b"0000000000 65535 f" + end}, b"xref\n"
    rows.update({n: b"%010d 00000 n" % o + end for n, o in offsets.items()})
    for n in sorted(rows):
        if n - 1 not in rows:
            run = n
            while run in rows:
                run += 1
            out += b"%d %d\n" % (n, run - n) + b"".join(rows[k] for k in range(n, run))
    return out


def classic(body, version=b"1.7", head=b"", doc_id=True, eol=b"\n", end=b" \n"):
    """A file with a cross-reference table; `head` stands before the header."""
    out, offsets = bytearray(head + b"%PDF-" + version + eol + b"%\xe2\xe3\xcf\xd3" + eol), {}
    for n, data in sorted(body.items()):
        offsets[n] = len(out) - len(head)
        out += b"%d 0 obj" % n + eol + data + eol + b"endobj" + eol
    start = len(out) - len(head)
    ids = b"/ID[<%s><%s>]" % ((random.Random(1).randbytes(16).hex().encode(),) * 2) if doc_id else b""
    out += table(offsets, end) + b"trailer" + eol + b"<</Size %d/Root 1 0 R%s>>" % (max(body) + 1, ids) + eol
    return bytes(out + b"startxref" + eol + b"%d" % start + eol + b"%%EOF" + eol)


def hybrid(body):
    """ISO 32000-2 §7.5.8.4: the font lies in an object stream that the table hides and /XRefStm names."""
    body = dict(body)
    hidden = body.pop(3)
    packed = zlib.compress(b"3 0 " + hidden)
    stream, xref = max(body) + 1, max(body) + 2
    out, offsets = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"), {}
    body[stream] = (b"<</Type/ObjStm/N 1/First 4/Length %d/Filter/FlateDecode>>stream\n" % len(packed)
                    + packed + b"\nendstream")
    for n, data in sorted(body.items()):
        offsets[n] = len(out)
        out += b"%d 0 obj\n" % n + data + b"\nendobj\n"
    offsets[xref] = len(out)
    entries = b"\x02" + stream.to_bytes(4, "big") + b"\x00"
    out += (b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 1]/Index[3 1]/Root 1 0 R/Length %d>>stream\n"
            % (xref, xref + 1, len(entries)) + entries + b"\nendstream\nendobj\n")
    start = len(out)
    rows = table({n: o for n, o in offsets.items() if n != 3})
    out += rows + b"trailer\n<</Size %d/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n" % (xref + 1, offsets[xref], start)
    return bytes(out)


def updated(data):
    """One earlier incremental update: the first page's contents again, with a table of its own."""
    text = b"BT /F1 12 Tf 50 700 Td (Pagina corregida) Tj ET"
    at = len(data)
    more = b"11 0 obj\n<</Length %d>>stream\n%s\nendstream\nendobj\n" % (len(text), text)
    previous = int(data.rsplit(b"startxref", 1)[1].split()[0])
    start = at + len(more)
    return (data + more + b"xref\n0 1\n0000000000 65535 f \n11 1\n%010d 00000 n \n" % at
            + b"trailer\n<</Size 14/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (previous, start))


def qpdf(source, target, *options):
    subprocess.run(["qpdf", "--deterministic-id", *options, str(source), str(target)], check=True)


def sound(folder):
    """{name: path} of documents to be sealed."""
    folder = Path(folder)
    base = objects()
    made = {
        "classic": classic(base),
        "classic-1.4": classic(base, version=b"1.4"),
        "pdf-2.0": classic(base, version=b"2.0"),
        "no-id": classic(base, doc_id=False),
        "crlf": classic(base, eol=b"\r\n", end=b"\r\n"),
        "leading-junk": classic(base, head=b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n"),
        "trailing-newlines": classic(base) + b"\n\n\n",
        "form": classic(objects(form=True)),
        "nested-pages": classic(objects(pages=40, nested=True)),
        "hybrid": hybrid(base),
        "updated": updated(classic(base)),
        "updated-twice": updated(updated(classic(base))),
    }
    paths = {}
    for name, data in made.items():
        paths[name] = folder / f"{name}.pdf"
        paths[name].write_bytes(data)
    shapes = {
        "stream-xref": ["--object-streams=generate"],
        "stream-xref-uncompressed": ["--object-streams=generate", "--compress-streams=n"],
        "linearised": ["--linearize"],
        "linearised-stream-xref": ["--linearize", "--object-streams=generate"],
        "qdf": ["--qdf", "--object-streams=disable"],
        "form-stream-xref": ["--object-streams=generate"],
    }
    for name, options in shapes.items():
        paths[name] = folder / f"{name}.pdf"
        qpdf(paths["form" if name.startswith("form") else "classic"], paths[name], *options)
    return paths


def refused(folder):
    """{name: path} of what must get a clear error and no output file."""
    folder, base = Path(folder), classic(objects())
    plain = folder / "plain-for-refusal.pdf"
    plain.write_bytes(base)
    made = {"empty": b"", "not-a-pdf": b"<html>" + bytes(5000), "truncated": base[:len(base) // 2],
            "header-only": b"%PDF-1.7\n", "no-root": base.replace(b"/Root 1 0 R", b"/Roof 1 0 R"),
            "broken-prev": updated(base).replace(b"/Prev ", b"/Prev 9", 1)}
    paths = {}
    for name, data in made.items():
        paths[name] = folder / f"{name}.pdf"
        paths[name].write_bytes(data)
    for name, options in {
        "encrypted-256": ["--encrypt", "secreto", "propietario", "256", "--"],
        "encrypted-128": ["--allow-weak-crypto", "--encrypt", "secreto", "propietario", "128", "--"],
        "encrypted-empty-password": ["--encrypt", "", "propietario", "256", "--modify=none", "--"],
    }.items():
        paths[name] = folder / f"{name}.pdf"
        subprocess.run(["qpdf", *options, str(plain), str(paths[name])], check=True)
    return paths
