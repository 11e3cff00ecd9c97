package e2e

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/sluice-sdn/sluice/test/need"
)

// python is Debian's, which has Debian's modules.
const python = "/usr/bin/python3"

// TestForeignClient pushes flows from Python, with stubs made from our proto
// files by another generator and another implementation of gRPC.
func TestForeignClient(t *testing.T) {
	t.Parallel()
	requireProgram(t, python, "python3")
	requireProgram(t, "protoc", "protobuf-compiler")
	// The generator in Debian's python3-grpc-tools is older than optional fields.
	requireProgram(t, "grpc_python_plugin", "protobuf-compiler-grpc")
	if out, err := exec.Command(python, "-c", "import grpc, google.protobuf").CombinedOutput(); err != nil {
		need.Missing(t, "Python has no gRPC (Debian: python3-grpcio): "+string(out))
	}
	l := newLab(t, "--apps", "l2switch")
	l.expected = []string{"OFPBAC_BAD_OUT_GROUP"}
	l.bridge("br0", 1, "OpenFlow13")
	h := l.hosts("br0", 1, 2)
	l.ready(heal, "br0")
	l.reaches(t, h[0], h[1])

	stubs := t.TempDir()
	plugin, err := exec.LookPath("grpc_python_plugin")
	l.check(err)
	args := []string{"protoc", "-I", "../../proto", "--python_out", stubs,
		"--plugin=protoc-gen-grpc_python=" + plugin, "--grpc_python_out", stubs}
	files, err := os.ReadDir("../../proto/sluice/v1")
	l.check(err)
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".proto") {
			args = append(args, "sluice/v1/"+f.Name())
		}
	}
	_, err = l.Run(t.Context(), args...)
	l.check(err)
	push := func(args ...string) (string, error) {
		return l.Run(t.Context(), append([]string{"env", "PYTHONPATH=" + stubs, "PYTHONDONTWRITEBYTECODE=1", python, "testdata/push.py"}, args...)...)
	}

	const match = "priority=60000,icmp,nw_src=10.0.1.1"
	if out, err := push("add", "br0", match+",actions=drop"); err != nil || out != "confirmed 1\n" {
		t.Errorf("push.py add: %v: %q", err, out)
	}
	l.blocked(t, h[0], h[1])
	if out, err := push("delete_strict", "br0", match); err != nil || out != "confirmed 1\n" {
		t.Errorf("push.py delete_strict: %v: %q", err, out)
	}
	l.reaches(t, h[0], h[1])

	out, err := push("add", "br0", "actions=group:77")
	if err == nil || !strings.HasPrefix(out, "FAILED_PRECONDITION ") || !strings.HasSuffix(out, "\nflow 0 OFPET_BAD_ACTION OFPBAC_BAD_OUT_GROUP\n") {
		t.Errorf("push.py of a bad group: %v: %q", err, out)
	}
}

// TestReflection asks the server what it serves, as grpcurl does.
func TestReflection(t *testing.T) {
	t.Parallel()
	l := newLab(t, "--apps", "none")
	stream, err := reflection.NewServerReflectionClient(l.conn).ServerReflectionInfo(l.within(heal))
	l.check(err)
	l.check(stream.Send(&reflection.ServerReflectionRequest{MessageRequest: &reflection.ServerReflectionRequest_ListServices{}}))
	resp, err := stream.Recv()
	l.check(err)
	l.check(stream.CloseSend())
	var names []string
	for _, s := range resp.GetListServicesResponse().GetService() {
		names = append(names, s.Name)
	}
	for _, want := range []string{"sluice.v1.FlowService", "sluice.v1.PacketService", "sluice.v1.SwitchService", "grpc.health.v1.Health"} {
		if !slices.Contains(names, want) {
			t.Errorf("services are %q, without %s", names, want)
		}
	}
}
