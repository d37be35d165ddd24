"""Expands template.yaml as CloudFormation's SAM transform would, and prints the result as JSON.

cfn-lint does not expand SAM any more, and without that it does not see what the resources really become.
Usage: expand_template.py TEMPLATE
"""

import json
import sys

from cfnlint.decode.cfn_yaml import load
from samtranslator.translator.transform import transform

# A package that `sam deploy` would have uploaded: the transform wants an address, and nothing here reads it.
FAKE_PACKAGE = "s3://bucket/key"


class NoManagedPolicies:
    """Stands in for the list of AWS's managed policies: our roles use none, and a lookup should fail loudly."""

    def load(self):
        return {}


def plain(node):
    """cfn-lint's nodes remember their lines; the transform and json want plain values."""
    if isinstance(node, dict):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    if isinstance(node, str):
        return str(node)
    return node


def main(path):
    template = plain(load(path))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = FAKE_PACKAGE
    expanded = transform(template, {}, NoManagedPolicies())
    # The transform writes the condition of a route at each level of the route, which the linter takes for a mistake.
    for resource in expanded["Resources"].values():
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            resource["Metadata"] = {"cfn-lint": {"config": {"ignore_checks": ["W1028"]}}}
    json.dump(expanded, sys.stdout, indent=2, sort_keys=False)


if __name__ == "__main__":
    main(sys.argv[1])
