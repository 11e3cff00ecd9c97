package ofp

// SetMetadata changes the metadata of the packet as the instruction
// write_metadata does, where a version has no instructions
// (NXAST_WRITE_METADATA).
type SetMetadata struct {
	Metadata uint64
	Mask     uint64 // the bits to change
}

func (e *SetMetadata) walk(c *cursor, _ uint16) {
	b := c.fixed(22, "action write_metadata")
	c.blank(b[:6])
	c.u64(b[6:], &e.Metadata)
	c.u64(b[14:], &e.Mask)
}

func (e *SetMetadata) clone() Extension { o := *e; return &o }

func (e *SetMetadata) appendText(b []byte, v Version, n *Names) []byte {
	i := Instruction{Type: InstructionWriteMetadata, Metadata: e.Metadata, MetadataMask: e.Mask}
	return appendInstruction(b, &i, v, n)
}
