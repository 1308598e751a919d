"""Projects and repositories of the stack, as commands find or make them for a folder."""

from __future__ import annotations

from pathlib import Path

from nyx.api import Api, Json


def project_named(api: Api, name: str) -> Json:
    """The project of this name: that of an earlier run, or a new one."""
    found = next((project for project in api.items("/projects") if project["name"] == name), None)
    return found if found is not None else api.post("/projects", {"name": name})


def repository_at(api: Api, path: Path, project: str | None = None) -> Json:
    """The repository of this folder: the one of an earlier run, so that what is known of it is used again.

    `project` names the project that it belongs to; the folder's name does without it.
    """
    name = path.name or "root"
    repositories = f"/projects/{project_named(api, project or name)['id']}/repositories"
    for repository in api.items(repositories):
        if repository["source"] == "path" and repository["path"] == str(path):
            return repository
    return api.post(repositories, {"source": "path", "name": name, "path": str(path)})
