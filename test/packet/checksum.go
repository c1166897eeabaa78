// SPDX-License-Identifier: Apache-2.0

package packet

// Checksum returns the Internet checksum (RFC 1071) of the parts as if they were one piece: the complement of the one's complement
// sum of its big-endian 16-bit words, a last odd byte counted as the high half of a word. A checksum field among the data must be zero.
//
// This is the judge's sum, kept as plain as the RFC's own words; building uses another.
func Checksum(parts ...[]byte) uint16 {
	var sum uint64
	high := true
	for _, part := range parts {
		for _, b := range part {
			if high {
				sum += uint64(b) << 8
			} else {
				sum += uint64(b)
			}
			high = !high
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// without returns data with the 2 bytes at offset left out as zeros, in parts for [Checksum].
func without(data []byte, offset int) [][]byte {
	return [][]byte{data[:offset], {0, 0}, data[offset+2:]}
}
