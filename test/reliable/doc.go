// Package reliable proves what Sluice promises about desired state when things
// break, by counts: sluiced and ovs-vswitchd are killed again and again, in the
// midst of pushes and of traffic; switches do not answer, refuse, and go away in
// the midst of a push; and random sequences of all that end with what was asked
// for on the switch, and nothing else.
//
//   - TestKillSluiced: what was acknowledged is stored and on the switch, what was
//     refused is nowhere, what was in doubt is whole or not there at all, and the
//     history has no gaps.
//   - TestKillSwitch: flows, groups and meters come back by themselves, and not one
//     packet goes where it was not to go meanwhile.
//   - TestRestartUnderTraffic: not one packet is lost.
//   - TestBadSwitch: a clear error, the state told truly, other switches as ever.
//   - TestCutInBundle: what a push by bundle has brought is all there or not at all,
//     wherever its connection ends, and there in the end.
//   - TestRandom: desired = actual, compared by ovs-ofctl, and nothing more to send.
//
// Each has a short form, which is the default, and a long one, for which
// SLUICE_RELIABLE=long asks; docs/reliability.md has its results. Every test
// prints the seed of its random choices; SLUICE_SEED=N takes it again.
package reliable
