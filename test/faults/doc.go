// Package faults holds the tests of what the controller promises when
// connections break: every fault of test/faultproxy, and some together, against
// the handshake, a bulk push, long statistics and an idle connection; on
// simulated switches, and many of them on Open vSwitch. What is promised under
// which fault, docs/reliability.md says; promises_test.go is the same as code.
//
// SLUICE_FAULTS=long runs all versions, and each case with several seeds.
package faults
