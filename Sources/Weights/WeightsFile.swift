import Foundation
import Support
import Tensors

/// A file of weights in an unknown format, or a damaged one.
public typealias WeightsFileError = FileError<WeightsFile>

/// The named tensors of a file, whatever program wrote it. The file's first bytes decide the format, not its name.
public struct WeightsFile: Sendable {
    public enum Format: String, Codable, Sendable {
        /// One file, or the index of several (`model.safetensors.index.json`).
        case safetensors
        /// `torch.save`, or a pickle of PyTorch tensors or NumPy arrays.
        case pytorch
        /// `numpy.savez`.
        case npz
        case caffe
        /// Formats of captioners and VQA models, which ``CheckpointContents`` reads: Keras's .h5 and .keras, Torch7's .t7,
        /// TensorFlow's checkpoints, and NumPy's .npy of a dictionary.
        case keras, torch7, tensorflow, npy
    }

    public let format: Format
    /// In the file's own layouts, under its names without the prefix that was removed (``TensorChoice/prefix``).
    public let tensors: [String: Tensor]
    /// Names of tensors that were left out because they hold no real numbers (counters, masks), and the keys of what is
    /// beside the network's tensors (an optimiser's state).
    public let leftOut: [String]
    /// The classes and functions that a pickle names and that have no meaning here: they were neither looked up nor
    /// called.
    public let notRun: [String]
    /// The files that an index names, sorted; empty for a file of its own.
    public let shards: [URL]
    /// Which of the file's tensors were taken.
    public let choice: TensorChoice

    /// Reads the file at `url`. Tensors borrow the mapped file where they can.
    /// - Parameters:
    ///   - names: the names of the tensors of the network that the file should be of; see ``TensorChoice``.
    ///   - key: only the tensors under this key, or whose names have this prefix ("model_ema").
    /// - Throws: ``WeightsFileError``, ``CheckpointError``, ``SafeTensorsError`` or ``NumPyArrayError``, each naming
    /// the file.
    public init(_ url: URL, for names: Set<String> = [], key: String? = nil) throws {
        let wanted = WantedTensors(names: names, key: key)
        let file = try WeightsFileError.naming(url) { try MappedFile(url) }
        let index = try WeightsFileError.naming(url) { try ShardIndex(file) }
        format = try index == nil ? WeightsFileError.naming(url) { try Self.format(of: file) } : .safetensors
        if format == .pytorch {
            let checkpoint = try PyTorchCheckpoint(file, at: url, wanted: wanted)
            tensors = checkpoint.tensors
            choice = checkpoint.choice
            leftOut = checkpoint.leftOut.map(\.name) + choice.outside
            notRun = checkpoint.notRun
            shards = []
            return
        }
        let all: [String: Tensor]
        var leftOut: [String] = []
        switch format {
        case .safetensors:
            if let index {
                (all, leftOut) = try index.read(url)
            } else {
                (all, leftOut) = try SafeTensors.realNumbers(file, at: url)
            }
        case .npz: all = try NumPyArray.readArchive(file, at: url)
        default: all = try CaffeModel.read(file, at: url)
        }
        if all.isEmpty { throw WeightsFileError(path: url.path, problem: "holds no tensor of real numbers") }
        (choice, tensors) = try WeightsFileError.naming(url) {
            let choice = try TensorChoice(names: all.keys.sorted(), dictionaries: [], wanted: wanted)
            var tensors: [String: Tensor] = [:]
            for (full, tensor) in all {
                guard let name = choice.name(full) else { continue }
                if tensors.updateValue(tensor, forKey: name) != nil {
                    throw FileProblem("has two tensors of the name '\(name)', with and without '\(choice.prefix)'")
                }
            }
            return (choice, tensors)
        }
        self.leftOut = leftOut + choice.outside
        notRun = []
        shards = (index?.shards ?? []).map { url.deletingLastPathComponent().appendingPathComponent($0) }
    }

    private static func keras(_ kind: String) -> FileProblem {
        FileProblem(
            "is \(kind), whose tensors alone are not read: import a captioner with "
                + "`mmx model import FILE --vocabulary tokenizer.pkl`; save other networks as safetensors or .npz")
    }

    static func format(of file: MappedFile) throws -> Format {
        let bytes = file.bytes
        func begins(_ text: String) -> Bool { bytes.starts(with: text.utf8) }
        if begins("PK") {
            let archive = try ZipArchive(file)
            if archive.contains("model.weights.h5") { throw keras("a Keras file (.keras)") }
            return !archive.names.isEmpty && archive.names.allSatisfy { $0.hasSuffix(".npy") } ? .npz : .pytorch
        }
        // Before pickles: the length of a header may begin like one.
        if bytes.count > 8, bytes[8] == UInt8(ascii: "{"), bytes[4..<8].allSatisfy({ $0 == 0 }) { return .safetensors }
        if TorchContents.looksLikePickle(bytes) { return .pytorch }
        if begins("version https://git-lfs") {
            throw FileProblem(
                "is a Git LFS pointer, a text that stands for the file: fetch the file itself (git lfs pull)")
        }
        if begins("<") { throw FileProblem("is a web page, not a file of weights: download the file itself") }
        if bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) {
            throw keras("an HDF5 (Keras) file")
        }
        if CaffeModel.looksLike(bytes) { return .caffe }
        throw FileProblem(
            "is in none of the formats that can be read: PyTorch's .pth, safetensors, NumPy's .npz, "
                + "a pickle of arrays or tensors, Caffe's .caffemodel")
    }
}

extension WeightsFile: FileErrorSubject {
    public static let messageStart = "weights file "
    public static let messageSeparator = " "
}
