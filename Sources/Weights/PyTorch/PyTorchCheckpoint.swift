import Foundation
import Support
import Tensors

/// A PyTorch checkpoint that cannot be read.
public typealias CheckpointError = FileError<PyTorchCheckpoint>

/// The tensors in a `.pth` or `.pt` file that `torch.save` wrote: the zip archive of PyTorch 1.6 and later, or the
/// older stream of pickles; and those in a pickle of a dictionary of PyTorch tensors or NumPy arrays (`pickle.dump`).
/// Nothing in the file is ever executed (see `PickleGlobal`): objects of whatever class are records of their fields, and
/// the tensors of a pickled module are read under the names that its `state_dict()` has.
///
/// Which tensors are read, and under which names:
/// - The keys of nested dictionaries and the positions in lists are joined with dots: `state_dict.conv1.weight`.
/// - One dictionary is read (see ``TensorChoice``): the one where the most of the names that the caller asks for are
///   found, at any depth, or without names, the one under `state_dict`, `model` and the like. Its key is left out of
///   the names, and so is a prefix before the caller's names that all its tensors have (`module.`).
/// - Numbers, strings and None are ignored.
public struct PyTorchCheckpoint: Sendable {
    /// Tensors of float, half, bfloat16 and double elements, in PyTorch's layouts (convolutions are OIHW).
    public let tensors: [String: Tensor]
    /// The tensors of the dictionary that were left out: those of integers and booleans, such as `num_batches_tracked`.
    public let leftOut: [LeftOut]
    /// The classes and functions that the file names and that have no meaning here. They were neither looked up nor
    /// called, and what Python would make with them was passed over.
    public let notRun: [String]
    /// Which of the file's tensors were taken.
    public let choice: TensorChoice

    /// A tensor that holds no real numbers.
    public struct LeftOut: Sendable, Equatable {
        public let name: String
        /// The element type, as safetensors names it: `I64`, `BOOL`...
        public let type: String
        public let shape: [Int]
    }

    /// The tensors of the file at `url`; see ``PyTorchCheckpoint`` for their names.
    /// - Throws: ``CheckpointError``.
    public static func read(_ url: URL) throws -> [String: Tensor] { try PyTorchCheckpoint(url).tensors }

    /// Reads the file at `url`. Contiguous F32 tensors borrow the mapped file where it is aligned; half and bfloat16
    /// are widened, double is rounded to floats.
    /// - Throws: ``CheckpointError``.
    public init(_ url: URL) throws {
        try self.init(CheckpointError.naming(url) { try MappedFile(url) }, at: url, wanted: WantedTensors())
    }

    /// The same of a file that is mapped already.
    init(_ file: MappedFile, at url: URL, wanted: WantedTensors) throws {
        self = try CheckpointError.naming(url) { try Self(file, wanted: wanted) }
    }

    private init(_ file: MappedFile, wanted: WantedTensors) throws {
        let contents = try TorchContents(file)
        let items = try contents.items()
        notRun = contents.heap.unknown
        if !items.tensors.contains(where: \.isReadable) {
            if notRun.contains("torch._utils._rebuild_tensor_v3") {
                throw FileProblem(
                    "holds tensors of a type that is not read (8-bit floats or unsigned integers); save them as float32 "
                        + "or float16")
            }
            let objects = notRun.isEmpty ? "" : ", and none in its objects (\(TensorChoice.list(notRun)))"
            throw FileProblem("holds no tensor of real numbers\(objects)")
        }
        choice = try TensorChoice(
            names: items.tensors.lazy.filter(\.isReadable).map(\.name), dictionaries: items.dictionaries, wanted: wanted
        )
        var reader = TorchTensors(contents)
        var tensors: [String: Tensor] = [:]
        var leftOut: [LeftOut] = []
        for item in items.tensors {
            guard let name = choice.name(item.name) else { continue }
            if !item.isReadable {
                leftOut.append(LeftOut(name: name, type: item.type, shape: item.shape))
                continue
            }
            if tensors[name] != nil { throw FileProblem("has two tensors of the name '\(name)'") }
            switch item.value {
            case .tensor(let index): tensors[name] = try reader.tensor(contents.heap.tensors[index], name)
            case .array(let index): tensors[name] = try contents.heap.arrays[index].map { try reader.tensor($0, name) }
            default: break
            }
        }
        reader.discardCopied()
        self.tensors = tensors
        self.leftOut = leftOut.sorted { $0.name < $1.name }
    }
}

extension PyTorchCheckpoint: FileErrorSubject {
    public static let messageStart = "PyTorch checkpoint "
    public static let messageSeparator = " "
}
