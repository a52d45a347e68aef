import Foundation
import Support
import Tensors

/// A Keras file that cannot be read.
public typealias KerasFileError = FileError<KerasFile>

/// The weights of a model by Keras 2 or 3, and its description where the file has one:
///
/// - `model.save("x.h5")`, a whole model;
/// - `model.save_weights("x.h5")` of Keras 2, the weights alone;
/// - `model.save("x.keras")`, a whole model in a zip archive;
/// - `model.save_weights("x.weights.h5")` of Keras 3, the weights alone.
///
/// Nothing in the file is run: layers of functions (`Lambda`) are names without weights here.
public struct KerasFile: Sendable {
    /// One layer. Those of a model within the model are listed in its place.
    public struct Layer: Sendable {
        /// As the model's description has it ("dense_1"). Without a description, and in files of Keras 3 that do not
        /// say the layers' names, their group's name.
        public let name: String
        /// "Dense", "LSTM"; nil where the file does not say.
        public let className: String?
        /// The layer's tensors of real numbers in the file's order and layout (a dense layer's kernel is [in, out], a
        /// convolution's [height, width, in, out], an LSTM's [in, 4 x units] with the gates i, f, c, o).
        ///
        /// Names are without the layer's name, its cell's name and `:0`: `kernel`, `bias`, `embeddings`,
        /// `recurrent_kernel`, `gamma`, `beta`, `moving_mean`, `moving_variance`, `depthwise_kernel` (also of
        /// `DepthwiseConv2D`, where its class is known), `pointwise_kernel`. A layer of several parts
        /// (`Bidirectional`) has the part's name in front: `forward_layer/kernel`. Weights that a file numbers, of a
        /// class that is not known here, are called by their numbers.
        public internal(set) var weights: [(name: String, tensor: Tensor)]

        /// The tensor of this name; nil where the layer has none.
        public subscript(name: String) -> Tensor? { weights.first { $0.name == name }?.tensor }
    }

    /// The model's description, as its `get_config` gave it under `class_name` and `config`; nil where the file has
    /// none. Its dictionaries have the file's order.
    public let configuration: PlainValue?
    /// The version of the Keras that wrote the file; nil where it does not say.
    public let kerasVersion: String?
    /// In the model's order where there is a description or a list of layers, otherwise in the file's.
    public let layers: [Layer]

    /// Reads the file at `url`. Tensors borrow the mapped file where they can.
    /// - Throws: ``KerasFileError``.
    public init(_ url: URL) throws {
        self = try KerasFileError.naming(url) { try KerasFile(MappedFile(url)) }
    }

    /// Whether a file is of Keras's formats, to go by its first bytes and a zip archive's members.
    static func looksLike(_ file: MappedFile) throws -> Bool {
        if HDF5File.looksLike(file.bytes) { return true }
        return file.bytes.starts(with: "PK".utf8) ? try ZipArchive(file).contains("model.weights.h5") : false
    }

    private init(_ file: MappedFile) throws {
        if file.bytes.starts(with: "PK".utf8) {
            let archive = try ZipArchive(file)
            guard let weights = try archive.contents("model.weights.h5") else {
                throw FileProblem(
                    "is a zip archive without model.weights.h5, which .keras files have (weights in several files are "
                        + "not read): save the model with model.save(\"model.keras\")")
            }
            guard let text = try archive.contents("config.json") else {
                throw FileProblem("is a zip archive without config.json, which .keras files have")
            }
            let configuration = try JSONScanner.plainValue(text, file.budget, of: "config.json")
            let metadata = try archive.contents("metadata.json").map {
                try JSONScanner.plainValue($0, file.budget, of: "metadata.json")
            }
            self.configuration = configuration
            kerasVersion = metadata?["keras_version"]?.text
            let hdf5: HDF5File
            do { hdf5 = try HDF5File(weights, file: file) } catch let problem as FileProblem {
                throw FileProblem("has the member model.weights.h5, which \(problem.text)")
            }
            layers = try KerasNumberedLayers(hdf5, file.budget).layers(
                KerasDescription.layers(of: configuration, file.budget))
            return
        }
        guard HDF5File.looksLike(file.bytes) else {
            throw FileProblem("is no Keras file: it begins neither as HDF5 files (.h5) do nor as .keras files do")
        }
        let hdf5 = try HDF5File(file.bytes, file: file)
        let root = hdf5.group("")?.attributes
        let top = hdf5.group("model_weights") == nil ? "" : "model_weights"
        let group = hdf5.group(top)?.attributes
        kerasVersion = (root?["keras_version"] ?? group?["keras_version"])?.text
        configuration = try root?["model_config"]?.text.map { text in
            var text = text
            return try text.withUTF8 {
                try JSONScanner.plainValue(UnsafeRawBufferPointer($0), file.budget, of: "model_config")
            }
        }
        let described = try configuration.map { try KerasDescription.layers(of: $0, file.budget) }
        if KerasNamedLayers.isFormat(of: group) {
            layers = try KerasNamedLayers(hdf5, top: top, file.budget).layers(described)
        } else {
            layers = try KerasNumberedLayers(hdf5, file.budget).layers(described)
        }
    }
}

extension KerasFile: FileErrorSubject {
    public static let messageStart = "Keras file "
    public static let messageSeparator = " "
}
