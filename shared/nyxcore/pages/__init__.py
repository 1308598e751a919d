"""The page that a report is printed from and read on: cover, contents, stylesheet and fonts around its Markdown."""
