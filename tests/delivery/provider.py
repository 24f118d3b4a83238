"""Stands in for Terraform's AWS provider, which no package registry has.

Names, types and required arguments are the real ones: they are read off the classes that cdktf generates from the
provider's schema. What the provider itself checks beyond its schema is not. Only what delivery needs can be applied, by
boto3 at AWS_ENDPOINT_URL; anything else is an error.
"""

import json
import re
import sys
from pathlib import Path

import boto3
import tf.provider
import tf.runner
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.types import Unknown
from tf.utils import read_dynamic_value, to_dynamic_value

ENTRY = re.compile(
    r'(\w+): \{\s+value: (.+),\s+isBlock: (true|false),\s+type: "(\w+)",\s+storageClassType: "(\w+)",'
)
# Set by the provider where the configuration leaves them out, although cdktf takes them for plain options.
ALSO_COMPUTED = {"arn", "id", "region", "tags_all"}
SIMPLE = {"string": "string", "number": "number", "boolean": "bool"}


class Source:
    """One resource type's generated class, as JavaScript and as TypeScript declarations."""

    def __init__(self, folder: Path):
        self.code = (folder / "index.js").read_text()
        self.types = (folder / "index.d.ts").read_text()

    def schema(self) -> pb.Schema:
        body = re.search(r"synthesizeHclAttributes\(\) \{\s+const attrs = \{(.*?)\n        \};", self.code, re.S)
        config = re.search(r"interface (\w+Config) ", self.types)
        block = self.block(body[1], config[1])
        last_class = self.code[self.code.rindex("extends cdktf.Terraform") :]
        known = {attribute.name for attribute in block.attributes} | {b.type_name for b in block.block_types}
        for kind, name in re.findall(r"this\.get(String|Number|Boolean)Attribute\('(\w+)'\)", last_class):
            if name not in known:
                tf_type = json.dumps(SIMPLE[kind.lower()]).encode()
                block.attributes.append(pb.Schema.Attribute(name=name, type=tf_type, computed=True))
        return pb.Schema(version=0, block=block)

    def block(self, body: str, interface: str) -> pb.Schema.Block:
        start = re.search(rf"interface {interface}\b[^{{]*\{{", self.types).end()
        # The end of the interface is the first brace at the beginning of a line.
        members = self.types[start : self.types.index("\n}", start)]
        required = set(re.findall(r"readonly (\w+):", members))
        block = pb.Schema.Block()
        for name, value, is_block, kind, storage in ENTRY.findall(body):
            member = re.search(r"(?:struct\.|this\._)(\w+)", value)[1]
            if is_block == "true":
                block.block_types.append(self.nested(name, value, kind, member in required))
            else:
                block.attributes.append(self.attribute(name, kind, storage, member in required))
        return block

    def nested(self, name: str, value: str, kind: str, required: bool) -> pb.Schema.NestedBlock:
        function = next(f for f in re.findall(r"(\w+)ToHclTerraform", value) if f not in ("string", "number"))
        pattern = rf"function {function}ToHclTerraform\(struct\) \{{.*?const attrs = \{{(.*?)\n    \}};"
        body = re.search(pattern, self.code, re.S)
        nesting = pb.Schema.NestedBlock
        return nesting(
            type_name=name,
            block=self.block(body[1], function[0].upper() + function[1:]),
            nesting={"struct": nesting.SINGLE, "list": nesting.LIST, "set": nesting.SET}[kind],
            min_items=int(required and kind != "struct"),
            max_items=0 if "Mapper" in value or kind == "struct" else 1,
        )

    @staticmethod
    def attribute(name: str, kind: str, storage: str, required: bool) -> pb.Schema.Attribute:
        element = SIMPLE[storage.removesuffix("List").removesuffix("Map")]
        tf_type = json.dumps(element if kind == "simple" else [kind, element]).encode()
        computed = not required and name in ALSO_COMPUTED
        return pb.Schema.Attribute(name=name, type=tf_type, required=required, optional=not required, computed=computed)


def make_stream(kinesis, plan: dict) -> dict:
    mode = plan["stream_mode_details"][0]["stream_mode"]
    size = {"ShardCount": int(plan["shard_count"])} if mode == "PROVISIONED" else {}
    kinesis.create_stream(StreamName=plan["name"], StreamModeDetails={"StreamMode": mode}, **size)
    kinesis.get_waiter("stream_exists").wait(StreamName=plan["name"], WaiterConfig={"Delay": 1})
    arn = kinesis.describe_stream_summary(StreamName=plan["name"])["StreamDescriptionSummary"]["StreamARN"]
    return {"arn": arn, "id": arn}


def make_role(iam, plan: dict) -> dict:
    role = iam.create_role(
        RoleName=plan["name"],
        AssumeRolePolicyDocument=plan["assume_role_policy"],
        MaxSessionDuration=int(plan["max_session_duration"]),
    )["Role"]
    return {"arn": role["Arn"], "id": role["RoleName"], "unique_id": role["RoleId"]}


def make_policy(iam, plan: dict) -> dict:
    policy = iam.create_policy(PolicyName=plan["name"], PolicyDocument=plan["policy"])["Policy"]
    return {"arn": policy["Arn"], "id": policy["Arn"], "policy_id": policy["PolicyId"]}


def attach_policy(iam, plan: dict) -> dict:
    iam.attach_role_policy(RoleName=plan["role"], PolicyArn=plan["policy_arn"])
    return {"id": f"{plan['role']}-{plan['policy_arn']}"}


MAKERS = {
    "aws_kinesis_stream": ("kinesis", make_stream),
    "aws_iam_role": ("iam", make_role),
    "aws_iam_policy": ("iam", make_policy),
    "aws_iam_role_policy_attachment": ("iam", attach_policy),
}


class Aws(rpc.ProviderServicer):
    """The provider: state is what was planned, with what making it told."""

    def __init__(self, folder: Path):
        self.schemas = {}
        for source in folder.iterdir():
            if (source / "index.js").exists() and source.name != "provider":
                self.schemas["aws_" + source.name.replace("-", "_")] = Source(source).schema()
        self.provider = Source(folder / "provider").schema()
        self.region = None

    def full_name(self) -> str:
        return "registry.terraform.io/hashicorp/aws"

    def GetMetadata(self, request, context):
        return pb.GetMetadata.Response(resources=[pb.GetMetadata.ResourceMetadata(type_name=n) for n in self.schemas])

    def GetProviderSchema(self, request, context):
        return pb.GetProviderSchema.Response(provider=self.provider, resource_schemas=self.schemas)

    def ValidateProviderConfig(self, request, context):
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request, context):
        return pb.ValidateResourceConfig.Response()

    def ConfigureProvider(self, request, context):
        self.region = read_dynamic_value(request.config)["region"]
        return pb.ConfigureProvider.Response()

    def UpgradeResourceState(self, request, context):
        state = to_dynamic_value(json.loads(request.raw_state.json))
        return pb.UpgradeResourceState.Response(upgraded_state=state)

    def ReadResource(self, request, context):
        return pb.ReadResource.Response(new_state=request.current_state)

    def PlanResourceChange(self, request, context):
        planned = read_dynamic_value(request.proposed_new_state)
        if planned is not None and read_dynamic_value(request.prior_state) is None:
            for attribute in self.schemas[request.type_name].block.attributes:
                if attribute.computed and planned[attribute.name] is None:
                    planned[attribute.name] = Unknown
        return pb.PlanResourceChange.Response(planned_state=to_dynamic_value(planned))

    def ApplyResourceChange(self, request, context):
        plan = read_dynamic_value(request.planned_state)
        if request.type_name not in MAKERS or plan is None or read_dynamic_value(request.prior_state) is not None:
            fault = pb.Diagnostic(severity=pb.Diagnostic.ERROR, summary=f"{request.type_name}: cannot be done here")
            return pb.ApplyResourceChange.Response(diagnostics=[fault])
        service, make = MAKERS[request.type_name]
        made = make(boto3.client(service, region_name=self.region), plan)
        state = {name: None if value is Unknown else value for name, value in (plan | made).items()}
        return pb.ApplyResourceChange.Response(new_state=to_dynamic_value(state))

    def StopProvider(self, request, context):
        return pb.StopProvider.Response()


if __name__ == "__main__":
    tf.provider.ProviderServicer = lambda provider: provider
    tf.runner.run_provider(Aws(Path(sys.argv[1])), sys.argv[:1])
