import Tensors
import Vision

/// From a raw map to what is drawn of it, and measured: the only place where this is decided, so that evaluation
/// measures what people see.
///
/// A map of a layer's cells is smoothed (``smoothed(_:side:)``) as the model or the user says. A map of pixels is
/// smoothed only where the user says so, and its few largest values are clipped (``clipped(_:percentile:)``).
public struct MapPreparation: Equatable, Sendable {
    /// Side of the smoothing square for maps of a layer's cells, odd; 1 leaves them as they are.
    public var cellSmoothing = 1
    /// The same for maps of pixels.
    public var pixelSmoothing = 1

    public init() {}

    /// - Parameters:
    ///   - side: what the user asks for; nil takes the model's own for maps of cells, and 1 for maps of pixels.
    ///   - own: what the model's configuration says.
    public init(smoothing side: Int?, own: Int?) {
        (cellSmoothing, pixelSmoothing) = (side ?? own ?? 1, side ?? 1)
    }

    /// Prepares a raw map `[u, v]`.
    public func callAsFunction(_ map: Tensor, isOfPixels: Bool) -> PreparedMap {
        let smooth = smoothed(map, side: isOfPixels ? pixelSmoothing : cellSmoothing)
        guard isOfPixels else { return PreparedMap(values: smooth) }
        let (values, limit) = clipped(smooth)
        return PreparedMap(values: values, smoothed: smooth, limit: limit)
    }
}

/// A map as it is drawn, but for normalising and placing.
public struct PreparedMap: Sendable {
    /// Smoothed and clipped, `[u, v]`.
    public let values: Tensor
    /// Smoothed, not clipped: it says where the maximum is and in what order the cells stand. `[u, v]`
    public let smoothed: Tensor
    /// Magnitudes above it were clipped to it; nil where nothing was.
    public let limit: Float?

    public init(values: Tensor, smoothed: Tensor? = nil, limit: Float? = nil) {
        self.values = values
        self.smoothed = smoothed ?? values
        self.limit = limit
    }

    private var columns: Int { values.shape[1] }
    private var rows: Int { values.shape[0] }

    /// The numbers that colours stand for.
    /// - Parameter divisor: what the map is divided by; nil: its own maximum.
    public func normalised(_ normalisation: Normalisation = .unit, divisor: Float? = nil) -> NormalisedMap {
        normalisation(values.array, maximum: divisor)
    }

    /// The map over the whole photograph, normalised by its own maximum: 0...1.
    public func placed(in placement: Placement, _ normalisation: Normalisation = .unit) -> Plane {
        placement.toOriginal(normalised(normalisation).values, width: columns, height: rows)
    }

    /// As ``placed(in:_:)``, before anything was clipped; nil where nothing was.
    public func placedUnclipped(in placement: Placement) -> Plane? {
        limit.map { _ in PreparedMap(values: smoothed).placed(in: placement) }
    }

    /// The drawn map at its own resolution, normalised by its own maximum: 0...1.
    public var plane: Plane { Plane(width: columns, height: rows, values: normalised().values) }

    /// The localisation box (``LocalisationBox``), in pixels of the photograph; nil when nothing is positive.
    /// - Parameter threshold: part of the maximum, above 0.
    public func box(in placement: Placement, threshold: Float, _ normalisation: Normalisation) -> Rectangle? {
        LocalisationBox.find(in: placed(in: placement, normalisation), threshold: threshold)
    }
}
