"""Write a small Excel workbook: a title above the header, dates, numbers, yes/no, and a sheet without cells."""

import zipfile
from pathlib import Path

WORKBOOK = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
    ' Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r='
    '"http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    '<sheet name="People" sheetId="1" r:id="r1"/><sheet name="Empty" sheetId="2" r:id="r2"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": "<Relationships xmlns="
    '"http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"'
    ' Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"'
    ' Target="worksheets/sheet2.xml"/>'
    '<Relationship Id="r3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"'
    ' Target="styles.xml"/></Relationships>',
    "xl/styles.xml": '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>',
    "xl/worksheets/sheet2.xml": '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData/></worksheet>",
    "xl/worksheets/sheet1.xml": '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>"
    '<row r="2"><c r="A2" t="inlineStr"><is><t>Contacts of May</t></is></c></row>'
    '<row r="4"><c r="A4" t="inlineStr"><is><t>id</t></is></c><c r="B4" t="inlineStr"><is><t>name</t></is></c>'
    '<c r="C4" t="inlineStr"><is><t>born</t></is></c><c r="D4" t="inlineStr"><is><t>spent</t></is></c>'
    '<c r="E4" t="inlineStr"><is><t>active</t></is></c><c r="F4" t="inlineStr"><is><t>seen</t></is></c></row>'
    '<row r="5"><c r="A5"><v>1</v></c><c r="B5" t="inlineStr"><is><t>Änne "A", B\nC</t></is></c>'
    '<c r="C5" s="1"><v>45351</v></c><c r="D5"><v>19.9</v></c><c r="E5" t="b"><v>1</v></c>'
    '<c r="F5" s="2"><v>45351.5</v></c></row>'
    '<row r="7"><c r="A7"><v>2</v></c><c r="D7"><v>100</v></c></row>'
    "</sheetData></worksheet>",
}


def write_workbook(path: Path) -> None:
    """Write a workbook with the sheets People and Empty."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in WORKBOOK.items():
            archive.writestr(name, text)
