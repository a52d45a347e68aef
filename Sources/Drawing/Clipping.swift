import Tensors

/// A map with every magnitude above their `percentile` cut to it (Smilkov et al. 2017, arXiv 1706.03825, section 3.1): a
/// few pixels' gradients are far above all others, and divided by the largest nothing else would show.
/// - Returns: the map, and where it was cut; the map as it is and nil where that is 0.
public func clipped(_ map: Tensor, percentile: Int = 99) -> (map: Tensor, limit: Float?) {
    let values = map.array
    let magnitudes = values.map { (x: Float) -> Float in x.isFinite ? abs(x) : 0 }.sorted()
    guard !magnitudes.isEmpty else { return (map, nil) }
    let limit = magnitudes[(magnitudes.count - 1) * percentile / 100]
    guard limit > 0 else { return (map, nil) }
    let cut = values.map { (x: Float) -> Float in x.isFinite ? max(-limit, min(limit, x)) : x }
    return (Tensor(map.shape, cut), limit)
}
