import Foundation
import Support
import Tensors

/// A PyTorch checkpoint that cannot be read.
public typealias CheckpointError = FileError<PyTorchCheckpoint>

/// The tensors in a `.pth` or `.pt` file that `torch.save` wrote: the zip archive of PyTorch 1.6 and later, or the
/// older stream of pickles; and those in a pickle of a dictionary of PyTorch tensors or NumPy arrays (`pickle.dump`).
/// Nothing in the file is ever executed (see `PickleGlobal`).
///
/// Which tensors are read, and under which names:
/// - Where the file's dictionary holds no tensor itself but a dictionary under `state_dict`, `model_state_dict` or
///   `model` (the first of these keys, in this order), the inner dictionary is read instead, at any depth. Its
///   neighbours, such as an optimiser's state, are ignored.
/// - The names of nested dictionaries and the positions in lists are then joined with dots.
/// - Numbers, strings and None are ignored.
public struct PyTorchCheckpoint: Sendable {
    /// Tensors of float, half, bfloat16 and double elements, in PyTorch's layouts (convolutions are OIHW).
    public let tensors: [String: Tensor]
    /// The tensors that were left out: those of integers and booleans, such as `num_batches_tracked`.
    public let leftOut: [LeftOut]

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
        do {
            let file = try MappedFile(url)
            self = try withExtendedLifetime(file) { try PyTorchCheckpoint(file) }
        } catch let problem as FileProblem {
            throw CheckpointError(path: url.path, problem: problem.text)
        }
    }

    private init(_ file: MappedFile) throws {
        let contents: TorchContents
        switch file.bytes[0] {
        case UInt8(ascii: "P"): contents = try TorchContents(archive: file.bytes)
        case Opcode.proto.rawValue: contents = try TorchContents(pickles: file.bytes)
        default:
            throw FileProblem("is neither a zip archive nor a stream of pickles: torch.save did not write it")
        }
        var reader = TorchTensors(contents, file)
        var tensors: [String: Tensor] = [:]
        var leftOut: [LeftOut] = []
        for (name, value) in try contents.flattened() {
            if tensors[name] != nil { throw FileProblem("has two tensors of the name '\(name)'") }
            switch value {
            case .tensor(let index):
                let reference = contents.heap.tensors[index]
                if reference.storage.type.isReadable {
                    tensors[name] = try reader.tensor(reference, name)
                } else {
                    leftOut.append(LeftOut(name: name, type: reference.storage.type.rawValue, shape: reference.shape))
                }
            case .array(let index):
                guard let array = contents.heap.arrays[index] else {
                    throw FileProblem("has the array '\(name)' without contents")
                }
                if array.type.isReadable {
                    tensors[name] = try reader.tensor(array, name)
                } else {
                    leftOut.append(LeftOut(name: name, type: array.type.rawValue, shape: array.shape))
                }
            default: break
            }
        }
        if tensors.isEmpty { throw FileProblem("holds no tensor of real numbers") }
        self.tensors = tensors
        self.leftOut = leftOut.sorted { $0.name < $1.name }
    }
}

extension PyTorchCheckpoint: FileErrorSubject {
    public static let messageStart = "PyTorch checkpoint "
    public static let messageSeparator = " "
}
