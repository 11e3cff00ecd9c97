package ofp

import (
	"bytes"
	"fmt"
)

// ErrorReason says what an error message is about: an error type and a code of
// it, the same in all versions; a table holds the numbers that each version
// gives them (ofp_error_type, section 7.5.4 of OpenFlow 1.3.5).
type ErrorReason uint8

// Error reasons. ReasonUnknown stands for numbers that the version does not
// have, or that an experimenter uses.
const (
	ReasonUnknown ErrorReason = iota
	HelloFailedIncompatible
	HelloFailedEPERM
	BadRequestBadVersion
	BadRequestBadType
	BadRequestBadStat
	BadRequestBadExperimenter
	BadRequestBadExperimenterType
	BadRequestEPERM
	BadRequestBadLen
	BadRequestBufferEmpty
	BadRequestBufferUnknown
	BadRequestBadTableID
	BadRequestIsSlave
	BadRequestBadPort
	BadRequestBadPacket
	BadRequestMultipartBufferOverflow
	BadActionBadType
	BadActionBadLen
	BadActionBadExperimenter
	BadActionBadExperimenterType
	BadActionBadOutPort
	BadActionBadArgument
	BadActionEPERM
	BadActionTooMany
	BadActionBadQueue
	BadActionBadOutGroup
	BadActionMatchInconsistent
	BadActionUnsupportedOrder
	BadActionBadTag
	BadActionBadSetType
	BadActionBadSetLen
	BadActionBadSetArgument
	BadInstructionUnknownInst
	BadInstructionUnsupInst
	BadInstructionBadTableID
	BadInstructionUnsupMetadata
	BadInstructionUnsupMetadataMask
	BadInstructionBadExperimenter
	BadInstructionBadExpType
	BadInstructionBadLen
	BadInstructionEPERM
	BadMatchBadType
	BadMatchBadLen
	BadMatchBadTag
	BadMatchBadDLAddrMask
	BadMatchBadNWAddrMask
	BadMatchBadWildcards
	BadMatchBadField
	BadMatchBadValue
	BadMatchBadMask
	BadMatchBadPrereq
	BadMatchDupField
	BadMatchEPERM
	FlowModFailedUnknown
	FlowModFailedTableFull
	FlowModFailedBadTableID
	FlowModFailedOverlap
	FlowModFailedEPERM
	FlowModFailedBadTimeout
	FlowModFailedBadEmergTimeout
	FlowModFailedBadCommand
	FlowModFailedUnsupported
	FlowModFailedBadFlags
	GroupModFailedGroupExists
	GroupModFailedInvalidGroup
	GroupModFailedWeightUnsupported
	GroupModFailedOutOfGroups
	GroupModFailedOutOfBuckets
	GroupModFailedChainingUnsupported
	GroupModFailedWatchUnsupported
	GroupModFailedLoop
	GroupModFailedUnknownGroup
	GroupModFailedChainedGroup
	GroupModFailedBadType
	GroupModFailedBadCommand
	GroupModFailedBadBucket
	GroupModFailedBadWatch
	GroupModFailedEPERM
	PortModFailedBadPort
	PortModFailedBadHWAddr
	PortModFailedBadConfig
	PortModFailedBadAdvertise
	PortModFailedEPERM
	TableModFailedBadTable
	TableModFailedBadConfig
	TableModFailedEPERM
	QueueOpFailedBadPort
	QueueOpFailedBadQueue
	QueueOpFailedEPERM
	SwitchConfigFailedBadFlags
	SwitchConfigFailedBadLen
	SwitchConfigFailedEPERM
	RoleRequestFailedStale
	RoleRequestFailedUnsup
	RoleRequestFailedBadRole
	MeterModFailedUnknown
	MeterModFailedMeterExists
	MeterModFailedInvalidMeter
	MeterModFailedUnknownMeter
	MeterModFailedBadCommand
	MeterModFailedBadFlags
	MeterModFailedBadRate
	MeterModFailedBadBurst
	MeterModFailedBadBand
	MeterModFailedBadBandValue
	MeterModFailedOutOfMeters
	MeterModFailedOutOfBands
	TableFeaturesFailedBadTable
	TableFeaturesFailedBadMetadata
	TableFeaturesFailedBadType
	TableFeaturesFailedBadLen
	TableFeaturesFailedBadArgument
	TableFeaturesFailedEPERM
	numStandardReasons
)

// Error tells that a request could not be carried out (ofp_error_msg). It has
// the transaction identifier of that request.
type Error struct {
	Reason ErrorReason

	// ErrType and Code are the numbers on the wire. Encoding takes them where
	// Reason is ReasonUnknown.
	ErrType uint16
	Code    uint16

	// Data is at least the first 64 bytes of the request, or a text where the
	// type is hello_failed. Of an error of an experimenter that has no Reason it
	// begins with what says which error it is. It aliases the frame.
	Data []byte
}

// errorType is one row of the table of error types.
type errorType struct {
	name   string // as the specifications write it
	prefix string // of its codes
	wire   wire
}

// errorInfo is one row of the table of error codes.
type errorInfo struct {
	typ  int // index into errorTypes
	code string
	wire wire
}

var errorTypes = [...]errorType{
	{"OFPET_HELLO_FAILED", "OFPHFC_", all(0)},
	{"OFPET_BAD_REQUEST", "OFPBRC_", all(1)},
	{"OFPET_BAD_ACTION", "OFPBAC_", all(2)},
	{"OFPET_BAD_INSTRUCTION", "OFPBIC_", since(V11, 3)},
	{"OFPET_BAD_MATCH", "OFPBMC_", since(V11, 4)},
	{"OFPET_FLOW_MOD_FAILED", "OFPFMFC_", wire{3, 5, 5, 5}},
	{"OFPET_GROUP_MOD_FAILED", "OFPGMFC_", since(V11, 6)},
	{"OFPET_PORT_MOD_FAILED", "OFPPMFC_", wire{4, 7, 7, 7}},
	{"OFPET_TABLE_MOD_FAILED", "OFPTMFC_", since(V11, 8)},
	{"OFPET_QUEUE_OP_FAILED", "OFPQOFC_", wire{5, 9, 9, 9}},
	{"OFPET_SWITCH_CONFIG_FAILED", "OFPSCFC_", since(V11, 10)},
	{"OFPET_ROLE_REQUEST_FAILED", "OFPRRFC_", since(V12, 11)},
	{"OFPET_METER_MOD_FAILED", "OFPMMFC_", since(V13, 12)},
	{"OFPET_TABLE_FEATURES_FAILED", "OFPTFFC_", since(V13, 13)},
}

var errorReasons = [numStandardReasons]errorInfo{
	HelloFailedIncompatible:           {0, "INCOMPATIBLE", all(0)},
	HelloFailedEPERM:                  {0, "EPERM", all(1)},
	BadRequestBadVersion:              {1, "BAD_VERSION", all(0)},
	BadRequestBadType:                 {1, "BAD_TYPE", all(1)},
	BadRequestBadStat:                 {1, "BAD_STAT", all(2)},
	BadRequestBadExperimenter:         {1, "BAD_EXPERIMENTER", all(3)},
	BadRequestBadExperimenterType:     {1, "BAD_EXPERIMENTER_TYPE", all(4)},
	BadRequestEPERM:                   {1, "EPERM", all(5)},
	BadRequestBadLen:                  {1, "BAD_LEN", all(6)},
	BadRequestBufferEmpty:             {1, "BUFFER_EMPTY", all(7)},
	BadRequestBufferUnknown:           {1, "BUFFER_UNKNOWN", all(8)},
	BadRequestBadTableID:              {1, "BAD_TABLE_ID", since(V11, 9)},
	BadRequestIsSlave:                 {1, "IS_SLAVE", since(V12, 10)},
	BadRequestBadPort:                 {1, "BAD_PORT", since(V12, 11)},
	BadRequestBadPacket:               {1, "BAD_PACKET", since(V12, 12)},
	BadRequestMultipartBufferOverflow: {1, "MULTIPART_BUFFER_OVERFLOW", since(V13, 13)},
	BadActionBadType:                  {2, "BAD_TYPE", all(0)},
	BadActionBadLen:                   {2, "BAD_LEN", all(1)},
	BadActionBadExperimenter:          {2, "BAD_EXPERIMENTER", all(2)},
	BadActionBadExperimenterType:      {2, "BAD_EXPERIMENTER_TYPE", all(3)},
	BadActionBadOutPort:               {2, "BAD_OUT_PORT", all(4)},
	BadActionBadArgument:              {2, "BAD_ARGUMENT", all(5)},
	BadActionEPERM:                    {2, "EPERM", all(6)},
	BadActionTooMany:                  {2, "TOO_MANY", all(7)},
	BadActionBadQueue:                 {2, "BAD_QUEUE", all(8)},
	BadActionBadOutGroup:              {2, "BAD_OUT_GROUP", since(V11, 9)},
	BadActionMatchInconsistent:        {2, "MATCH_INCONSISTENT", since(V11, 10)},
	BadActionUnsupportedOrder:         {2, "UNSUPPORTED_ORDER", since(V11, 11)},
	BadActionBadTag:                   {2, "BAD_TAG", since(V11, 12)},
	BadActionBadSetType:               {2, "BAD_SET_TYPE", since(V12, 13)},
	BadActionBadSetLen:                {2, "BAD_SET_LEN", since(V12, 14)},
	BadActionBadSetArgument:           {2, "BAD_SET_ARGUMENT", since(V12, 15)},
	BadInstructionUnknownInst:         {3, "UNKNOWN_INST", since(V11, 0)},
	BadInstructionUnsupInst:           {3, "UNSUP_INST", since(V11, 1)},
	BadInstructionBadTableID:          {3, "BAD_TABLE_ID", since(V11, 2)},
	BadInstructionUnsupMetadata:       {3, "UNSUP_METADATA", since(V11, 3)},
	BadInstructionUnsupMetadataMask:   {3, "UNSUP_METADATA_MASK", since(V11, 4)},
	BadInstructionBadExperimenter:     {3, "BAD_EXPERIMENTER", since(V11, 5)},
	BadInstructionBadExpType:          {3, "BAD_EXP_TYPE", since(V12, 6)},
	BadInstructionBadLen:              {3, "BAD_LEN", since(V12, 7)},
	BadInstructionEPERM:               {3, "EPERM", since(V12, 8)},
	BadMatchBadType:                   {4, "BAD_TYPE", since(V11, 0)},
	BadMatchBadLen:                    {4, "BAD_LEN", since(V11, 1)},
	BadMatchBadTag:                    {4, "BAD_TAG", since(V11, 2)},
	BadMatchBadDLAddrMask:             {4, "BAD_DL_ADDR_MASK", since(V11, 3)},
	BadMatchBadNWAddrMask:             {4, "BAD_NW_ADDR_MASK", since(V11, 4)},
	BadMatchBadWildcards:              {4, "BAD_WILDCARDS", since(V11, 5)},
	BadMatchBadField:                  {4, "BAD_FIELD", since(V11, 6)},
	BadMatchBadValue:                  {4, "BAD_VALUE", since(V11, 7)},
	BadMatchBadMask:                   {4, "BAD_MASK", since(V12, 8)},
	BadMatchBadPrereq:                 {4, "BAD_PREREQ", since(V12, 9)},
	BadMatchDupField:                  {4, "DUP_FIELD", since(V12, 10)},
	BadMatchEPERM:                     {4, "EPERM", since(V12, 11)},
	FlowModFailedUnknown:              {5, "UNKNOWN", since(V11, 0)},
	FlowModFailedTableFull:            {5, "TABLE_FULL", wire{0, 1, 1, 1}},
	FlowModFailedBadTableID:           {5, "BAD_TABLE_ID", since(V11, 2)},
	FlowModFailedOverlap:              {5, "OVERLAP", wire{1, 3, 3, 3}},
	FlowModFailedEPERM:                {5, "EPERM", wire{2, 4, 4, 4}},
	FlowModFailedBadTimeout:           {5, "BAD_TIMEOUT", since(V11, 5)},
	FlowModFailedBadEmergTimeout:      {5, "BAD_EMERG_TIMEOUT", wire{3, none, none, none}},
	FlowModFailedBadCommand:           {5, "BAD_COMMAND", wire{4, 6, 6, 6}},
	FlowModFailedUnsupported:          {5, "UNSUPPORTED", wire{5, none, none, none}},
	FlowModFailedBadFlags:             {5, "BAD_FLAGS", since(V12, 7)},
	GroupModFailedGroupExists:         {6, "GROUP_EXISTS", since(V11, 0)},
	GroupModFailedInvalidGroup:        {6, "INVALID_GROUP", since(V11, 1)},
	GroupModFailedWeightUnsupported:   {6, "WEIGHT_UNSUPPORTED", since(V11, 2)},
	GroupModFailedOutOfGroups:         {6, "OUT_OF_GROUPS", since(V11, 3)},
	GroupModFailedOutOfBuckets:        {6, "OUT_OF_BUCKETS", since(V11, 4)},
	GroupModFailedChainingUnsupported: {6, "CHAINING_UNSUPPORTED", since(V11, 5)},
	GroupModFailedWatchUnsupported:    {6, "WATCH_UNSUPPORTED", since(V11, 6)},
	GroupModFailedLoop:                {6, "LOOP", since(V11, 7)},
	GroupModFailedUnknownGroup:        {6, "UNKNOWN_GROUP", since(V11, 8)},
	GroupModFailedChainedGroup:        {6, "CHAINED_GROUP", since(V12, 9)},
	GroupModFailedBadType:             {6, "BAD_TYPE", since(V12, 10)},
	GroupModFailedBadCommand:          {6, "BAD_COMMAND", since(V12, 11)},
	GroupModFailedBadBucket:           {6, "BAD_BUCKET", since(V12, 12)},
	GroupModFailedBadWatch:            {6, "BAD_WATCH", since(V12, 13)},
	GroupModFailedEPERM:               {6, "EPERM", since(V12, 14)},
	PortModFailedBadPort:              {7, "BAD_PORT", all(0)},
	PortModFailedBadHWAddr:            {7, "BAD_HW_ADDR", all(1)},
	PortModFailedBadConfig:            {7, "BAD_CONFIG", since(V11, 2)},
	PortModFailedBadAdvertise:         {7, "BAD_ADVERTISE", since(V11, 3)},
	PortModFailedEPERM:                {7, "EPERM", since(V12, 4)},
	TableModFailedBadTable:            {8, "BAD_TABLE", since(V11, 0)},
	TableModFailedBadConfig:           {8, "BAD_CONFIG", since(V11, 1)},
	TableModFailedEPERM:               {8, "EPERM", since(V12, 2)},
	QueueOpFailedBadPort:              {9, "BAD_PORT", all(0)},
	QueueOpFailedBadQueue:             {9, "BAD_QUEUE", all(1)},
	QueueOpFailedEPERM:                {9, "EPERM", all(2)},
	SwitchConfigFailedBadFlags:        {10, "BAD_FLAGS", since(V11, 0)},
	SwitchConfigFailedBadLen:          {10, "BAD_LEN", since(V11, 1)},
	SwitchConfigFailedEPERM:           {10, "EPERM", since(V12, 2)},
	RoleRequestFailedStale:            {11, "STALE", since(V12, 0)},
	RoleRequestFailedUnsup:            {11, "UNSUP", since(V12, 1)},
	RoleRequestFailedBadRole:          {11, "BAD_ROLE", since(V12, 2)},
	MeterModFailedUnknown:             {12, "UNKNOWN", since(V13, 0)},
	MeterModFailedMeterExists:         {12, "METER_EXISTS", since(V13, 1)},
	MeterModFailedInvalidMeter:        {12, "INVALID_METER", since(V13, 2)},
	MeterModFailedUnknownMeter:        {12, "UNKNOWN_METER", since(V13, 3)},
	MeterModFailedBadCommand:          {12, "BAD_COMMAND", since(V13, 4)},
	MeterModFailedBadFlags:            {12, "BAD_FLAGS", since(V13, 5)},
	MeterModFailedBadRate:             {12, "BAD_RATE", since(V13, 6)},
	MeterModFailedBadBurst:            {12, "BAD_BURST", since(V13, 7)},
	MeterModFailedBadBand:             {12, "BAD_BAND", since(V13, 8)},
	MeterModFailedBadBandValue:        {12, "BAD_BAND_VALUE", since(V13, 9)},
	MeterModFailedOutOfMeters:         {12, "OUT_OF_METERS", since(V13, 10)},
	MeterModFailedOutOfBands:          {12, "OUT_OF_BANDS", since(V13, 11)},
	TableFeaturesFailedBadTable:       {13, "BAD_TABLE", since(V13, 0)},
	TableFeaturesFailedBadMetadata:    {13, "BAD_METADATA", since(V13, 1)},
	TableFeaturesFailedBadType:        {13, "BAD_TYPE", since(V13, 2)},
	TableFeaturesFailedBadLen:         {13, "BAD_LEN", since(V13, 3)},
	TableFeaturesFailedBadArgument:    {13, "BAD_ARGUMENT", since(V13, 4)},
	TableFeaturesFailedEPERM:          {13, "EPERM", since(V13, 5)},
}

// reasonByWire is the table turned round: version, type, code.
var reasonByWire = func() (t [4][16][16]ErrorReason) {
	for r := ReasonUnknown + 1; r < numStandardReasons; r++ {
		info := &errorReasons[r]
		for _, v := range Versions() {
			typ, ok := errorTypes[info.typ].wire.in(v)
			code, ok2 := info.wire.in(v)
			if ok && ok2 {
				t[v-1][typ][code] = r
			}
		}
	}
	return t
}()

// String returns the code as the specifications write it, such as
// "OFPFMFC_TABLE_FULL".
func (r ErrorReason) String() string {
	switch {
	case r == ReasonUnknown || r >= numReasons:
		return "unknown"
	case r >= numStandardReasons:
		return vendorReasons[r-numStandardReasons].name
	}
	return errorTypes[errorReasons[r].typ].prefix + errorReasons[r].code
}

// TypeName returns the error's type as the specifications write it, such as
// "OFPET_FLOW_MOD_FAILED", or "unknown".
func (r ErrorReason) TypeName() string {
	switch {
	case r == ReasonUnknown || r >= numReasons:
		return "unknown"
	case r >= numStandardReasons:
		return vendorReasons[r-numStandardReasons].typ
	}
	return errorTypes[errorReasons[r].typ].name
}

// NewError returns an error of the given reason about the message that request
// holds; of a longer one the first 64 bytes are kept, as all versions ask for at
// least.
func NewError(r ErrorReason, request []byte) *Error {
	return &Error{Reason: r, Data: request[:min(len(request), 64)]}
}

// Type returns TypeError.
func (*Error) Type() Type { return TypeError }

// Clone returns a message that shares no memory with m.
func (m *Error) Clone() *Error {
	o := *m
	o.Data = bytes.Clone(m.Data)
	return &o
}

// Describe says in one line what the error is, such as "OFPFMFC_TABLE_FULL" or
// "type 7, code 9".
func (m *Error) Describe() string {
	if m.Reason != ReasonUnknown {
		return m.Reason.String()
	}
	return fmt.Sprintf("type %d, code %d", m.ErrType, m.Code)
}

func (m *Error) walk(c *cursor) {
	b := c.fixed(4, "error")
	if c.wr && m.Reason != ReasonUnknown {
		m.Reason.write(c, b)
		c.rest(&m.Data)
		return
	}
	c.u16(b, &m.ErrType)
	c.u16(b[2:], &m.Code)
	if !c.wr {
		m.Reason = ReasonUnknown
		if m.ErrType < 16 && m.Code < 16 {
			m.Reason = reasonByWire[errorVersion(c.v)-1][m.ErrType][m.Code]
		} else if m.Reason = vendorReason(c.v, m.ErrType, m.Code, c.buf[c.off:c.end]); m.Reason != ReasonUnknown {
			c.off += vendorErrorHead(c.v)
		}
	}
	c.rest(&m.Data)
}

// write writes type and code into b, and after them what says the rest of an
// error of an experimenter.
func (r ErrorReason) write(c *cursor, b []byte) {
	if r >= numReasons {
		c.bad("error reason", "%d", r)
		return
	}
	if r < numStandardReasons {
		info := &errorReasons[r]
		typ, ok := errorTypes[info.typ].wire.in(errorVersion(c.v))
		code, ok2 := info.wire.in(errorVersion(c.v))
		if ok && ok2 {
			c.u16(b, &typ)
			c.u16(b[2:], &code)
			return
		}
	}
	form := r.vendorForm(c.v)
	if form == nil {
		c.lacks("error " + r.String())
		return
	}
	form.write(c, b)
}

// errorVersion is the version whose numbers an error of version v uses: those
// that we do not speak number the errors of a hello as 1.3 does.
func errorVersion(v Version) Version {
	if v.Supported() {
		return v
	}
	return V13
}
