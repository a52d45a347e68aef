import Tensors

extension Tensor {
    /// Whether all elements are finite numbers. Halves in a file are looked at where they are, not converted.
    var hasFiniteElements: Bool {
        guard let halves = storage.halves else { return isFinite }
        return withExtendedLifetime(storage) {
            // All bits of the exponent are set in an infinite number and in what is no number.
            for i in offset..<offset + count where halves[i].bits & 0x7C00 == 0x7C00 { return false }
            return true
        }
    }
}
