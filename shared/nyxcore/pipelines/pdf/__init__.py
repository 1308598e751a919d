"""The pdf pipeline: prepare the page, let Chromium print it, give the link."""
