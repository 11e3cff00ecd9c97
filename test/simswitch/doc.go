// Package simswitch is an OpenFlow switch for tests: it connects to a
// controller, does the real handshake in OpenFlow 1.0, 1.1, 1.2 or 1.3, keeps
// real flow tables, and tells which packet left which port. It needs no root,
// no network namespace and no clock.
//
// It is made of three parts that stand on their own:
//
//   - Packet: a frame and its match fields, as a pure function of the bytes.
//   - Table: one flow table; adds, modifies, deletes, finds.
//   - Datapath: tables, ports, buffers and a clock that stands still until Tick;
//     messages in, messages and transmissions out, in the caller's goroutine.
//   - Switch: a Datapath behind an OpenFlow connection, with the faults that a
//     test asks for.
//
// # What is not simulated
//
// Meters count and let everything through; select groups take the first bucket
// that is live. The port NORMAL acts like FLOOD. MPLS and PBB tags can be matched (the
// label, not the I-SID) but not pushed or popped, and TTLs are not copied;
// such actions are kept and told in statistics, and leave the packet as it is.
// Queues are ignored: enqueue acts like output. Actions of experimenters that
// package ofp knows are kept and told, too, and leave the packet as it is.
//
// # Goroutines and memory
//
// A connected Switch has two goroutines, a reader and a writer; Close and
// Disconnect wait for both. Its methods may be called from any goroutine. What
// the controller makes the switch say is kept in a queue of at most 64 MiB; a
// switch whose controller reads slower than that closes the connection.
package simswitch
