// Package record writes down what switches and the controller say to each other,
// as a capture that Wireshark, tcpdump and `sluice ofp-print` read, and that
// `sluice replay` plays to a controller again.
//
// # What is written
//
// The bytes of OpenFlow as the controller reads and writes them, so after
// decryption, in packets made for the purpose: Ethernet, IP and TCP with correct
// numbers and checksums, between the real addresses of both sides. The port of
// the controller's side is 6653 always, because that is where dissectors look for
// OpenFlow; where it is another in truth, a comment says so, and so do comments
// who a switch is, why a connection ended, and what was left out. A packet holds
// whole messages, as long as what is said is OpenFlow.
//
// # Files
//
// Config.Path is the file that is being written; when it is full it becomes
// Path.1, and what was Path.1 becomes Path.2, up to Config.Files of them. The
// files of an earlier run are moved in the same way. Each can be read without
// the others: a connection that goes on in the next file begins there anew, with
// its handshake repeated, and with a comment that says so. A file holds whole
// packets whenever the process ends, however it ends. Only its owner may read it:
// it holds what the users of the network send.
//
// # Bounds
//
//   - Queue: Config.Queue bytes wait to be written. When more would, a connection's
//     bytes are left out, of both directions and up to the start of a message, and
//     counted; it is then continued as a new TCP connection, with a comment that
//     says how much is missing. A connection that begins while the queue is full is
//     left out altogether. No switch ever waits for the disk.
//   - A second passes at most, if the disk keeps up, between what is said and the
//     write of it.
//   - The disk: Config.Files files of Config.Size bytes. When it is full, or a
//     write fails, the file is cut to its last whole packet and the recording
//     pauses: what is said is left out and counted, and a line is logged. It tries
//     again after 10 seconds, later at longer intervals, up to 10 minutes.
//   - Handshakes: 64 KiB a connection and 64 MiB of all; one that is longer is not
//     repeated.
//
// # Goroutines and locks
//
// Run is the only goroutine that touches files; its caller owns it. Those who
// speak on connections copy into the queue under Recorder.mu, which is a leaf.
package record
