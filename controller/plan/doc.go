// Package plan works out how a switch gets from what it has to what it should
// have: pure functions from values to ordered messages. It knows no connection,
// no clock and no store.
//
// # Order
//
// A plan is a list of stages. The messages of one stage do not depend on each
// other, and the switch may carry them out in any order; where a stage depends on
// one before it, a barrier stands between them:
//
//  1. flows that go and overlap one that comes: their removal must not hit, nor
//     hide, the new one;
//  2. meters and groups that come or change, those that other groups use first;
//  3. flows that come or change;
//  4. other flows that go: so what takes their place is there before;
//  5. groups that go, those that use others first; and meters that go.
//
// # Identity
//
// A flow is what it is by table, priority and match, never by its cookie. A flow
// whose instructions alone differ is changed in place, and keeps its counters and
// its age; one whose cookie, flags or timeouts differ is added anew over the old
// one, which no version of OpenFlow up to 1.3 can say otherwise (section 6.4 of
// OpenFlow 1.3.5).
//
// # Unknown is not empty
//
// What a switch has is given by the caller, who must have read it whole: a plan
// made from half a reading would remove the other half.
package plan
