import Drawing
import Foundation

/// How attributions are drawn, and where their files go.
public struct RenderingOptions: Sendable {
    /// The folder of the files.
    public var folder: URL
    /// Colours, opacity, contour lines, scale and legend.
    public var style: DrawingStyle
    /// Whether one sheet of all maps is drawn: methods x words, answers or classes.
    public var hasSheet: Bool
    /// Side of the square of cells over which maps are smoothed before they are drawn, odd; nil takes the model's own
    /// for maps of a layer's cells, and leaves maps of pixels as they are.
    public var smoothing: Int?
    /// Part of the maximum above which the localisation box is found; nil finds none.
    public var boxThreshold: Float?
    /// Whether the map as it is drawn is written too, as numbers: NAME-drawn.npy, `[height, width]` of the photograph.
    public var hasDrawnMap: Bool

    /// What is left out is drawn as the command line draws it.
    public init(
        folder: URL, style: DrawingStyle = .standard, hasSheet: Bool = false, smoothing: Int? = nil,
        boxThreshold: Float? = nil, hasDrawnMap: Bool = false
    ) {
        self.folder = folder
        self.style = style
        self.hasSheet = hasSheet
        self.smoothing = smoothing
        self.boxThreshold = boxThreshold
        self.hasDrawnMap = hasDrawnMap
    }
}

extension DrawingStyle {
    /// As the commands draw: as strong as the evidence, with what the picture shows written under it.
    public static let standard = DrawingStyle(hasLegend: true, scale: .evidence)
}
