"""Print job to PDF: one Chromium over a pipe, mermaid in a page of its own. Nothing but Python's standard library.

`printer.Printer` is the way in. The print job, a JSON document that `nyxcore.pages` makes, is described in `job`.
"""
