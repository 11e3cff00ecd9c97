// Package samples makes valid messages of every type, for tests: Message fills
// the structs of package ofp by reflection, so that what is added there is drawn
// too. Dump says what a message holds, and Rows which rows of the tables of
// package ofp it is made of.
//
// A sample holds what survives its version: each value is kept only if the
// message with it can be encoded and decodes to the same. Lost tells which values
// encode but do not come back.
package samples
