import Drawing
import Foundation
import Tensors
import Vision

/// Images, the things in them that are asked for, and the maps that claim to show them.
///
/// Questions about images are one source; words of captions, or masks in place of boxes, are others: the metrics, the
/// references and the figures know only this.
public protocol MapSource {
    /// Names of the images; each is looked at once.
    var images: [String] { get }
    /// What its maps are called, in the order of the table.
    var methods: [String] { get }
    /// What was left out, in words.
    var notes: [String] { get }
    /// Names what the records of a run depend on: of another model, data or options it is another.
    var fingerprint: String { get }
    func url(ofImage index: Int) -> URL
    /// The maps of one image. Called from several threads at once.
    func maps(ofImage index: Int, photo: Image) throws -> ImageMaps
}

/// One image's maps.
public struct ImageMaps {
    /// As the model takes it, `[1, H, W, 3]`.
    public var input: Tensor
    /// Where the maps lie in the image.
    public var placement: Placement
    /// What is drawn of them.
    var preparation = MapPreparation()
    /// The sum of the layer's activations, `[u, v]`.
    public var wordBlind: Tensor
    /// The encoder, for images that were changed: from `[N, H, W, 3]`, prepared, to `[N, u, v, K]`.
    public var features: (_ images: Tensor) -> Tensor = { $0 }
    public var targets: [MapTarget]

    /// The map as it is drawn, but for normalising and placing.
    func prepared(_ map: MapTarget.Map) -> PreparedMap { preparation(map.raw, isOfPixels: map.isOfPixels) }
}

/// One thing that is asked for in a image.
public struct MapTarget {
    public struct Map {
        /// One of the source's ``MapSource/methods``.
        public var method: String
        /// Which of the target's ``MapTarget/confidences`` it explains.
        public var score = 0
        /// What the records say about it, as the answer explained.
        public var fields: [String: RecordValue]
        /// `[u, v]`, raw and signed.
        public var raw: Tensor
        /// Whether its cells are pixels of the image as the model takes it.
        public var isOfPixels = false
    }

    /// The group whose figures it counts for; empty for none but the whole.
    public var kind: String
    /// Targets of one context, as words of one caption, should have maps that tell them apart.
    public var context: String
    /// What the records say about it, as the question.
    public var fields: [String: RecordValue]
    public var region: Region
    /// How sure the model is of what its maps explain, in other images; the references are held against the first.
    public var confidences: [Confidence] = []
    public var maps: [Map]
}
