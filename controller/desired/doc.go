// Package desired keeps what each switch should have: the flows without
// timeouts, the groups and the meters that were asked for. It stores them before
// they are sent, and brings a switch back to them, by the difference alone,
// whenever it comes back or has lost some.
//
// # A transaction
//
// Apply takes messages about one switch. It works out what they do to the desired
// state, checks that nobody else owns what they touch, stores the outcome, sends
// the messages as they are with a barrier behind them, and returns when the switch
// has confirmed them. If the switch refuses one, the store is returned to what it
// was, the switch too, and the error says which message it was and why: all or
// nothing. If the switch goes away meanwhile, the outcome stays stored, the error
// says so (InDoubtError), and the switch is brought to it when it is back.
//
// Where the switch has bundles, two messages or more are one, without barriers: a
// switch that refuses some of it has carried out none, and nothing need be undone.
// The switch is given it while the store writes, and is told to carry it out when
// that is done, or to forget it: what is carried out is always stored before.
// Meter-mods, which Open vSwitch does not take into a bundle, go before and behind
// it as they come; a transaction in more than three such pieces is sent without.
// A comparison sends its difference so, too, and again without what the switch
// refuses of it, three times; after that message by message.
//
// That is the level Confirmed. A caller may go on sooner, when the outcome is stored
// or is sent, or later, when the switch was read and has it (Level). What was only
// stored is carried out by Reconcile, or before the next transaction is sent.
//
// Flows with timeouts are transient: they are sent, and never stored.
//
// # A wish
//
// Plan and Fulfil take what an owner wants of a switch as a whole, in no order.
// What is to be sent is worked out from the book, by package plan: so a plan does
// not depend on what somebody does to the switch meanwhile, which is for Reconcile
// to make good. AsOf makes a wish of what was desired at a revision, and
// Outlook.Back one of what was desired before another. Carrying a wish out is a
// transaction as above.
//
// A wish may also say how the switch is to be set up (SettingsWish): how ports,
// tables and fragments are set is stored with the rest, as one change, and carried
// out behind it. What is not set any more is lifted: it is stored until the switch
// has it as where nobody has set it.
//
// # Ownership
//
// Every flow, group and meter has an owner: whoever wrote it first. Another
// owner's transaction that would change it is refused with an OwnerError. The
// default owner has no name. Quotas bound how many flows an owner may have on a
// switch. Where a writer gives a flow no cookie, it gets the owner's, which says
// whose it is to people; ownership rests on the book alone.
//
// # What nobody wants
//
// A flow on a switch that is in nobody's desired state is foreign, unless it has a
// timeout and goes by itself, or has an app's cookie: an app looks after its own
// flows, and writes them anew whenever it starts. Foreign flows are told, adopted or
// removed, by rule (Govern); groups and meters are never removed. A reading that
// fails removes nothing, nor does a book that never had anything in it.
//
// What was deleted stays known, as a tombstone, until the switch has confirmed
// that it is gone: so a switch that was away at that time loses it when it is
// back, and nothing else. For a switch that never comes back there is ForgetSwitch.
//
// # Goroutines and locks
//
// The package starts none but those of the store, and one for a transaction which
// waits for the store while the switch is given a bundle (keep), and ends before
// Apply or Fulfil do. Recall takes the turns of all
// switches that have a book when it begins, and of those in the backup, by ascending
// DPID; everybody else one at a time. The transactions and
// reconciliations of one switch exclude each other (book.turn, which callers wait
// for on their context); those of several switches do not. State.mu and book.mu
// are leaves.
//
// A book is kept in memory for as long as the store has something about its switch,
// or somebody holds it: a connection (Guard), or who has its turn or waits for it. So
// switches that come and go, and of which nothing is ever wanted, take no memory; what
// they were is remembered of 65,536 at most (Remember).
package desired
