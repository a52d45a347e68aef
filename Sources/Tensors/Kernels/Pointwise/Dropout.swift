/// A mask with entries 0 with probability `rate`, else 1 / (1 - rate). Multiplying by it is inverted dropout
/// (Srivastava et al. 2014).
func dropoutMask(_ shape: [Int], rate: Float, using generator: inout SeededGenerator) -> Tensor {
    precondition(rate >= 0 && rate < 1, "a dropout rate of \(rate)")
    let mask = Tensor(uninitialized: shape)
    let keep = 1 / (1 - rate)
    let threshold = UInt64(rate * 65536)
    // Each random number gives four draws of 16 bits.
    let output = mask.pointer, count = mask.count, numbers = (count + 3) / 4, start = generator
    Parallel.ranges(numbers, grain: 1 << 12) { range in
        var generator = start
        generator.skip(range.lowerBound)
        for i in range {
            var bits = generator.next()
            for j in 4 * i..<min(4 * i + 4, count) {
                output[j] = bits & 0xFFFF < threshold ? 0 : keep
                bits >>= 16
            }
        }
    }
    generator.skip(numbers)
    return mask
}
