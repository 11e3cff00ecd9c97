// Package hostile holds tests of sluiced, as it comes and with desired state, against
// clients and switches that do not behave: many writers of the same flows, a daemon
// that is ended in the midst of all they do, switches that lie.
//
// SLUICE_HOSTILE=long has more of everything. GOFLAGS=-race builds sluiced itself with
// the race detector; what it finds fails the tests.
package hostile
