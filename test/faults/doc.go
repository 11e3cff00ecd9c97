// Package faults holds the tests of what the controller promises when
// connections break: every fault of test/faultproxy, and some together, against
// the handshake, a bulk push, long statistics and an idle connection; on
// simulated switches, in plain text and over TLS, and many of them on Open vSwitch.
// Over TLS what would change the stream ends the connection, so that all that holds
// on TCP holds under every fault (tls_test.go). What is promised under
// which fault, docs/reliability.md says; promises_test.go is the same as code.
//
// SLUICE_FAULTS=long runs all versions, and each case with several seeds.
package faults
