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

    /// The map over the photograph, and the map alone. Both have the contours, the box, a note if nothing is drawn, and
    /// the style's legend.
    ///
    /// With a text and a legend, both are under the picture, on white. The picture stays at the upper left corner. It
    /// is enlarged if its longer side is below 400 pixels, and the canvas is wider than a narrow picture.
    /// - Parameters:
    ///   - map: `[height, width]`, normalised. Its cells cover the model's input.
    ///   - width: cells in a row.
    ///   - height: rows of cells.
    ///   - name: the target's name, for the note and the legend.
    ///   - box: an outline, in pixels of the photograph.
    ///   - evidence: the map's strength and direction. Without it, the map is drawn at full strength, as one for its
    ///     target.
    ///   - text: what the picture says beside the map. It is drawn only if the style has a legend.
    public func images(
        of map: NormalisedMap, width: Int, height: Int, name: String, box: Rectangle? = nil,
        evidence: MapEvidence? = nil, text: PictureText? = nil
    ) -> (overlay: Image, heatMap: Image) {
        let longest = max(photo.width, photo.height)
        if style.hasLegend, text != nil, longest < PictureBlock.smallest {
            let scale = Double(PictureBlock.enlarged) / Double(longest)
            func side(_ length: Int) -> Int { max(1, Int((Double(length) * scale).rounded())) }
            return resized((side(photo.width), side(photo.height))).images(
                of: map, width: width, height: height, name: name, box: box.map { $0.scaled(scale) },
                evidence: evidence, text: text)
        }
        let map = drawn(map, evidence)
        let plane = placement.toOriginal(map.values, width: width, height: height)
        let marks = Marks(map, lines: contours(plane, map), on: photo, box: box, note: note(map, name: name, evidence))
        func finished(_ image: consuming Image) -> Image {
            let image = marks.draw(on: image)
            guard style.hasLegend else { return image }
            let legend = style.legend(
                maximum: map.maximum, name: text == nil ? name : "", top: marks.top, evidence: evidence)
            guard var text else { return legend.under(image) }
            if marks.hasLines {
                text.details += (text.details.isEmpty ? "" : " · ") + style.contourNote
            }
            return PictureBlock.under(image, text: text, legend: legend, isAgainst: evidence?.isAgainst ?? false)
        }
        let heat = finished(
            Overlay.heatMap(
                plane.values, width: photo.width, height: photo.height,
                colorMap: style.colors(isAgainst: evidence?.isAgainst ?? false), isSigned: map.isSigned,
                seen: placement.rectangle))
        return (finished(overlay(plane, map, evidence)), heat)
    }

    /// The map over the photograph, as ``images(of:width:height:name:box:evidence:text:)`` gives it, but without the
    /// legend and the text.
    public func tile(
        of map: NormalisedMap, width: Int, height: Int, name: String, box: Rectangle? = nil,
        evidence: MapEvidence? = nil
    ) -> Image {
        let map = drawn(map, evidence)
        let plane = placement.toOriginal(map.values, width: width, height: height)
        let marks = Marks(map, lines: contours(plane, map), on: photo, box: box, note: note(map, name: name, evidence))
        return marks.draw(on: overlay(plane, map, evidence))
    }

    /// The map as strong as its evidence, if that is the style's scale.
    private func drawn(_ map: NormalisedMap, _ evidence: MapEvidence?) -> NormalisedMap {
        guard style.scale == .evidence, let strength = evidence?.strength, strength != 1 else { return map }
        var map = map
        map.values = map.values.map { $0 * strength }
        return map
    }

    private func overlay(_ plane: Plane, _ map: NormalisedMap, _ evidence: MapEvidence?) -> Image {
        Overlay.draw(
            photo, map: plane.values, colorMap: style.colors(isAgainst: evidence?.isAgainst ?? false),
            opacity: style.opacity, blend: style.blend, isSigned: map.isSigned, seen: placement.rectangle)
    }

    private func contours(_ plane: Plane, _ map: NormalisedMap) -> [Contour.Segment] {
        let top = map.top
        guard top >= MapEvidence.least else { return [] }
        let seen = Overlay.pixels(of: placement.rectangle, width: plane.width, height: plane.height)
        func line(_ values: [Float], _ level: Float) -> [Contour.Segment] {
            Contour.segments(
                of: values, width: plane.width, columns: seen.columns, rows: seen.rows, level: level * top)
        }
        let negative = map.isSigned && !style.contours.isEmpty ? plane.values.map { -$0 } : []
        return style.contours.flatMap { line(plane.values, $0) + (map.isSigned ? line(negative, $0) : []) }
    }

    /// What is written across the picture, if it shows nothing.
    private func note(_ map: NormalisedMap, name: String, _ evidence: MapEvidence?) -> String? {
        let isAgainst = evidence?.isAgainst ?? false
        let empty = map.warnings.compactMap { $0.note(about: name, isAgainst: isAgainst) }.first
        guard empty != nil || (map.top < MapEvidence.least && style.scale == .evidence) else { return nil }
        return evidence?.note ?? empty ?? "nothing in the image speaks \(isAgainst ? "against" : "for") '\(name)'"
    }
}

/// What is drawn over a map.
private struct Marks {
    /// The largest drawn value.
    let top: Float
    let hasLines: Bool
    private let lines: Stroke
    let box: Rectangle?
    let note: String?

    init(_ map: NormalisedMap, lines: [Contour.Segment], on photo: Image, box: Rectangle?, note: String?) {
        (top, hasLines, self.lines, self.box, self.note) = (
            map.top, !lines.isEmpty, Stroke(lines, on: photo), box, note
        )
    }

    /// Draws into the image itself, not into a copy.
    func draw(on image: consuming Image) -> Image {
        lines.draw(into: &image)
        if let box { image.outline(box) }
        if let note { image.note(note) }
        return image
    }
}

extension NormalisedMap {
    /// The largest value, or the largest magnitude of a signed map.
    var top: Float { values.reduce(0) { max($0, isSigned ? abs($1) : $1) } }
}

extension Rectangle {
    fileprivate func scaled(_ scale: Double) -> Rectangle {
        Rectangle(x0: x0 * scale, y0: y0 * scale, x1: x1 * scale, y1: y1 * scale)
    }
}
