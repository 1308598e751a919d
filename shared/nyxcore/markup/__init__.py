"""Markdown to safe HTML: parsed as CommonMark with GFM's extensions, sanitised by an allow-list, in bounded time."""
