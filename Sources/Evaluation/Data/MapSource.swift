import Drawing
import Foundation
import Tensors
import Vision

/// Images, the targets in them, and the maps of the targets.
///
/// Questions about images are one source, and the words of captions are another. The metrics and the references know
/// only this protocol.
public protocol MapSource {
    /// The names of the images. Each is measured once.
    var images: [String] { get }
    /// The names of the methods, in the order of the table.
    var methods: [String] { get }
    /// Messages about questions or phrases that were left out.
    var notes: [String] { get }
    /// A hash of all that the records of a run depend on: the model, the data and the options.
    var fingerprint: String { get }
    /// The file of an image.
    func url(ofImage index: Int) -> URL
    /// The maps of one image. Several threads call it at once.
    /// - Parameters:
    ///   - index: in ``images``.
    ///   - photo: the content of the image's file.
    /// - Throws: the errors of the model and of the data.
    func maps(ofImage index: Int, photo: Image) throws -> ImageMaps
}

/// The maps of one image.
public struct ImageMaps {
    /// The preprocessed image, `[1, H, W, 3]`.
    public var input: Tensor
    /// The position of the model's input in the photograph.
    public var placement: Placement
    /// The smoothing and clipping of the maps before they are drawn or measured.
    public var preparation = MapPreparation()
    /// The sum of the layer's activations over its channels, `[u, v]`.
    public var wordBlind: Tensor
    /// The encoder, for changed images: from preprocessed images `[N, H, W, 3]` to feature maps `[N, u, v, K]`.
    public var features: (_ images: Tensor) -> Tensor = { $0 }
    /// The same targets' maps of another preprocessed image, `[1, H, W, 3]`; nil for a source that has no model.
    public var remade: ((_ input: Tensor) throws -> ImageMaps)?
    /// The caption that the model writes, with the maps of its object words; nil where it is not measured.
    var ownCaption: OwnCaption?
    /// The targets with their maps.
    public var targets: [MapTarget]

    public init(
        input: Tensor, placement: Placement, preparation: MapPreparation = MapPreparation(), wordBlind: Tensor,
        features: @escaping (_ images: Tensor) -> Tensor = { $0 }, targets: [MapTarget]
    ) {
        self.input = input
        self.placement = placement
        self.preparation = preparation
        self.wordBlind = wordBlind
        self.features = features
        self.targets = targets
    }

    /// The same maps of the targets at `indices` alone.
    func taking(_ indices: [Int]) -> ImageMaps {
        var taken = self
        taken.targets = indices.map { targets[$0] }
        taken.remade = remade.map { remade in { try remade($0).taking(indices) } }
        return taken
    }

    /// The smoothed and clipped map. It is not normalised and not placed over the image yet. Another tool's map stays
    /// as the tool made it.
    func prepared(_ map: MapTarget.Map) -> PreparedMap {
        map.coversPhotograph ? PreparedMap(values: map.raw) : preparation(map.raw, isOfPixels: map.isOfPixels)
    }

    /// The part of the photograph that a map lies over.
    func placement(of map: MapTarget.Map) -> Placement {
        guard map.coversPhotograph else { return placement }
        let (width, height) = (placement.originalWidth, placement.originalHeight)
        return Placement(
            originalWidth: width, originalHeight: height, modelWidth: width, modelHeight: height,
            rectangle: Rectangle(x0: 0, y0: 0, x1: Double(width), y1: Double(height)))
    }
}

/// One target in an image, with its region and its maps.
public struct MapTarget {
    /// A map of the target.
    public struct Map {
        /// The method's name, one of ``MapSource/methods``.
        public var method: String
        /// The index in ``MapTarget/confidences`` of the confidence that the map explains.
        public var score = 0
        /// Fields of the map's record, for example the answer that is explained.
        public var fields: [String: RecordValue]
        /// The raw signed map, `[u, v]`.
        public var raw: Tensor
        /// Whether the map's cells are pixels of the preprocessed image, not cells of a layer.
        public var isOfPixels = false
        /// Whether the map covers the whole photograph, not only what the model sees of it: another tool's map.
        public var coversPhotograph = false

        public init(
            method: String, score: Int = 0, fields: [String: RecordValue] = [:], raw: Tensor, isOfPixels: Bool = false,
            coversPhotograph: Bool = false
        ) {
            self.method = method
            self.score = score
            self.fields = fields
            self.raw = raw
            self.isOfPixels = isOfPixels
            self.coversPhotograph = coversPhotograph
        }
    }

    /// The kind of the target, which groups the figures. It may be empty.
    public var kind: String
    /// Names what the target shares with others, for example its caption. Maps of targets with the same context are
    /// compared with each other.
    public var context: String
    /// Fields of the target's records, for example the question.
    public var fields: [String: RecordValue]
    /// Where the maps should be.
    public var region: Region
    /// The model's confidence in what the maps explain, for changed images. The references are measured with the first.
    public var confidences: [Confidence] = []
    /// At most one map for each of ``MapSource/methods``.
    public var maps: [Map]

    public init(
        kind: String = "", context: String = "", fields: [String: RecordValue] = [:], region: Region,
        confidences: [Confidence] = [], maps: [Map]
    ) {
        self.kind = kind
        self.context = context
        self.fields = fields
        self.region = region
        self.confidences = confidences
        self.maps = maps
    }
}
