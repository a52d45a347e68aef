import Drawing
import Foundation
import Support
import Tasks
import Vision

/// Everything about one explained photograph, as written beside its images and printed by `--json`: a header that all
/// tasks have, and the task's own body. In JSON the two are one object.
@dynamicMemberLookup
public struct Manifest<Body: ManifestBody>: Codable, Sendable {
    /// What the manifests of all tasks say.
    public var header: ManifestHeader
    /// What is the task's own.
    public var body: Body

    init(_ header: ManifestHeader, _ body: Body) {
        self.header = header
        self.body = body
    }

    /// Reads the header and the body from one object.
    /// - Throws: `DecodingError` for a manifest of another task.
    public init(from decoder: any Swift.Decoder) throws {
        header = try ManifestHeader(from: decoder)
        body = try Body(from: decoder)
    }

    /// Writes the header and the body into one object.
    public func encode(to encoder: any Swift.Encoder) throws {
        try header.encode(to: encoder)
        try body.encode(to: encoder)
    }

    /// A part of the header: `manifest.model` is `manifest.header.model`.
    public subscript<T>(dynamicMember path: KeyPath<ManifestHeader, T>) -> T { header[keyPath: path] }
    /// A part of the body: `manifest.caption` is `manifest.body.caption`.
    public subscript<T>(dynamicMember path: KeyPath<Body, T>) -> T { body[keyPath: path] }

    /// Every warning: the run's own, then those of what the body holds, in its order. One that both hold stands once.
    public var allWarnings: [String] { header.warnings + body.warnings.filter { !header.warnings.contains($0) } }

    /// Pretty-printed, keys sorted.
    public func json() throws -> String { try JSON.pretty(self) }

    /// Writes the manifest and notes its own name in it.
    /// - Throws: `AtomicFileError`.
    mutating func write(to url: URL) throws {
        header.manifest = url.lastPathComponent
        try AtomicFile.write(try JSON.file(self), to: url)
    }
}

/// The part of a manifest that is a task's own.
public protocol ManifestBody: Codable, Sendable {
    /// The warnings of what it holds, in its order.
    var warnings: [String] { get }
}

/// What the manifests of all tasks say.
public struct ManifestHeader: Codable, Sendable {
    /// "mmx" and its version.
    public var tool: String
    /// "captioning", "question-answering" or "classification".
    public var task: String
    /// The model that ran.
    public var model: ManifestModel
    /// The photograph that was explained.
    public var photo: ManifestPhoto
    /// How the photograph became the model's input.
    public var preprocessing: Preprocessing
    /// The layers that maps of cells lie over.
    public var layer: String
    /// Whether the maps show what speaks against the targets (`--counterfactual`).
    public var isCounterfactual: Bool
    /// What the targets were held against (`--finer`); nil where they were explained themselves.
    public var comparison: TargetComparison?
    /// How the maps were drawn.
    public var rendering: ManifestRendering
    /// How far the photograph is from those that the model was trained on; nil for a model without a calibration.
    public var trainingDistance: TrainingDistance?
    /// The name of the manifest's own file, where it was written. The other files lie beside it.
    public var manifest: String?
    /// Tells the request from others, in sixteen hexadecimal digits: photograph, model, targets and options. A run of
    /// the same request replaces the files of the run before; other requests have other files.
    public var request: String
    /// Warnings about the run as a whole; each question and each target has its own.
    public var warnings: [String]
}

/// The model of a run: where it lies and what it is made of.
public struct ManifestModel: Codable, Sendable {
    /// The folder's name.
    public var name: String
    /// The folder's absolute path.
    public var path: String
    /// SHA-256 of `model.safetensors`.
    public var sha256: String
    /// The encoder's name, as "vgg16".
    public var encoder: String
    /// The model whose encoder it is, where `model.safetensors` does not hold the encoder.
    public var sharedEncoder: SharedEncoder?
    /// Of a captioner.
    public var decoder: String?
    /// The VQA head, of a VQA model.
    public var answerer: String?
    /// How many classes a classifier knows.
    public var classes: Int?
}

/// The photograph of a run.
public struct ManifestPhoto: Codable, Sendable {
    /// The file's absolute path.
    public var path: String
    /// SHA-256 of the file.
    public var sha256: String
    /// In pixels, after the file's orientation is applied. All places in the manifest are in these pixels.
    public var width: Int
    /// In pixels, after the file's orientation is applied.
    public var height: Int
    /// The file's own width, where the photograph is so large that it was made smaller while it was read.
    public var fileWidth: Int?
    /// The file's own height, likewise.
    public var fileHeight: Int?

    /// Whether it has fewer pixels than a model can see much in: a side below 32.
    var isTiny: Bool { min(width, height) < 32 }

    /// nil for a photograph that is large enough.
    var sizeWarning: String? {
        isTiny ? "the photograph has only \(width)x\(height) pixels: what the model says of it may be made up" : nil
    }
}

/// How the maps were drawn.
public struct ManifestRendering: Codable, Sendable {
    /// Side of the square of cells over whose means maps of a layer's cells are drawn; the raw map is not smoothed.
    public var smoothing: Int
    /// Applied to them before they are drawn.
    public var normalisation: Normalisation
    /// How the map is brought to the photograph's size.
    public var resampling: String
    /// The colours.
    public var colorMap: ColorMap
    /// How much the colours cover the photograph, 0...1.
    public var opacity: Float
    /// Where the colours cover the photograph.
    public var blend: Blend
    /// Levels of the contour lines, parts of the drawn map's own maximum.
    public var contours: [Float]
    /// Which maps are divided by the same number: each map's `drawnMaximum`.
    public var scale: MapScale.Kind
    /// The part of the photograph that the model saw, in its pixels.
    public var seen: Rectangle
    /// Part of the drawn map's maximum above which boxes are found.
    public var boxThreshold: Float?
    /// The tool whose steps were taken (`--compat`).
    public var compatibility: Compatibility?
}
