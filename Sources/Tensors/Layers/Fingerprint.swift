extension Parameters {
    /// A hexadecimal number that identifies the parameters that exist under this prefix. It depends on their names
    /// (without the prefix), their shapes and every bit of their values. It shows that a model was replaced or trained
    /// further; it does not protect against forgery.
    public var fingerprint: String {
        let scope = prefix.isEmpty ? "" : "\(prefix)."
        let names = store.order.filter { $0.hasPrefix(scope) }.sorted()
        let values = names.compactMap { store.values[$0] }
        var hashes = [UInt64](repeating: 0, count: values.count)
        hashes.withUnsafeMutableBufferPointer { hashes in
            nonisolated(unsafe) let hashes = hashes
            Parallel.forEach(values.count) { hashes[$0] = Self.hash(values[$0]) }
        }
        var result: UInt64 = 0xCBF2_9CE4_8422_2325
        for ((name, value), hash) in zip(zip(names, values), hashes) {
            for byte in name.utf8.dropFirst(scope.utf8.count) { result = Self.mixed(result, UInt64(byte)) }
            for size in value.shape { result = Self.mixed(result, UInt64(size)) }
            result = Self.mixed(result, hash)
        }
        let digits = String(result, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// One step of a 64-bit FNV-1a hash. The high bits are mixed back into the low ones, because a multiplication never
    /// moves them down.
    @inline(__always) private static func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word) &* 0x100_0000_01B3
        return product ^ (product >> 32)
    }

    /// Computes four interleaved hashes, because each step of one hash waits for the step before it.
    private static func hash(_ tensor: Tensor) -> UInt64 {
        var rows: (UInt64, UInt64, UInt64, UInt64) = (1, 2, 3, 4)
        @inline(__always) func add(_ bytes: UnsafeRawPointer, _ i: Int) {
            rows.0 = mixed(rows.0, bytes.loadUnaligned(fromByteOffset: i * 4, as: UInt64.self))
            rows.1 = mixed(rows.1, bytes.loadUnaligned(fromByteOffset: i * 4 + 8, as: UInt64.self))
            rows.2 = mixed(rows.2, bytes.loadUnaligned(fromByteOffset: i * 4 + 16, as: UInt64.self))
            rows.3 = mixed(rows.3, bytes.loadUnaligned(fromByteOffset: i * 4 + 24, as: UInt64.self))
        }
        var i = 0
        if let halves = tensor.halves {
            while i + 16 <= tensor.count {
                withUnsafeBytes(of: Half.vector(at: halves + i)) { bytes in
                    guard let base = bytes.baseAddress else { return }
                    add(base, 0)
                    add(base, 8)
                }
                i += 16
            }
            while i + 8 <= tensor.count {
                withUnsafeBytes(of: Half.vector(at: halves + i, first: 8)) { bytes in
                    if let base = bytes.baseAddress { add(base, 0) }
                }
                i += 8
            }
            while i < tensor.count {
                rows.0 = mixed(rows.0, UInt64(halves[i].float.bitPattern))
                i += 1
            }
        } else {
            let bytes = UnsafeRawPointer(tensor.pointer)
            while i + 8 <= tensor.count {
                add(bytes, i)
                i += 8
            }
            while i < tensor.count {
                rows.0 = mixed(rows.0, UInt64(bytes.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self)))
                i += 1
            }
        }
        return withExtendedLifetime(tensor) { mixed(mixed(mixed(rows.0, rows.1), rows.2), rows.3) }
    }
}
