import Vision

extension MapDrawing {
    /// The map over the photograph, with the style's legend. A fixed scale divides the map by its number. With any
    /// other scale, the map is divided by its own maximum.
    /// - Parameters:
    ///   - map: prepared by ``MapPreparation``.
    ///   - name: the target's name, for the note and the legend.
    ///   - evidence: the map's strength and direction.
    ///   - text: what the picture says beside the map, if the style has a legend.
    public func overlay(
        of map: PreparedMap, name: String, evidence: MapEvidence? = nil, text: PictureText? = nil
    ) -> Image {
        let shape = map.values.shape
        var divisor: Float?
        if case .fixed(let maximum) = style.scale { divisor = maximum }
        return images(
            of: map.normalised(style.normalisation, divisor: divisor), width: shape[1], height: shape[0], name: name,
            evidence: evidence, text: text
        ).overlay
    }
}
