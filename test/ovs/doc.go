// Package ovs runs a private Open vSwitch with hosts behind it, for tests and
// for the demonstration.
//
// Everything happens in network namespaces that the package makes and names
// after the running process, sluice-PID-N: one for the switch, its database and
// the controller, and one more a host. The switch's files are in a temporary
// folder of the same name. The machine's own Open vSwitch, interfaces and
// addresses are never touched, and several networks, also of several processes,
// stand side by side.
//
// A bridge and its controller meet on 127.0.0.1 of the switch's namespace: run
// the controller there with [Net.Go] on its usual ports, and reach it from the
// test with [Net.Dial], or with a program that [Net.Run] starts.
//
// A guard process takes everything away: processes, namespaces and files. It
// waits for the end of a pipe that this process holds, so it works when
// [Net.Stop] is called and just as well when the process panics, is
// interrupted, or is killed. It ends only what runs in the namespaces of its
// own network.
//
// All of it needs root. [Require] skips a test where that, or Open vSwitch, is
// missing, and says so; with SLUICE_REQUIRE_OVS=1 in the environment it fails the test
// instead.
package ovs
