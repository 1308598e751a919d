"""Run by the Python that has SAM: translates template.yaml to the CloudFormation that would be deployed.

Usage: `.build/sam/bin/python translate_with_sam.py TEMPLATE`; JSON on stdout, `{parameters, resources, nested}`: the
parameters, the resources after SAM's translation, and those of every template that it nests, by file name. No network
and no account: code and definitions are named by S3 addresses that nobody reads; managed policies are not looked up.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]
from samtranslator.translator.transform import transform  # type: ignore[import-not-found]

UPLOADED = "s3://bucket/key"


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def translate(path: Path) -> dict[str, Any]:
    """Resources of the template after SAM's translation."""
    template = yaml_parse(path.read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for name in ("CodeUri", "ContentUri", "DefinitionUri"):
            if isinstance(properties.get(name), str):
                properties[name] = UPLOADED
    template["Globals"]["Function"]["CodeUri"] = UPLOADED
    resources: dict[str, Any] = transform(template, {}, _NoManagedPolicies())["Resources"]
    return resources


def nested(template: Path, resources: dict[str, Any]) -> dict[str, Any]:
    """Resources of the plain CloudFormation templates that it nests, by file name without suffix."""
    paths = [
        template.parent / resource["Properties"]["TemplateURL"]
        for resource in resources.values()
        if resource["Type"] == "AWS::CloudFormation::Stack"
    ]
    return {path.stem: yaml_parse(path.read_text(encoding="utf-8"))["Resources"] for path in paths}


if __name__ == "__main__":
    source = Path(sys.argv[1])
    translated = translate(source)
    parameters = yaml_parse(source.read_text(encoding="utf-8"))["Parameters"]
    stack = {"parameters": parameters, "resources": translated, "nested": nested(source, translated)}
    json.dump(stack, sys.stdout, default=str)
