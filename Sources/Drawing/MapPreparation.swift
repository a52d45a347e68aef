import Tensors
import Vision

/// Prepares a raw map for drawing. The evaluation prepares maps with it too, so that it measures what is drawn.
///
/// A map of a layer's cells is smoothed (``smoothed(_:side:)``) as the model or the user says. A map of pixels is
/// smoothed only if the user says so, and its largest values are clipped (``clipped(_:percentile:)``).
public struct MapPreparation: Equatable, Sendable {
    /// Side of the smoothing square for maps of a layer's cells. It is odd, and 1 means no smoothing.
    public var cellSmoothing = 1
    /// Side of the smoothing square for maps of pixels. It is odd, and 1 means no smoothing.
    public var pixelSmoothing = 1

    /// A preparation without smoothing.
    public init() {}

    /// - Parameters:
    ///   - side: the user's side of the smoothing square, odd. Without it, maps of cells have the model's, and maps of
    ///     pixels are not smoothed.
    ///   - own: the side in the model's configuration, odd.
    public init(smoothing side: Int?, own: Int?) {
        (cellSmoothing, pixelSmoothing) = (side ?? own ?? 1, side ?? 1)
    }

    /// Smooths and clips a map.
    /// - Parameters:
    ///   - map: `[u, v]`, raw and signed.
    ///   - isOfPixels: whether the map's cells are pixels of the model's input, not cells of a layer.
    public func callAsFunction(_ map: Tensor, isOfPixels: Bool) -> PreparedMap {
        let smooth = smoothed(map, side: isOfPixels ? pixelSmoothing : cellSmoothing)
        guard isOfPixels else { return PreparedMap(values: smooth) }
        let (values, limit) = clipped(smooth)
        return PreparedMap(values: values, smoothed: smooth, limit: limit)
    }
}

/// A smoothed and clipped map. It is not normalised and not placed over the photograph yet.
public struct PreparedMap: Sendable {
    /// The map after smoothing and clipping, `[u, v]`. It is drawn.
    public let values: Tensor
    /// The map after smoothing, before clipping, `[u, v]`. It gives the position of the maximum and the order of the
    /// cells.
    public let smoothed: Tensor
    /// The magnitude that larger ones were clipped to. It is nil if nothing was clipped.
    public let limit: Float?

    /// - Parameters:
    ///   - values: `[u, v]`, smoothed and clipped.
    ///   - smoothed: `[u, v]`, before clipping. Without it, nothing was clipped.
    ///   - limit: the magnitude that larger ones were clipped to.
    public init(values: Tensor, smoothed: Tensor? = nil, limit: Float? = nil) {
        self.values = values
        self.smoothed = smoothed ?? values
        self.limit = limit
    }

    private var columns: Int { values.shape[1] }
    private var rows: Int { values.shape[0] }

    /// The normalised map.
    /// - Parameters:
    ///   - normalisation: the formula.
    ///   - divisor: what the map is divided by, above 0. Without it, the map's own maximum.
    public func normalised(_ normalisation: Normalisation = .unit, divisor: Float? = nil) -> NormalisedMap {
        normalisation(values.array, maximum: divisor)
    }

    /// The map over the whole photograph, normalised by its own maximum.
    /// - Returns: one value for each pixel of the photograph: 0...1, or -1...1 for the signed normalisation.
    public func placed(in placement: Placement, _ normalisation: Normalisation = .unit) -> Plane {
        placement.toOriginal(normalised(normalisation).values, width: columns, height: rows)
    }

    /// The map before clipping over the whole photograph, 0...1. It is nil if nothing was clipped.
    public func placedUnclipped(in placement: Placement) -> Plane? {
        limit.map { _ in PreparedMap(values: smoothed).placed(in: placement) }
    }

    /// The map at its own resolution, normalised by its own maximum, 0...1.
    public var plane: Plane { Plane(width: columns, height: rows, values: normalised().values) }

    /// The localisation box (``LocalisationBox``), in pixels of the photograph. It is nil if no value is positive.
    /// - Parameter threshold: part of the maximum, above 0.
    public func box(in placement: Placement, threshold: Float, _ normalisation: Normalisation) -> Rectangle? {
        LocalisationBox.find(in: placed(in: placement, normalisation), threshold: threshold)
    }
}
