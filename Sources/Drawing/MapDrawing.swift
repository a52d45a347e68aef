import Vision

/// A photograph and how maps are drawn over it: a map's pictures out of its numbers.
public struct MapDrawing: Sendable {
    public let photo: Image
    /// Where the model's frame lies in the photograph.
    public let placement: Placement
    public let style: DrawingStyle

    public init(photo: Image, placement: Placement, style: DrawingStyle) {
        (self.photo, self.placement, self.style) = (photo, placement, style)
    }

    /// The same over a smaller photograph, for the tiles of a sheet.
    public func resized(_ size: (width: Int, height: Int)) -> MapDrawing {
        let x = Double(size.width) / Double(photo.width)
        let y = Double(size.height) / Double(photo.height)
        let seen = placement.rectangle
        return MapDrawing(
            photo: photo.resized(width: size.width, height: size.height, filter: .bilinear),
            placement: Placement(
                originalWidth: size.width, originalHeight: size.height, modelWidth: placement.modelWidth,
                modelHeight: placement.modelHeight,
                rectangle: Rectangle(x0: seen.x0 * x, y0: seen.y0 * y, x1: seen.x1 * x, y1: seen.y1 * y)),
            style: style)
    }

    /// The map over the photograph and the map alone, each with contours, box, a note where there is nothing to see,
    /// and the legend where the style has one.
    /// - Parameters:
    ///   - map: `[height, width]` cells over the model's frame, normalised.
    ///   - name: what is explained.
    ///   - box: in pixels of the photograph.
    public func pictures(
        of map: NormalisedMap, width: Int, height: Int, name: String, box: Rectangle? = nil
    ) -> (overlay: Image, heatMap: Image) {
        let plane = placement.toOriginal(map.values, width: width, height: height)
        let lines = contours(plane, isSigned: map.isSigned)
        let heat = Overlay.heatMap(
            plane.values, width: photo.width, height: photo.height, colorMap: style.colorMap, isSigned: map.isSigned,
            seen: placement.rectangle)
        func finished(_ image: Image) -> Image {
            let image = annotated(image, map, name: name, lines: lines, box: box)
            return style.hasLegend ? style.legend(maximum: map.maximum, name: name).under(image) : image
        }
        return (finished(overlay(plane, map)), finished(heat))
    }

    /// The map over the photograph, as ``pictures(of:width:height:name:box:)`` without a legend.
    public func tile(
        of map: NormalisedMap, width: Int, height: Int, name: String, box: Rectangle? = nil
    ) -> Image {
        let plane = placement.toOriginal(map.values, width: width, height: height)
        return annotated(
            overlay(plane, map), map, name: name, lines: contours(plane, isSigned: map.isSigned), box: box)
    }

    private func overlay(_ plane: Plane, _ map: NormalisedMap) -> Image {
        Overlay.draw(
            photo, map: plane.values, colorMap: style.colorMap, opacity: style.opacity, blend: style.blend,
            isSigned: map.isSigned, seen: placement.rectangle)
    }

    private func contours(_ plane: Plane, isSigned: Bool) -> [Contour.Segment] {
        let seen = Overlay.pixels(of: placement.rectangle, width: plane.width, height: plane.height)
        func line(_ values: [Float], _ level: Float) -> [Contour.Segment] {
            Contour.segments(
                of: values, width: plane.width, columns: seen.columns, rows: seen.rows, level: level)
        }
        let negative = isSigned && !style.contours.isEmpty ? plane.values.map { -$0 } : []
        return style.contours.flatMap { line(plane.values, $0) + (isSigned ? line(negative, $0) : []) }
    }

    private func annotated(
        _ image: Image, _ map: NormalisedMap, name: String, lines: [Contour.Segment], box: Rectangle?
    ) -> Image {
        var image = image
        image.stroke(lines)
        if let box { image.outline(box) }
        if let note = map.warnings.compactMap({ $0.note(about: name) }).first { image.note(note) }
        return image
    }
}
