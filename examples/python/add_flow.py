#!/usr/bin/python3
"""Adds a flow to a switch through Sluice and lists what the switch then has.

    python3 add_flow.py br0 "priority=10,ip,nw_dst=10.0.0.2,actions=drop"

The modules sluice.v1.* come from the .proto files:

    python3 -m grpc_tools.protoc -I proto --python_out=DIR --grpc_python_out=DIR proto/sluice/v1/*.proto

with DIR on PYTHONPATH. The address of sluiced is SLUICE_ADDR, else 127.0.0.1:8653.
"""

import os
import sys

import grpc
from sluice.v1 import flow_pb2, flow_pb2_grpc

if len(sys.argv) != 3:
    sys.exit("usage: add_flow.py SWITCH FLOW")
switch, flow = sys.argv[1:]

with grpc.insecure_channel(os.environ.get("SLUICE_ADDR", "127.0.0.1:8653")) as channel:
    flows = flow_pb2_grpc.FlowServiceStub(channel)
    change = flow_pb2.FlowChange(add=flow_pb2.FlowSpec(text=flow))
    try:
        flows.WriteFlows(flow_pb2.WriteFlowsRequest(switch=switch, changes=[change]), timeout=10)
    except grpc.RpcError as err:
        sys.exit(f"{err.code().name}: {err.details()}")
    print("confirmed by the switch; it now has:")
    for part in flows.ListFlows(flow_pb2.ListFlowsRequest(switch=switch), timeout=10):
        for item in part.flows:
            print(" ", item.text)
