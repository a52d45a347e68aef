import Foundation
import Support
import Tensors

/// All that a file of a training program holds: its tensors, and the plain values beside them.
///
/// ``WeightsFile`` takes one network's tensors out of a file. A captioner's file has more that matters: the vocabulary,
/// the program's options, the classes of its modules.
public struct CheckpointContents: Sendable {
    /// The tensors of real numbers, under their full names: the keys, positions and attributes on the way to them,
    /// joined with dots. In the file's own layouts.
    public let tensors: [String: Tensor]
    /// The file's outermost value.
    public let values: PlainValue
    /// The classes and functions that the file names and that have no meaning here. They were neither looked up nor
    /// called.
    public let notRun: [String]
    public let format: WeightsFile.Format
    /// Those of ``notRun`` that Python would call when it loads the file, rather than make an empty object of.
    public var called: [String] = []

    init(
        tensors: [String: Tensor], values: PlainValue, notRun: [String] = [], format: WeightsFile.Format = .pytorch
    ) {
        self.format = format
        self.tensors = tensors
        self.values = values
        self.notRun = notRun
    }

    /// Reads a file of any format that this module knows: PyTorch's (`torch.save`), a Python pickle, safetensors, NumPy's
    /// .npz and .npy of a dictionary, Caffe's .caffemodel, Torch7's .t7, TensorFlow's checkpoints, Keras's .h5 and .keras
    /// (whose tensors are called `LAYER.kernel` and so on, and whose value is the network's description).
    /// - Parameter isWanted: whether a tensor of this full name is read; the others are left out.
    /// - Throws: ``WeightsFileError``, ``CheckpointError`` or another reader's error, each naming the file.
    public init(_ url: URL, isWanted: (String) -> Bool = { _ in true }) throws {
        // Its path may have no file of its own.
        if TensorFlowCheckpoint.looksLike(url) {
            self = try TensorFlowCheckpoint(url).contents.of(.tensorflow, isWanted)
            return
        }
        let file = try WeightsFileError.naming(url) { try MappedFile(url) }
        if Torch7File.looksLike(file.bytes) {
            self = try Torch7File(file, at: url).contents.of(.torch7, isWanted)
        } else if NumPyObjects.looksLike(file.bytes) {
            self = try NumPyObjects(file, at: url).contents.of(.npy, isWanted)
        } else if try WeightsFileError.naming(url, { try KerasFile.looksLike(file) }) {
            self = CheckpointContents(try KerasFile(url)).of(.keras, isWanted)
        } else if try WeightsFileError.naming(url, { try WeightsFile.format(of: file) }) == .pytorch {
            self = try CheckpointContents(pickled: file, at: url, isWanted: isWanted)
        } else {
            let weights = try WeightsFile(url)
            let prefix = weights.choice.prefix
            self = CheckpointContents(
                tensors: Dictionary(uniqueKeysWithValues: weights.tensors.map { (prefix + $0.key, $0.value) }),
                values: .none
            ).of(weights.format, isWanted)
        }
    }

    /// The same file with its tensors under other names, or in other layouts.
    public func with(tensors: [String: Tensor]) -> CheckpointContents {
        CheckpointContents(tensors: tensors, values: values, notRun: notRun, format: format)
    }

    /// Keras's tensors as `LAYER.kernel`.
    public init(_ file: KerasFile) {
        var tensors: [String: Tensor] = [:]
        for layer in file.layers {
            for (name, tensor) in layer.weights { tensors["\(layer.name).\(name)"] = tensor }
        }
        self.init(tensors: tensors, values: file.configuration ?? .none, format: .keras)
    }

    private func of(_ format: WeightsFile.Format, _ isWanted: (String) -> Bool) -> CheckpointContents {
        CheckpointContents(
            tensors: tensors.filter { isWanted($0.key) }, values: values, notRun: notRun, format: format)
    }

    /// Reads a Python pickle whatever its first bytes are, such as a vocabulary's.
    /// - Throws: ``CheckpointError``.
    public init(pickle url: URL) throws {
        let file = try WeightsFileError.naming(url) { try MappedFile(url) }
        self = try CheckpointContents(pickled: file, at: url, isPickle: true) { _ in false }
    }
}
