import Tensors

/// One method's map of one score, as the method gives it.
struct RawMap {
    /// `[u, v]`, signed, at the layer's or the picture's own resolution.
    let values: Tensor
    let method: String
    /// The layers whose cells it has, or "pixels".
    let place: String
    /// What is explained: a word, an answer, a class.
    let name: String

    var isOfPixels: Bool { place == MapPlace.pixels.rawValue }
}

extension ExplainedScore {
    var raw: RawMap { RawMap(values: map, method: method, place: place, name: score.name) }
}

extension ExplainedAnswer {
    var raw: RawMap { RawMap(values: map, method: method, place: place, name: score.name) }
}

extension ExplainedClass {
    var raw: RawMap { RawMap(values: map, method: method, place: place, name: score.name) }
}
