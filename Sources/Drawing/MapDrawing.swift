import Vision

/// Draws maps over one photograph in one style.
public struct MapDrawing: Sendable {
    /// The photograph.
    public let photo: Image
    /// The position of the model's input in the photograph.
    public let placement: Placement
    /// The colours, contours and legend.
    public let style: DrawingStyle

    /// - Parameters:
    ///   - photo: the photograph.
    ///   - placement: the position of the model's input in the photograph.
    ///   - style: the colours, contours and legend.
    public init(photo: Image, placement: Placement, style: DrawingStyle) {
        (self.photo, self.placement, self.style) = (photo, placement, style)
    }

    /// The same drawing with the photograph resized, for the tiles of a sheet.
    /// - Parameter size: in pixels.
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

    /// The map over the photograph, and the map alone. Both have the contours, the box, a note if the map is empty, and
    /// the style's legend.
    /// - Parameters:
    ///   - map: `[height, width]`, normalised. Its cells cover the model's input.
    ///   - width: cells in a row.
    ///   - height: rows of cells.
    ///   - name: the target's name, for the note and the legend.
    ///   - box: an outline, in pixels of the photograph.
    public func images(
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

    /// The map over the photograph, as ``images(of:width:height:name:box:)`` gives it, but without the legend.
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
