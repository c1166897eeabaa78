// SPDX-License-Identifier: Apache-2.0

package packet

import "encoding/binary"

// MSS is the TCP option "maximum segment size" (RFC 9293 section 3.7.1). Join options with [slices.Concat].
func MSS(bytes uint16) []byte { return binary.BigEndian.AppendUint16([]byte{2, 4}, bytes) }

// WindowScale is the TCP option "window scale" (RFC 7323 section 2), preceded by a no-operation for alignment.
func WindowScale(shift uint8) []byte { return []byte{1, 3, 3, shift} }

// SACKPermitted is the TCP option of that name (RFC 2018 section 2), preceded by two no-operations for alignment.
func SACKPermitted() []byte { return []byte{1, 1, 4, 2} }

// Timestamps is the TCP option of that name (RFC 7323 section 3), preceded by two no-operations for alignment.
func Timestamps(value, echo uint32) []byte {
	o := binary.BigEndian.AppendUint32([]byte{1, 1, 8, 10}, value)
	return binary.BigEndian.AppendUint32(o, echo)
}
