// Package channel is one OpenFlow connection to a switch: negotiation and
// handshake, framing, liveness, the outbox, and replies matched to requests; and
// where connections come from, over TCP, TLS and unix sockets. It is the only
// code that touches a switch's socket. What the messages mean to the controller
// is left to the Handler.
//
// # Order
//
// What one goroutine does leaves in the order in which it does it:
//
//   - Messages given to Send, by whomever, are one stream, in the order of the
//     calls. Those given to SendSoon join it in their own order, when they are
//     flushed.
//   - The messages of a Write leave in their order, after what was given to Send
//     before it. When Write returns, none of them is waiting any more.
//   - A Request, a barrier above all, leaves after what was given to Send before.
//
// Between these sources there is no order: each Write and the stream of Send take
// turns of 16 KiB (deficit round robin by bytes), and the Requests that wait for
// nothing go before them. In front of everything go echoes, the errors that answer a
// switch's own messages, and requests for a role. Who has given nothing to Send says
// so with Apart, and waits for no stream. Events (packet-ins, port status,
// flow-removed, errors that nobody claims, what a flow monitor tells of others'
// changes) reach the Handler in the order in which the switch sent them. Replies go
// straight to those who wait for them, and may overtake events.
//
// # Liveness
//
// A switch that says nothing for Config.EchoInterval is asked for an echo, and is
// given up after Config.EchoMisses of them and one interval more: after 20 s of
// silence by default. Whatever it says is a sign of life. Many switches do all in
// order, and answer an echo only after the flows that came before it, of which
// thousands may wait in their buffers. So a Write has a barrier after each 32
// messages at first, and after as many as the switch does in a second, up to
// 1,000, once its replies show how fast it is: a switch that takes 2 flows a second
// or more is heard in time. What is given to Send has no barriers; there the echo
// alone counts.
//
// # Goroutines
//
// Conn.Run starts and awaits them all; the goroutine that calls Run is the
// reader.
//
//   - The reader awaits the TLS handshake and then OpenFlow's, which go deep, in a
//     goroutine whose stack is not kept; it reads chunks, cuts frames, answers echoes, settles replies and
//     errors by xid, and puts the events of a chunk into the inbox in one step. It
//     runs no handler that may wait, so that a handler may wait for a reply: a lone
//     packet-in of which a PromptHandler says that it will wait for nothing is handled
//     by the reader in the dispatcher's place, if that has nothing to do. Its read
//     deadline is also the liveness clock.
//   - The writer takes what the outbox holds and writes it in one go. It alone
//     writes to the socket, but for the answer to a lone event
//     while the writer has nothing in hand (atonce.go): that the dispatcher
//     writes itself, as far as the socket takes it at once, and the writer waits
//     until it has. There is none while an idle connection has nothing to
//     write: the outbox starts one. What is pending at the end the reader writes,
//     and then it closes the socket.
//   - The dispatcher, started when the handshake is done, calls Handler.Up, then
//     Handler.Events for each batch. It marks the outbox as held while a batch
//     runs, so that the batch is written at once. There is none while an idle
//     connection has no events: the inbox starts one. The reader calls
//     Handler.Down when the last one has ended.
//
// A connection is idle from the first silent Config.EchoInterval on, for the
// writer until an app sends, and for the dispatcher until an event comes; and
// before the first one comes.
//
// # Turns
//
// Connections share the processors. A reader that has read 16 KiB while others
// have little to say, or 1 MiB, lets the runtime look at the network before it
// reads again (turn.go): so a switch that storms delays every other one by its turn, rather
// than by as much as it has to say. A dispatcher whose handler took longer than a
// millisecond for a batch does the same between slices of later ones (slice.go).
//
// # Locks
//
// outbox.mu, inbox.mu, replies.mu, role.mu, taps.mu, Tap.mu, turnstile.mu and
// TLS.mu are leaves: none is held while another is taken, nor while a handler, a
// socket or a channel that may block is used.
//
// # Bounds
//
//   - Inbox: two chunks of at most 64 KiB. When it is full the reader waits half
//     a second, so that TCP slows the switch down, or 10 ms if somebody waits for
//     a reply; if the dispatcher still does not come, it is overload, until the
//     dispatcher has caught up: what comes is kept aside in order, packet-ins of
//     each class up to 16 KiB, or one that is longer, and state events up to
//     1 MiB. Packet-ins beyond that are dropped and counted by class, and after
//     512 KiB of dropping the reader waits 50 ms at most; for state events it
//     waits a second, and then ends the connection: the switch comes back and is
//     described anew. That time does not count as the peer's silence.
//   - Packet-ins: Config.PacketInLimits, by class, before the inbox.
//   - Outbox: the stream of Send holds Config.HighWater bytes; over that
//     packet-outs are refused, and everything at twice as many. The dispatcher
//     waits 200 ms for room between batches from 128 KiB on. Writes hold
//     Config.MaxWriteBytes together, 64 KiB each beyond that, and
//     Config.MaxRequests in number; see Config.MaxWriteBytes for who waits.
//     Answers wait up to 64 KiB, and are dropped and counted beyond; requests are
//     bounded by their number. An urgent message waits for the slice that is being
//     written: 16 KiB while somebody Writes, 64 KiB otherwise.
//   - Bundles: one at a time, of MaxBundle messages and MaxBundleBytes at most;
//     who comes meanwhile waits for the turn.
//   - Replies: Config.MaxRequests in flight and one probe, Config.MaxReplyBytes
//     each and Config.MaxRepliesBytes together, and a deadline each. One that is
//     longer fails with ErrTooLong, and the rest of it is thrown away.
//   - Taps: 16 a connection, 1 MiB of messages each; what a slow listener misses
//     is counted for it, and nobody waits for it. Where nobody listens a tap
//     costs the reader and the writer one load of a pointer for each chunk.
//   - Recorder: it may not wait, and has bounds of its own. Where nobody records
//     that costs one comparison for each chunk.
//   - TLS handshakes compute on half of the processors at once; the others wait,
//     each for its own HelloTimeout at most.
//   - An idle connection holds no buffers, and a reader that waits has none, unless
//     a part of a message has come: it takes one when there is something to read.
//     Over TLS it keeps one, of 4 KiB when idle.
package channel
