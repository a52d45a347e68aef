import Tasks
import Tensors

/// What is drawn of a raw map, and measured: the means of its cells over a square (``smoothed(_:side:)``) and, of a map
/// of pixels, what is left when the few that lie far above all others are cut (``clipped(_:percentile:)``).
struct MapPreparation: Equatable {
    /// Cells of the square, odd.
    var cells = 1
    /// The same of a map of pixels, which is only smoothed where the user asks for it.
    var pixels = 1

    init() {}

    /// - Parameters:
    ///   - side: what the user asks for; nil takes the model's own for maps of cells, and pixels as they are.
    ///   - own: what the model's configuration says of its maps.
    init(smoothing side: Int?, own: MapConfiguration?) {
        (cells, pixels) = (side ?? own?.smoothing ?? 1, side ?? 1)
    }

    /// The map before anything is cut: where it has its maximum, and in what order its cells stand. `[u, v]`
    func smooth(_ map: Tensor, isOfPixels: Bool) -> Tensor { smoothed(map, side: isOfPixels ? pixels : cells) }

    /// The map as it is drawn `[u, v]`, and where it was cut.
    func drawn(_ map: Tensor, isOfPixels: Bool) -> (map: Tensor, limit: Float?) {
        let smooth = smooth(map, isOfPixels: isOfPixels)
        return isOfPixels ? clipped(smooth) : (smooth, nil)
    }
}
