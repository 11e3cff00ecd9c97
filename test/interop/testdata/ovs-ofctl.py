#!/usr/bin/python3
"""Prints, one a line in hexadecimal, the messages that ovs-ofctl sends for each
action, group, meter and request, in every version: the contents of
ofp/testdata/foreign/ovs.txt. Given ofp/testdata/ovs-matches.txt, it prints the
flow-mods of those matches: ovs-fields.txt. It plays the switch itself."""
import concurrent.futures, os, socket, struct, subprocess, sys, threading

ACTIONS = """resubmit:3|resubmit(,5)|resubmit(2,5)|resubmit(,5,ct)|set_tunnel:7|set_tunnel64:0x700000001|set_queue:3|pop_queue|note:01.02.03.04.05.06
move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31]|load:0x55->NXM_NX_REG2[0..15]|multipath(eth_src,50,modulo_n,5,0,NXM_NX_REG0[0..7])
bundle(eth_src,7,hrw,ofport,slaves:4,8)|bundle_load(eth_src,7,active_backup,ofport,NXM_NX_REG1[],slaves:4,8)|output:NXM_NX_REG0[0..15]|exit|dec_ttl
fin_timeout(idle_timeout=5,hard_timeout=9)|controller(reason=action,max_len=123,id=77)|controller(reason=no_match,max_len=12,id=5,userdata=01.02.03,pause)|dec_ttl(1,3)
learn(table=5,idle_timeout=10,priority=9,cookie=0x77,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[],load:5->NXM_NX_REG3[0..15])
learn(table=5,limit=9,result_dst=reg0[3],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])|push_mpls:0x8847|push:NXM_NX_REG0[]|pop:NXM_NX_REG1[]
sample(probability=12,collector_set_id=3,obs_domain_id=4,obs_point_id=5)|sample(probability=12,collector_set_id=3,obs_domain_id=4,obs_point_id=5,sampling_port=6)
sample(probability=12,collector_set_id=3,obs_domain_id=4,obs_point_id=5,sampling_port=6,egress)
ct(commit,zone=5,table=7,exec(load:0x5->NXM_NX_CT_MARK[]))|ct(commit,nat(src=10.0.0.1-10.0.0.9:80-90,random))|ct(zone=NXM_NX_REG0[0..15],nat)|ct(commit,force,alg=ftp)|ct_clear
output(port=5,max_len=100)|clone(output:3,resubmit(,4))|dec_nsh_ttl|encap(nsh(md_type=1))|encap(ethernet)|decap()|check_pkt_larger(100)->NXM_NX_REG0[5]
delete_field:tun_metadata3|write_metadata:0x55/0xff|output:3|controller:128|strip_vlan|mod_vlan_vid:5|mod_vlan_pcp:3|mod_dl_src:00:01:02:03:04:05|mod_dl_dst:00:01:02:03:04:06
push_vlan:0x8100|group:7|set_field:00:11:22:33:44:55->eth_src|set_field:0x5/0xff->reg5|goto_table:9|write_actions(output:4)|clear_actions|meter:6,output:1|all,local,in_port,flood|enqueue:3:7
conjunction(5,2/3)|debug_slow|debug_recirc|in_port""".replace("\n", "|").split("|")
MATCHED = {  # actions that need a match
    "ip": "dec_ttl|dec_ttl(1,3)|mod_nw_src:10.0.0.1|mod_nw_dst:10.0.0.2|mod_nw_tos:16|mod_nw_ecn:2|mod_nw_ttl:9|ct(commit,zone=5)|ct(commit,nat(src=10.0.0.1-10.0.0.9:80-90,random))|ct(zone=NXM_NX_REG0[0..15],nat)",
    "tcp": "fin_timeout(idle_timeout=5,hard_timeout=9)|mod_tp_src:80|mod_tp_dst:81",
    "mpls": "pop_mpls:0x0800|set_mpls_label:77|set_mpls_tc:3|set_mpls_ttl:9|dec_mpls_ttl",
    "dl_type=0x894f": "dec_nsh_ttl|decap()|load:5->nsh_c1[0..7]|output:nsh_c1[0..15]",
}
COMMANDS = """add-group group_id=5,type=all,bucket=output:3|add-group group_id=6,type=select,bucket=weight:5,output:3,bucket=weight:6,output:4
add-group group_id=7,type=indirect,bucket=output:3|add-group group_id=8,type=ff,bucket=watch_port:3,output:3|del-groups group_id=5|mod-group group_id=5,type=all,bucket=output:9
add-meter meter=5,kbps,burst,stats,band=type=drop,rate=100,burst_size=20|add-meter meter=6,pktps,band=type=dscp_remark,rate=9,prec_level=2|del-meter meter=5
mod-table 3 controller|del-flows table=3,ip,out_port=4|--strict del-flows ip,priority=9""".replace("\n", "|").split("|")
REPLIES = {"barrier": {1: (18, 19), 2: (20, 21), 3: (20, 21), 4: (20, 21)}}


class Switch:
    def __init__(self, version):
        self.version, self.frames = version, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, s):
        s.sendall(struct.pack("!BBHI", self.version, 0, 8, 1))
        data = b""
        barrier = REPLIES["barrier"][self.version]
        while True:
            chunk = s.recv(65536)
            if not chunk:
                return
            data += chunk
            while len(data) >= 8 and len(data) >= struct.unpack("!H", data[2:4])[0]:
                n = struct.unpack("!H", data[2:4])[0]
                frame, data = data[:n], data[n:]
                kind = frame[1]
                self.frames.append(frame)
                if kind == barrier[0]:
                    s.sendall(struct.pack("!BBH", self.version, barrier[1], 8) + frame[4:8])
                elif kind == 5:
                    s.sendall(struct.pack("!BBH", self.version, 6, 32) + frame[4:8] + bytes(24))


def main():
    print("# Sent by ovs-ofctl; made by test/interop/testdata/ovs-ofctl.py.")
    seen = set()
    for version in (1, 2, 3, 4):
        switch = Switch(version)
        lines = ["add-flow actions=" + a for a in ACTIONS]
        for match, actions in MATCHED.items():
            lines += ["add-flow %s,actions=%s" % (match, a) for a in actions.split("|")]
        lines[lines.index("add-flow actions=conjunction(5,2/3)")] = "add-flow ip,actions=conjunction(5,2/3)"
        for line in lines + COMMANDS:
            words = line.split(" ")
            at = 2 if words[0] == "--strict" else 1
            words[at:at] = ["tcp:127.0.0.1:%d" % switch.port]
            if words[at - 1] != "mod-table":
                words[at + 1:] = [" ".join(words[at + 1:])]
            subprocess.run(["ovs-ofctl", "-O", "OpenFlow1%d" % (version - 1), "--timeout=1", "--no-names"] + words, capture_output=True)
        for frame in switch.frames:
            key = frame[:4] + frame[8:]
            if key not in seen and frame[0] == version:
                seen.add(key)
                print(frame.hex())


def matches(file):
    """Prints the flow-mods of the matches in a file, in the versions that have them."""
    print("# Sent by ovs-ofctl; made by test/interop/testdata/ovs-ofctl.py %s." % os.path.relpath(file))
    texts = dict.fromkeys(line.split()[1].lstrip("-") for line in open(file) if not line.startswith("#"))
    texts = list(texts) + ["udp,tp_src=5", "udp,tp_dst=5", "sctp,tp_src=5", "sctp,tp_dst=5", "icmp6,icmp_type=1", "icmp6,icmp_type=1,icmp_code=1",
                           "arp,arp_spa=10.0.0.1", "arp,arp_tpa=10.0.0.1", "arp,arp_op=1", "metadata=5", "mpls,mpls_label=5", "mpls,mpls_tc=5"]
    for version in (1, 2, 3, 4):
        switch = Switch(version)
        def send(text):
            subprocess.run(["ovs-ofctl", "-O", "OpenFlow1%d" % (version - 1), "--timeout=2", "--no-names", "add-flow",
                            "tcp:127.0.0.1:%d" % switch.port, (text + "," if text else "") + "actions=drop"], capture_output=True)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(send, texts))
        mods = {frame[:4] + frame[8:] for frame in switch.frames
                if frame[0] == version and (frame[1] == 14 or frame[1] == 4 and frame[12:16] == b"\0\0\0\x0d")}
        for frame in sorted(mods):
            print((frame[:4] + bytes(4) + frame[4:]).hex())


if len(sys.argv) > 1:
    matches(sys.argv[1])
else:
    main()
