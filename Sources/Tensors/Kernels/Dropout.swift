/// Entries 0 with probability `rate`, else 1 / (1 - rate): multiplying by it is inverted dropout (Srivastava et al.
/// 2014).
func dropoutMask(_ shape: [Int], rate: Float, using generator: inout SeededGenerator) -> Tensor {
    precondition(rate >= 0 && rate < 1, "a dropout rate of \(rate)")
    let mask = Tensor(uninitialized: shape)
    let keep = 1 / (1 - rate)
    let threshold = UInt64(rate * 65536)
    var i = 0
    while i < mask.count {
        var bits = generator.next()  // four draws of 16 bits
        for j in i..<min(i + 4, mask.count) {
            mask.pointer[j] = bits & 0xFFFF < threshold ? 0 : keep
            bits >>= 16
        }
        i += 4
    }
    return mask
}
