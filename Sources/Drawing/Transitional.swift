import Vision

extension MapDrawing {
    /// The former name of ``images(of:width:height:name:box:)``.
    public func pictures(
        of map: NormalisedMap, width: Int, height: Int, name: String, box: Rectangle? = nil
    ) -> (overlay: Image, heatMap: Image) { images(of: map, width: width, height: height, name: name, box: box) }
}
