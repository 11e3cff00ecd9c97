// Package ofp is OpenFlow itself: the messages, match fields, actions and
// instructions of OpenFlow 1.0, 1.1, 1.2 and 1.3, their wire form and their
// text form. It knows no socket, no clock and no logger, and uses the standard
// library only.
//
// # One model, four wire forms
//
// Each message is one struct, the same for all versions, with one method that
// walks its fields with a cursor. The cursor either reads or writes, with the
// version at hand, so encoding and decoding cannot drift apart. Where versions
// differ only in numbers, a table row holds the numbers; where a version cannot
// say something, encoding fails with an error for which errors.Is(err,
// ErrVersion) holds and whose text names what could not be said.
//
// Values are those of OpenFlow 1.3 unless a type says otherwise: ports have 32
// bits, "no port" is PortAny, and a VLAN identifier carries its present bit.
//
// # Memory
//
// Append* functions append to the caller's slice. Decoding into a struct reuses
// the slices that the struct already holds. Byte slices in a decoded message
// (packet data, error data, action values) alias the frame they were decoded
// from; a Match owns its bytes. Whoever keeps a message beyond the life of its
// frame must copy it with Clone.
//
// # Hostile input
//
// For any bytes, decoding ends without a panic, reads nothing beyond the frame,
// and allocates at most a small multiple of the frame's length. A length is
// compared with the bytes that are present before it is used. What is not
// modelled (an unknown experimenter, OXM field, action or statistics kind) is
// kept raw and encoded again unchanged.
package ofp
