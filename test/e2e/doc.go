// Package e2e holds the end-to-end tests: the real sluiced and sluice, and real
// Open vSwitch bridges with hosts behind them.
//
// A test that leaves an error in the controller's log, or an OpenFlow error that
// it did not name as expected, fails at its end, whatever it looked at itself.
package e2e
