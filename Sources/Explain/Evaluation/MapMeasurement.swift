import Tensors
import Vision

/// One map's numbers on the way to the figures.
struct MapMeasurement {
    var method: String
    /// Of ``MapMetric/all``, in its order; nil where a metric has nothing to say.
    var terms: [Ratio?]
    var peak: Pixel?
    var fields: [String: String]
}

/// One target's numbers, by all methods and references.
struct MeasuredTarget {
    var picture: Int
    var kind: String
    var fields: [String: String]
    var measurements: [MapMeasurement]
}

/// The maps of one picture as they are drawn, held against its targets.
struct PictureMeasurement {
    /// Maps that have nothing to do with the target, in the table's order.
    static let references = ["word-blind", "gaussian", "edges", "centre", "chance"]

    let photo: Image
    let maps: PictureMaps

    /// Numbers of every target, the source's methods first, then the references.
    func measure(picture: Int) -> [MeasuredTarget] {
        let cells = maps.wordBlind.shape
        let edges = ReferenceMaps.edges(of: photo, placement: maps.placement, columns: cells[1], rows: cells[0])
        let references = [
            drawn(maps.wordBlind), ReferenceMaps.gaussian(width: photo.width, height: photo.height), drawn(edges),
        ]
        return maps.targets.map { target in
            var found = target.maps.map { measure(drawn($0.raw), as: $0.method, target.region, fields: $0.fields) }
            for (name, plane) in zip(Self.references, references) {
                found.append(measure(plane, as: name, target.region))
            }
            let centre = Pixel(x: photo.width / 2, y: photo.height / 2)
            let isPointing = MapMetric.all.map { $0.name == MapMetric.pointing.name }
            found.append(
                MapMeasurement(
                    method: "centre",
                    terms: isPointing.map { $0 ? Ratio(PointingGame.score(centre, target.region)) : nil },
                    peak: centre, fields: [:]))
            found.append(
                MapMeasurement(method: "chance", terms: MapMetric.all.map { $0.chance(target.region) }, fields: [:]))
            return MeasuredTarget(picture: picture, kind: target.kind, fields: target.fields, measurements: found)
        }
    }

    /// The map as overlays show it (`MapFiles`): its positive part over its maximum, laid over the picture.
    private func drawn(_ map: Tensor) -> Plane {
        maps.placement.place(Normalisation.unit(map.array).values, width: map.shape[1], height: map.shape[0])
    }

    private func measure(
        _ plane: Plane, as method: String, _ region: Region, fields: [String: String] = [:]
    ) -> MapMeasurement {
        MapMeasurement(
            method: method, terms: MapMetric.all.map { $0.measure(plane, region) }, peak: PointingGame.peak(of: plane),
            fields: fields)
    }
}
