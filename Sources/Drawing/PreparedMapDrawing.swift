import Vision

extension MapDrawing {
    /// The map over the photograph, normalised by its own maximum, with a legend where the style has one.
    /// - Parameter name: what is explained.
    public func overlay(of map: PreparedMap, name: String) -> Image {
        let shape = map.values.shape
        return pictures(
            of: map.normalised(style.normalisation), width: shape[1], height: shape[0], name: name
        ).overlay
    }
}
