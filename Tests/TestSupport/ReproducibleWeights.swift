import Tensors

/// Parameters that are a hash of their name and of each element's index. They equal those of
/// VisionTests/Fixtures/make_encoders.py and ExplainTests/Fixtures/methods.py to the last bit, so networks can be
/// compared without shipping their weights.
public enum ReproducibleWeights {
    /// FNV-1a, 32 bits.
    public static func fnv(_ text: String) -> UInt32 {
        text.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }

    /// Values in [-0.5, 0.5), times `scale`: MurmurHash3's finaliser of the index, salted with the name.
    public static func noise(_ name: String, _ shape: [Int], scale: Float = 1) -> Tensor {
        let tensor = Tensor(uninitialized: shape)
        let salt = SIMD16<UInt32>(repeating: fnv(name))
        let lanes = SIMD16<UInt32>((0..<16).map { UInt32($0) })
        let output = tensor.pointer, count = tensor.count
        for start in stride(from: 0, to: count, by: 16) {
            var h = (lanes &+ SIMD16(repeating: UInt32(truncatingIfNeeded: start))) &* 0x9E37_79B1 &+ salt
            h ^= h &>> 16
            h = h &* 0x85EB_CA6B
            h ^= h &>> 13
            h = h &* 0xC2B2_AE35
            h ^= h &>> 16
            let integers = SIMD16<Int32>(truncatingIfNeeded: h &>> 8)
            let values = (SIMD16<Float>(integers) * Float(1.0 / 16_777_216) - 0.5) * scale
            if start + 16 <= count {
                UnsafeMutableRawPointer(output + start).storeBytes(of: values, as: SIMD16<Float>.self)
            } else {
                for i in start..<count { output[i] = values[i - start] }
            }
        }
        return tensor
    }

    /// - Parameter gain: a factor for the weights of batch normalisation.
    public static func parameter(_ name: String, _ shape: [Int], gain: Float) -> Tensor {
        if shape.count > 1 {
            let fan = shape.dropFirst().reduce(1, *)
            return noise(name, shape, scale: Float(2 * (6 / Double(fan)).squareRoot()))
        }
        let tensor = noise(name, shape)
        let change: (Float) -> Float
        if name.hasSuffix("running_var") {
            change = { $0 + 1 }
        } else if name.hasSuffix("weight") {
            change = { ($0 * 0.4 + 1) * gain }
        } else {
            change = { $0 * 0.4 }
        }
        return Tensor(shape, tensor.array.map(change))
    }
}
