"""Adds or deletes a flow through the gRPC API of sluiced.

    push.py add|delete SWITCH FLOW

The modules sluice.v1 are made from proto/ with protoc. Prints how many
changes the switch confirmed. When the call fails it prints the status, and each
of its details that is a FlowError, and exits with status 1.
"""
import sys

import grpc

from sluice.v1 import error_pb2, flow_pb2, flow_pb2_grpc


def details(error):
    """Yields the FlowErrors of a failed call.

    They are in the trailing metadata as a google.rpc.Status. Its field 3 is a
    list of google.protobuf.Any, which is all that is needed of it here.
    """
    from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

    pool = descriptor_pool.DescriptorPool()
    any_file = descriptor_pb2.FileDescriptorProto()
    any_pb2.DESCRIPTOR.CopyToProto(any_file)
    pool.Add(any_file)
    file = descriptor_pb2.FileDescriptorProto(
        name="status.proto", package="google.rpc", syntax="proto3",
        dependency=["google/protobuf/any.proto"])
    status = file.message_type.add(name="Status")
    status.field.add(name="details", number=3, label=3, type=11, type_name=".google.protobuf.Any")
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName("google.rpc.Status")
    if hasattr(message_factory, "GetMessageClass"):
        Status = message_factory.GetMessageClass(descriptor)
    else:
        Status = message_factory.MessageFactory(pool).GetPrototype(descriptor)

    for key, value in error.trailing_metadata():
        if key != "grpc-status-details-bin":
            continue
        for any_ in Status.FromString(value).details:
            if any_.type_url.endswith("/sluice.v1.FlowError"):
                yield error_pb2.FlowError.FromString(any_.value)


def main(verb, switch, flow):
    spec = flow_pb2.FlowSpec(text=flow)
    change = flow_pb2.FlowChange(**{verb: spec})
    with grpc.insecure_channel("127.0.0.1:8653") as channel:
        stub = flow_pb2_grpc.FlowServiceStub(channel)
        request = flow_pb2.WriteFlowsRequest(changes=[change])
        setattr(request, "switch", switch)
        try:
            answer = stub.WriteFlows(request, timeout=10)
        except grpc.RpcError as error:
            print(error.code().name, error.details())
            for d in details(error):
                print("flow", d.index, d.type, d.code)
            return 1
    print("confirmed", answer.confirmed)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
