package ofp

import "strings"

// CheckVersion says what of the message the version has no meaning for, as an
// *EncodeError that wraps ErrVersion: bits of the configuration that only
// OpenFlow 1.0 has. Append encodes the message all the same, as it came.
func (m *PortMod) CheckVersion(v Version) error {
	config, _ := portBits(v)
	for bit, name := range portConfigNames {
		if odd := (m.Config | m.Mask) &^ config; odd&(1<<bit) != 0 && name != "" {
			return &EncodeError{Message: m.Type().String(), Version: v, Field: "port configuration " + strings.ToLower(name), Err: ErrVersion}
		}
	}
	return nil
}

// CheckVersion is an *EncodeError that wraps ErrVersion where the version has no
// table misses to configure: only 1.1 and 1.2 do.
func (m *TableMod) CheckVersion(v Version) error {
	if v != V11 && v != V12 {
		return &EncodeError{Message: m.Type().String(), Version: v, Field: "table miss", Err: ErrVersion}
	}
	return nil
}
