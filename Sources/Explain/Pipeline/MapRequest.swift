import Foundation

/// How maps are made and drawn, and where they go: what every request for an explanation has.
public struct MapRequest: Sendable {
    public var recipe: MapRecipe
    /// Over which the maps are drawn, those of several fused; the encoder's last where there is none.
    public var layers: [String]
    /// The folder of the files.
    public var output: URL
    public var style: DrawingStyle
    /// One picture of all maps: methods x words, answers or classes.
    public var hasSheet: Bool
    /// Cells of the square over whose mean maps are drawn, odd; nil takes the model's own for maps of a layer's cells,
    /// and draws maps of pixels as they are.
    public var smoothing: Int?
    /// Part of the maximum above which the localisation box is found; nil finds none.
    public var boxThreshold: Float?

    public init(
        recipe: MapRecipe = MapRecipe(), layers: [String] = [], output: URL,
        style: DrawingStyle = DrawingStyle(), hasSheet: Bool = false, smoothing: Int? = nil,
        boxThreshold: Float? = nil
    ) {
        self.recipe = recipe
        self.layers = layers
        self.output = output
        self.style = style
        self.hasSheet = hasSheet
        self.smoothing = smoothing
        self.boxThreshold = boxThreshold
    }
}
