"""The report on an auto-fix run, a module a style."""
