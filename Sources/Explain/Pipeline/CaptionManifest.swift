import Foundation
import Language
import Vision

/// Everything about one explained caption, as written beside its pictures and printed by `--json`.
public struct CaptionManifest: Codable, Sendable {
    public struct Model: Codable, Sendable {
        public var name: String
        public var path: String
        /// SHA-256 of `model.safetensors`.
        public var sha256: String
        public var encoder: String
        public var decoder: String
    }

    public struct Photo: Codable, Sendable {
        public var path: String
        /// SHA-256 of the file.
        public var sha256: String
        public var width: Int
        public var height: Int
    }

    public struct Word: Codable, Sendable {
        public var word: String
        /// log p of the word given those before it and the picture.
        public var logProbability: Float
        public var probability: Float
    }

    public struct Map: Codable, Sendable {
        /// Rows and columns of the raw map.
        public var shape: [Int]
        public var minimum: Float
        public var maximum: Float
        /// The sum of the positive values.
        public var positiveMass: Float
        /// The positive values' part of the sum of all magnitudes.
        public var positiveShare: Float
        /// Centre of the cell with the largest value, in pixels of the photograph; nil when no value is positive.
        public var peak: Point?
    }

    public struct Point: Codable, Sendable {
        public var x: Double
        public var y: Double
    }

    public struct Score: Codable, Sendable {
        public var name: String
        /// Positions in the caption, from 0; the caption's end comes after its last word.
        public var positions: [Int]
        public var inCaption: Bool
        /// The score's value.
        public var logProbability: Float
        public var map: Map
        public var files: Files
        public var warnings: [String]
    }

    public struct Files: Codable, Sendable {
        public var overlay: String?
        public var heatMap: String?
        /// The raw signed map, NumPy `.npy`.
        public var rawMap: String?
    }

    public struct Rendering: Codable, Sendable {
        /// Applied to the raw map before it is drawn; the raw map itself is untouched.
        public var normalisation: Normalisation
        /// How the map is brought to the photograph's size.
        public var resampling: String
        public var colorMap: ColorMap
        public var opacity: Float
        /// The part of the photograph that the model saw, in its pixels.
        public var seen: Rectangle
    }

    public var tool: String
    public var task: String
    public var model: Model
    public var photo: Photo
    public var preprocessing: Preprocessing
    public var caption: String
    public var captionGivenByUser: Bool
    public var search: SearchOptions?
    public var words: [Word]
    public var endLogProbability: Float
    public var method: String
    public var layer: String
    public var scores: [Score]
    public var rendering: Rendering
    public var sheet: String?
    public var manifest: String?
    public var warnings: [String]

    /// Pretty-printed, keys sorted.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

/// Words as a sentence: parts of contractions go back to their word.
public func sentence(_ words: [String]) -> String {
    words.reduce("") { text, word in
        text.isEmpty || word.hasPrefix("'") || word == "n't" ? text + word : text + " " + word
    }
}
