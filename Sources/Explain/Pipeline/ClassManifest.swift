import Foundation
import Support
import Vision

/// Everything about one photograph's classification, as written beside its pictures and printed by `--json`.
public struct ClassManifest: Codable, Sendable {
    public struct Model: Codable, Sendable {
        public var name: String
        public var path: String
        /// SHA-256 of `model.safetensors`.
        public var sha256: String
        public var encoder: String
        /// How many classes it knows.
        public var classes: Int
    }

    public struct Class: Codable, Sendable {
        /// From 0, in the order of the logits.
        public var index: Int
        /// All its names.
        public var name: String
        /// Before the softmax.
        public var logit: Float
        public var probability: Float
    }

    public struct Score: Codable, Sendable {
        public var name: String
        /// The class's index, from 0.
        public var index: Int
        /// Index of the class that it is held against (`--contrast`).
        public var against: Int?
        /// logit(index), less logit(against) where there is one.
        public var value: Float
        /// How many classes are likelier than this one, plus 1.
        public var rank: Int
        public var probability: Float
        public var method: String
        /// The layers whose cells the map has, or "pixels".
        public var place: String
        public var map: ManifestParts.Map
        public var files: ManifestParts.Files
        public var warnings: [String]
    }

    public var tool: String
    public var task: String
    public var model: Model
    public var photo: ManifestParts.Photo
    public var preprocessing: Preprocessing
    /// The likeliest first.
    public var classes: [Class]
    public var layer: String
    /// Whether the maps show what speaks against the scores (`--counterfactual`).
    public var isCounterfactual: Bool
    public var scores: [Score]
    public var rendering: ManifestParts.Rendering
    /// The sheet of methods x classes (`--sheet`).
    public var methodSheet: String?
    public var manifest: String?

    /// Pretty-printed, keys sorted.
    public func json() throws -> String {
        try JSON.pretty(self)
    }
}
