import Support

extension Parameters {
    /// The ``Support/Fingerprint`` of the parameters made so far below this place, in hexadecimal: of their names from
    /// here on, their shapes and every bit of their values. It finds a model that was replaced or trained on.
    public var fingerprint: String { fingerprint { _ in true } }

    /// The same of those parameters alone whose name, from here on, `isIncluded` accepts.
    public func fingerprint(where isIncluded: (Substring) -> Bool) -> String {
        let place = prefix.isEmpty ? "" : "\(prefix)."
        let names = store.order.filter { $0.hasPrefix(place) && isIncluded($0.dropFirst(place.count)) }.sorted()
        let values = names.compactMap { store.values[$0] }
        var hashes = [UInt64](repeating: 0, count: values.count)
        hashes.withUnsafeMutableBufferPointer { hashes in
            nonisolated(unsafe) let hashes = hashes
            Parallel.forEach(values.count) { hashes[$0] = Self.hash(values[$0]) }
        }
        var result = Fingerprint()
        for ((name, value), hash) in zip(zip(names, values), hashes) {
            result.add(name.dropFirst(place.count))
            for size in value.shape { result.add(UInt64(size)) }
            result.add(hash)
        }
        return result.hexadecimal
    }

    /// Computes four interleaved hashes, because each step of one hash waits for the step before it.
    private static func hash(_ tensor: Tensor) -> UInt64 {
        var rows = (
            Fingerprint(start: 1), Fingerprint(start: 2), Fingerprint(start: 3), Fingerprint(start: 4)
        )
        @inline(__always) func add(_ bytes: UnsafeRawPointer, _ i: Int) {
            rows.0.add(bytes.loadUnaligned(fromByteOffset: i * 4, as: UInt64.self))
            rows.1.add(bytes.loadUnaligned(fromByteOffset: i * 4 + 8, as: UInt64.self))
            rows.2.add(bytes.loadUnaligned(fromByteOffset: i * 4 + 16, as: UInt64.self))
            rows.3.add(bytes.loadUnaligned(fromByteOffset: i * 4 + 24, as: UInt64.self))
        }
        func add(floats: UnsafePointer<Float>, count: Int) {
            let bytes = UnsafeRawPointer(floats)
            var i = 0
            while i + 8 <= count {
                add(bytes, i)
                i += 8
            }
            while i < count {
                rows.0.add(UInt64(floats[i].bitPattern))
                i += 1
            }
        }
        if let halves = tensor.halves {
            // A multiple of 8, so that the hash is that of the same numbers as floats.
            let part = 1024
            withUnsafeTemporaryAllocation(of: Float.self, capacity: part) { floats in
                guard let base = floats.baseAddress else { return }
                for start in stride(from: 0, to: tensor.count, by: part) {
                    let count = min(part, tensor.count - start)
                    Half.widen(halves + start, count, into: base)
                    add(floats: base, count: count)
                }
            }
        } else {
            add(floats: tensor.pointer, count: tensor.count)
        }
        return withExtendedLifetime(tensor) {
            for row in [rows.1, rows.2, rows.3] { rows.0.add(row.value) }
            return rows.0.value
        }
    }
}
