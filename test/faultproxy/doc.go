// Package faultproxy stands between OpenFlow switches and their controller and
// breaks the connection in ways that a test asks for: it delays, throttles,
// splits, loses, duplicates, reorders and corrupts what passes, and it ends
// connections in every way that TCP knows.
//
// # Faults
//
// A Fault is of one Kind, acts on what goes up (switch to controller), down or
// both, and only in its window: after so many bytes or messages have passed in
// that direction, after some time, on some connections. Help explains the text
// form that Parse reads. Set changes the faults of a running proxy, also on
// connections that exist; what follows "after" is counted anew then.
//
// A message is one OpenFlow frame. A stream that does not look like OpenFlow,
// such as TLS, is handed on as it comes, each piece that was read for a message,
// and its lengths are not corrupted. A segment is a piece of a message.
//
// Faults of one message act in the order of their kinds: an end or a loss
// first, then corruption, duplication and reordering, then delay, throttle and
// split.
//
// # Promises
//
// What happens to the nth message of a direction of the nth connection depends
// on Config.Seed alone and not on timing, except where a window is given in
// time or begins with Set. Bytes that no fault is about pass in order and unchanged, and so do
// the ends of a connection: an end of one direction (FIN), and a reset.
//
// A connection has two goroutines a direction, a reader and a writer, which end
// with it; Close ends and awaits everything. A direction holds at most 512 KiB
// (what is read, what waits for its time, and one message that waits to change
// places); when that is full nothing is read, so that TCP slows the sender down.
package faultproxy
