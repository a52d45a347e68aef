import Tensors

/// Grad-CAM of a layer's output less its mean over the cells: map = sum over k of alpha_k (A_kij - mean over i, j of
/// A_kij), alpha as in ``GradCAM``; the map's own mean is 0.
///
/// What all cells have in common says nothing about a place, but Grad-CAM draws it everywhere, the more so the weaker
/// the word's own place is. Without it, the maps of two words of a caption differ far more (docs/maps.md). It is mmx's
/// own method, from no paper.
public struct CentredGradCAM: LayerGradientMethod {
    public let name = "centred-grad-cam"
    public let summary = "Grad-CAM of the layer's output less its mean over the cells"
    public let paper = "mmx, after Selvaraju et al. 2017, arXiv 1610.02391"
    public var takesMeanGradient: Bool { true }

    /// The method; it has no settings.
    public init() {}

    public static func maps(activations: Tensor, gradients: Tensor) -> Tensor {
        let maps = GradCAM.maps(activations: activations, gradients: gradients)
        let cells = maps.shape[1] * maps.shape[2]
        for s in 0..<maps.shape[0] {
            let row = UnsafeMutableBufferPointer(start: maps.pointer + s * cells, count: cells)
            // The map is linear in A: its own mean is that of the mean's.
            let mean = row.reduce(0, +) / Float(cells)
            for cell in row.indices { row[cell] -= mean }
        }
        return withExtendedLifetime(maps) { maps }
    }
}
