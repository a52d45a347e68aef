import Foundation
import Support
import Tensors

/// One line of `results.jsonl`: what became of one photograph of a batch.
struct PhotoRecord<Columns: RecordColumns>: Encodable {
    /// The photograph's place among all, from 0; the maps' names begin with it.
    let index: Int
    /// The photograph's name as the command got it.
    let image: String
    var sha256: String?
    var width: Int?
    var height: Int?
    /// See ``TrainingDistance/distance``.
    var trainingDistance: Double?
    /// The archive with the photograph's raw maps; nil where there are none, or each has a file.
    var maps: String?
    /// The raw maps themselves, by name, where no folder takes them; nil elsewhere.
    var mapValues: [String: EncodedMaps]?
    var warnings: [String] = []
    /// Why there is no result; nil where there is one.
    var error: String?
    /// The kind of the error, one word.
    var errorKind: String?
    var columns = Columns()

    private enum CodingKeys: CodingKey {
        case index, image, sha256, width, height, trainingDistance, maps, mapValues, warnings, error, errorKind
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(index, forKey: .index)
        try values.encode(image, forKey: .image)
        try values.encode(sha256, forKey: .sha256)
        try values.encode(width, forKey: .width)
        try values.encode(height, forKey: .height)
        try values.encode(trainingDistance, forKey: .trainingDistance)
        try values.encode(maps, forKey: .maps)
        try values.encode(mapValues, forKey: .mapValues)
        try values.encode(warnings, forKey: .warnings)
        try values.encode(error, forKey: .error)
        try values.encode(errorKind, forKey: .errorKind)
        try columns.encode(to: encoder)
    }
}

/// Raw maps in a line of text.
struct EncodedMaps: Encodable {
    /// `[targets, u, v]`.
    let shape: [Int]
    /// Little-endian 32-bit floats in base64.
    let float32: String

    init(_ maps: Tensor) {
        shape = maps.shape
        float32 = maps.array.withUnsafeBytes { Data($0) }.base64EncodedString()
    }
}
