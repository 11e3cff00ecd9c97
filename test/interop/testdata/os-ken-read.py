#!/usr/bin/python3
"""Reads OpenFlow messages, one a line in hexadecimal, with os-ken, and prints for
each one line of JSON: the class that it takes the message for, what the message
says, and, where os-ken can write it, the message written again."""
import json, logging, signal, sys

logging.disable(logging.CRITICAL)
from os_ken.ofproto import ofproto_parser, ofproto_protocol
import os_ken.ofproto.ofproto_v1_0_parser, os_ken.ofproto.ofproto_v1_2_parser, os_ken.ofproto.ofproto_v1_3_parser


def read(frame):
    version, kind, length, xid = ofproto_parser.header(frame)
    m = ofproto_parser.msg(ofproto_protocol.ProtocolDesc(version=version), version, kind, length, xid, frame)
    if m is None:
        return {"error": "unread"}
    (name, body), = m.to_jsondict().items()
    says = {"class": name, "says": body}
    if type(m)._serialize_body is not ofproto_parser.MsgBase._serialize_body:
        try:
            m.serialize()
            says["again"] = m.buf.hex()
        except Exception as e:
            says["error"] = "unwritten: " + repr(e)
    return says


def hangs(*_):
    raise TimeoutError("os-ken loops")


signal.signal(signal.SIGALRM, hangs)
for line in sys.stdin:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        says = read(bytes.fromhex(line))
    except Exception as e:
        says = {"error": repr(e)}
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps(says, default=lambda x: None))
