import Tensors

/// Clips a map's magnitudes to their percentile (Smilkov et al. 2017, arXiv 1706.03825, section 3.1). The gradients of
/// a few pixels are far above all others. Without clipping, the division by the largest hides the rest of the map.
/// - Parameters:
///   - map: of any shape. Values that are not finite are kept, and count as 0 for the percentile.
///   - percentile: 0...100.
/// - Returns: the clipped map, and the magnitude that it was clipped to. If the percentile is 0, the map is unchanged
///   and the limit is nil.
public func clipped(_ map: Tensor, percentile: Int = 99) -> (map: Tensor, limit: Float?) {
    let values = map.array
    let magnitudes = values.map { (x: Float) -> Float in x.isFinite ? abs(x) : 0 }.sorted()
    guard !magnitudes.isEmpty else { return (map, nil) }
    let limit = magnitudes[(magnitudes.count - 1) * percentile / 100]
    guard limit > 0 else { return (map, nil) }
    let cut = values.map { (x: Float) -> Float in x.isFinite ? max(-limit, min(limit, x)) : x }
    return (Tensor(map.shape, cut), limit)
}
