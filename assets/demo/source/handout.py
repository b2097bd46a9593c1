"""Writes the demo course's handout as a Word document: python3 source/handout.py handout.docx"""
import sys
import zipfile
from xml.sax.saxutils import escape

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def paragraph(text, style=None, page_break=False):
    p = "<w:p>"
    if style or page_break:
        p += "<w:pPr>"
        p += f'<w:pStyle w:val="{style}"/>' if style else ""
        p += "<w:pageBreakBefore/>" if page_break else ""
        p += "</w:pPr>"
    for i, part in enumerate(text.split("**")):
        bold = "<w:rPr><w:b/></w:rPr>" if i % 2 else ""
        p += f'<w:r>{bold}<w:t xml:space="preserve">{escape(part)}</w:t></w:r>'
    return p + "</w:p>"


def table(rows):
    borders = "".join(f'<w:{s} w:val="single" w:sz="4" w:color="808080"/>' for s in ("top", "left", "bottom", "right", "insideH", "insideV"))
    t = f'<w:tbl><w:tblPr><w:tblW w:w="5000" w:type="pct"/><w:tblBorders>{borders}</w:tblBorders></w:tblPr>'
    t += "<w:tblGrid>" + "<w:gridCol/>" * len(rows[0]) + "</w:tblGrid>"
    for row in rows:
        t += "<w:tr>" + "".join(f"<w:tc><w:tcPr/>{paragraph(c)}</w:tc>" for c in row) + "</w:tr>"
    return t + "</w:tbl>" + paragraph("")


def body(source):
    out, rows, first = [], [], True
    for line in source.strip().split("\n") + [""]:
        if line.startswith("|"):
            rows.append([c.strip() for c in line.strip("|").split("|")])
            continue
        if rows:
            out.append(table(rows))
            rows = []
        if line.startswith("# "):
            out.append(paragraph(line[2:], "Title"))
        elif line.startswith("## "):
            out.append(paragraph(line[3:], "Heading1", page_break=not first))
            first = False
        elif line.startswith("### "):
            out.append(paragraph(line[4:], "Heading2"))
        elif line.startswith("- "):
            out.append(paragraph(line[2:], "ListBullet"))
        elif line:
            out.append(paragraph(line))
    return "".join(out)


def style(sid, name, size, bold=True, before=240, after=120, outline=None):
    level = f'<w:outlineLvl w:val="{outline}"/>' if outline is not None else ""
    weight = "<w:b/>" if bold else ""
    return (f'<w:style w:type="paragraph" w:styleId="{sid}"><w:name w:val="{name}"/><w:basedOn w:val="Normal"/>'
            f'<w:pPr><w:spacing w:before="{before}" w:after="{after}"/>{level}</w:pPr><w:rPr>{weight}<w:sz w:val="{size}"/></w:rPr></w:style>')


STYLES = (f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:styles {W}>'
          '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:pPr><w:spacing w:after="140" w:line="288" w:lineRule="auto"/></w:pPr>'
          '<w:rPr><w:rFonts w:ascii="Calibri" w:hAnsi="Calibri"/><w:sz w:val="23"/></w:rPr></w:style>'
          + style("Title", "Title", 48, before=0, after=240) + style("Heading1", "heading 1", 32, outline=0)
          + style("Heading2", "heading 2", 26, outline=1) + style("ListBullet", "List Bullet", 23, bold=False, before=0, after=80) + "</w:styles>")

TYPES = ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
         '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
         '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>'
         '<Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/></Types>')
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELS = ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="{}" Target="{}"/></Relationships>')

with open(__file__.replace(".py", ".txt"), encoding="utf-8") as f:
    content = body(f.read())
document = (f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document {W}><w:body>{content}'
            '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1418" w:right="1304" w:bottom="1304" w:left="1304"/></w:sectPr></w:body></w:document>')
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
    for name, data in (("[Content_Types].xml", TYPES), ("_rels/.rels", RELS.format(REL + "/officeDocument", "word/document.xml")),
                       ("word/document.xml", document), ("word/styles.xml", STYLES),
                       ("word/_rels/document.xml.rels", RELS.format(REL + "/styles", "styles.xml"))):
        z.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
