import Foundation

/// How maps are made and drawn, and where they go: what every request for an explanation has.
public struct MapRequest: Sendable {
    public var recipe: MapRecipe
    /// Over which the maps are drawn, those of several fused; the encoder's last where there is none.
    public var layers: [String]
    /// The folder of the files.
    public var output: URL
    public var colorMap: ColorMap
    public var opacity: Float
    /// Cells of the square over whose mean maps are drawn, odd; nil takes the model's own for maps of a layer's cells,
    /// and draws maps of pixels as they are.
    public var smoothing: Int?
    /// Part of the maximum above which the localisation box is found; nil finds none.
    public var boxThreshold: Float?
    /// The tool whose steps are taken from the method's map to the picture; nil for mmx's own.
    public var compatibility: Compatibility?

    public init(
        recipe: MapRecipe = MapRecipe(), layers: [String] = [], output: URL, colorMap: ColorMap = .turbo,
        opacity: Float = 0.6, smoothing: Int? = nil, boxThreshold: Float? = nil,
        compatibility: Compatibility? = nil
    ) {
        self.recipe = recipe
        self.layers = layers
        self.output = output
        self.colorMap = colorMap
        self.opacity = opacity
        self.smoothing = smoothing
        self.boxThreshold = boxThreshold
        self.compatibility = compatibility
    }
}
