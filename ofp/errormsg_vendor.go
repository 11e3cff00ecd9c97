package ofp

import "encoding/binary"

// Errors that Open vSwitch tells in versions that have no numbers for them: some
// are Nicira's own, others the ONF's or of a later OpenFlow (ofp-errors.h of Open
// vSwitch).

// Error reasons of experimenters. Those whose names begin with NX are Nicira's.
const (
	NXBadRequestNXMInvalid ErrorReason = numStandardReasons + iota
	NXBadRequestNXMBadType
	NXBadRequestMustBeZero
	NXBadRequestBadReason
	NXBadRequestFmBadEvent
	NXBadRequestUnencodableError
	NXBadActionCTDatapathSupport
	NXBadActionMustBeZero
	NXBadActionBadConjunction
	NXBadActionBadHeaderType
	NXBadActionUnknownEDProp
	NXBadActionBadEDProp
	NXBadMatchCTDatapathSupport
	NXFlowModFailedInvalidTLVField
	NXFlowModFailedHardware
	NXFlowModFailedBadTableID
	NXTLVTableModFailedBadCommand
	NXTLVTableModFailedBadOptLen
	NXTLVTableModFailedBadFieldIdx
	NXTLVTableModFailedTableFull
	NXTLVTableModFailedAlreadyMapped
	NXTLVTableModFailedDupEntry
	NXTLVTableModFailedInvalidTLVDel
	NXResumeNotSupported
	NXResumeStale
	NXStatsNotConfigured
	NXTableFeaturesFailedDupTable
	FlowMonitorFailedMonitorExists
	FlowMonitorFailedBadFlags
	FlowMonitorFailedUnknownMonitor
	GroupModFailedUnknownBucket
	GroupModFailedBucketExists
	BadPropertyTooMany
	BadPropertyDupType
	BadPropertyBadExperimenter
	BadPropertyBadExpType
	BadPropertyBadExpValue
	BadPropertyEPERM
	BadInstructionDupInst
	BundleFailedUnknown
	BundleFailedEPERM
	BundleFailedBadID
	BundleFailedBundleExist
	BundleFailedBundleClosed
	BundleFailedOutOfBundles
	BundleFailedBadType
	BundleFailedBadFlags
	BundleFailedMsgBadLen
	BundleFailedMsgBadXID
	BundleFailedMsgUnsup
	BundleFailedMsgConflict
	BundleFailedMsgTooMany
	BundleFailedMsgFailed
	BundleFailedTimeout
	BundleFailedBundleInProgress
	FlowModFailedBadPriority
	AsyncConfigFailedInvalid
	AsyncConfigFailedUnsupported
	AsyncConfigFailedEPERM
	BadRequestMultipartRequestTimeout
	BadRequestMultipartReplyTimeout
	BadActionBadSetMask
	numReasons
)

// vendorReasons are the names of those reasons.
var vendorReasons = [numReasons - numStandardReasons]struct{ typ, name string }{
	NXBadRequestNXMInvalid - numStandardReasons:            {"NXET_VENDOR", "NXBRC_NXM_INVALID"},
	NXBadRequestNXMBadType - numStandardReasons:            {"NXET_VENDOR", "NXBRC_NXM_BAD_TYPE"},
	NXBadRequestMustBeZero - numStandardReasons:            {"NXET_VENDOR", "NXBRC_MUST_BE_ZERO"},
	NXBadRequestBadReason - numStandardReasons:             {"NXET_VENDOR", "NXBRC_BAD_REASON"},
	NXBadRequestFmBadEvent - numStandardReasons:            {"NXET_VENDOR", "NXBRC_FM_BAD_EVENT"},
	NXBadRequestUnencodableError - numStandardReasons:      {"NXET_VENDOR", "NXBRC_UNENCODABLE_ERROR"},
	NXBadActionCTDatapathSupport - numStandardReasons:      {"NXET_VENDOR", "NXBAC_CT_DATAPATH_SUPPORT"},
	NXBadActionMustBeZero - numStandardReasons:             {"NXET_VENDOR", "NXBAC_MUST_BE_ZERO"},
	NXBadActionBadConjunction - numStandardReasons:         {"NXET_VENDOR", "NXBAC_BAD_CONJUNCTION"},
	NXBadActionBadHeaderType - numStandardReasons:          {"NXET_VENDOR", "NXBAC_BAD_HEADER_TYPE"},
	NXBadActionUnknownEDProp - numStandardReasons:          {"NXET_VENDOR", "NXBAC_UNKNOWN_ED_PROP"},
	NXBadActionBadEDProp - numStandardReasons:              {"NXET_VENDOR", "NXBAC_BAD_ED_PROP"},
	NXBadMatchCTDatapathSupport - numStandardReasons:       {"NXET_VENDOR", "NXBMC_CT_DATAPATH_SUPPORT"},
	NXFlowModFailedInvalidTLVField - numStandardReasons:    {"NXET_VENDOR", "NXFMFC_INVALID_TLV_FIELD"},
	NXFlowModFailedHardware - numStandardReasons:           {"NXET_VENDOR", "NXFMFC_HARDWARE"},
	NXFlowModFailedBadTableID - numStandardReasons:         {"NXET_VENDOR", "NXFMFC_BAD_TABLE_ID"},
	NXTLVTableModFailedBadCommand - numStandardReasons:     {"NXET_VENDOR", "NXTTMFC_BAD_COMMAND"},
	NXTLVTableModFailedBadOptLen - numStandardReasons:      {"NXET_VENDOR", "NXTTMFC_BAD_OPT_LEN"},
	NXTLVTableModFailedBadFieldIdx - numStandardReasons:    {"NXET_VENDOR", "NXTTMFC_BAD_FIELD_IDX"},
	NXTLVTableModFailedTableFull - numStandardReasons:      {"NXET_VENDOR", "NXTTMFC_TABLE_FULL"},
	NXTLVTableModFailedAlreadyMapped - numStandardReasons:  {"NXET_VENDOR", "NXTTMFC_ALREADY_MAPPED"},
	NXTLVTableModFailedDupEntry - numStandardReasons:       {"NXET_VENDOR", "NXTTMFC_DUP_ENTRY"},
	NXTLVTableModFailedInvalidTLVDel - numStandardReasons:  {"NXET_VENDOR", "NXTTMFC_INVALID_TLV_DEL"},
	NXResumeNotSupported - numStandardReasons:              {"NXET_VENDOR", "NXR_NOT_SUPPORTED"},
	NXResumeStale - numStandardReasons:                     {"NXET_VENDOR", "NXR_STALE"},
	NXStatsNotConfigured - numStandardReasons:              {"NXET_VENDOR", "NXST_NOT_CONFIGURED"},
	NXTableFeaturesFailedDupTable - numStandardReasons:     {"NXET_VENDOR", "NXTFFC_DUP_TABLE"},
	FlowMonitorFailedMonitorExists - numStandardReasons:    {"OFPET_FLOW_MONITOR_FAILED", "OFPMOFC_MONITOR_EXISTS"},
	FlowMonitorFailedBadFlags - numStandardReasons:         {"OFPET_FLOW_MONITOR_FAILED", "OFPMOFC_BAD_FLAGS"},
	FlowMonitorFailedUnknownMonitor - numStandardReasons:   {"OFPET_FLOW_MONITOR_FAILED", "OFPMOFC_UNKNOWN_MONITOR"},
	GroupModFailedUnknownBucket - numStandardReasons:       {"OFPET_GROUP_MOD_FAILED", "OFPGMFC_UNKNOWN_BUCKET"},
	GroupModFailedBucketExists - numStandardReasons:        {"OFPET_GROUP_MOD_FAILED", "OFPGMFC_BUCKET_EXISTS"},
	BadPropertyTooMany - numStandardReasons:                {"OFPET_BAD_PROPERTY", "OFPBPC_TOO_MANY"},
	BadPropertyDupType - numStandardReasons:                {"OFPET_BAD_PROPERTY", "OFPBPC_DUP_TYPE"},
	BadPropertyBadExperimenter - numStandardReasons:        {"OFPET_BAD_PROPERTY", "OFPBPC_BAD_EXPERIMENTER"},
	BadPropertyBadExpType - numStandardReasons:             {"OFPET_BAD_PROPERTY", "OFPBPC_BAD_EXP_TYPE"},
	BadPropertyBadExpValue - numStandardReasons:            {"OFPET_BAD_PROPERTY", "OFPBPC_BAD_EXP_VALUE"},
	BadPropertyEPERM - numStandardReasons:                  {"OFPET_BAD_PROPERTY", "OFPBPC_EPERM"},
	BadInstructionDupInst - numStandardReasons:             {"OFPET_BAD_INSTRUCTION", "OFPBIC_DUP_INST"},
	BundleFailedUnknown - numStandardReasons:               {"OFPET_BUNDLE_FAILED", "OFPBFC_UNKNOWN"},
	BundleFailedEPERM - numStandardReasons:                 {"OFPET_BUNDLE_FAILED", "OFPBFC_EPERM"},
	BundleFailedBadID - numStandardReasons:                 {"OFPET_BUNDLE_FAILED", "OFPBFC_BAD_ID"},
	BundleFailedBundleExist - numStandardReasons:           {"OFPET_BUNDLE_FAILED", "OFPBFC_BUNDLE_EXIST"},
	BundleFailedBundleClosed - numStandardReasons:          {"OFPET_BUNDLE_FAILED", "OFPBFC_BUNDLE_CLOSED"},
	BundleFailedOutOfBundles - numStandardReasons:          {"OFPET_BUNDLE_FAILED", "OFPBFC_OUT_OF_BUNDLES"},
	BundleFailedBadType - numStandardReasons:               {"OFPET_BUNDLE_FAILED", "OFPBFC_BAD_TYPE"},
	BundleFailedBadFlags - numStandardReasons:              {"OFPET_BUNDLE_FAILED", "OFPBFC_BAD_FLAGS"},
	BundleFailedMsgBadLen - numStandardReasons:             {"OFPET_BUNDLE_FAILED", "OFPBFC_MSG_BAD_LEN"},
	BundleFailedMsgBadXID - numStandardReasons:             {"OFPET_BUNDLE_FAILED", "OFPBFC_MSG_BAD_XID"},
	BundleFailedMsgUnsup - numStandardReasons:              {"OFPET_BUNDLE_FAILED", "OFPBFC_MSG_UNSUP"},
	BundleFailedMsgConflict - numStandardReasons:           {"OFPET_BUNDLE_FAILED", "OFPBFC_MSG_CONFLICT"},
	BundleFailedMsgTooMany - numStandardReasons:            {"OFPET_BUNDLE_FAILED", "OFPBFC_MSG_TOO_MANY"},
	BundleFailedMsgFailed - numStandardReasons:             {"OFPET_BUNDLE_FAILED", "OFPBFC_MSG_FAILED"},
	BundleFailedTimeout - numStandardReasons:               {"OFPET_BUNDLE_FAILED", "OFPBFC_TIMEOUT"},
	BundleFailedBundleInProgress - numStandardReasons:      {"OFPET_BUNDLE_FAILED", "OFPBFC_BUNDLE_IN_PROGRESS"},
	FlowModFailedBadPriority - numStandardReasons:          {"OFPET_FLOW_MOD_FAILED", "OFPFMFC_BAD_PRIORITY"},
	AsyncConfigFailedInvalid - numStandardReasons:          {"OFPET_ASYNC_CONFIG_FAILED", "OFPACFC_INVALID"},
	AsyncConfigFailedUnsupported - numStandardReasons:      {"OFPET_ASYNC_CONFIG_FAILED", "OFPACFC_UNSUPPORTED"},
	AsyncConfigFailedEPERM - numStandardReasons:            {"OFPET_ASYNC_CONFIG_FAILED", "OFPACFC_EPERM"},
	BadRequestMultipartRequestTimeout - numStandardReasons: {"OFPET_BAD_REQUEST", "OFPBRC_MULTIPART_REQUEST_TIMEOUT"},
	BadRequestMultipartReplyTimeout - numStandardReasons:   {"OFPET_BAD_REQUEST", "OFPBRC_MULTIPART_REPLY_TIMEOUT"},
	BadActionBadSetMask - numStandardReasons:               {"OFPET_BAD_ACTION", "OFPBAC_BAD_SET_MASK"},
}

// vendorError is a form of an error as an experimenter's. Up to 1.1 it has a type
// and a code of Nicira's, later only a type.
type vendorError struct {
	reason       ErrorReason
	from, to     Version
	experimenter uint32
	typ, code    uint16
}

var vendorErrors = [...]vendorError{
	{NXBadRequestNXMInvalid, V10, V11, niciraID, 1, 256},
	{NXBadRequestNXMInvalid, V12, V13, niciraID, 2, 0},
	{NXBadRequestNXMBadType, V10, V11, niciraID, 1, 257},
	{NXBadRequestNXMBadType, V12, V13, niciraID, 3, 0},
	{NXBadRequestMustBeZero, V10, V11, niciraID, 1, 515},
	{NXBadRequestMustBeZero, V12, V13, niciraID, 4, 0},
	{NXBadRequestBadReason, V10, V11, niciraID, 1, 516},
	{NXBadRequestBadReason, V12, V13, niciraID, 5, 0},
	{NXBadRequestFmBadEvent, V10, V11, niciraID, 1, 520},
	{NXBadRequestFmBadEvent, V12, V13, niciraID, 9, 0},
	{NXBadRequestUnencodableError, V10, V11, niciraID, 1, 521},
	{NXBadRequestUnencodableError, V12, V13, niciraID, 10, 0},
	{NXBadActionCTDatapathSupport, V10, V11, niciraID, 1, 265},
	{NXBadActionCTDatapathSupport, V12, V13, niciraID, 42, 0},
	{NXBadActionMustBeZero, V10, V11, niciraID, 2, 256},
	{NXBadActionMustBeZero, V12, V13, niciraID, 11, 0},
	{NXBadActionBadConjunction, V10, V11, niciraID, 2, 526},
	{NXBadActionBadConjunction, V12, V13, niciraID, 15, 0},
	{NXBadActionBadHeaderType, V13, V13, niciraID, 39, 0},
	{NXBadActionUnknownEDProp, V13, V13, niciraID, 40, 0},
	{NXBadActionBadEDProp, V13, V13, niciraID, 41, 0},
	{NXBadMatchCTDatapathSupport, V10, V11, niciraID, 1, 264},
	{NXBadMatchCTDatapathSupport, V12, V13, niciraID, 43, 0},
	{NXFlowModFailedInvalidTLVField, V10, V11, niciraID, 1, 536},
	{NXFlowModFailedInvalidTLVField, V12, V13, niciraID, 37, 0},
	{NXFlowModFailedHardware, V10, V11, niciraID, 5, 256},
	{NXFlowModFailedHardware, V12, V13, niciraID, 12, 0},
	{NXFlowModFailedBadTableID, V10, V11, niciraID, 5, 257},
	{NXFlowModFailedBadTableID, V12, V13, niciraID, 13, 0},
	{NXTLVTableModFailedBadCommand, V10, V11, niciraID, 1, 527},
	{NXTLVTableModFailedBadCommand, V12, V13, niciraID, 16, 0},
	{NXTLVTableModFailedBadOptLen, V10, V11, niciraID, 1, 528},
	{NXTLVTableModFailedBadOptLen, V12, V13, niciraID, 17, 0},
	{NXTLVTableModFailedBadFieldIdx, V10, V11, niciraID, 1, 529},
	{NXTLVTableModFailedBadFieldIdx, V12, V13, niciraID, 18, 0},
	{NXTLVTableModFailedTableFull, V10, V11, niciraID, 1, 530},
	{NXTLVTableModFailedTableFull, V12, V13, niciraID, 19, 0},
	{NXTLVTableModFailedAlreadyMapped, V10, V11, niciraID, 1, 531},
	{NXTLVTableModFailedAlreadyMapped, V12, V13, niciraID, 20, 0},
	{NXTLVTableModFailedDupEntry, V10, V11, niciraID, 1, 532},
	{NXTLVTableModFailedDupEntry, V12, V13, niciraID, 21, 0},
	{NXTLVTableModFailedInvalidTLVDel, V10, V11, niciraID, 1, 537},
	{NXTLVTableModFailedInvalidTLVDel, V12, V13, niciraID, 38, 0},
	{NXResumeNotSupported, V10, V11, niciraID, 1, 533},
	{NXResumeNotSupported, V12, V13, niciraID, 34, 0},
	{NXResumeStale, V10, V11, niciraID, 1, 534},
	{NXResumeStale, V12, V13, niciraID, 35, 0},
	{NXStatsNotConfigured, V10, V11, niciraID, 1, 535},
	{NXStatsNotConfigured, V12, V13, niciraID, 36, 0},
	{NXTableFeaturesFailedDupTable, V13, V13, niciraID, 44, 0},
	{FlowMonitorFailedMonitorExists, V10, V11, niciraID, 1, 517},
	{FlowMonitorFailedMonitorExists, V12, V13, niciraID, 6, 0},
	{FlowMonitorFailedBadFlags, V10, V11, niciraID, 1, 518},
	{FlowMonitorFailedBadFlags, V12, V13, niciraID, 7, 0},
	{FlowMonitorFailedUnknownMonitor, V10, V11, niciraID, 1, 519},
	{FlowMonitorFailedUnknownMonitor, V12, V13, niciraID, 8, 0},
	{GroupModFailedUnknownBucket, V10, V10, niciraID, 6, 15},
	{GroupModFailedBucketExists, V10, V10, niciraID, 6, 16},
	{BadPropertyTooMany, V10, V11, niciraID, 14, 3},
	{BadPropertyTooMany, V12, V12, niciraID, 28, 0},
	{BadPropertyTooMany, V13, V13, onfID, 4443, 0},
	{BadPropertyDupType, V10, V11, niciraID, 14, 4},
	{BadPropertyDupType, V12, V12, niciraID, 29, 0},
	{BadPropertyDupType, V13, V13, onfID, 4444, 0},
	{BadPropertyBadExperimenter, V10, V11, niciraID, 14, 5},
	{BadPropertyBadExperimenter, V12, V12, niciraID, 30, 0},
	{BadPropertyBadExperimenter, V13, V13, onfID, 4445, 0},
	{BadPropertyBadExpType, V10, V11, niciraID, 14, 6},
	{BadPropertyBadExpType, V12, V12, niciraID, 31, 0},
	{BadPropertyBadExpType, V13, V13, onfID, 4446, 0},
	{BadPropertyBadExpValue, V10, V11, niciraID, 14, 7},
	{BadPropertyBadExpValue, V12, V12, niciraID, 32, 0},
	{BadPropertyBadExpValue, V13, V13, onfID, 4447, 0},
	{BadPropertyEPERM, V10, V11, niciraID, 14, 8},
	{BadPropertyEPERM, V12, V12, niciraID, 33, 0},
	{BadPropertyEPERM, V13, V13, onfID, 4448, 0},
	{BadInstructionDupInst, V11, V11, niciraID, 3, 256},
	{BadInstructionDupInst, V12, V13, onfID, 2600, 0},
	{BundleFailedUnknown, V13, V13, onfID, 2300, 0},
	{BundleFailedEPERM, V13, V13, onfID, 2301, 0},
	{BundleFailedBadID, V13, V13, onfID, 2302, 0},
	{BundleFailedBundleExist, V13, V13, onfID, 2303, 0},
	{BundleFailedBundleClosed, V13, V13, onfID, 2304, 0},
	{BundleFailedOutOfBundles, V13, V13, onfID, 2305, 0},
	{BundleFailedBadType, V13, V13, onfID, 2306, 0},
	{BundleFailedBadFlags, V13, V13, onfID, 2307, 0},
	{BundleFailedMsgBadLen, V13, V13, onfID, 2308, 0},
	{BundleFailedMsgBadXID, V13, V13, onfID, 2309, 0},
	{BundleFailedMsgUnsup, V13, V13, onfID, 2310, 0},
	{BundleFailedMsgConflict, V13, V13, onfID, 2311, 0},
	{BundleFailedMsgTooMany, V13, V13, onfID, 2312, 0},
	{BundleFailedMsgFailed, V13, V13, onfID, 2313, 0},
	{BundleFailedTimeout, V13, V13, onfID, 2314, 0},
	{BundleFailedBundleInProgress, V13, V13, onfID, 2315, 0},
	{FlowModFailedBadPriority, V13, V13, onfID, 2360, 0},
	{AsyncConfigFailedInvalid, V13, V13, onfID, 2370, 0},
	{AsyncConfigFailedUnsupported, V13, V13, onfID, 2371, 0},
	{AsyncConfigFailedEPERM, V13, V13, onfID, 2372, 0},
	{BadRequestMultipartRequestTimeout, V13, V13, onfID, 2640, 0},
	{BadRequestMultipartReplyTimeout, V13, V13, onfID, 2641, 0},
	{BadActionBadSetMask, V13, V13, onfID, 4250, 0},
	{BadMatchBadField, V10, V10, niciraID, 0, 263},
	{BadMatchBadValue, V10, V10, niciraID, 1, 258},
	{BadMatchBadMask, V10, V11, niciraID, 1, 259},
	{BadMatchBadPrereq, V10, V11, niciraID, 1, 260},
	{BadMatchDupField, V10, V11, niciraID, 1, 261},
	{BadMatchBadWildcards, V10, V10, niciraID, 1, 262},
	{BadRequestBadTableID, V10, V10, niciraID, 1, 512},
	{RoleRequestFailedBadRole, V10, V11, niciraID, 1, 513},
	{BadRequestBadPort, V10, V11, niciraID, 1, 514},
	{BadActionMatchInconsistent, V10, V10, niciraID, 1, 522},
	{BadActionBadSetType, V10, V11, niciraID, 1, 523},
	{BadActionBadSetLen, V10, V11, niciraID, 1, 524},
	{BadActionBadSetArgument, V10, V11, niciraID, 1, 525},
	{BadActionBadOutGroup, V10, V10, niciraID, 2, 9},
	{BadInstructionUnsupInst, V10, V10, niciraID, 2, 257},
	{FlowModFailedBadFlags, V10, V10, niciraID, 3, 258},
	{FlowModFailedBadFlags, V11, V11, niciraID, 5, 258},
	{GroupModFailedGroupExists, V10, V10, niciraID, 6, 0},
	{GroupModFailedInvalidGroup, V10, V10, niciraID, 6, 1},
	{GroupModFailedWeightUnsupported, V10, V10, niciraID, 6, 2},
	{GroupModFailedOutOfGroups, V10, V10, niciraID, 6, 3},
	{GroupModFailedOutOfBuckets, V10, V10, niciraID, 6, 4},
	{GroupModFailedChainingUnsupported, V10, V10, niciraID, 6, 5},
	{GroupModFailedWatchUnsupported, V10, V10, niciraID, 6, 6},
	{GroupModFailedLoop, V10, V10, niciraID, 6, 7},
	{GroupModFailedUnknownGroup, V10, V10, niciraID, 6, 8},
	{GroupModFailedChainedGroup, V10, V10, niciraID, 6, 9},
	{GroupModFailedBadType, V10, V10, niciraID, 6, 10},
	{GroupModFailedBadCommand, V10, V10, niciraID, 6, 11},
	{GroupModFailedBadBucket, V10, V10, niciraID, 6, 12},
	{GroupModFailedBadWatch, V10, V10, niciraID, 6, 13},
	{GroupModFailedEPERM, V10, V10, niciraID, 6, 14},
	{TableFeaturesFailedBadType, V10, V11, niciraID, 13, 2},
	{TableFeaturesFailedBadType, V12, V12, niciraID, 25, 0},
	{TableFeaturesFailedBadLen, V10, V11, niciraID, 13, 3},
	{TableFeaturesFailedBadLen, V12, V12, niciraID, 26, 0},
	{TableFeaturesFailedBadArgument, V10, V11, niciraID, 13, 4},
	{TableFeaturesFailedBadArgument, V12, V12, niciraID, 27, 0},
}

// What stands in the place of an error's type where it is an experimenter's:
// NXET_VENDOR of Nicira's up to 1.1, with the code 0, and OFPET_EXPERIMENTER.
const (
	nxVendorError     = 0xb0c2
	experimenterError = 0xffff
)

// vendorErrorHead is how many bytes of the data say which error it is: the
// experimenter, and up to 1.1 type and code.
func vendorErrorHead(v Version) int {
	if v <= V11 {
		return 8
	}
	return 4
}

// vendorReason returns the reason of an error with the given numbers and data, or
// ReasonUnknown.
func vendorReason(v Version, typ, code uint16, data []byte) ErrorReason {
	if !v.Supported() || len(data) < vendorErrorHead(v) {
		return ReasonUnknown
	}
	want := vendorError{experimenter: binary.BigEndian.Uint32(data), typ: code}
	switch {
	case v <= V11 && typ == nxVendorError && code == 0:
		want.typ, want.code = binary.BigEndian.Uint16(data[4:]), binary.BigEndian.Uint16(data[6:])
	case v <= V11 || typ != experimenterError:
		return ReasonUnknown
	}
	for i := range vendorErrors {
		e := &vendorErrors[i]
		if e.experimenter == want.experimenter && e.typ == want.typ && e.code == want.code && v >= e.from && v <= e.to {
			return e.reason
		}
	}
	return ReasonUnknown
}

// vendorForm returns the form of the reason in a version, or nil.
func (r ErrorReason) vendorForm(v Version) *vendorError {
	for i := range vendorErrors {
		if e := &vendorErrors[i]; e.reason == r && v >= e.from && v <= e.to {
			return e
		}
	}
	return nil
}

// write writes an error whose type and code are in b, and what of the data says
// which it is.
func (e *vendorError) write(c *cursor, b []byte) {
	if c.v <= V11 {
		binary.BigEndian.PutUint32(b, nxVendorError<<16)
		binary.BigEndian.PutUint64(c.room(8), uint64(e.experimenter)<<32|uint64(e.typ)<<16|uint64(e.code))
		return
	}
	binary.BigEndian.PutUint32(b, experimenterError<<16|uint32(e.typ))
	binary.BigEndian.PutUint32(c.room(4), e.experimenter)
}
