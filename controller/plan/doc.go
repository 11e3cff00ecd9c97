// Package plan works out how a switch gets from what it has to what it should
// have: pure functions from values to ordered messages. It knows no connection,
// no clock and no store.
//
// # Order
//
// A plan is a list of stages. No message of a stage needs another one of it, so
// the switch takes all of them in any order; where a stage depends on one before it,
// a barrier stands between them:
//
//  1. flows that go and overlap one that comes: their removal must not hit, nor
//     hide, the new one;
//  2. meters and groups that come or change, those that other groups use first;
//  3. flows that come or change;
//  4. other flows that go: so what takes their place is there before;
//  5. groups that go, those that use others first; and meters that go.
//
// Within a stage flows come from the last table to the first, by falling priority,
// and go the other way round: a switch that carries messages out as they come, as
// Open vSwitch does, has at every moment a packet go as before the plan or as after
// it, in each table. So where a switch is restored no broad flow is there before the
// narrow ones that make exceptions from it. Stage 1 is the one gap: between its flows
// and those that come a packet may meet one of lower priority. A bundle closes it.
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
